"""One spelling for each brand, whichever way sellers write it.

Two steps. An alias table says which names mean one brand; it knows what no rule could (another
script, an old name, a maker that stands for its brand). Names that differ only in what carries no
meaning (case, accents, hyphens, ``®``, ``GmbH``) are one brand without any table: of these the
most frequent spelling is taken, and of equally frequent ones the first in the alphabet, so that
the same rows give the same names in any order.

Not done: guessing. ``Bosh`` stays itself until the table says otherwise; a wrong merger of two
brands would hide a real difference from whoever compares products.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

import polars as pl

from flows.pipeline.normalise.brand_aliases import ALIASES

_SIGNS: Final = re.compile(r"[®™©℠]|\((?:r|tm|c)\)", re.IGNORECASE)
_FORMS: Final = (
    "gmbh & co. kg", "gmbh & co kg", "gmbh", "ag", "kg", "inc", "ltd", "llc", "limited",
    "corporation", "corp", "co", "company", "plc", "s.a", "s.p.a", "spa", "s.r.l", "srl", "b.v",
    "bv", "n.v", "a/s", "oy", "oyj", "ab", "sas", "sarl", "s.l", "sl", "sp. z o.o", "kft", 'בע"מ',
    "בע״מ", "(1995)",
)  # fmt: skip
_FORM: Final = re.compile(
    r"[\s,]+(?:" + "|".join(sorted(map(re.escape, _FORMS), key=len, reverse=True)) + r")\.?$",
    re.IGNORECASE,
)
"""What a company's name ends with and a brand's does not."""
_NOTHING: Final = re.compile(r"[\W_]+")


def brand_key(name: str) -> str:
    """Return what of a name tells brands apart: two names with one key are one brand.

    Empty for a name without letters or digits.
    """
    text = _SIGNS.sub("", name).strip()
    while (shorter := _FORM.sub("", text)) != text and shorter.strip():
        text = shorter.strip()
    text = text.replace("ß", "ss").replace("&", " and ").replace("+", " and ").casefold()
    plain = unicodedata.normalize("NFKD", text)
    plain = "".join(sign for sign in plain if not unicodedata.combining(sign))
    return _NOTHING.sub("", plain)


class BrandTable:
    """Names that mean one brand.

    Args:
        aliases: brand → its other names. A brand's own name need not be repeated.

    Raises:
        ValueError: one name is given to two brands.
    """

    def __init__(self, aliases: Mapping[str, Iterable[str]] = ALIASES) -> None:
        self._brands: dict[str, str] = {}
        for brand, names in aliases.items():
            for name in (brand, *names):
                key = brand_key(name)
                known = self._brands.setdefault(key, brand)
                if known != brand:
                    raise ValueError(
                        f"the brand table gives {name!r} to {known!r} and to {brand!r}: "
                        "give it to one of them"
                    )

    def name_of(self, name: str) -> str | None:
        """Return the brand that a name means, None where the table does not know it."""
        return self._brands.get(brand_key(name))

    def canonical(self, counts: Mapping[str, int]) -> dict[str, str]:
        """Return for each name the one spelling of its brand.

        Args:
            counts: name → how often it comes.
        """
        spellings: dict[str, Counter[str]] = {}
        keys = {name: brand_key(name) for name in counts}
        for name, count in counts.items():
            spellings.setdefault(keys[name], Counter())[name] += count
        best = {
            key: min(found, key=lambda name: (-found[name], name))
            for key, found in spellings.items()
        }
        return {
            name: self._brands.get(key, best[key] if key else name) for name, key in keys.items()
        }


def with_brand(frame: pl.DataFrame, table: BrandTable, column: str = "brand") -> pl.DataFrame:
    """Return the frame with one spelling for each brand; nulls stay.

    Args:
        frame: any frame.
        table: names that mean one brand.
        column: the column of brands.
    """
    counted = frame[column].drop_nulls().value_counts()
    names = table.canonical(dict(counted.rows()))
    moved = {name: brand for name, brand in names.items() if name != brand}
    return frame.with_columns(pl.col(column).replace(moved)) if moved else frame
