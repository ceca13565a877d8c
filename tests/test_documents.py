"""Documents name what there is: links, paths and make targets of README and docs/."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.pipeline.rules import AlertRule, ChangeGuards, DiscountRules, Rules, read_rules

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", *ROOT.glob("docs/**/*.md")])
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
ROOMS = ("blocks/", "canary/", "docs/", "flows/", "infra/", "sdk/", "tests/", "work_pools/")

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def _code(text: str) -> Iterator[str]:
    yield from re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))


@pages
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text()):
        if "://" not in target and not target.startswith("mailto:"):
            assert (page.parent / target).exists(), target


@pages
def test_paths_that_are_named_are_there(page: Path) -> None:
    for word in _code(page.read_text()):
        if word.startswith(ROOMS) and not re.search(r"[<>{}\s…:]", word):
            assert any(ROOT.glob(word.rstrip("/"))), word


@pages
def test_make_targets_that_are_named_are_there(page: Path) -> None:
    for named in re.findall(r"(?:`|^ {4}|\$ )make ([a-z-]+)", page.read_text(), re.MULTILINE):
        assert named in TARGETS, named


def test_every_field_of_a_customers_rules_is_described() -> None:
    text = (ROOT / "docs" / "how-to" / "customer-rules.md").read_text("utf-8")
    models = (Rules, AlertRule, ChangeGuards, DiscountRules)
    fields = {name for model in models for name in model.model_fields}
    assert {name for name in fields if f"`{name}`" not in text} == set()


def test_the_example_of_a_customers_rules_is_understood() -> None:
    text = (ROOT / "docs" / "how-to" / "customer-rules.md").read_text("utf-8")
    example = text.split("```yaml\n")[1].split("```")[0]
    assert [rule.name for rule in read_rules(example).alerts] == ["undercut on key items"]
