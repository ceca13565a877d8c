"""What a version declares: its deployments, read and checked by its own code.

A version is asked by its own interpreter, in its own folder (`python -m sdk.declared`): only that
knows whether an entrypoint is there and what its flow takes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter

from infra.release.store import ReleaseProblemError, Store, put

LONGEST: Final = 600.0
"""Seconds to import every flow of a version."""


@dataclass(frozen=True, slots=True)
class Declared:
    """A deployment as a version declares it.

    Attributes:
        name: of the deployment.
        flow: of its flow.
        entrypoint: ``file.py:function``.
        queue: of the pool, without a colour.
        parameters: that its runs begin with.
        schema: of the flow's parameters.
        tags: of its runs.
        schedules: as Prefect's API takes them.
        enforce: whether the server refuses other parameters.
        description: for people.
        pull_steps: how a worker gets the code.
        job_variables: of its runs' infrastructure.
    """

    name: str
    flow: str
    entrypoint: str
    queue: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    schema: Mapping[str, Any] = field(default_factory=dict)
    tags: Sequence[str] = ()
    schedules: Sequence[Mapping[str, Any]] = ()
    enforce: bool = True
    description: str = ""
    pull_steps: Sequence[Mapping[str, Any]] = ()
    job_variables: Mapping[str, Any] = field(default_factory=dict)


_ALL: Final[TypeAdapter[list[Declared]]] = TypeAdapter(list[Declared])


def ask(folder: Path, old: Sequence[Declared], environ: Mapping[str, str]) -> list[Declared]:
    """Return what a version declares.

    Args:
        folder: of the version, with its prefect.yaml.
        old: what the version declares that it replaces: entrypoints that are there must stay.
        environ: for the version's interpreter.

    Raises:
        ReleaseProblemError: with every problem: a missing entrypoint, an unknown parameter.
    """
    also = [f"{one.name}={one.entrypoint}" for one in old]
    own = folder / ".venv" / "bin" / "python"
    python = str(own) if own.exists() else sys.executable
    try:
        done = subprocess.run(  # noqa: S603
            [python, "-m", "sdk.declared", "--file", str(folder / "prefect.yaml"), *also],
            cwd=folder,
            env=dict(environ),
            capture_output=True,
            text=True,
            timeout=LONGEST,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ReleaseProblemError(f"{folder} does not say what it declares: {error}") from None
    if done.returncode:
        raise ReleaseProblemError(f"deployments of {folder} are refused:\n{done.stderr[-4000:]}")
    return _ALL.validate_python(json.loads(done.stdout))


def environment(folder: Path, code: Path) -> dict[str, str]:
    """Return the environment in which a version's code is imported."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PREFECT_")}
    path = os.pathsep.join(dict.fromkeys([str(folder), str(code)]))
    return {**kept, "PYTHONPATH": path, "DATAWEAVE_CODE": str(folder)}


def keep(store: Store, digest: str, declared: list[Declared]) -> None:
    """Keep what a version declares."""
    put(store, f"declared/{digest}", {"deployments": _ALL.dump_python(declared, mode="json")})


def kept(store: Store, digest: str) -> list[Declared]:
    """Return what a version declares, as it was kept."""
    return _ALL.validate_python(store.read(f"declared/{digest}").value.get("deployments", []))
