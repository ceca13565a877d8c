"""The sections about prices: position and changes."""

from __future__ import annotations

from typing import Literal

import polars as pl
from markupsafe import Markup

from flows.pipeline.insights.position import WHOLE_MARKET
from flows.pipeline.reporting import charts, wording
from flows.pipeline.reporting.report import Report
from flows.pipeline.reporting.sections import Figure, Section
from flows.pipeline.reporting.tables import Column, Table

EVERYONE = "all competitors"

MARKET = Column("Market", "market", "name", words={WHOLE_MARKET: EVERYONE}, role="seller")
PRODUCT = Column("Product", "own_name", "product", code=("gtin", "own_sku"))
WAYS = ("mean", "median", "geometric", "basket")


def whole_first(frame: pl.DataFrame) -> pl.DataFrame:
    """Mark the whole market's rows."""
    return frame.with_columns(whole=pl.col("market") == WHOLE_MARKET)


def _drawn(svg: str, caption: str) -> tuple[Figure, ...]:
    return (Figure(Markup(svg), caption),) if svg else ()  # noqa: S704


def price_position(report: Report) -> Section:
    """Return the section about own prices against the market's."""
    marts = report.marts
    index, outcomes = whole_first(marts["price_index"]), whole_first(marts["outcomes"])
    nothing = "Not enough data: no product was compared."
    return Section(
        "position",
        "Price position",
        "Own price over market price × 100: above 100 own is dearer (orange), below it cheaper"
        " (blue).",
        parts=(
            *_drawn(
                charts.index_by_competitor(marts["price_index"], EVERYONE),
                "Mean index against each competitor and all of them; the figures are in the table.",
            ),
            Table(
                "price_index",
                index,
                (
                    MARKET,
                    *(
                        Column(
                            way.capitalize(),
                            f"index_own_over_market_{way}",
                            "index",
                            tone=_even(way),
                        )
                        for way in WAYS
                    ),
                    Column("Own basket", "own_basket", "money"),
                    Column("Market basket", "market_basket", "money"),
                    Column("Currency", "currency", "word"),
                    Column("Products", "products", "count"),
                    Column("Of own", "coverage", "share", bar=True),
                ),
                title="Price index",
                about="Four ways to sum up the same comparisons; with fewer than three products"
                " an index says nothing and is left out.",
                lacking=nothing,
                strong="whole",
            ),
            *_drawn(
                charts.index_distribution(marts["product_position"]),
                "Number of products by their own index; the outermost bars hold everything beyond.",
            ),
            *_drawn(
                charts.outcomes_by_competitor(marts["outcomes"], EVERYONE),
                "Shares of the compared products; the figures are in the table.",
            ),
            Table(
                "outcomes",
                outcomes,
                (
                    MARKET,
                    Column("Own cheaper", "win_share", "share", bar=True),
                    Column("Products", "wins", "count"),
                    Column("Same price", "tie_share", "share", bar=True),
                    Column("Products", "ties", "count"),
                    Column("Own dearer", "lose_share", "share", bar=True),
                    Column("Products", "losses", "count"),
                    Column("Compared", "products", "count"),
                ),
                title="Win, tie, lose",
                about="Own price against the cheapest competitor of each product, and against"
                " each one.",
                lacking=nothing,
                strong="whole",
            ),
            _products(report),
        ),
    )


def _even(way: str) -> Literal["", "even"]:
    return "even" if way == "mean" else ""


def _products(report: Report) -> Table:
    return Table(
        "product_position",
        report.products(),
        (
            PRODUCT,
            Column("Brand", "brand", "name", role="brand"),
            Column("Own", "own_price", "money"),
            Column("Lowest", "market_lowest", "money"),
            Column("Gap", "gap_own_minus_lowest_pct", "percent", tone="sign"),
            Column("Cheapest at", "lowest_seller", "name", role="seller"),
            Column("Index", "index_own_over_market", "index", tone="even"),
            Column("Sellers", "sellers", "count"),
            Column("Outcome", "outcome", "word", words=wording.OUTCOMES, filtered=True),
        ),
        title="Products",
        about="Every compared own product against the cheapest competitor: gap = (own − lowest) /"
        " lowest.",
        lacking="Not enough data: no product was compared.",
        explored=True,
        order=("gap_own_minus_lowest_pct", True),
        main=True,
    )


def changes(report: Report) -> Section:
    """Return the section about prices that moved."""
    marts = report.marts
    return Section(
        "changes",
        "Price changes",
        "Each offer against the last day on which it was seen. What looks like something else than"
        " a decision about a price is marked, and counts in no figure.",
        cards=(
            ("price_changes_own_share", WHOLE_MARKET),
            ("price_changes_market_share", WHOLE_MARKET),
            ("price_changes_market_doubted", WHOLE_MARKET),
        ),
        parts=(
            Table(
                "change_summary",
                marts["change_summary"],
                (
                    Column("Seller", "seller", "name", role="seller"),
                    Column("Compared", "compared", "count"),
                    Column("Changed", "changed", "count"),
                    Column("Share", "changed_share", "share", bar=True),
                    Column("Raised", "raised", "count"),
                    Column("Lowered", "lowered", "count"),
                    Column(
                        "Median change",
                        "median_change_new_over_previous_pct",
                        "percent",
                        tone="sign",
                    ),
                    Column("Doubted", "doubted", "count"),
                    Column("Against", "previous_day", "date"),
                ),
                title="By seller",
                about="A dash: none of the seller's offers was there on an earlier day.",
                lacking="Not enough data: there is no earlier day to compare with.",
            ),
            Table(
                "price_changes",
                report.largest_changes(),
                (
                    Column("Product", "name", "product", code=("gtin", "sku")),
                    Column("Seller", "seller", "name", role="seller"),
                    Column("Before", "previous_price", "money"),
                    Column("Now", "price", "money"),
                    Column("Change", "change_new_over_previous_pct", "percent", tone="sign"),
                    Column("Seen before on", "previous_day", "date"),
                    Column("Doubted because", "guard", "sentence"),
                    Column("Counts", "believed", "word", words=wording.COUNTS, filtered=True),
                ),
                title="All changes",
                about="The largest first.",
                lacking="No price moved, or there is no earlier day to compare with.",
                explored=True,
            ),
        ),
    )
