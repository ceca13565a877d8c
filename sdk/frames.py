"""Frames: polars' values told from others without loading polars.

polars takes longer to load than all of the SDK, and many a step handles names, bytes or datasets
alone; an item of a fan-out does so in a process of its own. A value can only be a frame where
somebody has loaded polars, and a table file where somebody has loaded `sdk.table_file`: what is
not loaded need not be loaded to be told apart.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl
    from typing_extensions import TypeIs

    from sdk.table_file import TableFile


def is_frame(value: object) -> TypeIs[pl.DataFrame]:
    """Say whether a value is a polars frame."""
    return _is_a(value, "polars", "DataFrame")


def is_lazy(value: object) -> TypeIs[pl.LazyFrame]:
    """Say whether a value is a lazy frame of polars."""
    return _is_a(value, "polars", "LazyFrame")


def is_table_file(value: object) -> TypeIs[TableFile]:
    """Say whether a value is a table in a file."""
    return _is_a(value, "sdk.table_file", "TableFile")


def is_table(value: object) -> TypeIs[pl.DataFrame | TableFile]:
    """Say whether a value is a table that has its rows: a frame, or a file of them."""
    return is_frame(value) or is_table_file(value)


def _is_a(value: object, module: str, name: str) -> bool:
    # A module that another thread is loading may have no such name yet, and no value of it.
    kind = getattr(sys.modules.get(module), name, None)
    return kind is not None and isinstance(value, kind)
