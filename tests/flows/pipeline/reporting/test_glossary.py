"""docs/figures.md says what the page and the workbook say."""

from __future__ import annotations

from pathlib import Path

from flows.pipeline.mart_schema import FIGURES
from flows.pipeline.reporting import glossary

ROOT = Path(__file__).parents[4]


def test_the_page_of_figures_is_current() -> None:
    written = (ROOT / "docs/figures.md").read_text()
    assert written == glossary.page(), "run: python -m flows.pipeline.reporting > docs/figures.md"


def test_what_every_figure_is_said_to_carry_is_in_the_mart() -> None:
    said = {name for names, _ in glossary._CARRIED for name in names.split(", ")}
    assert said <= set(FIGURES)
