"""A document: sections of tables, charts and cards as one HTML file that needs no network.

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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

import jinja2
from markupsafe import Markup

from flows.pipeline.reporting import formats
from flows.pipeline.reporting.payload import payload
from flows.pipeline.reporting.sections import Section
from flows.pipeline.reporting.tables import FIRST, cell


@dataclass(frozen=True)
class Card:
    """A headline figure with what it stands on."""

    name: str
    title: str
    value: str
    meaning: str
    detail: str
    as_of: str = ""
    coverage: float | None = None
    lacking: str = ""


@dataclass(frozen=True)
class Definition:
    """What a figure means: its name, title, formula and what its n counts."""

    name: str
    title: str
    definition: str
    base: str


@dataclass(frozen=True)
class Remark:
    """A line of the state of the data: about what, and in words."""

    text: str
    about: str = ""


@dataclass(frozen=True)
class Document:
    """Everything that is on the page.

    Attributes:
        title: whose it is.
        tab: what the browser's tab says behind it.
        facts: what stands below the title: a label and a name of strangers, or a label alone.
        state: one word: ``fresh``, ``partial``, ``degraded``…
        standing: what the state means.
        remarks: what is missing, below it.
        more: what else is to be known of it; points to data quality.
        cards: the figures at the top.
        sections: below them.
        section_cards: of a section by its name.
        definitions: of every figure; none: no such section.
        definitions_lead: what is said before them.
        filtered: what the page's own filters are said to do.
        foot: the last line.
    """

    title: str
    tab: str
    state: str
    standing: str
    cards: Sequence[Card]
    sections: Sequence[Section]
    facts: Sequence[tuple[str, str]] = ()
    remarks: Sequence[Remark] = ()
    more: str = ""
    section_cards: Mapping[str, Sequence[Card]] = field(default_factory=dict)
    definitions: Sequence[Definition] = ()
    definitions_lead: str = ""
    foot: str = ""


def render(document: Document) -> bytes:
    """Return the page as UTF-8; the same document gives the same bytes."""
    data = payload([table for section in document.sections for table in section.tables])
    script = _resource("page.js")
    page = (
        _environment()
        .get_template("page.html.j2")
        .render(
            document=document,
            data={name: Markup(text) for name, text in data.tables.items()},  # noqa: S704 - base64
            held=data.rows,
            first=FIRST,
            style=Markup(_resource("page.css")),  # noqa: S704 - ours
            script=Markup(script),  # noqa: S704 - ours
            script_hash=_hash(script),
        )
    )
    return page.encode()


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
