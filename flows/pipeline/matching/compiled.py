"""Compiling: loops over arrays that numpy cannot say, in one way for the whole folder.

Compiled on first use and kept beside the module, or in the user's cache where that cannot be
written. No fast-math and no threads: the same numbers on every run, and Dask counts the processors.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function, compiled for the types that it is called with."""
    made: Callable[..., Any] = njit(cache=True, nogil=True)(function)
    return made
