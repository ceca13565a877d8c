"""What the figures are called and how they are defined, for people: one place for all of it.

Page and workbook show these words beside every figure, so that nobody has to guess what is
divided by what.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

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


STATUSES: Mapping[str, str] = {
    "fresh": "as usual",
    "partial": "fewer offers than usual",
    "inflated": "more offers than usual",
    "missing": "missing",
    "new": "new",
    "returned": "back",
}
"""Words for `coverage.status`."""

OUTCOMES: Mapping[str, str] = {"win": "own cheaper", "tie": "same price", "lose": "own dearer"}
"""Words for `product_position.outcome`."""

STATES: Mapping[str, str] = {
    "fresh": "Complete: every figure rests on this day's data.",
    "partial": "Partial: something is missing, see below. The figures rest on what is there.",
    "degraded": "Degraded: some figures rest on older or substitute data, see below.",
}
"""What a report's state means."""
