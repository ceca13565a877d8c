"""Names for the arrays that matching passes around."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Hashes: TypeAlias = NDArray[np.uint64]
Ints: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.floating[Any]]
Singles: TypeAlias = NDArray[np.float32]
Flags: TypeAlias = NDArray[np.bool_]
Sparse: TypeAlias = Any
"""A scipy CSR matrix; scipy ships no types."""


def distinct(values: Ints) -> Ints:
    """Return the values sorted, each once.

    The hash table of ``numpy.unique`` (2.3 and later) takes a hundred times as long on keys.
    """
    ordered = np.sort(values)
    first = np.ones(len(ordered), bool)
    first[1:] = ordered[1:] != ordered[:-1]
    return ordered[first]
