"""What the figures are called and how they are defined, for people: one place for all of it.

Page and workbook show these words beside every figure, so that nobody has to guess what is
divided by what.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from flows.pipeline.reporting import formats


@dataclass(frozen=True)
class Wording:
    """How a figure is shown.

    Attributes:
        title: its name.
        meaning: what a value says, in a few words.
        definition: the formula, in words.
        base: what its n counts.
    """

    title: str
    meaning: str
    definition: str
    base: str


_COMPARED = "products compared"

FIGURES: Mapping[str, Wording] = {
    "price_index_own_over_market_mean": Wording(
        "Price index",
        "over 100: own prices are dearer than the market's",
        "Mean over the compared products of own price / market price × 100; the market price of a"
        " product is the mean of its competitors' prices.",
        _COMPARED,
    ),
    "price_index_own_over_market_median": Wording(
        "Price index, median",
        "the product in the middle",
        "Median over the compared products of own price / market price × 100.",
        _COMPARED,
    ),
    "price_index_own_over_market_geometric": Wording(
        "Price index, geometric",
        "twice and half as dear count alike",
        "Geometric mean over the compared products of own price / market price × 100.",
        _COMPARED,
    ),
    "price_index_own_over_market_basket": Wording(
        "Price index, basket",
        "one of each product in the trolley",
        "Sum of own prices / sum of market prices × 100, one of each compared product.",
        _COMPARED,
    ),
    "median_gap_own_minus_lowest_pct": Wording(
        "Gap to the cheapest",
        "above zero: own is dearer than the cheapest competitor",
        "Median over the compared products of (own price − lowest competitor price) / lowest"
        " competitor price × 100.",
        _COMPARED,
    ),
    "win_share": Wording(
        "Win",
        "own is cheaper than every competitor",
        "Products with own price < lowest competitor price / products compared.",
        _COMPARED,
    ),
    "tie_share": Wording(
        "Tie",
        "own has the lowest price together with a competitor",
        "Products with own price = lowest competitor price / products compared.",
        _COMPARED,
    ),
    "lose_share": Wording(
        "Lose",
        "a competitor is cheaper",
        "Products with own price > lowest competitor price / products compared.",
        _COMPARED,
    ),
    "matched_products_over_own": Wording(
        "Matched products",
        "own products that a competitor sells, too, and whose prices are compared",
        "Own products with at least one comparison that counts / own products with a valid GTIN.",
        "own products with a valid GTIN",
    ),
    "price_changes_own_share": Wording(
        "Own price changes",
        "own offers whose price moved",
        "Own offers whose price differs from the last day on which they were seen / own offers"
        " that were seen before.",
        "own offers seen before",
    ),
    "price_changes_market_share": Wording(
        "Market price changes",
        "competitors' offers whose price moved",
        "Competitors' offers whose price differs from the last day on which they were seen /"
        " competitors' offers that were seen before.",
        "competitors' offers seen before",
    ),
    "assortment_shared_over_own": Wording(
        "Shared assortment",
        "own products that the competitor sells, too",
        "Products (valid GTINs) sold by both / own products.",
        "own products with a valid GTIN",
    ),
    "assortment_gap_products": Wording(
        "Assortment gap",
        "products that competitors sell and own does not",
        "Number of valid GTINs that at least one competitor offers and own does not.",
        "products of competitors only",
    ),
    "price_changes_own_doubted": Wording(
        "Own changes doubted",
        "own changes that look like something else",
        "Own offers whose price differs and is held back by a guard: another pack, a shifted"
        " decimal point, a shift of the whole store, a flicker of one day.",
        "own offers seen before",
    ),
    "price_changes_market_doubted": Wording(
        "Market changes doubted",
        "changes that look like something else and count in no share",
        "Competitors' offers whose price differs and is held back by a guard: another pack, a"
        " shifted decimal point, a shift of the whole store, a flicker of one day.",
        "competitors' offers seen before",
    ),
    "out_of_stock_rate_own": Wording(
        "Own out of stock",
        "own offers that cannot be had now",
        "Own offers that are out of stock, on pre-order or on back-order / own offers of which it"
        " is known. Unknown and blocked are outside; coverage is the share that is known.",
        "own offers whose stock is known",
    ),
    "out_of_stock_rate_market": Wording(
        "Market out of stock",
        "competitors' offers that cannot be had now",
        "Competitors' offers that are out of stock, on pre-order or on back-order / those of which"
        " it is known. Unknown and blocked are outside; coverage is the share that is known.",
        "competitors' offers whose stock is known",
    ),
    "promotion_share_own": Wording(
        "Own on promotion",
        "own offers with a struck price above their price",
        "Own offers with struck price > price / own offers with a price, where the source tells"
        " struck prices.",
        "own offers whose source tells struck prices",
    ),
    "promotion_share_market": Wording(
        "Market on promotion",
        "competitors' offers with a struck price above their price",
        "Competitors' offers with struck price > price / their offers with a price, of sources that"
        " tell struck prices; a source that has none on any offer does not tell.",
        "competitors' offers whose source tells struck prices",
    ),
    "promotion_depth_own_mean_pct": Wording(
        "Own promotion depth",
        "how far own promotions go below the struck price",
        "Mean over own promoted offers of (struck price − price) / struck price × 100.",
        "own promoted offers",
    ),
    "promotion_depth_market_mean_pct": Wording(
        "Market promotion depth",
        "how far promotions go below the struck price",
        "Mean over competitors' promoted offers of (struck price − price) / struck price × 100.",
        "promoted offers",
    ),
    "discounts_own_valid_share": Wording(
        "Own discounts proven",
        "own struck prices that are no higher than the lowest of 30 days",
        "Own discounts whose struck price is not above the lowest price of the 30 days before the"
        " present price began / own discounts on which a verdict is possible.",
        "own discounts with a verdict",
    ),
    "discounts_market_valid_share": Wording(
        "Discounts proven",
        "struck prices that are no higher than the lowest of 30 days",
        "Competitors' discounts whose struck price is not above the lowest price of the 30 days"
        " before the present price began / those on which a verdict is possible. One lower price"
        " finds a discount overstated; to prove it, 24 of the 30 days must have been seen.",
        "discounts with a verdict",
    ),
    "map_violation_share": Wording(
        "Below minimum price",
        "competitors' offers under the minimum advertised price",
        "Competitors' offers with price < minimum advertised price / their offers of products that"
        " have one. Coverage is the share of these products that anybody offers.",
        "competitors' offers of products with a minimum price",
    ),
    "content_score_own": Wording(
        "Content score",
        "how often own offers meet the content rules",
        "Content rules met / content rules checked, over all own offers; a rule is checked where"
        " the source carries its field. Coverage is the share of the rules that could be checked.",
        "rules checked",
    ),
    "search_share_own": Wording(
        "Share of search",
        "how much of what shoppers are shown is own",
        "Own products and brands among the first results / the first results, over all sites and"
        " search words.",
        "search results",
    ),
    "match_precision_audited": Wording(
        "Match precision",
        "how often an accepted match is right",
        "Audited accepted pairs that are right / audited accepted pairs, drawn at random. The 95 %"
        " Wilson interval is in the table. Coverage is the share of the accepted pairs that were"
        " audited.",
        "audited pairs",
    ),
}

_UNITS: Mapping[str, Callable[[Any], str]] = {
    "index": formats.index,
    "share": formats.share,
    "percent": formats.percent,
    "count": formats.count,
}


def value(row: Mapping[str, Any]) -> str:
    """Write a figure's value by its unit; what is not there as a dash."""
    return _UNITS.get(row["unit"], formats.text)(row["value"])


