"""Drift: what changed in the columns of a kind of file since it last came, in words."""

from __future__ import annotations

import polars as pl

_SHOWN = 12
"""Columns that a change names; a file that was written anew has hundreds."""


def changes(before: pl.DataFrame, today: pl.DataFrame, since: str) -> list[str]:
    """Return a sentence for each layout whose files lost or gained columns.

    Files are compared by layout, since their names carry the day. Elements of lists do not count:
    how many there are differs from file to file.

    Args:
        before: FILES of the day before, or of an earlier one.
        today: FILES.
        since: what the day before is called.
    """
    said: list[str] = []
    old, new = _columns(before), _columns(today)
    for layout in sorted(old.keys() & new.keys()):
        lost, gained = sorted(old[layout] - new[layout]), sorted(new[layout] - old[layout])
        parts = [f"without {_listed(lost)}"] * bool(lost) + [f"new {_listed(gained)}"] * bool(
            gained
        )
        if parts:
            said.append(f"files of layout {layout} against {since}: {', '.join(parts)}")
    return said


def _columns(files: pl.DataFrame) -> dict[str, set[str]]:
    if "columns" not in files.columns:  # written before columns were kept
        return {}
    pairs = (
        files.drop_nulls(["layout", "columns"])
        .select("layout", pl.col("columns").str.split("\n"))
        .explode("columns")
        .with_columns(pl.col("columns").str.replace_all(r"\[[0-9]+\]", ""))
        .unique()
    )
    found: dict[str, set[str]] = {}
    for layout, column in pairs.drop_nulls().rows():
        found.setdefault(layout, set()).add(column)
    return found


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
