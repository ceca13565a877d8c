"""Where a connector's rows land before they become a dataset: a file of this machine.

The connector streams into it in bounded memory and it appears whole or not at all; publishing
takes the rows as one frame, columns packed, which is what checks look at.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import polars as pl


def landed(export: Callable[[Path], object]) -> pl.DataFrame:
    """Return the rows that a connector wrote to the Parquet file it was given."""
    with tempfile.TemporaryDirectory(prefix="connecting-") as folder:
        file = Path(folder) / "rows.parquet"
        export(file)
        return pl.read_parquet(file, glob=False)
