"""Arguments and results of a step as JSON: what a run's parameters and a result file can hold.

Datasets travel as references, days and instants as text, and nothing travels that cannot be told
back exactly. A secret does not travel: parameters are shown on the server's pages.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from pydantic import SecretBytes, SecretStr, ValidationError

from sdk.dataset import Dataset
from sdk.errors import ConfigurationError, Permanent

TWO_VERSIONS = "Caller and step are of two versions of the code: deploy both."
KIND = "$kind"
"""The key by which a mapping says that it stands for something else."""


def encode(value: Any, where: str) -> Any:
    """Return a value as JSON.

    Args:
        value: a dataset, a day, an instant, text, a number, a truth value, None, or lists, tuples
            and mappings of these.
        where: what it is, for the error.

    Raises:
        ConfigurationError: it is something else.
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Dataset):
        return {KIND: "dataset", "value": value.model_dump(mode="json")}
    if isinstance(value, datetime):
        return {KIND: "datetime", "value": value.isoformat()}
    if isinstance(value, date):
        return {KIND: "date", "value": value.isoformat()}
    if isinstance(value, tuple):
        return {KIND: "tuple", "value": [encode(item, where) for item in value]}
    if isinstance(value, list):
        return [encode(item, where) for item in value]
    if isinstance(value, Mapping) and all(isinstance(name, str) for name in value):
        if KIND in value:
            raise ConfigurationError(f"{where} has a key {KIND}", "Call it something else.")
        return {name: encode(item, f"{where}.{name}") for name, item in value.items()}
    if isinstance(value, SecretStr | SecretBytes):
        raise ConfigurationError(
            f"{where} is a secret and cannot be sent to another run",
            "Send the name of a secret block, and load it in the step.",
        )
    raise ConfigurationError(
        f"{where} is a {type(value).__name__} and cannot be sent to another run",
        "Send a dataset, a day, text, numbers, or lists and mappings of these.",
    )


def decode(value: Any) -> Any:
    """Return what JSON of `encode` stands for.

    Raises:
        Permanent: it is none.
    """
    if isinstance(value, list):
        return [decode(item) for item in value]
    if not isinstance(value, dict):
        return value
    if KIND not in value:
        return {name: decode(item) for name, item in value.items()}
    kind: Any = value[KIND]
    inner: Any = value.get("value")
    try:
        if kind == "dataset":
            return Dataset.model_validate(inner)
        if kind == "datetime":
            return datetime.fromisoformat(inner)
        if kind == "date":
            return date.fromisoformat(inner)
        if kind == "tuple":
            return tuple(decode(item) for item in inner)
    except (TypeError, ValueError, ValidationError) as error:
        raise Permanent(
            f"{inner!r} is no {kind}", "Caller and step are of two versions."
        ) from error
    raise Permanent(f"a value of kind {kind!r}", "Caller and step are of two versions.")
