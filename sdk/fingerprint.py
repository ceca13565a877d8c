"""Fingerprints: when is a run of a step the same run again?

A fingerprint covers the step's name, the content of everything that goes in, the parameters and
the code version; not the time, the machine, or the run. If the newest version of a key carries
the same fingerprint, the step is not run: its dataset is there.

A parameter of which no stable text can be made (an open connection, a lambda) makes a run
unrepeatable: `fingerprint` then returns None and the step always runs. A secret counts by its
being there, never by its value.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import TYPE_CHECKING, Any
from uuid import UUID

from pydantic import BaseModel, SecretBytes, SecretStr

from sdk.dataset import Dataset
from sdk.digest import text_hash
from sdk.frames import is_frame
from sdk.manifest import Input

if TYPE_CHECKING:
    import polars as pl


class NotRepeatable(TypeError):
    """A parameter has no stable text."""


def datasets_in(value: Any) -> Iterator[Dataset]:
    """Yield every dataset in a parameter, however it is nested.

    Lists, tuples, sets, mappings, dataclasses and models are looked into.
    """
    if isinstance(value, Dataset):
        yield value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from datasets_in(getattr(value, name))
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            yield from datasets_in(getattr(value, field.name))
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from datasets_in(item)
    elif isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from datasets_in(item)


def canonical(value: Any) -> Any:
    """Return a parameter as plain JSON values, the same for equal parameters.

    Raises:
        NotRepeatable: it holds something of which no stable text can be made.
    """
    if type(value) in _PLAIN:
        return value
    if is_frame(value):
        return _frame(value)
    # Enum before what is plain, since a StrEnum is a str, too.
    for kinds, convert in _CONVERSIONS:
        if isinstance(value, kinds):
            return convert(value)
    if isinstance(value, str | int | float):
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: canonical(getattr(value, field.name)) for field in dataclasses.fields(value)
        }
    raise NotRepeatable(f"{type(value).__name__} has no stable text")


def _model(value: BaseModel) -> Any:
    return {name: canonical(getattr(value, name)) for name in type(value).model_fields}


def _frame(value: pl.DataFrame) -> str:
    from sdk.content import table_hash  # Arrow takes a while to load

    return f"frame:{table_hash(value.to_arrow())}"


def _sorted(value: Any) -> Any:
    return sorted((canonical(item) for item in value), key=json.dumps)


_PLAIN = frozenset({str, int, float, bool, type(None)})
"""What is JSON already; of these very classes, since most items of a fan-out are."""

_CONVERSIONS: tuple[tuple[Any, Callable[[Any], Any]], ...] = (
    (Dataset, lambda value: f"dataset:{value.name}:{value.content_hash}"),
    ((SecretStr, SecretBytes), lambda value: "secret"),
    (BaseModel, _model),
    (Enum, lambda value: canonical(value.value)),
    ((date, datetime, time), lambda value: value.isoformat()),
    (timedelta, lambda value: value.total_seconds()),
    ((Decimal, PurePath, UUID), str),
    (Mapping, lambda value: {str(key): canonical(value[key]) for key in sorted(value, key=str)}),
    ((set, frozenset), _sorted),
    ((list, tuple), lambda value: [canonical(item) for item in value]),
)


def fingerprint(
    step: str,
    *,
    parameters: Mapping[str, Any],
    inputs: Sequence[Input],
    code_version: str,
) -> str | None:
    """Return the fingerprint of a run of a step, or None if it cannot be repeated."""
    try:
        plain = canonical(parameters)
    except NotRepeatable:
        return None
    return text_hash(
        json.dumps(
            {
                "step": step,
                "parameters": plain,
                "inputs": sorted((item.name, item.content_hash) for item in inputs),
                "code": code_version,
            },
            sort_keys=True,
            ensure_ascii=False,
        )
    )
