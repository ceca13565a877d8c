"""Folders of benchmark data: two tables with labelled pairs, or with every true pair.

Which files are which is told by their names where they follow the published form (tableA, tableB,
train, test and, where there is one, valid), else by their contents: the file without a title column
holds the pairs, the others, in the order of their names, are A and B. Separators are told from the
header line.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from flows.pipeline.matching.errors import TableError
from flows.pipeline.matching.roles import infer_roles

_SEPARATORS: Final = ",|#;\t"
SPLITS: Final = ("train", "valid", "test")


@dataclass(frozen=True)
class Benchmark:
    """Two tables and what is known of their pairs.

    Attributes:
        a: one table; b: the other, all columns as text.
        labelled: split to labelled pairs, test among them; empty where there are none.
        true: every true pair; None where only some pairs are labelled.
    """

    a: pl.DataFrame
    b: pl.DataFrame
    labelled: Mapping[str, pl.DataFrame]
    true: pl.DataFrame | None = None


def read_table(path: Path) -> pl.DataFrame:
    """Return a CSV file as text columns, whatever its separator.

    Raises:
        TableError: the file cannot be read as a table.
    """
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as lines:
            header = lines.readline()
        separator = max(
            _SEPARATORS, key=lambda sign: (header.count(sign), -_SEPARATORS.index(sign))
        )
        return pl.read_csv(path, separator=separator, infer_schema=False, encoding="utf8-lossy")
    except (OSError, pl.exceptions.PolarsError) as error:
        raise TableError(
            f"{path.name}: not a readable table ({error})", "Give a CSV file with a header line."
        ) from error


def read_folder(folder: Path) -> Benchmark:
    """Return the benchmark of a folder.

    Raises:
        TableError: the folder does not hold two tables and pairs.
    """
    files = {path.stem: path for path in sorted(folder.glob("*.csv"))}
    if {"tableA", "tableB"} <= files.keys() and files.keys() & set(SPLITS):
        if "test" not in files:
            raise TableError(
                f"{folder}: there is no test.csv",
                "Give labelled pairs to report on; or leave out train and valid.csv too, and give "
                "every true pair in one file.",
            )
        return Benchmark(
            read_table(files["tableA"]),
            read_table(files["tableB"]),
            {split: read_table(files[split]) for split in SPLITS if split in files},
        )
    tables, pairs = [], []
    for path in files.values():
        frame = read_table(path)
        try:
            infer_roles(frame)
        except TableError:
            pairs.append(frame)
        else:
            tables.append(frame)
    if len(tables) != 2 or len(pairs) != 1:
        raise TableError(
            f"{folder}: {len(tables)} tables of products and {len(pairs)} lists of pairs",
            "Give tableA, tableB, train, test and, where there is one, valid.csv; or two tables "
            "and all true pairs.",
        )
    a, b = _in_order(tables[0], tables[1], pairs[0])
    return Benchmark(a, b, {}, pairs[0])


def _in_order(
    one: pl.DataFrame, two: pl.DataFrame, pairs: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The tables such that the first column of the pairs is of the first."""
    ids = [frame[infer_roles(frame).id].cast(pl.String) for frame in (one, two)]
    left, right = (pairs.to_series(place).cast(pl.String) for place in (0, 1))
    straight = len(set(left) & set(ids[0])) + len(set(right) & set(ids[1]))
    crossed = len(set(left) & set(ids[1])) + len(set(right) & set(ids[0]))
    return (two, one) if crossed > straight else (one, two)
