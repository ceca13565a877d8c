"""The marts of a day, all together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import polars as pl

from flows.pipeline.insights.assortment import assortment, assortment_gaps
from flows.pipeline.insights.assortment_groups import assortment_groups
from flows.pipeline.insights.availability import availability, out_of_stock
from flows.pipeline.insights.changes import change_summary, price_changes, with_previous
from flows.pipeline.insights.comparisons import comparisons
from flows.pipeline.insights.content import content, content_products
from flows.pipeline.insights.coverage import coverage
from flows.pipeline.insights.discounts import discounts
from flows.pipeline.insights.figures import figures
from flows.pipeline.insights.match_quality import match_quality
from flows.pipeline.insights.minimum_prices import covered, map_violations
from flows.pipeline.insights.panel import panel
from flows.pipeline.insights.position import outcomes, product_position
from flows.pipeline.insights.price_index import price_index
from flows.pipeline.insights.promotions import promotions
from flows.pipeline.insights.search import search_share
from flows.pipeline.mart_schema import AUDITS, MARTS, SEARCH_RESULTS
from flows.pipeline.rules import NO_RULES, Rules
from flows.pipeline.schema import conform, empty


def compute(
    offers: pl.DataFrame,
    matches: pl.DataFrame,
    history: Mapping[date, pl.DataFrame],
    *,
    day: date,
    own_seller: str,
    days_expected: Sequence[date] = (),
    rules: Rules = NO_RULES,
    audits: pl.DataFrame | None = None,
    searches: pl.DataFrame | None = None,
) -> dict[str, pl.DataFrame]:
    """Compute every mart of a day.

    Args:
        offers: OFFERS of the day, all sellers.
        matches: MATCHES of the day.
        history: OFFERS of the earlier days that there are; see `panel` for the columns that are
            enough. Each day is asked for once. Days that are not earlier are ignored.
        day: the day.
        own_seller: the customer's own.
        days_expected: earlier days for which there should be offers.
        rules: the customer's.
        audits: AUDITS of matches; None where nobody audits.
        searches: SEARCH_RESULTS of the day; None where none were captured.

    Returns:
        A frame for each name in `MARTS`, of that schema.
    """
    own = offers.filter(pl.col("seller") == own_seller)
    market = offers.filter(pl.col("seller") != own_seller)
    own_products = own["gtin"].drop_nulls().n_unique()
    beside = panel(offers, history, day)
    compared = comparisons(own, market, matches)
    seen = with_previous(beside)
    changes = price_changes(seen, rules.changes)
    made = {
        "comparisons": compared,
        "product_position": product_position(compared),
        "price_index": price_index(compared, own_products=own_products),
        "outcomes": outcomes(compared),
        "price_changes": changes,
        "change_summary": change_summary(offers, seen, changes),
        "assortment": assortment(own, market),
        "assortment_gaps": assortment_gaps(own, market),
        "assortment_groups": assortment_groups(offers, own_seller=own_seller),
        "availability": availability(offers, own_seller=own_seller),
        "out_of_stock": out_of_stock(beside, own_seller=own_seller),
        "promotions": promotions(offers, own_seller=own_seller),
        "discounts": discounts(beside, rules.discounts, own_seller=own_seller),
        "map_violations": map_violations(beside, rules.minimum_prices, own_seller=own_seller),
        "content": content(offers, rules.content, own_seller=own_seller),
        "content_products": content_products(own, rules.content),
        "search_share": search_share(
            empty(SEARCH_RESULTS) if searches is None else searches,
            own,
            own_brands=rules.own_brands,
            positions=rules.search_positions,
        ),
        "match_quality": match_quality(matches, empty(AUDITS) if audits is None else audits),
        "coverage": coverage(
            offers,
            beside.sellers,
            days=beside.days,
            day=day,
            own_seller=own_seller,
            days_expected=days_expected,
        ),
    }
    watched = covered(offers, rules.minimum_prices, own_seller=own_seller)
    made["figures"] = figures(
        made,
        day=day,
        own_seller=own_seller,
        own_products=own_products,
        minimum_prices=len(rules.minimum_prices),
        watched=watched.height,
        watched_products=watched["gtin"].n_unique(),
    )
    return {name: conform(made[name], schema) for name, schema in MARTS.items()}
