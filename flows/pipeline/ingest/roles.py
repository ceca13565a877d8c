"""Roles: which column of an unknown file plays which part, from its name and from its values.

A name alone misleads (``price.discount.deletedPrice``), and so do values alone (an article code
looks like a price in cents). Both are scored; a role goes to the best column, a column to one
role. What comes out is a proposal for a person, never used unseen.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from flows.pipeline.normalise.gtin import classify
from flows.pipeline.normalise.price import CODES, parse_money
from flows.pipeline.normalise.units import UNITS, parse_pack

LOOKED_AT: Final = 500
"""Values of a column that are looked at."""
_LEAST: Final = 1.0
"""Score from which a column is proposed: a fitting name, or values that leave no doubt."""

_NAMES: Final = {
    "seller": "seller shop store chain retailer merchant market provider vendor haendler händler "
    "enseigne sklep sprzedawca sieć רשת שםרשת",
    "store_id": "storeid branch filiale marktnummer oddział סניף מזההחנות",
    "gtin": "gtin ean barcode upc gtin13 ean13 ברקוד",
    "sku": "sku id code article articleid productid item itemcode artikelnummer artikel ref "
    "reference number indeks symbol nrkat nrkatalogowy kodproduktu kodtowaru מקט",
    "name": "name title product productname itemname fulltitle bezeichnung artikelbezeichnung "
    "designation libelle nom nazwa nazwatowaru nazwaproduktu שם שםמוצר שםפריט",
    "brand": "brand manufacturer maker marke hersteller marque producer marka producent מותג יצרן",
    "country": "country origin countryoforigin herkunft pays ארץ",
    "price": "price preis prix cost currentprice saleprice itemprice now value cena "
    "cenabrutto מחיר",
    "regular_price": "regular crossed old was list original before uvp rrp oldprice regularprice "
    "listprice originalprice strike statt przekreślona cenaregularna",
    "unit_price": "unitprice baseprice priceperunit grundpreis perstandardizedquantity "
    "cenajednostkowa מחירליחידה",
    "currency": "currency waehrung währung devise currencycode waluta מטבע",
    "quantity": "quantity size grammage unit content amount volume weight inhalt netcontent "
    "packagequantity packsize menge ilość כמות משקל",
    "quantity_unit": "unit unitofmeasure uom einheit volumelabelshort packagebaseunit unite יחידה "
    "יחידתכמות",
    "updated_at": "updated updatedat lastupdate timestamp modified date changed pricedate עודכן",
    "category": "category kategorie categorie categorypath producttype department warengruppe "
    "breadcrumb kategoria קטגוריה",
    "availability": "availability available stock instock verfuegbar verfügbar lager "
    "dostępność stan",
    "url": "url link canonicalurl deeplink href producturl",
    "image": "image images img picture photo media bild imageurl imagelink",
}
"""Parts of names by role, as ``_parts`` writes them."""
_TOLD_BY_VALUES: Final = frozenset({"gtin", "currency"})
"""Roles that need no fitting name: a check digit or a currency's code is proof enough."""
_NOT_A_PRICE: Final = frozenset(
    [
        "regular",
        "regularna",
        "promocyjna",
        "netto",
        "jednostkowa",
        "crossed",
        "old",
        "was",
        "list",
        "original",
        "before",
        "uvp",
        "rrp",
        "unit",
        "base",
        "per",
        "discount",
        "percentage",
        "min",
        "max",
        "deposit",
        "refund",
        "quantity",
        "factor",
        "saving",
        "validity",
        "standardized",
    ]
)
"""Parts of names of amounts that are not what a product costs today."""


@dataclass(frozen=True)
class Guess:
    """A column for a role.

    Attributes:
        header: of the column.
        score: how well it fits; an order, no probability.
        filled: share of rows that have a value, 0 to 1.
        example: one of its values.
    """

    header: str
    score: float
    filled: float
    example: str


