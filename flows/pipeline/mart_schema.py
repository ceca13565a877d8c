"""The marts: the tables that the insights are, and the inputs that only they take.

Beside `flows.pipeline.schema`, whose conventions hold here, too. Each mart has the column
``day``; a rate, share or index is null where there is not enough data, and a column ``note``
or ``reason`` beside it says why.
"""

from __future__ import annotations

import polars as pl

from flows.pipeline.schema import MONEY, Schema

SEARCH_RESULTS: Schema = {
    # What sites answer to search words: one row for each result, from position 1.
    "day": pl.Date(),
    "site": pl.String(),
    "words": pl.String(),
    "position": pl.Int64(),
    "sponsored": pl.Boolean(),
    "brand": pl.String(),
    "gtin": pl.String(),
    "name": pl.String(),
}

AUDITS: Schema = {
    # Pairs drawn at random from those that the machine accepted, and what people said of them.
    "own_seller": pl.String(),
    "own_sku": pl.String(),
    "seller": pl.String(),
    "sku": pl.String(),
    "method": pl.String(),
    "correct": pl.Boolean(),
    "at": pl.Datetime("us"),  # UTC
}

COMPARISONS: Schema = {
    # The evidence: every accepted or reviewed pair with both prices.
    "day": pl.Date(),
    "gtin": pl.String(),
    "own_sku": pl.String(),
    "own_name": pl.String(),
    "brand": pl.String(),
    "own_price": MONEY,
    "seller": pl.String(),
    "seller_sku": pl.String(),
    "seller_product": pl.String(),
    "seller_price": MONEY,
    "currency": pl.String(),
    "ratio_own_over_seller": pl.Float64(),
    "gap_own_minus_seller": MONEY,
    "used": pl.Boolean(),  # does it count in the figures?
    "reason": pl.String(),  # why it does not; null when used
}

PRODUCT_POSITION: Schema = {
    # One row for each own product that has at least one used comparison.
    "day": pl.Date(),
    "gtin": pl.String(),
    "own_sku": pl.String(),
    "own_name": pl.String(),
    "brand": pl.String(),
    "own_price": MONEY,
    "currency": pl.String(),
    "sellers": pl.Int64(),
    "market_lowest": MONEY,
    "lowest_seller": pl.String(),
    "market_median": pl.Float64(),
    "market_mean": pl.Float64(),
    "index_own_over_market": pl.Float64(),  # 100 * own_price / market_mean
    "gap_own_minus_lowest": MONEY,
    "gap_own_minus_lowest_pct": pl.Float64(),
    "gap_own_minus_median": pl.Float64(),
    "gap_own_minus_median_pct": pl.Float64(),
    "outcome": pl.String(),  # win | tie | lose, own against the lowest of the market
}

PRICE_INDEX: Schema = {
    # One row for the whole market ("all") and one for each competitor.
    "day": pl.Date(),
    "market": pl.String(),
    "products": pl.Int64(),
    "index_own_over_market_mean": pl.Float64(),
    "index_own_over_market_median": pl.Float64(),
    "index_own_over_market_geometric": pl.Float64(),
    "index_own_over_market_basket": pl.Float64(),
    "own_basket": MONEY,
    "market_basket": pl.Float64(),
    "coverage": pl.Float64(),  # products / own products with a valid GTIN
    "currency": pl.String(),
}

OUTCOMES: Schema = {
    "day": pl.Date(),
    "market": pl.String(),
    "products": pl.Int64(),
    "wins": pl.Int64(),
    "ties": pl.Int64(),
    "losses": pl.Int64(),
    "win_share": pl.Float64(),
    "tie_share": pl.Float64(),
    "lose_share": pl.Float64(),
}

PRICE_CHANGES: Schema = {
    # One row for each offer whose price differs from the last day on which it was seen.
    "day": pl.Date(),
    "seller": pl.String(),
    "store_id": pl.String(),
    "sku": pl.String(),
    "gtin": pl.String(),
    "name": pl.String(),
    "currency": pl.String(),
    "previous_day": pl.Date(),
    "previous_price": MONEY,
    "price": MONEY,
    "change_new_minus_previous": MONEY,
    "change_new_over_previous_pct": pl.Float64(),
    "believed": pl.Boolean(),  # does it count in the figures?
    "guard": pl.String(),  # why it does not: what it looks like instead
}

CHANGE_SUMMARY: Schema = {
    "day": pl.Date(),
    "seller": pl.String(),
    "compared": pl.Int64(),
    "changed": pl.Int64(),  # those that are believed
    "doubted": pl.Int64(),  # those that look like something else
    "raised": pl.Int64(),
    "lowered": pl.Int64(),
    "changed_share": pl.Float64(),
    "median_change_new_over_previous_pct": pl.Float64(),
    "previous_day": pl.Date(),
}

