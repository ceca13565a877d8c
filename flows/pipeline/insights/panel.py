"""The panel: what the days before say of each of the day's offers.

A month of a large market is tens of millions of rows, of which the figures over time need two
numbers each: the price, and whether it could be had. So the earlier days are read one after the
other, each laid beside the day's offers and kept as one row of two arrays: 1 M offers over 30 days
are 270 MB instead of ten times that. What is asked of them is then arithmetic over arrays.

A price counts only in the currency that the offer has today: amounts in two cannot be compared.
An offer carried over from an earlier day (``stale``) says nothing of the day it is carried to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl

from flows.pipeline.schema import MONEY, OFFER_KEY

UNSEEN, IN_STOCK, OUT, UNTOLD = range(4)
"""Codes of availability: no offer that day; can be had; cannot; nothing is known of it."""

CANNOT_BE_HAD = ("out_of_stock", "preorder", "backorder")

SCALE = 10_000
"""Prices are whole ten-thousandths, as exact as `MONEY`."""

NEVER = -1

Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[np.uint8]
Flags = npt.NDArray[np.bool_]

_READ = {
    "price": MONEY,
    "currency": pl.String(),
    "availability": pl.String(),
    "pack_quantity": pl.Float64(),
    "pack_unit": pl.String(),
    "stale": pl.Boolean(),
}
_SELLER_DAYS = {
    "seller": pl.String(),
    "seen": pl.Date(),
    "count": pl.Int64(),
    "stores": pl.String(),
}


@dataclass(frozen=True)
class Panel:
    """The day's offers, and what was seen of each on the days before.

    Attributes:
        offers: OFFERS of the day, in the order of the arrays' second axis.
        days: earlier days, ascending: the arrays' first axis.
        price: [day, offer], in `SCALE`; 0 where there was none.
        state: [day, offer], a code of availability.
        pack: [offer], pack size and unit when last seen, in words; null where not known.
        sellers: seller, seen, count, stores: each seller's offers on each earlier day.
    """

    offers: pl.DataFrame
    days: tuple[date, ...]
    price: Ints
    state: Codes
    pack: pl.Series
    sellers: pl.DataFrame

    def of(self, which: Flags) -> Panel:
        """Return the panel of some of the offers."""
        return Panel(
            self.offers.filter(pl.Series(which)),
            self.days,
            self.price[:, which],
            self.state[:, which],
            self.pack.filter(pl.Series(which)),
            self.sellers,
        )

    def dates(self, indices: Ints) -> pl.Series:
        """Return the days at some indices; null at `NEVER`."""
        table = pl.Series([None, *self.days], dtype=pl.Date)
        return table.gather(pl.Series(indices + 1))


def panel(offers: pl.DataFrame, history: Mapping[date, pl.DataFrame], day: date) -> Panel:
    """Lay the days before beside the day's offers.

    Args:
        offers: OFFERS of the day.
        history: OFFERS of other days; each is asked for once, so that a mapping may read it then.
            The columns of the key, ``day`` and ``price`` are enough: what is not there is not
            known.
        day: the day; others that are not before it are left alone.
    """
    days = tuple(sorted(earlier for earlier in history if earlier < day))
    price = np.zeros((len(days), offers.height), dtype=np.int64)
    state = np.full((len(days), offers.height), UNSEEN, dtype=np.uint8)
    today = offers.select(*OFFER_KEY, now="currency").with_row_index("place")
    pack = np.full(offers.height, NEVER, dtype=np.int64)
    packs: dict[str, int] = {}
    sellers = [pl.DataFrame(schema=_SELLER_DAYS)]
    for row, earlier in enumerate(days):
        frame = _complete(history[earlier])
        sellers.append(_seller_days(frame, earlier))
        found = _beside(today, frame)
        places = found["place"].to_numpy()
        price[row, places] = found["cents"].to_numpy()
        state[row, places] = found["code"].to_numpy()
        told = found.filter(pl.col("pack").is_not_null())
        words = told["pack"].unique()
        codes = {word: packs.setdefault(word, len(packs)) for word in words.to_list()}
        pack[told["place"].to_numpy()] = told.select(
            pl.col("pack").replace_strict(codes, return_dtype=pl.Int64)
        )["pack"].to_numpy()
    named = pl.Series([None, *packs], dtype=pl.String).gather(pl.Series(pack + 1))
    return Panel(offers, days, price, state, named, pl.concat(sellers))


PACK = pl.format("{} {}", pl.col("pack_quantity"), pl.col("pack_unit"))
"""Pack size and unit in words; null where either is not known."""


def _complete(frame: pl.DataFrame) -> pl.DataFrame:
    missing = {name: kind for name, kind in _READ.items() if name not in frame.columns}
    return frame.select(
        *OFFER_KEY,
        *(name for name in _READ if name not in missing),
        *(pl.lit(None, kind).alias(name) for name, kind in missing.items()),
    )


def _seller_days(frame: pl.DataFrame, day: date) -> pl.DataFrame:
    return frame.group_by("seller").agg(
        seen=pl.lit(day, pl.Date),
        count=pl.len().cast(pl.Int64),
        stores=pl.col("store_id").unique().sort().str.join(", "),
    )


def _beside(today: pl.DataFrame, frame: pl.DataFrame) -> pl.DataFrame:
    """Return place, cents, code and pack of an earlier day's offers that are there today."""
    seen = ~pl.col("stale").fill_null(False)
    priced = (
        seen
        & (pl.col("price") > 0)
        # Where an old day does not tell its currency, it is the customer's.
        & (pl.col("currency").is_null() | pl.col("currency").eq_missing(pl.col("now")))
    ).fill_null(False)
    told = pl.col("availability")
    code = (
        pl.when(seen & (told == "in_stock"))
        .then(IN_STOCK)
        .when(seen & told.is_in(CANNOT_BE_HAD))
        .then(OUT)
        .otherwise(UNTOLD)
    )
    return (
        today.lazy()
        .join(frame.lazy(), on=list(OFFER_KEY), how="inner")
        .select(
            "place",
            cents=pl.when(priced).then(in_cents(pl.col("price"))).otherwise(0),
            code=code.cast(pl.UInt8),
            pack=pl.when(seen).then(PACK),
        )
        .collect()
    )


def in_cents(price: pl.Expr) -> pl.Expr:
    """Return MONEY as whole ten-thousandths."""
    return price.cast(MONEY).to_physical().cast(pl.Int64)


def in_money(cents: Ints, name: str) -> pl.Series:
    """Return whole ten-thousandths as MONEY; null where there was no price."""
    values = pl.Series(name, cents)
    # Exact: a double holds every amount of MONEY up to 900 billion.
    return pl.select(pl.when(values > 0).then((values / SCALE).cast(MONEY)).alias(name)).to_series()


def today_of(offers: pl.DataFrame) -> Ints:
    """Return the day's prices as the panel has them; 0 where there is none above 0."""
    cents = offers.select(in_cents(pl.col("price")).fill_null(0))["price"]
    today: Ints = np.maximum(cents.to_numpy(), 0)
    return today
