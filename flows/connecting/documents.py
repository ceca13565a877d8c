"""A connector by the name of its block document."""

from __future__ import annotations

from typing import Any, TypeVar

from blocks.connectors import Connector
from sdk import ConfigurationError

C = TypeVar("C", bound=Connector)


def connector(kind: type[C], name: str) -> C:
    """Return a registered connector: ``connector(SqlDatabase, "erp")``.

    Raises:
        ConfigurationError: there is no such document; says how to register it.
    """
    load: Any = kind.load  # sync or a coroutine by where it is called, which mypy cannot know
    try:
        found: C = load(name)
    except ValueError as error:
        raise ConfigurationError(
            f"there is no block {kind._block_type_slug}/{name}",
            "Declare it in blocks/documents/ and register it:"
            " python -m blocks register --environment …",
        ) from error
    return found
