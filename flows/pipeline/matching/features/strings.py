"""Letter by letter: how alike two names are, in batch, by rapidfuzz.

These cost most of all features, so each text is compared by few measures that differ in kind:
order kept, order ignored, the shorter inside the longer; brands, part numbers and the heads of
descriptions by one or two. A missing text is NaN, which is not the same as a different text.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import polars as pl
from rapidfuzz import fuzz, process
from rapidfuzz.distance import JaroWinkler

from flows.pipeline.matching.arrays import Floats, Ints

_MEASURES: Final[tuple[tuple[str, str, str, Callable[..., Any]], ...]] = (
    ("title_ratio", "title", "title", fuzz.ratio),
    ("title_token_set", "title", "title", fuzz.token_set_ratio),
    ("title_token_sort", "title", "title", fuzz.token_sort_ratio),
    ("title_partial", "title", "title", fuzz.partial_ratio),
    ("compact_ratio", "compact", "compact", fuzz.ratio),
    ("codes_ratio", "codes", "codes", fuzz.token_set_ratio),
    ("codes_start", "codes", "codes", JaroWinkler.similarity),
    ("brand_ratio", "brand", "brand", fuzz.token_set_ratio),
    ("brand_in_title", "brand", "title", fuzz.partial_ratio),
    ("title_in_brand", "title", "brand", fuzz.partial_ratio),
    ("description_token_set", "about", "about", fuzz.token_set_ratio),
    ("title_description", "title", "about", fuzz.token_set_ratio),
    ("description_title", "about", "title", fuzz.token_set_ratio),
    ("category_ratio", "category", "category", fuzz.token_set_ratio),
    ("mpn_ratio", "mpn", "mpn", fuzz.ratio),
)
NAMES: Final = tuple(name for name, *_ in _MEASURES)
ABOUT: Final = 200
"""Letters of a description that are compared: the name of the thing stands at its head."""
_CODE_WORD: Final = r"[^ ]*(?:[0-9][^ 0-9.]|[^ 0-9.][0-9]|[0-9]{5})[^ ]*"


def comparable(texts: pl.DataFrame) -> pl.DataFrame:
    """Return the texts that are compared, a row for each record; empty where there is none."""
    return texts.select(
        "title",
        "brand",
        "category",
        "mpn",
        compact=pl.col("title").str.replace_all(" ", "", literal=True),
        codes=pl.col("name")
        .str.extract_all(_CODE_WORD)
        .list.unique(maintain_order=True)
        .list.join(" "),
        about=pl.col("description").str.slice(0, ABOUT),
    )


def strings(a: pl.DataFrame, b: pl.DataFrame, i: Ints, j: Ints) -> Floats:
    """Return the features NAMES of pairs, 0 to 100, NaN where a side has no such text.

    Args:
        a: texts of one side, from ``comparable``.
        b: of the other.
        i: row in ``a`` of each pair.
        j: row in ``b``.
    """
    columns = np.full((len(i), len(_MEASURES)), np.nan, np.float64)
    for place, (_, left, right, scorer) in enumerate(_MEASURES):
        there = ((a[left] != "").to_numpy()[i]) & ((b[right] != "").to_numpy()[j])
        if there.any():
            queries = a[left].gather(i[there]).to_list()
            choices = b[right].gather(j[there]).to_list()
            scores = process.cpdist(queries, choices, scorer=scorer, workers=1)
            columns[there, place] = np.round(scores.astype(np.float64), 3)
    return columns
