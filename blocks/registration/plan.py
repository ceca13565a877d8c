"""What has to change on a server for it to hold what is declared. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from blocks.registration.desired import Desired

Kind = Literal["create", "update", "same", "remove"]
SIGNS: dict[Kind, str] = {"create": "+", "update": "~", "same": "=", "remove": "-"}
MAX_SHOWN = 200
"""Characters of a value in a diff: enough to know it by."""


@dataclass(frozen=True, slots=True)
class Existing:
    """A document as a server has it.

    Attributes:
        data: its fields, documents left out.
        documents: field to ``type/name`` of the document that it refers to.
        schema: checksum of the schema that it was written with.
    """

    data: Mapping[str, Any]
    documents: Mapping[str, str]
    schema: str


@dataclass(frozen=True, slots=True)
class Change:
    """What is to happen to one thing, and what of it differs, a line each."""

    kind: Kind
    name: str
    details: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = [f"{SIGNS[self.kind]} {self.name}", *(f"    {line}" for line in self.details)]
        return "\n".join(lines)


def plan(desired: Iterable[Desired], existing: Mapping[str, Existing]) -> list[Change]:
    """Compare what is declared with what is there, in the order in which to write it."""
    return [_change(one, existing.get(one.ref)) for one in desired]


def _change(one: Desired, there: Existing | None) -> Change:
    if there is None:
        given = [name for name in sorted(one.data) if name in one.declaration.fields]
        lines = [_line(name, _shown(one.data[name]), one.secrets) for name in given]
        lines += [f"{name}: → {ref}" for name, ref in sorted(one.documents.items())]
        return Change("create", one.ref, tuple(sorted(lines)))
    details = tuple(_differences(one, there))
    return Change("update" if details else "same", one.ref, details)


def _differences(one: Desired, there: Existing) -> Iterator[str]:
    if there.schema != one.kind._calculate_schema_checksum():
        yield "schema: a newer one"
    data = one.data
    for name in sorted(data):
        before = there.data.get(name)
        if before != data[name]:
            yield _line(name, f"{_shown(before)} → {_shown(data[name])}", one.secrets)
    for name in sorted(one.documents):
        before = there.documents.get(name, "nothing")
        if before != one.documents[name]:
            yield f"{name}: {before} → {one.documents[name]}"


def _line(name: str, shown: str, secrets: frozenset[str]) -> str:
    secret = any(field == name or field.startswith(f"{name}.") for field in secrets)
    return f"{name}: {'(secret)' if secret else shown}"


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 1]}…"