def guess_roles(columns: Mapping[str, Sequence[str | None]]) -> dict[str, Guess]:
    """Return a column for each role that one fits.

    Args:
        columns: header → cells.
    """
    scored: list[tuple[float, float, str, str]] = []
    for header, cells in columns.items():
        values = [cell.strip() for cell in cells[:LOOKED_AT] if cell and cell.strip()]
        if not values:
            continue
        filled = len(values) / min(len(cells), LOOKED_AT)
        for role in _NAMES:
            name = _by_name(role, header)
            score = name + _by_values(role, values)
            if score >= _LEAST and (name > 0 or role in _TOLD_BY_VALUES):
                scored.append((round(score * (0.5 + filled / 2), 6), filled, role, header))
    found: dict[str, Guess] = {}
    taken: set[str] = set()
    # Of equal scores the shorter path: what a product says of itself, not what its parts do.
    for score, filled, role, header in sorted(
        scored, key=lambda one: (-one[0], one[3].count(".") + one[3].count("["), one[3], one[2])
    ):
        if role not in found and header not in taken:
            example = next(cell for cell in columns[header] if cell and cell.strip())
            found[role] = Guess(header, score, filled, example.strip())
            taken.add(header)
    if "sku" not in found and "gtin" in found:
        found["sku"] = found.pop("gtin")  # the barcode is the only code there is
    return found


def _parts(header: str) -> list[str]:
    """Return the parts of a name: ``price.regularValue[0]`` → price, regular, value."""
    spaced = re.sub(r"\[[0-9]+\]", " ", re.sub(r"([a-zäöü])([A-Z])", r"\1 \2", header))
    return [part for part in re.split(r"[\W_]+", spaced.lower()) if part]


def _by_name(role: str, header: str) -> float:
    parts = _parts(header)
    known = _NAMES[role].split()
    whole = "".join(parts)
    if not parts:
        return 0.0
    score = 0.0
    if whole in known:
        score = 2.0 - known.index(whole) / 100
    elif parts[-1] in known or "".join(parts[-2:]) in known:
        score = 1.4
    elif any(part in known for part in parts):
        score = 0.8
    if role == "price" and _NOT_A_PRICE & set(parts):
        score -= 0.6 * len(_NOT_A_PRICE & set(parts))
    return score


def _by_values(role: str, values: Sequence[str]) -> float:
    """Return what the values say: up to 1 for, down to -2 against."""
    test = _TESTS.get(role)
    if test is None:
        return 0.0
    share = sum(test(value) for value in values) / len(values)
    different = len(set(values)) / len(values)
    if role == "sku":
        return share * (different if different > 0.5 else -1.0)
    if role == "name":
        return share * min(1.0, 2 * different) if share > 0.5 else -2.0
    if role in ("seller", "category", "brand"):
        return 0.2 * (share - different)
    return share if share >= 0.6 else -2.0


def _is_price(value: str) -> bool:
    amount = parse_money(value)
    return amount is not None and 0 < amount < 1_000_000


_CODE = re.compile(r"[\w./-]{1,40}")
_DATE = re.compile(r"(?:\d{4}-\d\d-\d\d|\d\d[./]\d\d[./]\d{4}).*")
_STOCK = re.compile(
    r"(?:true|false|yes|no|0|1|in ?stock|out ?of ?stock|available|sold ?out|preorder|backorder"
    r"|lieferbar|ausverkauft|dostępn[yae]|niedostępn[yae]|brak"
    r"|https?://schema\.org/\w+)", re.IGNORECASE
)  # fmt: skip
_TESTS: Final[dict[str, Callable[[str], bool]]] = {
    "gtin": lambda value: classify(value)[1] in ("valid", "in_store"),
    "sku": lambda value: bool(_CODE.fullmatch(value)),
    "name": lambda value: sum(map(str.isalpha, value)) >= 3 and not value.startswith(("http", "/")),
    "price": _is_price,
    "regular_price": _is_price,
    "unit_price": _is_price,
    "currency": lambda value: value.upper() in CODES or value in "€$£₪",
    "quantity": lambda value: parse_pack(value) is not None or value.replace(".", "").isdigit(),
    "quantity_unit": lambda value: value.lower() in UNITS,
    "updated_at": lambda value: bool(_DATE.fullmatch(value)),
    "availability": lambda value: bool(_STOCK.fullmatch(value)),
    "url": lambda value: value.startswith(("http://", "https://", "/")),
    "image": lambda value: value.startswith(("http://", "https://", "/")),
    "seller": lambda value: True,
    "category": lambda value: True,
    "brand": lambda value: sum(map(str.isalpha, value)) >= 2,
}
