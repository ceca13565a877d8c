"""What is known of the market now: the day's offers and matches, and the prices that came since.

The day's own datasets are the base. A price that came by the stream lies over it until a later
day's offers are there. `partners` is the one place that says which offers are one product: what
was matched and decided on the day, and, for what the day did not know, a common barcode.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

import polars as pl

from flows.pipeline.matching.by_gtin import match_by_gtin
from flows.pipeline.schema import MATCHES, OFFER_KEY, OFFERS, conform, empty

KEY = list(OFFER_KEY)
FOLD = 2000
"""Offers that may lie over the base before both are made one: copying the base costs milliseconds
for a hundred thousand offers, so it is not done for each batch."""


@dataclass(frozen=True)
class Standing:
    """The market as it is known.

    Attributes:
        own_seller: the customer's own.
        base: OFFERS, one for each key.
        over: OFFERS that replace those of the base.
        matches: MATCHES of the day, decided ones included.
    """

    own_seller: str
    base: pl.DataFrame
    over: pl.DataFrame
    matches: pl.DataFrame

    @classmethod
    def of(
        cls,
        own_seller: str,
        offers: pl.DataFrame | None = None,
        matches: pl.DataFrame | None = None,
    ) -> Standing:
        """Return what a day's offers and matches say; nothing where there are none yet."""
        base = empty(OFFERS) if offers is None else conform(offers, OFFERS)
        found = empty(MATCHES) if matches is None else conform(matches, MATCHES)
        return cls(own_seller, base, empty(OFFERS), found)

    def with_offers(self, changed: pl.DataFrame) -> Standing:
        """Return it with offers as they are now."""
        over = pl.concat([self.over.join(changed, on=KEY, how="anti"), changed])
        if over.height < FOLD:
            return replace(self, over=over)
        base = pl.concat([self.base.join(over, on=KEY, how="anti"), over]).rechunk()
        return replace(self, base=base, over=empty(OFFERS))

    def offers(self, wanted: pl.Expr) -> pl.DataFrame:
        """Return OFFERS as they are now, of those that are wanted."""
        over = self.over.filter(wanted)
        base = self.base.filter(wanted)
        if self.over.height:
            base = base.join(self.over.select(KEY), on=KEY, how="anti")
        return pl.concat([base, over])


@dataclass(frozen=True)
class Partners:
    """The part of the market that a change touches.

    Attributes:
        own: OFFERS of the own seller.
        market: OFFERS of competitors.
        matches: MATCHES between the two in which a changed offer, or its product, takes part.
    """

    own: pl.DataFrame
    market: pl.DataFrame
    matches: pl.DataFrame


def partners(standing: Standing, changed: pl.DataFrame) -> Partners:
    """Return what some changed offers are compared with.

    Args:
        standing: with the changed offers in it.
        changed: OFFERS.
    """
    mine = pl.col("seller") == standing.own_seller
    own_changed, others = changed.filter(mine), changed.filter(~mine)
    known = standing.matches
    touched = pl.concat(
        [
            known.join(others.select("seller", "sku"), on=["seller", "sku"], how="semi"),
            known.join(own_changed.select(own_sku="sku"), on="own_sku", how="semi"),
        ]
    ).unique(maintain_order=True)
    gtins = changed["gtin"].drop_nulls().unique().implode()
    same = pl.col("gtin").is_in(gtins).fill_null(False)
    own_skus = pl.concat([touched["own_sku"], own_changed["sku"]]).implode()
    own = standing.offers(mine & (same | pl.col("sku").is_in(own_skus)))
    skus = pl.concat([touched["sku"], others["sku"]]).implode()
    market = standing.offers(~mine & (same | pl.col("sku").is_in(skus)))
    by_gtin = match_by_gtin(own.filter(same), market.filter(same))
    # What was decided or doubted of a pair stands above a common barcode.
    fresh = by_gtin.join(touched, on=["own_sku", "seller", "sku"], how="anti")
    return Partners(own, market, pl.concat([touched, fresh]))


def merged(
    standing: Standing, offers: pl.DataFrame, matches: pl.DataFrame, stream: pl.DataFrame, day: date
) -> Standing:
    """Return a new day's offers and matches, with the stream's prices that are not older over it.

    Args:
        standing: as it was.
        offers: OFFERS of the day.
        matches: MATCHES of the day.
        stream: OFFERS that came by the stream, the latest of each key; ``day`` is when.
        day: of the offers.
    """
    made = Standing.of(standing.own_seller, offers, matches)
    return made.with_offers(stream.filter(pl.col("day") >= day))


def previous_prices(standing: Standing, keys: pl.DataFrame) -> Mapping[date, pl.DataFrame]:
    """Return the offers of some keys as they stand, by their day: the history of a change."""
    over = standing.over.join(keys, on=KEY, how="semi")
    base = standing.base.join(keys, on=KEY, how="semi").join(over, on=KEY, how="anti")
    found = pl.concat([base, over])
    return {day: rows for (day,), rows in found.group_by("day")}
