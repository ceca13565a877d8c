"""Facts beside the words: price, pack size, trade item number.

Each is NaN where a side does not say it. Sizes are compared unit by unit as the distance of their
logarithms, so that 330 ml against 0.33 l is 0 and a six-pack against one bottle is ln 6.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from flows.pipeline.matching.arrays import Floats, Ints
from flows.pipeline.matching.encode import Encoded
from flows.pipeline.matching.sizes import COUNT

NAMES: Final = (
    "price_distance",
    "price_log_ratio",
    "prices",
    "size_distance",
    "size_said",
    "multiplier_distance",
    "gtin_same",
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
        [np.abs(ratio), ratio, said, size, known.sum(axis=1), multiplier, same]
    ).astype(np.float64)
