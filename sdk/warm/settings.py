"""What a warm worker keeps ready, and for how long.

Read once, from the worker's own environment, when it starts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Literal

from sdk.errors import ConfigurationError

Start = Literal["fork", "spawn"]
PREFIX = "DATAWEAVE_WARM_"


@dataclass(frozen=True, slots=True)
class WarmSettings:
    """Limits of a worker's warm interpreters; each is ``DATAWEAVE_WARM_<NAME>``.

    Attributes:
        start: ``fork``: one template for each environment, which forks; ``spawn``: interpreters
            that are started ahead, each for one run.
        spares: processes that wait for a run, for each environment.
        environments: environments that are kept warm at once; another run starts the stock way.
        poll: seconds between looks for runs, within Prefect's PREFECT_WORKER_QUERY_SECONDS.
        max_age: seconds after which a template is replaced.
        max_runs: runs after which it is.
        max_memory: resident megabytes (10^6) above which it is.
        patience: seconds for which a run is waited for to start before it starts the stock way.
    """

    start: Start = "fork"
    spares: int = 2
    environments: int = 3
    poll: float = 0.4
    max_age: float = 3600.0
    max_runs: int = 1000
    max_memory: float = 1000.0
    patience: float = 30.0

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> WarmSettings:
        """Return the settings of an environment.

        Raises:
            ConfigurationError: a value is none; the message names it.
        """
        given: dict[str, object] = {}
        for field in fields(cls):
            text = environ.get(PREFIX + field.name.upper())
            if text is None:
                continue
            if field.name == "start":
                if text not in ("fork", "spawn"):
                    raise ConfigurationError(f"{PREFIX}START is {text!r}", "Say fork or spawn.")
                given["start"] = text
                continue
            whole = isinstance(field.default, int)
            try:
                value = int(text) if whole else float(text)
            except ValueError:
                value = -1
            least = 0 if field.name == "spares" else 1 if whole else 0.05
            if not least <= value < float("inf"):
                what = "a whole number" if whole else "a number"
                raise ConfigurationError(
                    f"{PREFIX}{field.name.upper()} is {text!r}", f"Give {what} from {least:g}."
                )
            given[field.name] = value
        return cls(**given)  # type: ignore[arg-type]
