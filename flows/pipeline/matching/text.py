"""Text as matching sees it: folded, split at blanks, the same in every script.

Two shops write one name in many ways; what differs without meaning (case, accents, vowel points,
full-width forms, punctuation, direction marks, control characters) is folded away here, once, in
polars. A decimal comma becomes a point; an apostrophe, and the quotation mark inside a Hebrew
abbreviation, close up instead of splitting a word. No stop words and no stemming: rarity, counted
on the tables at hand, says what matters, in any language.

Promised: ``fold`` is idempotent, never longer than ``limit`` code points of input can make it, and
linear in time. Not done: transliteration between scripts.
"""

from __future__ import annotations

from typing import Final

import polars as pl

TITLE_LIMIT: Final = 512
"""Code points of a title that are read. Real ones stay below 300; 100 KB is a fault upstream."""
TEXT_LIMIT: Final = 1500
"""Of a description: the name, model and sizes stand in its first lines."""

_POINT: Final = "\ue000"
"""Private use: stands for a decimal point while punctuation is swept."""


def fold(column: str | pl.Expr, limit: int = TITLE_LIMIT) -> pl.Expr:
    """Return the folded text of a column; null becomes the empty text.

    Args:
        column: name or expression of a text column.
        limit: code points read from its start.
    """
    text = pl.col(column) if isinstance(column, str) else column
    text = (
        text.fill_null("")
        .str.slice(0, limit)
        .str.normalize("NFKD")
        .str.to_lowercase()
        .str.replace_all(r"[\p{M}\p{Cf}'’‘`´]", "")
        .str.replace_all("ß", "ss", literal=True)
        .str.replace_all("×", "x", literal=True)
        .str.replace_all(r"(\p{Hebrew})[\"״׳](\p{Hebrew})", "${1}${2}")
    )
    for _ in range(2):  # matches do not overlap: 1.2.3 needs a second pass
        text = text.str.replace_all(r"(\p{Nd})[.,](\p{Nd})", "${1}" + _POINT + "${2}")
    return (
        text.str.replace_all(rf"[^\p{{L}}\p{{N}}{_POINT}]+", " ")
        .str.replace_all(_POINT, ".", literal=True)
        .str.strip_chars(" ")
    )


def fold_text(text: str, limit: int = TITLE_LIMIT) -> str:
    """Return one folded text."""
    return str(pl.select(fold(pl.lit(text), limit)).item())


def as_text(values: pl.Series) -> pl.Series:
    """Text of a column of any type, also of one that holds several; blank is null."""
    if values.dtype in (pl.Object, pl.Binary) or values.dtype.is_nested():
        texts = pl.Series([_one_text(value) for value in values.to_list()], dtype=pl.String)
    else:
        texts = values.cast(pl.String)
    return pl.select(pl.when(texts.str.strip_chars() != "").then(texts)).to_series()


def _one_text(value: object) -> str | None:
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    return None if value is None else str(value)
