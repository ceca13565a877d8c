"""The words of notices: what L2 asks for, and no data that does anything."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import hypothesis.strategies as st
from hypothesis import given

from blocks.wording import document, wiki
from sdk.notices import build_jira, build_slack
from sdk.notices.build_plain import plain
from sdk.notices.fault_parts import Saying
from sdk.notices.fault_state import FaultState, fold
from sdk.testing.receivers.blockkit import problems

EVIL = "<!channel> <https://evil.example|bank> *b* {color:red} [x|https://evil.example] @here\n# h1"


def state_of(*notices: Any) -> FaultState:
    state = None
    for told in notices:
        state = fold(state, told, told.happened)
    assert state is not None
    return state


def test_each_wording_answers_what_l2_asks(notice: Any) -> None:
    told = notice(1, runbook_url="https://docs.example/capture", tier="gold")
    state = state_of(told, notice(2, customer="orchard"))
    for words in (
        plain(told),
        json.dumps(build_slack.head(state).blocks, ensure_ascii=False),
        build_jira.ticket(state_of(told)).description,
    ):
        for asked in (
            "the site did not answer",
            "metro",
            "2026-08-15 07:00 UTC",
            "Last good",
            "tried 3 times; the run failed",
            "What now",
            "grocery",
            "environment production",
            "https://prefect.example/flow-runs/flow-run/",
        ):
            assert asked in words
    assert "2 times" in json.dumps(build_slack.head(state).blocks)


def test_data_makes_neither_mention_nor_link_nor_markup(notice: Any) -> None:
    told = notice(1, headline=EVIL, customer=EVIL, step=EVIL, action=EVIL, examples=(EVIL,))
    state = state_of(told)
    message = build_slack.head(state)
    _only_our_links(message.blocks)
    assert "<" not in message.text
    _only_our_links(build_slack.page(told).blocks)
    text = build_jira.ticket(state)
    nodes = json.dumps(document(text.description))
    assert set(re.findall(r'"href": "([^"]*)"', nodes)) == {told.run_url}
    assert re.findall(r"(?<!\\)\[", wiki(text.description)) == ["["], "the run's link alone"
    assert "\n" not in text.summary


@given(st.text(max_size=4000), st.text(max_size=300), st.sampled_from(["again", "back", "mended"]))
def test_whatever_the_data_slack_takes_the_blocks(
    notice: Any, text: str, name: str, about: Any
) -> None:
    told = notice(
        1, headline=text, customer=name, step=name, action=text, did=(text,), examples=(text,) * 3
    )
    state = state_of(told)
    for message in (build_slack.head(state, text[:200]), build_slack.page(told)):
        assert problems(message.blocks) == []
        assert len(message.text) <= 3000
        _only_our_links(message.blocks)
    saying = Saying(key="k", about=about, at=told.happened, count=3, left=("slack",))
    assert problems(build_slack.remark(state, saying).blocks) == []
    assert problems(build_slack.letter(name, text).blocks) == []
    labels = build_jira.ticket(state).labels
    assert labels[0] == f"fault-{told.fault}"


def test_an_address_alone_as_a_headline_is_no_link(notice: Any) -> None:
    told = notice(1, headline="https://evil.example", did=("https://evil.example",))
    nodes = json.dumps(document(build_jira.ticket(state_of(told)).description))
    assert '"href": "https://evil.example"' not in nodes


def test_a_remark_says_how_often_and_since_when(notice: Any) -> None:
    state = state_of(notice(1), notice(2))
    at = state.first_seen + timedelta(hours=2)
    saying = Saying(
        key="k", about="again", at=at, count=2, customers=("metro",), left=("slack", "jira")
    )
    words = build_slack.remark_words(state, saying)
    assert words == (
        "Still broken: capture/fetch for metro, 2 times since 2026-08-15 07:00 UTC."
        " Latest: the site did not answer"
    )
    assert "Run: https://prefect.example" in build_jira.comment(state, saying)


def _only_our_links(blocks: list[dict[str, Any]]) -> None:
    for block in blocks:
        texts = [*block.get("fields", []), *block.get("elements", [])]
        texts += [block["text"]] if "text" in block else []
        for text in texts:
            if text["type"] == "mrkdwn":
                assert re.fullmatch(
                    r"<https://(prefect|docs)\.example/[^>|]*\|(Run|Runbook)>", text["text"]
                )
            else:
                assert text["type"] == "plain_text" and text["emoji"] is False
