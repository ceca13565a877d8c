"""The glossary: every figure's definition as a page for readers, docs/figures.md.

The words are those that page and workbook show, so what is read there and here is the same.
"""

from __future__ import annotations

from collections.abc import Iterator

from flows.pipeline.insights.figures import RULE_VERSION
from flows.pipeline.reporting.wording import FIGURES

_CARRIED = (
    ("value", "null where there is not enough data; never 0 or NaN for want of data"),
    ("numerator, denominator", "what a ratio is made of"),
    ("n", "how many things it is about, as named below"),
    ("coverage", "the share of what it speaks of that it rests on, 0 to 1"),
    ("market", "the competitor it compares with, or `all`"),
    ("day", "of the data it rests on"),
    ("rule_version", "of the definitions; figures of different ones are not compared"),
    ("note", "why there is no value"),
)


def page() -> str:
    """Return the page, as Markdown."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "# Figures"
    yield ""
    yield "What each headline number of the page, the workbook and the mart `figures` means and how"
    yield f"it is made. Rule version {RULE_VERSION}. Made by `python -m flows.pipeline.reporting`."
    yield ""
    yield "Every figure carries:"
    yield ""
    for name, meaning in _CARRIED:
        yield f"- **{name}**: {meaning}"
    for name, words in FIGURES.items():
        yield ""
        yield f"## {words.title}"
        yield ""
        yield f"`{name}` — {words.meaning}."
        yield ""
        yield words.definition
        yield ""
        yield f"n counts {words.base}."
