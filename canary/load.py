"""The canary's load: small, and shaped like the real one. Pure.

Numbers that anybody can make again from a seed, worked on in parts, with a result that is known
beforehand: a canary that ends well and says something else is the fault that no state shows.
"""

from __future__ import annotations

import polars as pl

PARTS = 4
ROWS = 20_000
"""Enough to write and read real Parquet, little enough to cost a moment."""
MODULUS = 1_000_003


def numbers(seed: int) -> pl.DataFrame:
    """Return the rows of a seed: their part, and a number each.

    Args:
        seed: any integer; a run's day, as a rule.
    """
    rows = pl.DataFrame({"row": pl.arange(0, ROWS, eager=True)})
    return rows.with_columns(
        part=pl.col("row") % PARTS,
        number=(pl.col("row") * 7919 + seed % MODULUS) % MODULUS,
    )


def part_sum(frame: pl.DataFrame, part: int) -> int:
    """Return the sum of the squares of a part's numbers."""
    found = frame.filter(pl.col("part") == part).select((pl.col("number") ** 2).sum())
    return int(found.item())


def expected(seed: int) -> int:
    """Return what all parts come to, by plain arithmetic instead of frames."""
    offset = seed % MODULUS
    return sum(((row * 7919 + offset) % MODULUS) ** 2 for row in range(ROWS))
