"""What is wrong with the sample, on purpose, and the record of it.

Files of real markets are late, cut short, renamed, and full of typing errors; whatever reads
them has to say so and lose nothing else. Each fault put in is recorded, so that a test can ask
of each whether it was reported. Faults of files stand on days before the last, so that the last
day, which a demonstration runs on, keeps its catalogue and its bundle; faults of rows stand on
the last day, in every file.

Rows are spoilt in place and repeated rows are appended, so the numbers of all other rows stay
true.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from random import Random
from typing import Literal, TypeAlias

from flows.sample.layouts import BUNDLE, CATALOGUE, GREEN_BASKET_FILE, SHUK_TOV_FILE, Layout

FaultKind: TypeAlias = Literal[
    "missing_day",
    "truncated_file",
    "wrong_encoding",
    "other_headers",
    "seller_vanished",
    "seller_appeared",
    "nonsense_price",
    "price_ten_times_off",
    "duplicate_key",
    "too_few_fields",
    "too_many_fields",
    "formula_cell",
    "html_cell",
]

NONSENSE_PRICES = ("0", "-4.9", "abc", "", "1e9", "0.01")
FORMULA = '=HYPERLINK("http://evil","x")'
SCRIPT = "<script>alert(1)</script>"

OTHER_HEADERS = (
    "Branch",
    "ItemCode",
    "ItemDesc",
    "Maker",
    "Content",
    "Uom",
    "ShelfPrice",
    "Cur",
    "ChangedOn",
)
"""The headers of שוק טוב on the day on which its file is another system's export."""

VANISHED, APPEARED = BUNDLE.sellers[2], BUNDLE.sellers[3]


@dataclass(frozen=True, slots=True)
class InjectedFault:
    """One thing put wrong.

    Attributes:
        day: of the file; for a seller, the first day without it or with it.
        file: name of the file; of no file where a whole day is missing: empty.
        detail: in words.
        row: the row below the header, 1 being the first; None for faults of files and sellers.
        value: the cell as it stands in the file; of a row with too few or too many fields, its
            barcode; of a seller, its name.
    """

    day: date
    file: str
    kind: FaultKind
    detail: str
    row: int | None = None
    value: str | None = None


Rows: TypeAlias = Sequence[Sequence[str]]


