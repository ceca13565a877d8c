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

from flows.pipeline.matching.arrays import Flags, Floats, Ints
from flows.pipeline.matching.encode import Encoded
from flows.pipeline.matching.roles import OTHERS

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
    *((f"{name}_ratio", name, name, fuzz.ratio) for name in OTHERS),
    *((f"{name}_token_set", name, name, fuzz.token_set_ratio) for name in OTHERS),
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
        **{name: pl.col(name) for name in OTHERS if name in texts.columns},
    )


def strings(a: Encoded, b: Encoded, i: Ints, j: Ints) -> Floats:
    """Return the features NAMES of pairs, 0 to 100, NaN where a side has no such text.

    Only the records that the pairs name are looked at, and each two texts are compared once,
    however many pairs they stand in: brands and categories repeat.

    Args:
        a: one side.
        b: the other.
        i: row in ``a`` of each pair.
        j: row in ``b``.
    """
    columns = np.full((len(i), len(_MEASURES)), np.nan, np.float64)
    sides = []
    for side, rows in ((a, i), (b, j)):
        found, where = np.unique(rows, return_inverse=True)
        sides.append((comparable(side.texts[found]), where))
    (texts_a, p), (texts_b, q) = sides
    codes_a: dict[str, Any] = {}
    codes_b: dict[str, Any] = {}
    for place, (_, left, right, scorer) in enumerate(_MEASURES):
        if left not in texts_a.columns or right not in texts_b.columns:
            continue
        for codes, texts, name in ((codes_a, texts_a, left), (codes_b, texts_b, right)):
            if name not in codes:
                codes[name] = _coded(texts[name])
        (one, one_texts, one_there), (two, two_texts, two_there) = codes_a[left], codes_b[right]
        there = one_there[p] & two_there[q]
        if not there.any():
            continue
        keys, back = np.unique(one[p[there]] * len(two_texts) + two[q[there]], return_inverse=True)
        scores = process.cpdist(
            [one_texts[key] for key in (keys // len(two_texts)).tolist()],
            [two_texts[key] for key in (keys % len(two_texts)).tolist()],
            scorer=scorer,
            workers=1,
        )
        columns[there, place] = np.round(scores.astype(np.float64), 3)[back]
    return columns


def _coded(texts: pl.Series) -> tuple[Ints, list[str], Flags]:
    """Number the texts: a number for each row, the texts by number, and which rows have one."""
    distinct = texts.unique(maintain_order=True)
    numbered = pl.DataFrame({"text": distinct}).with_row_index("number")
    rows = pl.DataFrame({"text": texts}).join(
        numbered, on="text", how="left", maintain_order="left"
    )
    return rows["number"].to_numpy().astype(np.int64), distinct.to_list(), (texts != "").to_numpy()
