"""The four file layouts in which the sellers of the sample publish their prices.

They differ in what readers stumble over: separator, encoding, decimal mark, compression, the
language of the headers, whether the seller is named, how a quantity is written, and whether
leading zeros of a barcode survive. The bundle follows the layout of Israel's price transparency
files, several chains in one file, each with habits of its own: makers left out or "לא ידוע",
countries as codes or as names, a unit price that is per gram whatever its basis says.
"""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from flows.sample.market import COMPETITORS, OWN, Line, Seller
from flows.sample.products import ENGLISH, HEBREW, large

GREEN_BASKET, SHUK_TOV, *BUNDLED = COMPETITORS

UNKNOWN = "לא ידוע"


@dataclass(frozen=True)
class Layout:
    """How one file is written.

    Attributes:
        pattern: file name with a place for the day; compressed where it ends in ``.gz``.
        code, name, price: the headers of the columns that faults are put in.
        decimal: mark of the decimals in a price.
        row: one line as cells, in the order of the header.
    """

    pattern: str
    sellers: tuple[Seller, ...]
    header: tuple[str, ...]
    code: str
    name: str
    price: str
    row: Callable[[Line], list[str]]
    delimiter: str = ","
    encoding: str = "utf-8-sig"
    decimal: str = "."
    newline: str = "\n"

    def file_name(self, day: date) -> str:
        """Return the name of the day's file."""
        return self.pattern.format(day=day.isoformat())

    def render(
        self,
        rows: Iterable[Sequence[str]],
        *,
        header: Sequence[str] | None = None,
        encoding: str | None = None,
    ) -> bytes:
        """Return the bytes of a file; the same rows give the same bytes."""
        text = io.StringIO()
        writer = csv.writer(text, delimiter=self.delimiter, lineterminator=self.newline)
        writer.writerow(header or self.header)
        writer.writerows(rows)
        data = text.getvalue().encode(encoding or self.encoding)
        return gzip.compress(data, mtime=0) if self.pattern.endswith(".gz") else data


@dataclass(frozen=True)
class _Habits:
    """How one chain of the bundle fills its cells."""

    units: dict[str, str]
    decimals: int  # of the quantity
    named_makers: bool
    country: int | None  # which of code and Hebrew name; None is unknown
    pack_size: str
    status: str
    dated: bool
    per_smallest_unit: bool  # unit price for one gram, whatever the basis says


_LONG_UNITS = {"g": "גרם", "kg": "קילוגרם", "ml": "מיליליטר", "l": "ליטר", "piece": "יחידות"}

_HABITS = {
    seller.name: habits
    for seller, habits in zip(
        BUNDLED,
        (
            _Habits(_LONG_UNITS, 2, False, 0, "1", "", False, False),
            _Habits(HEBREW, 0, True, None, "12.0000", "1", True, True),
            _Habits(HEBREW, 2, False, 1, "0", "", False, False),
            _Habits(_LONG_UNITS, 2, True, 1, UNKNOWN, "", False, False),
        ),
        strict=True,
    )
}


def _shekels(agorot: float, decimals: int = 2) -> str:
    return f"{agorot / 100:.{decimals}f}"


def _short(number: float) -> str:
    """Write as the price transparency files do: 12.9, never 12.90; 13.0, never 13."""
    return str(round(number, 3))


def _catalogue_row(line: Line) -> list[str]:
    product, size = line.product, line.product.size
    amount, unit = large(size.total, size.unit)
    basis = 1000 if product.weighable else 1 if size.unit == "piece" else 100
    return [
        line.seller.name,
        line.seller.store,
        line.code,
        line.name,
        product.brand[0],
        product.country[0],
        amount,
        "piece" if unit == "piece" else ENGLISH[unit],
        _shekels(line.agorot),
        _shekels(line.agorot * basis / size.total),
        "1 kg" if product.weighable else f"{basis} {size.unit}",
        "ILS",
        "true" if product.weighable else "false",
        line.updated.isoformat(),
    ]


