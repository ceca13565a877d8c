"""The four file layouts in which the sellers of the sample publish their prices.

They differ in what readers stumble over: separator, encoding, decimal mark, compression, the
language of the headers, whether the seller is named, and whether leading zeros of a barcode
survive. The bundle follows the layout of Israel's price transparency files, several chains in
one file.
"""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from flows.sample.market import OWN, Line, Seller
from flows.sample.rows import (
    BUNDLED,
    GREEN_BASKET,
    SHUK_TOV,
    bundle_row,
    catalogue_row,
    green_basket_row,
    shuk_tov_row,
)


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


CATALOGUE = Layout(
    pattern="orchard-catalogue_{day}.csv.gz",
    sellers=(OWN,),
    header=(
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
    row=catalogue_row,
)
BUNDLE = Layout(
    pattern="market-prices_{day}.csv.gz",
    sellers=tuple(BUNDLED),
    header=(
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
    row=bundle_row,
)
SHUK_TOV_FILE = Layout(
    pattern="shuk-tov-prices_{day}.csv",
    sellers=(SHUK_TOV,),
    header=("חנות", "ברקוד", "שם", "מותג", "משקל", "יחידה", "מחיר", "מטבע", "עודכן"),
    code="ברקוד",
    name="שם",
    price="מחיר",
    row=shuk_tov_row,
    delimiter=";",
    encoding="cp1255",
    decimal=",",
    newline="\r\n",
)
GREEN_BASKET_FILE = Layout(
    pattern="green-basket_{day}.tsv.gz",
    sellers=(GREEN_BASKET,),
    header=(
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
    row=green_basket_row,
    delimiter="\t",
    encoding="utf-8",
)
LAYOUTS = (CATALOGUE, BUNDLE, SHUK_TOV_FILE, GREEN_BASKET_FILE)
