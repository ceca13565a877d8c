"""Work pools as they are declared: a YAML file for each in `work_pools/`.

The file's name is the pool's. A value may differ by environment (``{staging: 4, production: 40}``
for a limit), come from the environment of the command (``{env: ECS_CLUSTER}``; ``split: true``
for a list, ``or:`` for what holds where it is not set) or be given by the command
(``{given: environment}``). What is wrong is told for all files at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from blocks.registration.problems import DeclarationError, Problem

FOLDER = Path(__file__).parent.parent.parent / "work_pools"
VARIABLES = "variables.yaml"
ENVIRONMENTS = ("development", "staging", "production")
QUEUES = frozenset({"realtime", "coordinate", "work", "backfill"})

Limit = int | dict[str, int] | None


class _Queue(BaseModel):
    model_config = ConfigDict(extra="forbid")

    priority: int
    limit: Limit = None
    description: str = ""


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    type: Literal["process", "warm", "ecs"]
    description: str
    limit: Limit = None
    queues: dict[str, _Queue]
    environments: list[Literal["development", "staging", "production"]]
    base_job_template: dict[str, Any]


@dataclass(frozen=True)
class Queue:
    """A queue of a pool; a lower priority is served first, None is no limit."""

    name: str
    priority: int
    limit: int | None
    description: str


@dataclass(frozen=True)
class Pool:
    """A pool of an environment, with every value settled."""

    name: str
    type: str
    description: str
    limit: int | None
    queues: tuple[Queue, ...]
    template: Mapping[str, Any]


@dataclass(frozen=True)
class Declared:
    """What an environment has: its pools, and the variables by which deployments find them."""

    pools: tuple[Pool, ...]
    variables: Mapping[str, str] = field(default_factory=dict)


def read(environment: str, given: Mapping[str, str], folder: Path = FOLDER) -> Declared:
    """Return what is declared for an environment.

    Args:
        environment: development, staging or production.
        given: values for ``{env: NAME}``: the command's environment.
        folder: of the files.

    Raises:
        DeclarationError: no such environment, files that are no declarations, missing values.
    """
    if environment not in ENVIRONMENTS:
        known = ", ".join(ENVIRONMENTS)
        raise DeclarationError([Problem(environment, "", "is no environment", f"Known: {known}.")])
    problems: list[Problem] = []
    pools = []
    for path in sorted(folder.glob("*.yaml")):
        if path.name == VARIABLES:
            continue
        made = _pool(path, environment, given, problems)
        if made is not None:
            pools.append(made)
    variables = _variables(folder / VARIABLES, environment, {p.name for p in pools}, problems)
    if problems:
        raise DeclarationError(problems)
    return Declared(tuple(pools), variables)


def _pool(
    path: Path, environment: str, given: Mapping[str, str], problems: list[Problem]
) -> Pool | None:
    try:
        found = _File.model_validate(_load(path))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        advice = f"Correct the YAML: {' '.join(str(error).split())}"
        problems.append(Problem(path.name, "", "cannot be read", advice))
        return None
    except ValidationError as error:
        for one in error.errors():
            where = ".".join(map(str, one["loc"]))
            problems.append(Problem(path.name, where, one["msg"], "See sdk/pools/declarations.py."))
        return None
    if environment not in found.environments:
        return None
    problems.extend(_faults(path.name, found))
    values = _Values(path.name, environment, given, problems)
    queues = tuple(
        Queue(name, queue.priority, values.limit(queue.limit, f"queues.{name}"), queue.description)
        for name, queue in sorted(found.queues.items(), key=lambda item: item[1].priority)
    )
    return Pool(
        name=path.stem,
        type=found.type,
        description=found.description,
        limit=values.limit(found.limit, "limit"),
        queues=queues,
        template=values.settled(found.base_job_template, "base_job_template"),
    )


def _faults(where: str, found: _File) -> Iterable[Problem]:
    if set(found.queues) != QUEUES:
        names = ", ".join(sorted(QUEUES))
        yield Problem(where, "queues", "are not those of every pool", f"Declare {names}.")
    if len({queue.priority for queue in found.queues.values()}) != len(found.queues):
        advice = "A server keeps them apart: give each its own."
        yield Problem(where, "queues", "two have one priority", advice)
    if set(found.base_job_template) != {"job_configuration", "variables"}:
        advice = "It has job_configuration and variables."
        yield Problem(where, "base_job_template", "is no template", advice)


class _Values:
    """Settles what a file leaves to the environment; notes what is missing."""

    def __init__(
        self, where: str, environment: str, given: Mapping[str, str], problems: list[Problem]
    ) -> None:
        self.where, self.environment, self.given = where, environment, given
        self.problems = problems

    def limit(self, limit: Limit, field: str) -> int | None:
        """Return the limit of this environment."""
        if not isinstance(limit, dict):
            return limit
        if self.environment not in limit:
            advice = f"Give one for {self.environment}."
            self.problems.append(Problem(self.where, field, "has no limit here", advice))
        return limit.get(self.environment)

    def settled(self, value: Any, field: str) -> Any:
        """Return a value with nothing open in it."""
        if isinstance(value, dict):
            if "env" in value and set(value) <= {"env", "split", "or"}:
                return self._from_environment(value, field)
            if value == {"given": "environment"}:
                return self.environment
            return {name: self.settled(v, f"{field}.{name}") for name, v in value.items()}
        if isinstance(value, list):
            return [self.settled(v, field) for v in value]
        return value

    def _from_environment(self, value: Mapping[str, Any], field: str) -> Any:
        name = str(value["env"])
        text = self.given.get(name, "")
        if text:
            return text.split(",") if value.get("split") else text
        if "or" not in value:
            advice = f"Set {name}, such as from the outputs of the stack."
            self.problems.append(Problem(self.where, field, f"{name} is not set", advice))
        return value.get("or")


def _variables(
    path: Path, environment: str, pools: set[str], problems: list[Problem]
) -> Mapping[str, str]:
    if not path.exists():
        return {}
    found: dict[str, str] = (_load(path) or {}).get(environment) or {}
    for name, pool in found.items():
        if pool not in pools:
            advice = f"Declare it for {environment}, or name one of {', '.join(sorted(pools))}."
            problems.append(Problem(VARIABLES, name, f"{pool!r} is no pool here", advice))
    return found


def _load(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))
