"""Facts beside the words: price, pack size, trade item number, numbers in other columns.

Each is NaN where a side does not say it. Sizes are compared unit by unit as the distance of their
logarithms, so that 330 ml against 0.33 l is 0 and a six-pack against one bottle is ln 6.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from flows.pipeline.matching.arrays import Floats, Ints
from flows.pipeline.matching.encode import Encoded
from flows.pipeline.matching.roles import OTHERS
from flows.pipeline.matching.sizes import COUNT

NAMES: Final = (
    "price_distance",
    "price_log_ratio",
    "prices",
    "size_distance",
    "size_said",
    "multiplier_distance",
    "gtin_same",
    *(f"{name}_number" for name in OTHERS),
)


def facts(a: Encoded, b: Encoded, i: Ints, j: Ints) -> Floats:
    """Return the features NAMES of pairs."""
    ratio = np.log(a.price[i] / b.price[j])
    said = ~np.isnan(a.price[i]) * 1.0 + ~np.isnan(b.price[j]) * 1.0
    apart = np.abs(np.log(a.sizes[i, :COUNT]) - np.log(b.sizes[j, :COUNT]))
    known = ~np.isnan(apart)
    size = np.where(known.any(axis=1), np.where(known, apart, -1.0).max(axis=1), np.nan)
    multiplier = np.abs(
        np.log(np.nan_to_num(a.sizes[i, COUNT], nan=1.0))
        - np.log(np.nan_to_num(b.sizes[j, COUNT], nan=1.0))
    )
    gtin_a, gtin_b = a.texts["gtin"].gather(i), b.texts["gtin"].gather(j)
    same = (gtin_a == gtin_b).cast(float).fill_null(float("nan")).to_numpy()
    return np.column_stack(
        [
            *(np.abs(ratio), ratio, said, size, known.sum(axis=1), multiplier, same),
            *(_apart(a, b, i, j, name) for name in OTHERS),
        ]
    ).astype(np.float64)


def _apart(a: Encoded, b: Encoded, i: Ints, j: Ints, name: str) -> Floats:
    """How far the first numbers of a column of no role are apart, 0 to 1 of the larger."""
    if name not in a.texts.columns or name not in b.texts.columns:
        return np.full(len(i), np.nan)
    one, two = (
        side.texts[name]
        .gather(rows)
        .str.replace_all(" ", "", literal=True)
        .str.extract(r"([0-9]{1,12}(?:\.[0-9]{1,9})?)")
        .cast(pl.Float64)
        .fill_null(float("nan"))
        .to_numpy()
        for side, rows in ((a, i), (b, j))
    )
    return np.asarray(np.abs(one - two) / np.maximum(np.maximum(one, two), 1e-9))