def with_titles(figures: pl.DataFrame) -> pl.DataFrame:
    """Return FIGURES with their titles, and their values as they are written."""
    titles = {name: words.title for name, words in FIGURES.items()}
    return figures.with_columns(
        title=pl.col("figure").replace_strict(titles, default=pl.col("figure")),
        shown=pl.Series([value(row) for row in figures.iter_rows(named=True)], dtype=pl.String),
    )


STATUSES: Mapping[str, str] = {
    "fresh": "as usual",
    "partial": "fewer offers than usual",
    "inflated": "more offers than usual",
    "missing": "missing",
    "new": "new",
    "returned": "back",
}
"""Words for `coverage.status`."""

BAD_STATUSES = ("partial", "inflated", "missing")
"""Those that somebody should look at."""

OUTCOMES: Mapping[str, str] = {"win": "own cheaper", "tie": "same price", "lose": "own dearer"}
"""Words for `product_position.outcome`."""

COUNTS: Mapping[Any, str] = {True: "yes", False: "no"}
"""Words for `price_changes.believed`."""

AVAILABILITIES: Mapping[str, str] = {
    "out_of_stock": "out of stock",
    "preorder": "pre-order",
    "backorder": "back-order",
}
"""Words for `out_of_stock.availability`."""

VERDICTS: Mapping[str, str] = {
    "valid": "proven",
    "overstated": "overstated",
    "no_reduction": "no reduction",
    "unproven": "not enough data",
}
"""Words for `discounts.verdict`."""

ALERT_STATES: Mapping[str, str] = {"told": "told today", "cooling": "told before"}
"""Words for `alerts.state`."""

STATES: Mapping[str, str] = {
    "fresh": "Complete: every figure rests on this day's data.",
    "partial": "Partial: something is missing, see below. The figures rest on what is there.",
    "degraded": "Degraded: some figures rest on older or substitute data, see below.",
}
"""What a report's state means."""
