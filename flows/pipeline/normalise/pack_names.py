"""Pack sizes inside product names: ``Cola 6 x 330 ml``, ``Eier 10 Stück``, ``Milch 1,5 L``.

Web shops rarely give a size a field of its own; it stands in the name, among numbers that are
none: ``Nappies size 4, 9-14 kg, 52 pcs`` holds 52 pieces and no kilogram. So a name gives a pack
only where all that it says of sizes is one thing. Several sizes, unless they are the same one in
two units (``16 oz (453 g)``) or the pack and its total (``6 x 0,33 l = 1,98 l``), give None.

Not read as a size: ranges and limits (``3-5 kg``, ``up to 25 kg``), lengths, milligrams (a dose),
``5G`` and the like. The digits are read by the rules of ``parse_number``: ``1.500 g`` is None.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal
from functools import lru_cache
from typing import Final

import polars as pl

from flows.pipeline.normalise.price import parse_number
from flows.pipeline.normalise.units import QUANTITY_DECIMALS, UNITS, Pack, unit_key

_SAME: Final = 0.015
"""Share by which two units may differ and mean one size: labels round ounces and grams."""
_SPELLED: Final = {
    key: base for key, (base, factor) in UNITS.items() if base != "m" and factor != Decimal("1e-6")
}
_WEIGHED: Final = "|".join(
    sorted(
        (re.escape(key) for key, base in _SPELLED.items() if base in ("kg", "l")),
        key=lambda key: (-len(key), key),
    )
)
_COUNTED: Final = "|".join(
    sorted(
        (re.escape(key) for key, base in _SPELLED.items() if base == "piece"),
        key=lambda key: (-len(key), key),
    )
)
_NUMBER: Final = r"\d{1,3}(?:[ .,']\d{3})+(?![\d.,])|\d{1,6}(?:[.,]\d{1,3})?"
_TIMES: Final = r"\s?[x×*]\s?"
_END: Final = r"(?![^\W\d_])"
_MEASURE: Final = re.compile(
    rf"(?<![\w.,/-])(?P<counts>(?:\d{{1,3}}{_TIMES}){{0,3}})(?P<number>{_NUMBER})\s?"
    rf"(?P<unit>fl\.?\s?oz|{_WEIGHED})\.?{_END}(?:{_TIMES}(?P<after>\d{{1,3}})(?![\d.,]))?",
    re.IGNORECASE,
)
_PIECES: Final = re.compile(
    rf"(?<![\w.,/-])(?P<counts>(?:\d{{1,3}}{_TIMES}){{0,3}})(?P<number>\d{{1,4}})\s?(?:{_COUNTED})"
    rf"\.?{_END}",
    re.IGNORECASE,
)
_PACK: Final = re.compile(
    r"(?<![\w.,/-])(?:(\d{1,3})(?:er)?[- ]?(?:pack|packung|set|pk|multipack)(?![^\W\d_])"
    r"|(?:pack|set|box|case) of (\d{1,3})(?!\d)|(?:מארז|מארז של) (\d{1,3})(?!\d))",
    re.IGNORECASE,
)
_RANGE: Final = re.compile(
    r"\d+(?:[.,]\d+)?\s?(?:kg|g|l|ml)?\s?(?:-|–|—|bis|to|עד)\s?\d+(?:[.,]\d+)?\s?[^\W\d_]{1,8}",
    re.IGNORECASE,
)
_LIMIT: Final = re.compile(
    r"(?:\b(?:bis|up to|max\.?|ab|from|für|for|über|over|jusqu'à|hasta|fino a)\s|עד )"
    r"(?:zu )?\d+(?:[.,]\d+)?\s?[^\W\d_]{1,8}|\d+(?:[.,]\d+)?\s?[^\W\d_]{1,8}\s?\+(?!\s?\d)"
    r"|\b[2-6]G\b",
)
LONGEST: Final = 400


@lru_cache(maxsize=20_000)
def pack_in_name(name: str) -> Pack | None:
    """Return the pack that a product's name states, None if it states none or several.

    Args:
        name: of the product; beyond ``LONGEST`` characters it is none.
    """
    if len(name) > LONGEST or not any(character.isdigit() for character in name):
        return None
    text = " ".join(name.split())
    text = _LIMIT.sub(" ", _RANGE.sub(" ", text))
    found = [_measured(one) for one in _MEASURE.finditer(text)]
    packs = [int(next(filter(None, one.groups()))) for one in _PACK.finditer(text)]
    pieces = [
        _product(one["counts"]) * int(one["number"])
        for one in _PIECES.finditer(_MEASURE.sub(" ", text))
    ]
    if None in found or len(set(packs)) > 1 or len(set(pieces)) > 1:
        return None
    if not found:
        count = {*packs, *pieces}
        return Pack(1.0, "piece", count.pop()) if len(count) == 1 and 0 not in count else None
    pack = _one([one for one in found if one is not None])
    if pack is None or not (packs or pieces):
        return pack
    # "10 pieces 530 g": whether one weighs that or all do is not said.
    if not packs or (pieces and pieces[0] != packs[0]):
        return None
    if pack.count in (1, packs[0]) and packs[0] > 0:
        return Pack(pack.quantity, pack.unit, packs[0])
    return None


def _measured(found: re.Match[str]) -> Pack | None:
    number = parse_number(found["number"])
    base, factor = UNITS.get(unit_key(found["unit"]), (None, Decimal(0)))
    count = _product(found["counts"]) * int(found["after"] or 1)
    if number is None or base is None or count < 1:
        return None
    quantity = round(float(number * factor), QUANTITY_DECIMALS)
    return Pack(quantity, base, count) if quantity > 0 else None


def _product(counts: str) -> int:
    return math.prod(int(one) for one in re.findall(r"\d+", counts))


def _one(packs: list[Pack]) -> Pack | None:
    """Return the one pack that several statements mean; the first with a count, else the first."""
    if len({one.unit for one in packs}) > 1:
        return None
    several = [one for one in packs if one.count > 1]
    chosen = (several or packs)[0]
    meant = (chosen.total, chosen.quantity) if several else (chosen.total,)
    for one in packs:
        if not any(math.isclose(one.total, total, rel_tol=_SAME) for total in meant):
            return None
    return chosen


def with_pack_of_name(frame: pl.DataFrame, name: str = "name") -> pl.DataFrame:
    """Return the frame with ``pack_quantity`` and ``pack_unit`` from names where they are null.

    Args:
        frame: with the two columns and the names. A name is read once, not once for each row.
        name: the column of the names.
    """
    wanted = frame.filter(pl.col("pack_quantity").is_null())[name].drop_nulls().unique()
    read = [
        (text, pack.total, pack.unit) for text in wanted if (pack := pack_in_name(text)) is not None
    ]
    schema = {"text": pl.String, "total": pl.Float64, "base": pl.String}
    measured = frame.select(text=name).join(
        pl.DataFrame(read, schema=schema, orient="row"),
        on="text",
        how="left",
        maintain_order="left",
    )
    missing = frame["pack_quantity"].is_null()
    return frame.with_columns(
        pack_quantity=pl.when(missing).then(measured["total"]).otherwise("pack_quantity"),
        pack_unit=pl.when(missing).then(measured["base"]).otherwise("pack_unit"),
    )
