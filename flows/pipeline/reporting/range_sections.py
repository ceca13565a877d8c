"""The sections about the range: availability, assortment, promotions, content and search."""

from __future__ import annotations

import polars as pl

from flows.pipeline.insights.position import WHOLE_MARKET
from flows.pipeline.reporting import wording
from flows.pipeline.reporting.price_sections import EVERYONE
from flows.pipeline.reporting.report import Report
from flows.pipeline.reporting.sections import Section
from flows.pipeline.reporting.tables import Column, Table

SELLER = Column("Seller", "seller", "name", words={WHOLE_MARKET: EVERYONE}, role="seller")
OFFER = Column("Product", "name", "product", code=("gtin", "sku"))
NOTE = Column("Note", "note", "sentence")


def availability(report: Report) -> Section:
    """Return the section about what can be had."""
    marts = report.marts
    return Section(
        "availability",
        "Availability",
        "What cannot be had now, of what is known. Pages that were blocked and offers whose source"
        " says nothing stand outside the rate and are shown as coverage.",
        cards=(
            ("out_of_stock_rate_own", WHOLE_MARKET),
            ("out_of_stock_rate_market", WHOLE_MARKET),
        ),
        parts=(
            Table(
                "availability",
                marts["availability"].with_columns(whole=pl.col("is_own")),
                (
                    SELLER,
                    Column("Out of stock", "out_of_stock_rate", "share", bar=True),
                    Column("Out", "out_of_stock", "count"),
                    Column("In stock", "in_stock", "count"),
                    Column("Unknown", "unknown", "count"),
                    Column("Blocked", "blocked", "count"),
                    Column("Discontinued", "discontinued", "count"),
                    Column("Known", "coverage", "share", bar=True),
                    NOTE,
                ),
                title="By seller",
                lacking="Not enough data: there are no offers.",
                strong="whole",
            ),
            Table(
                "out_of_stock",
                marts["out_of_stock"],
                (
                    OFFER,
                    Column("Seller", "seller", "name", role="seller"),
                    Column("Brand", "brand", "name", role="brand"),
                    Column("Category", "category", "name", role="category"),
                    Column(
                        "Said", "availability", "word", words=wording.AVAILABILITIES, filtered=True
                    ),
                    Column("Days out", "streak_days", "count"),
                    Column("Since", "since", "date"),
                    Column("Days unknown", "unknown_days", "count"),
                    Column("Last in stock", "last_in_stock", "date"),
                ),
                title="Out of stock, and since when",
                about="Days in a row on which it was seen to be out, days of which nothing is known"
                " passed over. Without a last day in stock it may have begun earlier.",
                lacking="Nothing that is known to be out of stock.",
                explored=True,
            ),
        ),
    )


def assortment(report: Report) -> Section:
    """Return the section about what is shared and what is missing."""
    marts = report.marts
    return Section(
        "assortment",
        "Assortment",
        "Products are valid GTINs: what own and competitors share, and what only they sell.",
        cards=(("assortment_gap_products", WHOLE_MARKET),),
        parts=(
            Table(
                "assortment",
                marts["assortment"],
                (
                    Column("Competitor", "seller", "name", role="seller"),
                    Column("Its products", "seller_products", "count"),
                    Column("Shared", "shared_products", "count"),
                    Column("Of own", "shared_over_own", "share", bar=True),
                    Column("Of its", "shared_over_seller", "share", bar=True),
                ),
                title="Overlap by competitor",
                lacking="Not enough data: no competitor has offers on the day.",
            ),
            Table(
                "assortment_groups",
                marts["assortment_groups"],
                (
                    Column("By", "dimension", "word", filtered=True),
                    Column("Value", "value", "name"),
                    Column("Own", "own_products", "count"),
                    Column("Market", "market_products", "count"),
                    Column("Shared", "shared_products", "count"),
                    Column("Only own", "own_only", "count"),
                    Column("Gaps", "gaps", "count"),
                    Column("Of market", "shared_over_market", "share", bar=True),
                    Column("Of own", "shared_over_own", "share", bar=True),
                ),
                title="By brand, category and price tier",
                about="Gaps are products that competitors sell and own does not. Price tiers are"
                " thirds of all products by their lowest price.",
                lacking="Not enough data: no product has a valid GTIN.",
                explored=True,
            ),
            Table(
                "assortment_gaps",
                marts["assortment_gaps"],
                (
                    Column("Product", "name", "product", code=("gtin",)),
                    Column("Brand", "brand", "name", role="brand"),
                    Column("Competitors", "sellers", "count"),
                    Column("Sold by", "seller_names", "name", filtered=True),
                    Column("Lowest price", "market_lowest", "money"),
                ),
                title="Sold by competitors and not by own",
                about="Those of most competitors first.",
                lacking="None: own sells everything that competitors sell, as far as GTINs tell.",
                explored=True,
            ),
        ),
    )


