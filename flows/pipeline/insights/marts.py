"""The marts of a day, all together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import polars as pl

from flows.pipeline.insights.assortment import assortment, assortment_gaps
from flows.pipeline.insights.changes import change_summary, price_changes, with_previous
from flows.pipeline.insights.comparisons import comparisons
from flows.pipeline.insights.coverage import coverage
from flows.pipeline.insights.figures import figures
from flows.pipeline.insights.position import outcomes, product_position
from flows.pipeline.insights.price_index import price_index
from flows.pipeline.schema import MARTS, conform


def compute(
    offers: pl.DataFrame,
    matches: pl.DataFrame,
    history: Mapping[date, pl.DataFrame],
    *,
    day: date,
    own_seller: str,
    days_expected: Sequence[date] = (),
) -> dict[str, pl.DataFrame]:
    """Compute every mart of a day.

    Args:
        offers: OFFERS of the day, all sellers.
        matches: MATCHES of the day.
        history: OFFERS of the earlier days that there are; the columns ``day``, ``seller``,
            ``store_id``, ``sku`` and ``price`` are enough. Days that are not earlier are ignored.
        day: the day.
        own_seller: the customer's own.
        days_expected: earlier days for which there should be offers.

    Returns:
        A frame for each name in `MARTS`, of that schema.
    """
    history = {earlier: frame for earlier, frame in history.items() if earlier < day}
    own = offers.filter(pl.col("seller") == own_seller)
    market = offers.filter(pl.col("seller") != own_seller)
    own_products = own["gtin"].drop_nulls().n_unique()
    compared = comparisons(own, market, matches)
    seen = with_previous(offers, history)
    changes = price_changes(seen)
    made = {
        "comparisons": compared,
        "product_position": product_position(compared),
        "price_index": price_index(compared, own_products=own_products),
        "outcomes": outcomes(compared),
        "price_changes": changes,
        "change_summary": change_summary(offers, seen, changes),
        "assortment": assortment(own, market),
        "assortment_gaps": assortment_gaps(own, market),
        "coverage": coverage(
            offers, history, day=day, own_seller=own_seller, days_expected=days_expected
        ),
    }
    made["figures"] = figures(made, day=day, own_seller=own_seller, own_products=own_products)
    return {name: conform(made[name], schema) for name, schema in MARTS.items()}
