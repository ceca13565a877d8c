"""The price index: how dear own prices are against the market, four ways.

With r = own price / market price of a product, over all products compared:

* mean: 100 × the arithmetic mean of r (Carli). Moved by single large ratios.
* median: 100 × the median of r. The middle product.
* geometric: 100 × exp(mean of ln r) (Jevons). Treats twice and half as dear alike.
* basket: 100 × Σ own price / Σ market price (Dutot). Moved by dear products.

Above 100, own is dearer. The market price is the mean of the competitors' prices of the product
(``all``), or one competitor's. Names as in the ILO Consumer Price Index Manual (2004), chapter 20.
"""

from __future__ import annotations

import polars as pl

from flows.pipeline.insights.exact import exact_mean, exact_sum, rounded
from flows.pipeline.insights.position import ONE_SELLER, PRODUCT, WHOLE_MARKET, market_first
from flows.pipeline.mart_schema import PRICE_INDEX
from flows.pipeline.schema import conform

FEWEST = 3
"""With fewer products an index says more about them than about prices: it is null."""


def price_index(compared: pl.DataFrame, *, own_products: int) -> pl.DataFrame:
    """Return the index against all competitors and each.

    Args:
        compared: COMPARISONS; only used ones count.
        own_products: own products with a valid GTIN: the denominator of ``coverage``.

    Returns:
        PRICE_INDEX, ``all`` first, then by competitor; a row for each currency, since amounts in
        two cannot be added. Indices are null below `FEWEST` products.
    """
    used = compared.filter("used").with_columns(price=pl.col("seller_price").cast(pl.Float64))
    everyone = used.group_by(PRODUCT).agg(
        pl.col("own_price").min(), price=exact_mean(pl.col("seller_price"))
    )
    columns = ["day", "currency", "own_price", "price"]
    pairs = pl.concat(
        [
            everyone.select(*columns, market=pl.lit(WHOLE_MARKET)),
            used.select(*columns, market=ONE_SELLER),
        ]
    ).with_columns(ratio=pl.col("own_price").cast(pl.Float64) / pl.col("price"))
    enough = pl.col("products") >= FEWEST
    made = (
        pairs.group_by("day", "market", "currency")
        .agg(
            products=pl.len().cast(pl.Int64),
            mean=100 * exact_mean(pl.col("ratio")),
            median=100 * pl.col("ratio").median(),
            geometric=100 * exact_mean(pl.col("ratio").log()).exp(),
            own_basket=pl.col("own_price").sum(),
            market_basket=rounded(exact_sum(pl.col("price"))),
        )
        .with_columns(
            basket=100 * pl.col("own_basket").cast(pl.Float64) / pl.col("market_basket"),
            coverage=rounded(pl.col("products") / own_products)
            if own_products
            else pl.lit(None, pl.Float64),
        )
    )
    for way in ("mean", "median", "geometric", "basket"):
        made = made.with_columns(
            pl.when(enough).then(rounded(pl.col(way))).alias(f"index_own_over_market_{way}")
        )
    return market_first(conform(made, PRICE_INDEX))
