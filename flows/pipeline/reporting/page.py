"""The dashboard: one HTML file that explains a customer's day, without network.

Everything that is in it is in it: no font, picture, script or datum is fetched, so that it can be
mailed, archived and opened in a train. Without script it is a report: all summaries, the first
rows of each table, printable. Its one script lets a reader filter, sort and page all rows.

Everything that comes from data is escaped by the template engine and isolated for text direction
(``<bdi>``), so that a Hebrew name beside a price keeps both readable. A content security policy
inside the page forbids every load, and every script but that one, which it knows by its hash.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import jinja2
import polars as pl
from markupsafe import Markup

from flows.pipeline.insights.position import WHOLE_MARKET
from flows.pipeline.reporting import (
    formats,
    price_sections,
    quality_sections,
    range_sections,
    wording,
)
from flows.pipeline.reporting.payload import payload
from flows.pipeline.reporting.report import Report
from flows.pipeline.reporting.sections import Section
from flows.pipeline.reporting.tables import FIRST, cell

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


@dataclass(frozen=True)
class Card:
    """A headline figure with what it stands on."""

    name: str
    title: str
    value: str
    meaning: str
    detail: str
    as_of: str
    coverage: float | None
    lacking: str


@dataclass(frozen=True)
class Definition:
    """What a figure means: its name, title, formula and what its n counts."""

    name: str
    title: str
    definition: str
    base: str


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
    shown = sections(report)
    tables = [table for section in shown for table in section.tables]
    data = payload(tables)
    script = _resource("page.js")
    page = (
        _environment()
        .get_template("page.html.j2")
        .render(
            report=report,
            sections=shown,
            overview=[card for name in OVERVIEW if (card := card_of(report, name))],
            card_of=lambda name, market: card_of(report, name, market),
            definitions=_definitions(report.marts["figures"]),
            data=Markup(data.text),  # noqa: S704 - base64
            held=data.rows,
            first=FIRST,
            style=Markup(_resource("page.css")),  # noqa: S704 - ours
            script=Markup(script),  # noqa: S704 - ours
            script_hash=_hash(script),
            wording=wording,
        )
    )
    return page.encode()


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


@cache
def _resource(name: str) -> str:
    return files("flows.pipeline.reporting").joinpath("templates", name).read_text("utf-8")


def _hash(script: str) -> str:
    """Return what a content security policy knows a script by."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return f"sha256-{digest}"


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("flows.pipeline.reporting"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name in ("count", "share", "text"):
        environment.filters[name] = getattr(formats, name)
    environment.globals["cell"] = cell
    environment.tests["table"] = lambda part: hasattr(part, "columns")
    return environment
