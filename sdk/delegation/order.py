"""An order: which step is to run elsewhere, with what, for which run; and the note of its end.

The order is the parameters of the child's run. The note is a file under the storage root, written
by the child when the step ended: its result as a reference, or its error as the parent is to raise
it. The state of a Prefect run says neither.
"""

from __future__ import annotations

import json
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from sdk.delegation.encoding import decode, encode
from sdk.digest import text_hash
from sdk.errors import ConfigurationError, Permanent, PlatformError, Transient, classify
from sdk.run import Run
from sdk.storage import Storage

FOLDER = "_elsewhere"
LOADERS = frozenset({"__main__", "__prefect_loader__", "delegated"})
"""What Python calls a module that was loaded from its file."""


class Order(BaseModel):
    """What a child run is to do.

    Attributes:
        step: ``module:name`` or ``file.py:name`` of the step.
        arguments: by name, encoded.
        run: the parent's, in whose ledger the step's record goes.
        key: of the child: the same order of the same run is one child, however often it is given.
    """

    model_config = ConfigDict(frozen=True)

    step: str
    arguments: dict[str, Any]
    run: Run
    key: str

    @classmethod
    def of(cls, step: Any, arguments: dict[str, Any], run: Run) -> Order:
        """Return the order for a step.

        Raises:
            ConfigurationError: another process cannot find the step, or its arguments cannot
                be sent.
        """
        name = _name(step)
        _loaded(name)
        encoded = {key: encode(value, f"{name}, {key}") for key, value in arguments.items()}
        said = json.dumps(encoded, sort_keys=True)
        # A later attempt of the parent, or its next process, gives the same order again.
        key = f"{run.run_id}/{name}/{text_hash(said)[:16]}"
        return cls(step=name, arguments=encoded, run=run, key=key)

    @property
    def note(self) -> str:
        """Where its end is noted."""
        return f"{FOLDER}/{self.run.root_id}/{text_hash(self.key)[:24]}.json"

    def load(self) -> Any:
        """Return the step."""
        return _loaded(self.step)

    def decoded(self) -> dict[str, Any]:
        """Return its arguments."""
        return {name: decode(value) for name, value in self.arguments.items()}


def note_result(root: Storage, order: Order, value: Any) -> None:
    """Note what a step returned."""
    root.put(order.note, json.dumps({"value": encode(value, f"result of {order.step}")}).encode())


def note_error(root: Storage, order: Order, error: Exception) -> None:
    """Note what a step failed of; how it is classified travels with it."""
    kind = "transient" if classify(error) == "transient" else "permanent"
    is_ours = isinstance(error, PlatformError)
    problem = error.problem if isinstance(error, PlatformError) else f"{_class(error)}: {error}"
    action = error.action if is_ours else ""  # type: ignore[attr-defined]
    said = {"error": {"kind": kind, "problem": problem, "action": action}}
    root.put(order.note, json.dumps(said).encode())


def noted(root: Storage, order: Order) -> Any:
    """Return what was noted.

    Raises:
        Permanent, Transient: the step's error; or nothing was noted, or nothing readable.
    """
    try:
        found = json.loads(root.read(order.note))
        error = found.get("error")
        if error is None:
            return decode(found["value"])
        make = Transient if error["kind"] == "transient" else Permanent
    except (FileNotFoundError, ValueError, KeyError, AttributeError) as problem:
        raise Transient(
            f"step {order.step}: its run ended and left no result",
            "See the log of its run.",
        ) from problem
    raise make(error["problem"], error["action"])


def _name(step: Any) -> str:
    """Return by what another process finds a step: ``module:name`` or ``file.py:name``."""
    function = getattr(step, "fn", step)
    function = getattr(function, "function", function)
    where = function.__module__
    if where in LOADERS:  # the file of a deployment's entrypoint is no module of its own name
        path = Path(function.__code__.co_filename).resolve()
        code = Path.cwd()
        where = str(path.relative_to(code)) if path.is_relative_to(code) else str(path)
    return f"{where}:{function.__qualname__}"


def _loaded(name: str) -> Any:
    where, _, attribute = name.rpartition(":")
    try:
        module = _module_of(where) if where.endswith(".py") else import_module(where)
        return getattr(module, attribute)
    except (ImportError, AttributeError, OSError) as error:
        raise ConfigurationError(
            f"step {name} cannot be imported by its name",
            "Steps that run elsewhere stand at the top of a module of the project.",
        ) from error


def _module_of(path: str) -> Any:
    spec = spec_from_file_location("delegated", path)
    if spec is None or spec.loader is None:
        raise ImportError(path)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _class(error: Exception) -> str:
    return type(error).__name__
