"""Writes the fictitious market to a folder: one flat folder, four files a day.

The same arguments give the same bytes. Files of the given days that an earlier call left are
replaced, or removed where the day is to have none; other files are not touched.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path

from flows.sample.chance import stream
from flows.sample.faults import (
    InjectedFault,
    file_faults,
    seller_faults,
    sellers_away,
    spoil_rows,
)
from flows.sample.layouts import LAYOUTS
from flows.sample.market import COMPETITORS, OWN, Market, simulate

FEWEST_PRODUCTS = 100
"""Below it the smallest competitor has too few rows to put every fault in a row of its own."""

SELLERS_OF_A_SHARED_PRODUCT = 2
"""Competitors that carry what a fault is to be seen on, one of them beyond doubt."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A generated market.

    Attributes:
        folder: where the files are.
        days: all days asked for, the one without files included.
        own_seller: the customer's name in its catalogue.
        faults: what was put wrong, by day, file and row.
    """

    folder: Path
    days: tuple[date, ...]
    own_seller: str
    faults: tuple[InjectedFault, ...]


def generate(
    out: Path, *, seed: int, days: Sequence[date], products: int = 3000, faults: bool = True
) -> Sample:
    """Write the files of a fictitious retail market.

    Args:
        out: folder for the files; made where it is not there.
        seed: the same seed, days and sizes give the same bytes.
        days: ascending, without repetition. Six or more have room for every fault.
        products: the customer's articles, at least 100; competitors have half to one and a
            fifth as many.
        faults: put faults in; without them every file of every day is sound.

    Raises:
        ValueError: the days are not ascending, or there are too few or too many products.
    """
    days = tuple(days)
    if not days or any(b <= a for a, b in pairwise(days)):
        raise ValueError(f"days must be ascending and at least one, not {list(map(str, days))}")
    if products < FEWEST_PRODUCTS:
        raise ValueError(f"products must be at least {FEWEST_PRODUCTS}, not {products}")
    market = simulate(seed, days, products)
    broken = file_faults(days) if faults else {}
    away = sellers_away(days) if faults else {}
    record = seller_faults(days) if faults else []
    for seller, absent in away.items():
        for day in absent:
            market[seller, day] = []

    shared = _shared(market, days[-1])
    out.mkdir(parents=True, exist_ok=True)
    for day in days:
        for layout in LAYOUTS:
            lines = [line for seller in layout.sellers for line in market[seller.name, day]]
            rows = [layout.row(line) for line in lines]
            name = layout.file_name(day)
            fault = broken.get(day)
            if fault is not None and fault.concerns(layout):
                data = fault.spoil(layout, rows)
                if fault.layout is not None:
                    record.append(InjectedFault(day, name, fault.kind, fault.detail))
            else:
                if faults and day == days[-1]:
                    chance = stream(seed, "faults", layout.pattern)
                    record += spoil_rows(rows, layout, day, shared, chance)
                data = layout.render(rows)
            if data is None:
                (out / name).unlink(missing_ok=True)
            else:
                (out / name).write_bytes(data)
    record += [
        InjectedFault(day, "", fault.kind, fault.detail)
        for day, fault in broken.items()
        if fault.layout is None
    ]
    record.sort(key=lambda fault: (fault.day, fault.file, fault.row or 0, fault.kind))
    return Sample(out, days, OWN.name, tuple(record))


def _shared(market: Market, day: date) -> set[str]:
    """Codes of the day that the customer and at least two competitors sell."""
    sellers = Counter(
        line.product.gtin
        for competitor in COMPETITORS
        for line in market[competitor.name, day]
        if line.code == line.product.gtin
    )
    return {
        line.code
        for line in market[OWN.name, day]
        if sellers[line.code] >= SELLERS_OF_A_SHARED_PRODUCT
    }
