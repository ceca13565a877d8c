"""Differences: which words and facts of two products are not the same.

Words are compared by what they say (case, width and accents folded), numbers by their value. The
pieces of a text, put together again, are the text: nothing is dropped, and nothing is trusted
either; escaping is the template's work.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Final, NamedTuple

_PIECES: Final = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+|[\W_]+")


class Piece(NamedTuple):
    """A piece of a text, and whether the other text has nothing like it."""

    text: str
    differs: bool


def folded(word: str) -> str:
    """Return a word as it is compared."""
    decomposed = unicodedata.normalize("NFKD", word)
    plain = "".join(c for c in decomposed if not unicodedata.combining(c)).casefold()
    if plain[:1].isdigit():
        number = (
            plain.replace(",", ".").rstrip("0").rstrip(".")
            if "." in plain.replace(",", ".")
            else plain
        )
        return number or plain
    return plain


def mark(text: str, others: Sequence[str]) -> list[Piece]:
    """Return a text in pieces, those marked that no other text has.

    Args:
        text: to be shown.
        others: texts that it is compared with, such as the other side's name and brand.
    """
    pieces = _PIECES.findall(text)
    known = {folded(piece) for other in others for piece in _PIECES.findall(other)}
    made: list[Piece] = []
    for piece in pieces:
        counts = piece[0].isalnum()
        differs = counts and folded(piece) not in known
        if made and made[-1].differs == differs:
            made[-1] = Piece(made[-1].text + piece, differs)
        else:
            made.append(Piece(piece, differs))
    return made


def same_fact(one: str | None, other: str | None) -> bool | None:
    """Say whether two facts are the same; None where one of them is not known."""
    if not one or not other:
        return None
    return folded(one.strip()) == folded(other.strip())
