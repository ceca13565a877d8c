"""Sums that do not depend on their order.

Adding floats in another order gives another last digit, and polars adds in whatever order its
threads come. Figures must be the same bytes on every machine, so sums are taken over integers:
values are rounded to nine decimals, added exactly, and scaled back. Results are rounded to six
decimals, which is what every ratio and percentage of a mart holds.
"""

from __future__ import annotations

import polars as pl

_SCALE = 1_000_000_000
DECIMALS = 6


def exact_sum(value: pl.Expr) -> pl.Expr:
    """Return the sum of a numeric expression, rounded to nine decimals per value."""
    scaled = (value.cast(pl.Float64) * _SCALE).round(0).cast(pl.Int128)
    return scaled.sum().cast(pl.Float64) / _SCALE


def exact_mean(value: pl.Expr) -> pl.Expr:
    """Return the mean of the values that are there; null if there are none."""
    return pl.when(value.count() > 0).then(exact_sum(value) / value.count())


def rounded(value: pl.Expr) -> pl.Expr:
    """Round a ratio or percentage to the decimals of the marts; -0.0 becomes 0.0."""
    nearest = value.round(DECIMALS)
    # Adding 0.0 would do, but is optimised away.
    return pl.when(nearest == 0).then(nearest.abs()).otherwise(nearest)


def share(part: pl.Expr, whole: pl.Expr) -> pl.Expr:
    """Return part / whole, or null where there is no whole."""
    return rounded(pl.when(whole > 0).then(part.cast(pl.Float64) / whole))
