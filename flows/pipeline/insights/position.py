"""Price position: each own product against its market, and who wins how often."""

from __future__ import annotations

import polars as pl

from flows.pipeline.insights.exact import exact_mean, rounded, share
from flows.pipeline.mart_schema import OUTCOMES, PRODUCT_POSITION
from flows.pipeline.schema import MONEY, conform

WHOLE_MARKET = "all"

PRODUCT = ("day", "gtin", "own_sku", "currency")
"""What an own product is. Its GTIN alone would not do: products matched without one have none."""


def market_of(seller: str) -> str:
    """Return the market of one competitor: its name, told from the whole market's if need be."""
    return f"{seller} (seller)" if seller == WHOLE_MARKET else seller


ONE_SELLER = pl.col("seller").replace(WHOLE_MARKET, market_of(WHOLE_MARKET))
"""`market_of` the column ``seller``."""


def product_position(compared: pl.DataFrame) -> pl.DataFrame:
    """Return each own product's position in its market, over one price per competitor.

    * ``index_own_over_market`` = 100 × own price / mean of the competitors' prices: above 100 the
      own product is dearer than its market's mean. (18.75 against a mean of 18.125 is 103.4.)
      The mean is not rounded before.
    * ``gap_own_minus_lowest`` = own − lowest competitor price; ``…_pct`` = that / lowest × 100.
    * ``gap_own_minus_median``, ``…_pct``: the same against the median competitor price.
    * ``outcome``: win where own < lowest, tie where equal, lose where own > lowest.

    Args:
        compared: COMPARISONS; only used ones count.

    Returns:
        PRODUCT_POSITION, sorted by GTIN and own code.
    """
    keys = ["day", "gtin", "own_sku", "own_name", "brand", "own_price", "currency"]
    cheapest = pl.col("seller").sort_by("seller_price", "seller").first()
    own, lowest = pl.col("own_price").cast(pl.Float64), pl.col("market_lowest").cast(pl.Float64)
    return conform(
        compared.filter("used")
        .group_by(keys)
        .agg(
            sellers=pl.col("seller").n_unique().cast(pl.Int64),
            market_lowest=pl.col("seller_price").min(),
            lowest_seller=cheapest,
            market_median=rounded(pl.col("seller_price").cast(pl.Float64).median()),
            mean=exact_mean(pl.col("seller_price")),
        )
        .with_columns(
            market_mean=rounded(pl.col("mean")),
            index_own_over_market=rounded(100 * own / pl.col("mean")),
            gap_own_minus_lowest=(pl.col("own_price") - pl.col("market_lowest")).cast(MONEY),
            gap_own_minus_lowest_pct=rounded(100 * (own - lowest) / lowest),
            gap_own_minus_median=rounded(own - pl.col("market_median")),
            gap_own_minus_median_pct=rounded(
                100 * (own - pl.col("market_median")) / pl.col("market_median")
            ),
            outcome=_outcome(pl.col("own_price"), pl.col("market_lowest")),
        ),
        PRODUCT_POSITION,
    ).sort("gtin", "own_sku", "own_price")


def outcomes(compared: pl.DataFrame) -> pl.DataFrame:
    """Return how often own prices win, tie and lose, against all competitors and each.

    Against ``all``, own is held against the lowest competitor price of the product; against a
    competitor, against that one's price. Shares are of the products compared.

    Args:
        compared: COMPARISONS; only used ones count.

    Returns:
        OUTCOMES, ``all`` first, then by competitor.
    """
    used = compared.filter("used")
    everyone = used.group_by(PRODUCT).agg(pl.col("own_price").min(), pl.col("seller_price").min())
    cases = pl.concat(
        [
            everyone.select("day", "own_price", "seller_price", market=pl.lit(WHOLE_MARKET)),
            used.select("day", "own_price", "seller_price", market=ONE_SELLER),
        ]
    ).with_columns(outcome=_outcome(pl.col("own_price"), pl.col("seller_price")))
    counted = cases.group_by("day", "market").agg(
        products=pl.len().cast(pl.Int64),
        wins=(pl.col("outcome") == "win").sum().cast(pl.Int64),
        ties=(pl.col("outcome") == "tie").sum().cast(pl.Int64),
        losses=(pl.col("outcome") == "lose").sum().cast(pl.Int64),
    )
    return market_first(
        conform(
            counted.with_columns(
                win_share=share(pl.col("wins"), pl.col("products")),
                tie_share=share(pl.col("ties"), pl.col("products")),
                lose_share=share(pl.col("losses"), pl.col("products")),
            ),
            OUTCOMES,
        )
    )


def market_first(frame: pl.DataFrame) -> pl.DataFrame:
    """Sort by market, the whole market before each competitor, then by currency if there is one."""
    keys = [name for name in ("market", "currency") if name in frame.columns]
    return frame.sort(pl.col("market") != WHOLE_MARKET, *keys)


def _outcome(own: pl.Expr, lowest: pl.Expr) -> pl.Expr:
    return (
        pl.when(own < lowest)
        .then(pl.lit("win"))
        .when(own == lowest)
        .then(pl.lit("tie"))
        .otherwise(pl.lit("lose"))
    )
