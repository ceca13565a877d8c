"""Which warm interpreter a run may start from: one that is what its own Python would have been.

A run starts from an interpreter with the same executable, the same module, the same working folder
(where one is given) and the same environment to the letter, but for the run's id: modules read the
environment when they are imported, so that another one would make other modules. What is not
certain to come to the same starts the stock way.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

RUN_ID = "PREFECT__FLOW_RUN_ID"

ENGINE = (
    "prefect",
    "prefect.engine",
    "prefect.collections",  # no module: what Prefect's entry points name
    "prefect.client.orchestration",
    "prefect.deployments.deployments",
    "prefect.deployments.steps",
    "prefect.deployments.steps.core",
    "prefect.deployments.steps.pull",
    "prefect.filesystems",
    "prefect.task_runners",
    "prefect.logging.handlers",
    "prefect.events.clients",
    "prefect.events.worker",
    "prefect.concurrency.asyncio",
    "anyio._backends._asyncio",
    "concurrent.futures.thread",
)
MODULES: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "prefect.engine": (ENGINE, ()),
    "sdk.running": (
        ENGINE,
        (
            "sdk.running.__main__",
            "sdk.prefect2_engine",
            "sdk.running.gate",
            "sdk.api",
            "sdk.storage",
        ),
    ),
}
"""Commands ``python -m …`` that are kept warm: what they import, and what may start threads."""


@dataclass(frozen=True)
class Recipe:
    """What a warm interpreter is made from; equal ones may stand in for each other.

    Attributes:
        python: the executable.
        module: is run as ``python -m`` does.
        cwd: the working folder that the pool gives; None for a new one for each run.
        env: the whole environment, without the run's id; never shown.
    """

    python: str
    module: str
    cwd: str | None
    env: frozenset[tuple[str, str]] = field(repr=False)

    @classmethod
    def of(
        cls, command: str, env: Mapping[str, str], cwd: Path | None, python: str | None = None
    ) -> Recipe | None:
        """Return the recipe of a run; None if it can only start the stock way.

        Args:
            command: of the job.
            env: of the job, complete.
            cwd: the working folder, where the pool gives one.
            python: executable in the place of the command's.
        """
        words = command.split()
        if len(words) != 3 or words[1] != "-m" or words[2] not in MODULES:
            return None
        found = shutil.which(python or words[0], path=env.get("PATH"))
        if found is None or not Path(found).is_absolute():
            return None
        if any(not part.startswith("/") for part in env.get("PYTHONPATH", "/").split(":")):
            return None  # it means another folder in each working folder
        if cwd is not None and not cwd.is_dir():
            return None
        kept = frozenset((name, value) for name, value in env.items() if name != RUN_ID)
        return cls(found, words[2], None if cwd is None else str(cwd.absolute()), kept)
