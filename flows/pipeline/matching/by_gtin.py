"""Matching by GTIN: the same valid trade item number is the same product.

The number is proof enough unless the prices disagree wildly: the same barcode at a fifth or at
five times the price is, in practice, a multipack sold under its unit's number, or a wrong price.
Such a pair goes to review with its reason, and counts in no figure until someone decides.
"""

from __future__ import annotations

import polars as pl

from flows.pipeline.schema import MATCHES, conform

PRICE_RATIO_LOW, PRICE_RATIO_HIGH = 0.4, 2.5
"""Own over competitor price: between neighbouring grocery chains hardly a true pair lies outside,
while the smallest multipack (two) with a usual discount still lies within."""


def match_by_gtin(
    own: pl.DataFrame,
    market: pl.DataFrame,
    *,
    low: float = PRICE_RATIO_LOW,
    high: float = PRICE_RATIO_HIGH,
) -> pl.DataFrame:
    """Match the customer's offers with its competitors'.

    A seller may offer a number in several stores or under several codes: its lowest price
    stands for it, then the first store and code.

    Args:
        own: OFFERS of the customer's own seller.
        market: OFFERS of its competitors; those of the own seller are left out.
        low: price ratio own over competitor below which a pair is reviewed.
        high: and above which.

    Returns:
        MATCHES, one row for each (own GTIN, competitor) that has both in one currency, sorted by
        GTIN and seller.
    """
    # A frame of all sellers is fine as the market: nobody is matched with itself.
    others = market.join(own.select("seller").unique(), on="seller", how="anti")
    pairs = _representative(own).join(
        _representative(others), on=["gtin", "currency"], how="inner", suffix="_market"
    )
    ratio = pl.col("price").cast(pl.Float64) / pl.col("price_market").cast(pl.Float64)
    far = ~ratio.is_between(low, high).fill_null(False)
    reason = pl.format(
        "same barcode, far prices: own {} against {}: another pack, or a wrong price",
        pl.col("price").cast(pl.Decimal(18, 2)),
        pl.col("price_market").cast(pl.Decimal(18, 2)),
    )
    return conform(
        pairs.with_columns(
            own_seller="seller",
            own_store_id="store_id",
            own_sku="sku",
            method=pl.lit("gtin"),
            kind=pl.lit("exact"),
            probability=pl.lit(1.0),
            decision=pl.when(far).then(pl.lit("review")).otherwise(pl.lit("accept")),
            reason=pl.when(far).then(
                pl.coalesce(reason, pl.lit("same barcode, a price is missing"))
            ),
            reasons=pl.lit("same GTIN"),
        ).with_columns(seller="seller_market", store_id="store_id_market", sku="sku_market"),
        MATCHES,
    ).sort("gtin", "seller", "own_seller", "own_sku", "sku")


def _representative(offers: pl.DataFrame) -> pl.DataFrame:
    columns = ["day", "seller", "store_id", "sku", "gtin", "price", "currency"]
    return (
        offers.filter(pl.col("gtin_status") == "valid")
        .select(columns)
        .sort("gtin", "seller", "currency", "price", "store_id", "sku")
        .unique(["gtin", "seller", "currency"], keep="first", maintain_order=True)
    )
