"""The task definition: registered when it differs from the latest, and named by its ARN.

Pools name it by ARN (`work_pools/ecs.yaml`). Left to itself, Prefect's ECS worker registers a
definition for each variation of a deployment and remembers them only as long as it lives.
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

DECLARED = Path(__file__).with_name("task-definition.yaml")


class MissingValueError(Exception):
    """A value of the declaration that the environment does not give."""


def declared(given: Mapping[str, str], path: Path = DECLARED) -> dict[str, Any]:
    """Return the definition with its open values filled.

    Args:
        given: the values, such as the environment.
        path: of the declaration.

    Raises:
        MissingValueError: naming each that is missing.
    """
    text = path.read_text(encoding="utf-8")
    without_comments = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    definition = yaml.safe_load(without_comments)
    missing: set[str] = set()
    filled: dict[str, Any] = _filled(definition, given, missing)
    if missing:
        names = ", ".join(sorted(missing))
        raise MissingValueError(f"not set: {names}\nSet them, such as from the stack's outputs.")
    return filled


def register(ecs: Any, definition: Mapping[str, Any]) -> tuple[str, bool]:
    """Register a definition unless the family's latest says the same.

    Args:
        ecs: a boto3 client.
        definition: as RegisterTaskDefinition takes it.

    Returns:
        Its ARN, and whether it is new.
    """
    try:
        latest = ecs.describe_task_definition(taskDefinition=definition["family"])["taskDefinition"]
    except ecs.exceptions.ClientException:
        latest = {}
    if latest and _covers(latest, definition):
        return str(latest["taskDefinitionArn"]), False
    made = ecs.register_task_definition(**definition)["taskDefinition"]
    return str(made["taskDefinitionArn"]), True


def _filled(value: Any, given: Mapping[str, str], missing: set[str]) -> Any:
    if isinstance(value, dict):
        return {name: _filled(v, given, missing) for name, v in value.items()}
    if isinstance(value, list):
        return [_filled(v, given, missing) for v in value]
    if not isinstance(value, str):
        return value
    names = [name for _, name, _, _ in string.Formatter().parse(value) if name]
    missing |= {name for name in names if not given.get(name)}
    return value if missing else value.format_map(given)


def _covers(there: Any, wanted: Any) -> bool:
    """Say whether what is there says all that is wanted; AWS adds fields of its own."""
    if isinstance(wanted, Mapping):
        return isinstance(there, Mapping) and all(
            name in there and _covers(there[name], value) for name, value in wanted.items()
        )
    if isinstance(wanted, list):
        return (
            isinstance(there, list)
            and len(there) == len(wanted)
            and all(_covers(t, w) for t, w in zip(there, wanted, strict=True))
        )
    return bool(there == wanted)
