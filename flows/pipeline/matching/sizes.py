"""Sizes in names: how much of what a title says the pack holds.

``6 x 330 ml`` and ``0.33 l`` are of one kind and not of one size: a different pack is a different
product. ``0.33 l x 6``, ``6er-Pack 330 ml`` and ``330 ml (pack of 6)`` say the same as the first.
The units are those of normalise, in every language it knows; a number without a unit is
left to the comparison of numbers. Read from folded text, in columns, by a regular expression
without backtracking.

Not done: choosing between two sizes of one unit in a title (the larger stands for it).
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from flows.pipeline.matching.arrays import Floats
from flows.pipeline.matching.text import fold
from flows.pipeline.normalise.units import UNITS

BASES: Final = ("kg", "l", "m", "piece")
COUNT: Final = len(BASES)
"""Column of the multiplier (``6 x``) behind the base units."""
PIECE: Final = BASES.index("piece")
_PACKS: Final = (
    r"\b([0-9]{1,3})(?:er|x)? ?(?:multi)?(?:packs?|packung|pk|set|pak)\b",
    r"\b(?:pack|set|box|case|lot|paquete|confezione|karton|packung) (?:of |de |von |da |mit )?"
    r"([0-9]{1,3})\b",
    r"(?:מארז|מארז של) ([0-9]{1,3})\b",
)
"""A pack said in words, folded: ``6 pack``, ``6er pack``, ``pack of 6``."""


def _units() -> pl.DataFrame:
    rows = [
        (spelling, BASES.index(base), float(factor)) for spelling, (base, factor) in UNITS.items()
    ]
    frame = pl.DataFrame(rows, schema=["unit", "base", "factor"], orient="row")
    return frame.with_columns(fold("unit")).unique("unit", keep="first", maintain_order=True)


def sizes(titles: pl.Series) -> Floats:
    """Return what each folded title says it holds.

    Args:
        titles: folded, no nulls.

    Returns:
        array (titles, 5): kg, litres, metres, pieces, multiplier; NaN where not said.
    """
    units = _units().filter(pl.col("unit") != "")
    spellings = "|".join(sorted(units["unit"], key=lambda unit: (-len(unit), unit)))
    number = r"([0-9]{1,7}(?:\.[0-9]{1,4})?)"
    measure = rf"\b(?:([0-9]{{1,3}}) ?x ?)?{number} ?({spellings})\b(?: ?x ?([0-9]{{1,3}})\b)?"
    frame = pl.DataFrame({"title": titles}).with_row_index("row")
    said = pl.max_horizontal(
        pl.col("title").str.extract(pattern).cast(pl.Float64) for pattern in _PACKS
    )
    found = frame.select("row", pack=said, found=pl.col("title").str.extract_all(measure))
    group = pl.col("parts").struct.field
    parts = (
        found.explode("found", empty_as_null=False)
        .drop_nulls("found")
        .select("row", "pack", parts=pl.col("found").str.extract_groups(measure))
        .with_columns(
            count=pl.coalesce(group("1"), group("4")).cast(pl.Float64),
            amount=group("2").cast(pl.Float64),
            unit=group("3"),
        )
        .join(units, on="unit", how="inner")
        # A pack of pieces is counted by its pieces already.
        .with_columns(
            count=pl.when(pl.col("base") == PIECE)
            .then("count")
            .otherwise(pl.coalesce("count", "pack"))
        )
        .with_columns(total=pl.col("amount") * pl.col("factor") * pl.col("count").fill_null(1.0))
        .filter(pl.col("total") > 0)
    )
    held = np.full((len(titles), COUNT + 1), np.nan)
    largest = parts.group_by("row", "base").agg(pl.col("total").max())
    held[largest["row"].to_numpy(), largest["base"].to_numpy()] = largest["total"].to_numpy()
    counted = (
        pl.concat([parts.select("row", "count"), found.select("row", count="pack")])
        .filter(pl.col("count") > 0)
        .group_by("row")
        .agg(pl.col("count").max())
    )
    held[counted["row"].to_numpy(), COUNT] = counted["count"].to_numpy()
    return held