def _half(layout: Layout, rows: Rows) -> bytes:
    whole = layout.render(rows)
    return whole[: len(whole) // 2]


@dataclass(frozen=True)
class FileFault:
    """A fault of one day's file, or with no layout the want of all the day's files.

    Attributes:
        spoil: gives the bytes of the file with the fault; None where there is to be no file.
    """

    kind: FaultKind
    layout: Layout | None
    detail: str
    spoil: Callable[[Layout, Rows], bytes | None]

    def concerns(self, layout: Layout) -> bool:
        """Whether the fault is in this layout's file."""
        return self.layout is layout or self.layout is None


_FILE_FAULTS = {
    # By the day's place from the end. The last day but one stays whole: changes since then are
    # what the last day is read for.
    -3: FileFault(
        "other_headers",
        SHUK_TOV_FILE,
        "the headers are those of another system",
        lambda layout, rows: layout.render(rows, header=OTHER_HEADERS),
    ),
    -4: FileFault("missing_day", None, "no file of this day exists", lambda *_: None),
    -5: FileFault("truncated_file", GREEN_BASKET_FILE, "the compressed file ends half way", _half),
    -6: FileFault(
        "wrong_encoding",
        SHUK_TOV_FILE,
        "the file is UTF-8 instead of windows-1255",
        lambda layout, rows: layout.render(rows, encoding="utf-8"),
    ),
}


def file_faults(days: Sequence[date]) -> dict[date, FileFault]:
    """Return the faults of files that these days have room for; six have room for all."""
    return {days[place]: fault for place, fault in _FILE_FAULTS.items() if len(days) >= -place}


def sellers_away(days: Sequence[date]) -> dict[str, frozenset[date]]:
    """Return for each seller that comes or goes the days on which it has no rows."""
    away = {}
    if len(days) >= 3:
        away[VANISHED.name] = frozenset(days[-2:])
    if len(days) >= 2:
        away[APPEARED.name] = frozenset(days[:-1])
    return away


def seller_faults(days: Sequence[date]) -> list[InjectedFault]:
    """Return the record of the sellers that come and go on these days."""
    away = sellers_away(days)
    faults = []
    if VANISHED.name in away:
        faults.append(
            InjectedFault(
                days[-2],
                BUNDLE.file_name(days[-2]),
                "seller_vanished",
                f"{VANISHED.name} has no rows from this day on",
                value=VANISHED.name,
            )
        )
    if APPEARED.name in away:
        faults.append(
            InjectedFault(
                days[-1],
                BUNDLE.file_name(days[-1]),
                "seller_appeared",
                f"{APPEARED.name} has rows for the first time",
                value=APPEARED.name,
            )
        )
    return faults


def spoil_rows(
    rows: list[list[str]], layout: Layout, day: date, shared: set[str], chance: Random
) -> list[InjectedFault]:
    """Put faults into the rows of a file, in place, and return their record.

    Args:
        rows: the cells of the file, in the order of the layout's header.
        layout: whose file it is.
        day: the day of the file.
        shared: 13 digit codes of products that the customer and some competitors sell. What
            would mislead a comparison (a price, a hostile name) is put on these, broken rows on
            others. Those taken are removed from the set, so that no wrong price is compared
            with another wrong one.
        chance: where the choice of rows comes from.
    """
    code, name, price = (layout.header.index(x) for x in (layout.code, layout.name, layout.price))
    faults: list[InjectedFault] = []
    places = chance.sample(range(len(rows)), len(rows))
    once = {rows[place][code].zfill(13): place for place in places}  # chains share products
    visible = [place for gtin, place in once.items() if gtin in shared]
    quiet = [place for place in places if rows[place][code].zfill(13) not in shared]

    def put(kind: FaultKind, place: int, row: list[str], value: str, detail: str) -> None:
        if place == len(rows):
            rows.append(row)
        else:
            rows[place] = row
        file = layout.file_name(day)
        faults.append(InjectedFault(day, file, kind, detail, row=place + 1, value=value))
        shared.discard(row[code].zfill(13))

    def replaced(place: int, column: int, value: str) -> list[str]:
        return [*rows[place][:column], value, *rows[place][column + 1 :]]

    for nonsense in NONSENSE_PRICES:
        value, place = nonsense.replace(".", layout.decimal), visible.pop()
        put("nonsense_price", place, replaced(place, price, value), value, f"price {value!r}")

    place = quiet.pop()
    value = _moved(rows[place][price], layout, lambda agorot: agorot + 300)
    detail = f"row {place + 1} again, with another price"
    put("duplicate_key", len(rows), replaced(place, price, value), value, detail)

    place = quiet.pop()
    put("too_few_fields", place, rows[place][:price], rows[place][code], "ends before the price")

    place = quiet.pop()
    extra = [*rows[place][: name + 1], "3%", *rows[place][name + 1 :]]
    detail = "one field more after the name, the rest moved to the right"
    put("too_many_fields", place, extra, rows[place][code], detail)

    if layout is CATALOGUE:
        place = visible.pop()
        put("formula_cell", place, replaced(place, name, FORMULA), FORMULA, "name is a formula")
        place = visible.pop()
        value = _moved(rows[place][price], layout, lambda agorot: 10 * agorot)
        detail = f"ten times {rows[place][price]}"
        put("price_ten_times_off", place, replaced(place, price, value), value, detail)
    if layout is BUNDLE:
        place = visible.pop()
        value = f"{rows[place][name]} {SCRIPT}"
        put("html_cell", place, replaced(place, name, value), value, "name carries a script")
    return faults


def _moved(text: str, layout: Layout, change: Callable[[int], int]) -> str:
    """Return a price as it would stand in the file after a change in agorot."""
    agorot = change(round(100 * float(text.replace(layout.decimal, "."))))
    return f"{agorot / 100:.2f}".replace(".", layout.decimal)