def _bundle_row(line: Line) -> list[str]:
    product, size, habits = line.product, line.product.size, _HABITS[line.seller.name]
    unit = "kg" if product.weighable else size.unit
    total = 1 if product.weighable else size.total
    basis = 100 if unit in ("g", "ml") else 1
    word = habits.units[unit]
    unit_price = line.agorot / 100 * (1 if habits.per_smallest_unit else basis) / total
    maker = product.brand[1] if habits.named_makers and product.local else ""
    return [
        line.seller.name,
        line.seller.id,
        line.seller.store,
        line.code.lstrip("0"),
        line.name,
        maker or (UNKNOWN if habits.named_makers else ""),
        UNKNOWN if habits.country is None else product.country[habits.country],
        f"{total:.{habits.decimals}f}",
        word if unit == "piece" else f"{basis} {word}",
        word,
        _short(line.agorot / 100),
        _short(unit_price),
        "1" if product.weighable else "0",
        habits.pack_size,
        "1",
        habits.status,
        f"{line.updated:%Y-%m-%d %H:%M:%S}" if habits.dated else "",
    ]


def _shuk_tov_row(line: Line) -> list[str]:
    amount, unit = large(line.product.size.total, line.product.size.unit)
    return [
        line.seller.store,
        line.code.lstrip("0"),
        line.name,
        line.product.brand[1],
        amount.replace(".", ","),
        HEBREW[unit],
        _shekels(line.agorot).replace(".", ","),
        "₪",
        f"{line.updated:%d/%m/%Y %H:%M}",
    ]


def _green_basket_row(line: Line) -> list[str]:
    return [
        line.seller.name,
        line.seller.store,
        line.code,
        line.name,
        line.product.brand[0],
        line.product.size.text(ENGLISH, " x "),
        _shekels(line.agorot),
        "ILS",
        f"{line.updated:%Y-%m-%d %H:%M}",
    ]


CATALOGUE = Layout(
    pattern="orchard-catalogue_{day}.csv.gz",
    sellers=(OWN,),
    header=(  # fmt: skip
        "seller",
        "store_id",
        "ean",
        "title",
        "brand",
        "country",
        "size",
        "size_unit",
        "price",
        "unit_price",
        "unit_basis",
        "currency",
        "weighable",
        "updated_at",
    ),
    code="ean",
    name="title",
    price="price",
    row=_catalogue_row,
)
BUNDLE = Layout(
    pattern="market-prices_{day}.csv.gz",
    sellers=tuple(BUNDLED),
    header=(  # fmt: skip
        "רשת",
        "מזהה רשת",
        "מזהה חנות",
        "ברקוד",
        "שם מוצר",
        "יצרן",
        "ארץ ייצור",
        "כמות",
        "יחידת מידה",
        "יחידת כמות",
        "מחיר (₪)",
        "מחיר ליחידה (₪)",
        "שקיל",
        "כמות באריזה",
        "מותר הנחה",
        "סטטוס",
        "עודכן",
    ),
    code="ברקוד",
    name="שם מוצר",
    price="מחיר (₪)",
    row=_bundle_row,
)
SHUK_TOV_FILE = Layout(
    pattern="shuk-tov-prices_{day}.csv",
    sellers=(SHUK_TOV,),
    header=("חנות", "ברקוד", "שם", "מותג", "משקל", "יחידה", "מחיר", "מטבע", "עודכן"),
    code="ברקוד",
    name="שם",
    price="מחיר",
    row=_shuk_tov_row,
    delimiter=";",
    encoding="cp1255",
    decimal=",",
    newline="\r\n",
)
GREEN_BASKET_FILE = Layout(
    pattern="green-basket_{day}.tsv.gz",
    sellers=(GREEN_BASKET,),
    header=(  # fmt: skip
        "chain",
        "store",
        "gtin",
        "product",
        "manufacturer",
        "net_content",
        "price",
        "currency",
        "last_update",
    ),
    code="gtin",
    name="product",
    price="price",
    row=_green_basket_row,
    delimiter="\t",
    encoding="utf-8",
)
LAYOUTS = (CATALOGUE, BUNDLE, SHUK_TOV_FILE, GREEN_BASKET_FILE)
