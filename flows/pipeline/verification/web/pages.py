"""Rendering: templates, the files beside them, and what every page is given."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from typing import Any, Final

import jinja2

from flows.pipeline.verification.verdicts import BY_NAME, VERDICTS

PACKAGE: Final = "flows.pipeline.verification.web"

STATIC: Final = {
    "htmx-2.0.11.min.js": "text/javascript; charset=utf-8",
    "review.js": "text/javascript; charset=utf-8",
    "review.css": "text/css; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
"""The files that are served, and as what; nothing else of the folder is."""


@cache
def static_file(name: str) -> bytes:
    """Return a file's bytes."""
    return (files(PACKAGE) / "static" / name).read_bytes()


@cache
def static_url(name: str) -> str:
    """Return a file's address, which changes with its content."""
    digest = hashlib.sha256(static_file(name)).hexdigest()[:12]
    return f"/static/{digest}/{name}"


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(PACKAGE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(static_url=static_url, verdicts=VERDICTS, verdict_names=BY_NAME)
    environment.filters.update(count=_count, share=_share, seconds=_seconds)
    return environment


def render(template: str, **values: Any) -> str:
    """Return a page."""
    return _environment().get_template(template).render(**values)


def _count(value: int | None) -> str:
    return "–" if value is None else f"{value:,}"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f} %"


def _seconds(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.1f} s" if value < 60 else f"{value / 60:.1f} min"
