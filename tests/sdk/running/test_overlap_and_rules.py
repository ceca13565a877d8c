"""The rules in tags, and what becomes of a run that finds the turn taken."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdk import ConfigurationError
from sdk.running.overlap import Holder, decide
from sdk.running.rules import MOST_STARTS, OVERLAPS, Rules, check_tags, unknown_tags


def test_tags_are_a_closed_vocabulary() -> None:
    known = ["daily", "gold", "overlap:skip", "relaunch:3", "lateness:30m", "timeout:2h", "heavy"]
    assert unknown_tags(known) == []
    wrong = [
        "nightly",
        "overlap:sometimes",
        "relaunch:0",
        "relaunch:99",
        "lateness:soon",
        "timeout:",
        "gold:x",
    ]
    assert unknown_tags([*known, *wrong]) == wrong
    with pytest.raises(ConfigurationError, match=r"metro-daily: .* nightly"):
        check_tags("metro-daily", ["nightly"])


def test_rules_are_read_from_tags() -> None:
    rules = Rules.of(["daily", "overlap:cancel-old", "relaunch:3", "lateness:2h", "timeout:9m"])
    assert rules == Rules("cancel-old", 3, timedelta(hours=2), timedelta(minutes=9))
    assert Rules.of(["by hand", "overlap:", "relaunch:x", "lateness:0m"]) == Rules()


@given(st.lists(st.text(max_size=12)))
def test_any_tags_make_rules_that_can_be_kept(tags: list[str]) -> None:
    rules = Rules.of(tags)
    assert 1 <= rules.starts <= MOST_STARTS
    assert rules.overlap in {"allow", *OVERLAPS}


OTHER = Holder("other", "brave-fox", open=True, begun=True)


@pytest.mark.parametrize(
    ("overlap", "holder", "action"),
    [
        ("allow", OTHER, "go"),
        ("skip", None, "go"),
        ("skip", OTHER, "skip"),
        ("queue", OTHER, "wait"),
        ("cancel-old", OTHER, "cancel"),
        # The same run, started again after its process died.
        ("skip", Holder("me", "calm-hen", open=True, begun=True), "go"),
        # Ended, or scheduled again: it has given the turn up.
        ("skip", Holder("other", "brave-fox", open=False, begun=False), "go"),
        ("queue", Holder("other", "brave-fox", open=True, begun=False), "go"),
    ],
)
def test_the_holder_and_the_rule_decide(overlap: str, holder: Holder | None, action: str) -> None:
    decision = decide(overlap, "me", holder)  # type: ignore[arg-type]
    assert decision.action == action
    if action in {"skip", "wait", "cancel"}:
        assert "brave-fox" in decision.why
