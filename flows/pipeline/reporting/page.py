"""The page: one HTML file that explains a customer's day, without network or script.

Everything that comes from data is escaped by the template engine and isolated for text direction
(``<bdi>``), so that a Hebrew name beside a price keeps both readable. A content security policy
inside the page forbids any script and any load.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import jinja2
import polars as pl
from markupsafe import Markup

from flows.pipeline.insights.position import WHOLE_MARKET
from flows.pipeline.reporting import charts, formats, wording
from flows.pipeline.reporting.report import TOP, Report

EVERYONE = "all competitors"

_CARDS = (
    "price_index_own_over_market_mean",
    "median_gap_own_minus_lowest_pct",
    "win_share",
    "lose_share",
    "matched_products_over_own",
    "price_changes_own_share",
    "price_changes_market_share",
    "assortment_gap_products",
)
"""The figures at the top of the page; all of them are in the workbook."""


@dataclass(frozen=True)
class Card:
    """A headline figure with what it stands on."""

    name: str
    title: str
    value: str
    meaning: str
    detail: str
    lacking: str


def render_page(report: Report) -> bytes:
    """Return the page as UTF-8; the same report gives the same bytes."""
    marts = report.marts
    page = (
        _environment()
        .get_template("page.html.j2")
        .render(
            report=report,
            marts={name: frame.to_dicts() for name, frame in marts.items() if name in _SHOWN},
            cards=[card for name in _CARDS if (card := _card(report, name))],
            charts={
                "index": Markup(charts.index_by_competitor(marts["price_index"], EVERYONE)),  # noqa: S704
                "outcomes": Markup(charts.outcomes_by_competitor(marts["outcomes"], EVERYONE)),  # noqa: S704
                "distribution": Markup(charts.index_distribution(marts["product_position"])),  # noqa: S704
            },
            dearest=report.dearest().to_dicts(),
            cheapest=report.cheapest().to_dicts(),
            changes=report.largest_changes().to_dicts(),
            gaps=marts["assortment_gaps"].head(TOP).to_dicts(),
            reviews=report.reviews().head(TOP).to_dicts(),
            fault_groups=report.fault_groups().to_dicts(),
            rejected_groups=report.rejected_groups().to_dicts(),
            totals={
                "changes": marts["price_changes"].height,
                "gaps": marts["assortment_gaps"].height,
                "reviews": report.reviews().height,
                "faults": report.faults.height,
                "rejected": report.rejected.height,
            },
            failed_checks=[check for check in report.checks if not check.passed],
            definitions=_definitions(marts["figures"]),
            wording=wording,
            everyone=EVERYONE,
            whole=WHOLE_MARKET,
        )
    )
    return page.encode()


_SHOWN = frozenset({"price_index", "outcomes", "change_summary", "assortment", "coverage"})
"""The marts of which the page shows every row."""


def _card(report: Report, name: str) -> Card | None:
    row = report.figure(name)
    if row is None:
        return None
    words = wording.FIGURES[name]
    parts = [f"{formats.count(row['n'])} {words.base}"]  # type: ignore[arg-type]
    if row["coverage"] is not None:
        parts.append(f"coverage {formats.share(row['coverage'])}")  # type: ignore[arg-type]
    return Card(
        name=name,
        title=words.title,
        value=wording.value(row),
        meaning=words.meaning,
        detail=", ".join([*parts, f"as of {row['as_of']}"]),
        lacking=str(row["note"] or ""),
    )


def _definitions(figures: pl.DataFrame) -> list[dict[str, str]]:
    shown = set(figures["figure"])
    return [
        {"title": words.title, "definition": words.definition}
        for name, words in wording.FIGURES.items()
        if name in shown
    ]


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("flows.pipeline.reporting"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name in ("money", "signed_money", "count", "index", "share", "percent", "text", "moment"):
        environment.filters[name] = getattr(formats, name)
    environment.filters["rows_named"] = _rows_named
    return environment


def _rows_named(group: dict[str, Any]) -> str:
    """Write which rows a fault is about: the first few, and how many more."""
    rows = [str(row) for row in group["rows"]]
    if not rows:
        return "the file"
    more = group["count"] - len(rows)
    return f"row {', '.join(rows)}" + (f" and {more:,} more" if more > 0 else "")