ASSORTMENT: Schema = {
    "day": pl.Date(),
    "seller": pl.String(),
    "own_products": pl.Int64(),
    "seller_products": pl.Int64(),
    "shared_products": pl.Int64(),
    "shared_over_own": pl.Float64(),
    "shared_over_seller": pl.Float64(),
}

ASSORTMENT_GAPS: Schema = {
    # Products that competitors sell and the customer does not.
    "day": pl.Date(),
    "gtin": pl.String(),
    "name": pl.String(),
    "brand": pl.String(),
    "sellers": pl.Int64(),
    "seller_names": pl.String(),
    "market_lowest": MONEY,
    "currency": pl.String(),
}

COVERAGE: Schema = {
    # One row for each seller seen on the day or on a day of its history.
    "day": pl.Date(),
    "seller": pl.String(),
    "is_own": pl.Boolean(),
    "status": pl.String(),  # fresh | partial | missing | new | returned | inflated
    "offers": pl.Int64(),
    "offers_with_gtin": pl.Int64(),
    "baseline_offers": pl.Float64(),  # median of the days before on which it was seen
    "offers_over_baseline": pl.Float64(),
    "days_seen": pl.Int64(),  # of the history, the day itself not counted
    "days_expected": pl.Int64(),
    "first_seen": pl.Date(),
    "last_seen": pl.Date(),
    "latest_price_update": pl.Datetime("us"),
    "note": pl.String(),
}

AVAILABILITY: Schema = {
    # One row for each seller of the day, and "all" for the competitors together.
    "day": pl.Date(),
    "seller": pl.String(),
    "is_own": pl.Boolean(),
    "offers": pl.Int64(),
    "in_stock": pl.Int64(),
    "out_of_stock": pl.Int64(),  # cannot be had now: out of stock, pre-order, back-order
    "discontinued": pl.Int64(),
    "unknown": pl.Int64(),
    "blocked": pl.Int64(),
    "known": pl.Int64(),  # in stock + out of stock: the denominator
    "out_of_stock_rate": pl.Float64(),
    "coverage": pl.Float64(),  # (known + discontinued) / offers
    "note": pl.String(),
}

OUT_OF_STOCK: Schema = {
    # One row for each offer that cannot be had, and since when.
    "day": pl.Date(),
    "seller": pl.String(),
    "is_own": pl.Boolean(),
    "store_id": pl.String(),
    "sku": pl.String(),
    "gtin": pl.String(),
    "name": pl.String(),
    "brand": pl.String(),
    "category": pl.String(),
    "availability": pl.String(),
    "streak_days": pl.Int64(),  # days on which it was seen to be out, in a row, this one included
    "since": pl.Date(),  # the first of them
    "unknown_days": pl.Int64(),  # days since then of which nothing is known
    "last_in_stock": pl.Date(),
    "reaches_back": pl.Boolean(),  # never seen in stock: it may have begun before the first day
}

ASSORTMENT_GROUPS: Schema = {
    # Overlap and gaps by brand, category and price tier.
    "day": pl.Date(),
    "dimension": pl.String(),  # brand | category | price tier
    "value": pl.String(),  # null: of no known brand or category
    "own_products": pl.Int64(),
    "market_products": pl.Int64(),
    "shared_products": pl.Int64(),
    "own_only": pl.Int64(),
    "gaps": pl.Int64(),  # in the market and not own
    "shared_over_market": pl.Float64(),
    "shared_over_own": pl.Float64(),
}

PROMOTIONS: Schema = {
    # One row for each seller of the day, and "all" for the competitors together.
    "day": pl.Date(),
    "seller": pl.String(),
    "is_own": pl.Boolean(),
    "offers": pl.Int64(),
    "known": pl.Int64(),  # of sources that tell struck prices: the denominator
    "promoted": pl.Int64(),  # struck price above price
    "not_above": pl.Int64(),  # struck price that is not above the price: no promotion
    "promotion_share": pl.Float64(),
    "mean_depth_pct": pl.Float64(),
    "median_depth_pct": pl.Float64(),
    "coverage": pl.Float64(),  # known / offers
    "note": pl.String(),
}

DISCOUNTS: Schema = {
    # One row for each promoted offer: what it claims, and what the days before say.
    "day": pl.Date(),
    "seller": pl.String(),
    "is_own": pl.Boolean(),
    "store_id": pl.String(),
    "sku": pl.String(),
    "gtin": pl.String(),
    "name": pl.String(),
    "currency": pl.String(),
    "regular_price": MONEY,
    "price": MONEY,
    "claimed_reduction_pct": pl.Float64(),
    "since": pl.Date(),  # first day of the price, as far as it was seen
    "lowest_before": MONEY,  # of the window before that
    "lowest_day": pl.Date(),
    "days_observed": pl.Int64(),  # of the window
    "days_of_window": pl.Int64(),
    "true_reduction_pct": pl.Float64(),
    "verdict": pl.String(),  # valid | overstated | no_reduction | unproven
    "reason": pl.String(),
}

