"""What a report is made of, and what of it is shown: shared by page and workbook."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from flows.pipeline.insights.position import WHOLE_MARKET


@dataclass(frozen=True)
class CheckLine:
    """One check of a step, as the report tells it."""

    step: str
    name: str
    level: str
    passed: bool
    detail: str


@dataclass(frozen=True)
class Note:
    """Something that is missing or partial: about what, and in words."""

    text: str
    about: str = ""

    def __str__(self) -> str:
        return f"{self.about}: {self.text}" if self.about else self.text


@dataclass(frozen=True)
class Report:
    """Everything that page and workbook tell of a customer's day.

    Attributes:
        title: the customer's name, for people.
        day: as of which the figures are.
        own_seller: the customer's own.
        currency: ISO 4217.
        marts: a frame for each of `MARTS`.
        faults: FAULTS of the day's files.
        rejected: raw rows that became no offer: source_file, source_row, seller, sku, name,
            price, reason.
        notes: what of the day is missing or partial.
        earlier: what is missing or damaged on the days before, in words.
        degraded_because: why the figures rest on older or other data; empty when they are fresh.
        checks: of the steps before.
        alerts: ALERTS of the day; None where nobody asked for any.
        alert_rules: ALERT_RULES of the day; the same.
    """

    title: str
    day: date
    own_seller: str
    currency: str
    marts: Mapping[str, pl.DataFrame]
    faults: pl.DataFrame
    rejected: pl.DataFrame
    notes: tuple[Note, ...] = ()
    earlier: tuple[str, ...] = ()
    degraded_because: tuple[str, ...] = ()
    checks: tuple[CheckLine, ...] = field(default=())
    alerts: pl.DataFrame | None = None
    alert_rules: pl.DataFrame | None = None

    @property
    def state(self) -> str:
        """``degraded``, ``partial`` (something is missing) or ``fresh``."""
        if self.degraded_because:
            return "degraded"
        return "partial" if self.notes else "fresh"

    def figure(self, name: str, market: str = WHOLE_MARKET) -> dict[str, object] | None:
        """Return the row of a headline figure, or None if it is not there."""
        found = self.marts["figures"].filter(
            (pl.col("figure") == name) & (pl.col("market") == market)
        )
        return found.row(0, named=True) if found.height else None

    def products(self) -> pl.DataFrame:
        """Return the compared own products, the furthest above the cheapest competitor first.

        By the gap as it is shown: of those that read alike the first GTIN comes first, as a reader
        who sorts by that column finds them.
        """
        position = self.marts["product_position"]
        read = [round(gap, 1) for gap in position["gap_own_minus_lowest_pct"]]
        return (
            position.with_columns(read=pl.Series(read, dtype=pl.Float64))
            .sort(-pl.col("read"), "gtin", "own_sku", nulls_last=True)
            .drop("read")
        )

    def largest_changes(self) -> pl.DataFrame:
        """Return the price changes, the largest first, up or down; doubted ones last."""
        return self.marts["price_changes"].sort(
            ~pl.col("believed"),
            -pl.col("change_new_over_previous_pct").abs(),
            "seller",
            "sku",
            "store_id",
        )

    def reviews(self) -> pl.DataFrame:
        """Return the pairs that wait for a person and count in no figure."""
        return self.marts["comparisons"].filter(~pl.col("used"))

    def fault_groups(self) -> pl.DataFrame:
        """Return the faults by file and problem: problem, how many, the first rows, the action."""
        return (
            self.faults.group_by("source_file", "problem", "action")
            .agg(
                count=pl.len(),
                rows=pl.col("source_row").drop_nulls().sort().head(5),
                example=pl.col("value").drop_nulls().sort().first(),
            )
            .sort("source_file", "problem", "action")
        )

    def rejected_groups(self) -> pl.DataFrame:
        """Return the rejected rows by seller: how many, and the most frequent reasons."""
        return (
            self.rejected.group_by("seller")
            .agg(
                count=pl.len(),
                reasons=pl.col("reason").unique().sort().head(4).str.join("; "),
                example=pl.col("name").sort_by("source_file", "source_row").first(),
            )
            .sort("count", "seller", descending=[True, False], nulls_last=True)
        )
