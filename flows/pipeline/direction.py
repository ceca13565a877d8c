"""Names in sentences: one written from right to left must not turn the words and figures around it.

Source: Unicode Standard Annex 9, directional isolates. A name is put between FIRST STRONG ISOLATE
and POP DIRECTIONAL ISOLATE; directional signs of its own go, so that none reaches beyond it.
"""

from __future__ import annotations

import re
from typing import Final

import polars as pl

_FIRST_STRONG: Final = "\u2068"
_POP: Final = "\u2069"
_SIGNS: Final = "[\u202a-\u202e\u2066-\u2069]"
"""Embeddings, overrides and isolates, and what ends them."""


def isolate(name: str) -> str:
    """Return a name isolated for its direction."""
    return f"{_FIRST_STRONG}{re.sub(_SIGNS, '', name)}{_POP}"


def isolated(name: str | pl.Expr) -> pl.Expr:
    """Return a column of names, each isolated for its direction; null stays null.

    Args:
        name: a column by its name, or an expression of texts.
    """
    text = pl.col(name) if isinstance(name, str) else name
    return pl.concat_str(pl.lit(_FIRST_STRONG), text.str.replace_all(_SIGNS, ""), pl.lit(_POP))