MAP_VIOLATIONS: Schema = {
    # One row for each offer below its minimum advertised price, with the evidence.
    "day": pl.Date(),
    "seller": pl.String(),
    "store_id": pl.String(),
    "sku": pl.String(),
    "gtin": pl.String(),
    "name": pl.String(),
    "price": MONEY,
    "minimum_price": MONEY,
    "below_minimum": MONEY,
    "below_minimum_pct": pl.Float64(),
    "currency": pl.String(),
    "since": pl.Date(),  # first of the days in a row on which it was seen below
    "days_seen": pl.Int64(),
    "updated_at": pl.Datetime("us"),
    "url": pl.String(),
    "source_file": pl.String(),
    "source_row": pl.Int64(),
}

CONTENT: Schema = {
    # One row for each seller and content rule.
    "day": pl.Date(),
    "seller": pl.String(),
    "is_own": pl.Boolean(),
    "rule": pl.String(),
    "checked": pl.Int64(),
    "met": pl.Int64(),
    "share": pl.Float64(),
    "note": pl.String(),
}

CONTENT_PRODUCTS: Schema = {
    # One row for each own offer that misses a content rule.
    "day": pl.Date(),
    "store_id": pl.String(),
    "sku": pl.String(),
    "gtin": pl.String(),
    "name": pl.String(),
    "score": pl.Float64(),
    "met": pl.Int64(),
    "checked": pl.Int64(),
    "missing": pl.String(),
}

SEARCH_SHARE: Schema = {
    # One row for each site and search words, and "all" for each site.
    "day": pl.Date(),
    "site": pl.String(),
    "words": pl.String(),
    "results": pl.Int64(),
    "own_results": pl.Int64(),
    "share": pl.Float64(),
    "best_own_position": pl.Int64(),
}

MATCH_QUALITY: Schema = {
    # One row for each method of matching and "all" of them.
    "day": pl.Date(),
    "method": pl.String(),
    "accepted": pl.Int64(),
    "review": pl.Int64(),
    "audited": pl.Int64(),  # accepted pairs that people looked at
    "correct": pl.Int64(),
    "precision": pl.Float64(),
    "precision_low": pl.Float64(),  # Wilson interval, 95 %
    "precision_high": pl.Float64(),
    "note": pl.String(),
}

FIGURES: Schema = {
    # Every headline figure with what it stands on.
    "day": pl.Date(),
    "figure": pl.String(),
    "market": pl.String(),
    "value": pl.Float64(),  # null where there is not enough data
    "unit": pl.String(),
    "numerator": pl.Float64(),
    "denominator": pl.Float64(),
    "n": pl.Int64(),
    "coverage": pl.Float64(),
    "as_of": pl.Date(),
    "rule_version": pl.String(),
    "note": pl.String(),
}

MARTS: dict[str, Schema] = {
    "figures": FIGURES,
    "price_index": PRICE_INDEX,
    "outcomes": OUTCOMES,
    "product_position": PRODUCT_POSITION,
    "comparisons": COMPARISONS,
    "price_changes": PRICE_CHANGES,
    "change_summary": CHANGE_SUMMARY,
    "assortment": ASSORTMENT,
    "assortment_gaps": ASSORTMENT_GAPS,
    "assortment_groups": ASSORTMENT_GROUPS,
    "availability": AVAILABILITY,
    "out_of_stock": OUT_OF_STOCK,
    "promotions": PROMOTIONS,
    "discounts": DISCOUNTS,
    "map_violations": MAP_VIOLATIONS,
    "content": CONTENT,
    "content_products": CONTENT_PRODUCTS,
    "search_share": SEARCH_SHARE,
    "match_quality": MATCH_QUALITY,
    "coverage": COVERAGE,
}

ALERTS: Schema = {
    # One row for each thing that a rule found, or that it told of and no longer finds.
    "day": pl.Date(),
    "rule": pl.String(),
    "kind": pl.String(),
    "severity": pl.String(),
    "group": pl.String(),  # what is told together
    "item": pl.String(),  # what is the same thing on another day
    "gtin": pl.String(),
    "name": pl.String(),
    "seller": pl.String(),
    "value": pl.Float64(),  # percent or days, as the rule's threshold
    "threshold": pl.Float64(),
    "text": pl.String(),
    "first_day": pl.Date(),
    "told_day": pl.Date(),  # when it was last told
    "state": pl.String(),  # told | cooling | ended
}

ALERT_RULES: Schema = {
    # One row for each rule: what became of it.
    "day": pl.Date(),
    "rule": pl.String(),
    "kind": pl.String(),
    "found": pl.Int64(),  # null where it could not be asked
    "told": pl.Int64(),
    "cooling": pl.Int64(),
    "ended": pl.Int64(),
    "note": pl.String(),
}