def promotions(report: Report) -> Section:
    """Return the section about promotions, discounts and minimum prices."""
    marts = report.marts
    return Section(
        "promotions",
        "Promotions",
        "What is offered below a struck price, how deep, and whether the struck price was ever"
        " asked: a discount is held against the lowest price of the 30 days before it began.",
        cards=(
            ("promotion_share_own", WHOLE_MARKET),
            ("promotion_share_market", WHOLE_MARKET),
            ("promotion_depth_market_mean_pct", WHOLE_MARKET),
            ("discounts_market_valid_share", WHOLE_MARKET),
            ("map_violation_share", WHOLE_MARKET),
        ),
        parts=(
            Table(
                "promotions",
                marts["promotions"].with_columns(whole=pl.col("is_own")),
                (
                    SELLER,
                    Column("On promotion", "promotion_share", "share", bar=True),
                    Column("Offers", "promoted", "count"),
                    Column("Mean depth", "mean_depth_pct", "percent"),
                    Column("Median depth", "median_depth_pct", "percent"),
                    Column("Struck, not above", "not_above", "count"),
                    Column("Known", "coverage", "share", bar=True),
                    NOTE,
                ),
                title="By seller",
                lacking="Not enough data: there are no offers.",
                strong="whole",
            ),
            Table(
                "discounts",
                marts["discounts"],
                (
                    OFFER,
                    Column("Seller", "seller", "name", role="seller"),
                    Column("Struck", "regular_price", "money"),
                    Column("Now", "price", "money"),
                    Column("Claimed", "claimed_reduction_pct", "percent"),
                    Column("Lowest before", "lowest_before", "money"),
                    Column("True reduction", "true_reduction_pct", "percent"),
                    Column("Price since", "since", "date"),
                    Column("Days seen", "days_observed", "count"),
                    Column(
                        "Verdict",
                        "verdict",
                        "word",
                        words=wording.VERDICTS,
                        filtered=True,
                        bad=("overstated", "no_reduction"),
                    ),
                    Column("Evidence", "reason", "sentence"),
                ),
                title="Discounts and what the days before say",
                lacking="No discount to judge: no source tells struck prices, or none is above its"
                " price.",
                explored=True,
            ),
            Table(
                "map_violations",
                marts["map_violations"],
                (
                    OFFER,
                    Column("Seller", "seller", "name", role="seller"),
                    Column("Price", "price", "money"),
                    Column("Minimum", "minimum_price", "money"),
                    Column("Below", "below_minimum_pct", "percent", tone="bad"),
                    Column("Since", "since", "date"),
                    Column("Days seen", "days_seen", "count"),
                    Column("Address", "url", "name"),
                    Column("File", "source_file", "name"),
                    Column("Row", "source_row", "number"),
                ),
                title="Below the minimum advertised price",
                about="With where it was read: address, or file and row.",
                lacking="None that is known: see the figure above for what was looked at.",
                explored=True,
            ),
        ),
    )


def content(report: Report) -> Section:
    """Return the section about content and search."""
    marts = report.marts
    return Section(
        "content",
        "Content and search",
        "Do the offers say what the customer's rules ask, and do shoppers find them?",
        cards=(("content_score_own", WHOLE_MARKET), ("search_share_own", WHOLE_MARKET)),
        parts=(
            Table(
                "content",
                marts["content"].with_columns(whole=pl.col("is_own")),
                (
                    Column("Seller", "seller", "name", role="seller"),
                    Column("Rule", "rule", "word"),
                    Column("Met", "share", "share", bar=True),
                    Column("Offers", "met", "count"),
                    Column("Checked", "checked", "count"),
                    NOTE,
                ),
                title="Content rules",
                lacking="Not enough data: no content rules are configured.",
                strong="whole",
            ),
            Table(
                "content_products",
                marts["content_products"],
                (
                    OFFER,
                    Column("Score", "score", "share", bar=True),
                    Column("Rules met", "met", "count"),
                    Column("Of", "checked", "count"),
                    Column("Missing", "missing", "sentence", filtered=True),
                ),
                title="Own offers that miss a rule",
                about="The lowest scores first.",
                lacking="None: no own offer misses a rule that applies to it.",
                explored=True,
            ),
            Table(
                "search_share",
                marts["search_share"].with_columns(whole=pl.col("words") == WHOLE_MARKET),
                (
                    Column("Site", "site", "name"),
                    Column("Search words", "words", "name", words={WHOLE_MARKET: "all words"}),
                    Column("Own share", "share", "share", bar=True),
                    Column("Own", "own_results", "count"),
                    Column("Results", "results", "count"),
                    Column("Best own place", "best_own_position", "count"),
                ),
                title="Share of search",
                lacking="Not enough data: no search results were captured.",
                strong="whole",
            ),
        ),
    )
