"""The dashboard: one HTML file that explains a customer's day, without network."""

from __future__ import annotations

import polars as pl

from flows.pipeline.insights.position import WHOLE_MARKET
from flows.pipeline.reporting import (
    formats,
    price_sections,
    quality_sections,
    range_sections,
    wording,
)
from flows.pipeline.reporting.document import Card, Definition, Document, Remark, render
from flows.pipeline.reporting.report import Report
from flows.pipeline.reporting.sections import Section

OVERVIEW = (
    "price_index_own_over_market_mean",
    "median_gap_own_minus_lowest_pct",
    "win_share",
    "lose_share",
    "matched_products_over_own",
    "price_changes_market_share",
    "assortment_gap_products",
    "out_of_stock_rate_own",
    "promotion_share_market",
    "map_violation_share",
)
"""The figures at the top of the page; all of them are in its last section and the workbook."""


def sections(report: Report) -> list[Section]:
    """Return the page's sections below the overview, in their order."""
    made = [
        quality_sections.alerts(report),
        price_sections.price_position(report),
        price_sections.changes(report),
        range_sections.availability(report),
        range_sections.assortment(report),
        range_sections.promotions(report),
        range_sections.content(report),
        quality_sections.quality(report),
        quality_sections.figures(report),
    ]
    return [section for section in made if section is not None]


def render_page(report: Report) -> bytes:
    """Return the page as UTF-8; the same report gives the same bytes."""
    return render(dashboard(report))


def dashboard(report: Report) -> Document:
    """Return everything that is on a customer's page."""
    shown = sections(report)
    known = [*(Remark(reason) for reason in report.degraded_because)]
    known += [Remark(note.text, note.about) for note in report.notes]
    before = len(report.earlier)
    more = f"On the days before, {before} {'thing was' if before == 1 else 'things were'} missing"
    return Document(
        title=report.title,
        tab=f"{report.day} · dashboard",
        facts=(
            (f"As of {report.day}", ""),
            ("own prices of", report.own_seller),
            (f"amounts in {report.currency}", ""),
        ),
        state=report.state,
        standing=wording.STATES[report.state],
        remarks=known,
        more=f"{more} or damaged: see" if before else "",
        cards=[card for name in OVERVIEW if (card := card_of(report, name))],
        sections=shown,
        section_cards={
            section.name: [
                card for name, market in section.cards if (card := card_of(report, name, market))
            ]
            for section in shown
        },
        definitions=_definitions(report.marts["figures"]),
        definitions_lead="How every figure is made. Market is the competitors together, or the one"
        " that is named; a product is a valid GTIN; coverage is the share of what a figure speaks"
        " of that it rests on.",
        foot="Products are compared where both sides carry the same valid GTIN, or where a person"
        " decided. A dash means that there is no value; it is never a zero. Every row behind this"
        " page is in the workbook and the marts.",
    )


def card_of(report: Report, name: str, market: str = WHOLE_MARKET) -> Card | None:
    """Return the card of a figure; None where the day has no such figure."""
    row = report.figure(name, market)
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
        detail=", ".join(parts),
        as_of=f"as of {row['as_of']}",
        coverage=row["coverage"],  # type: ignore[arg-type]
        lacking=str(row["note"] or ""),
    )


def _definitions(figures: pl.DataFrame) -> list[Definition]:
    there = set(figures["figure"])
    return [
        Definition(name, words.title, words.definition, words.base)
        for name, words in wording.FIGURES.items()
        if name in there
    ]
