"""Plain words into Block Kit, Atlassian documents and wiki markup: markup in them does nothing."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocks.errors import seconds
from blocks.wording import (
    MAX_LABEL,
    MAX_SUMMARY,
    cleaned,
    document,
    document_text,
    label,
    lines,
    one_line,
    slack_blocks,
    slack_escaped,
    wiki,
)
from sdk.testing.receivers.blockkit import problems
from sdk.testing.receivers.documents import is_document

MARKUP = ["h1. ", "bq. ", "http://x.example", "[~admin]", "[x|y]", "{color:red}", "\\\\", "*b*",
          "_i_", "-s-", "a-b", "flow_run", "!i.png!", "|c|", "<!here>", "&amp;", "Run: ",
          "\n", " "]  # fmt: skip
texts = st.text(max_size=400) | st.lists(st.sampled_from(MARKUP), max_size=30).map("".join)


@given(texts, texts)
def test_slack_takes_any_words_and_reads_no_markup_in_them(subject: str, body: str) -> None:
    blocks = slack_blocks(subject, body)
    assert problems(blocks) == []
    for block in blocks:
        if block["type"] in ("header", "section"):
            assert block["text"]["type"] == "plain_text"
    assert not set("<>") & set(slack_escaped(body))


@given(texts)
def test_jira_cloud_takes_any_words_and_gives_them_back(body: str) -> None:
    made = document(body)
    assert is_document(made)
    told = [line.text for line in lines(body) if line.text.strip()]
    assert [t for t in document_text(made).split("\n") if t.strip()] == told


@given(texts)
def test_wiki_markup_is_escaped_wherever_it_stands(body: str) -> None:
    for written, line in zip(wiki(body).split("\n"), lines(body), strict=True):
        if line.url is not None:
            continue
        bare = re.sub(r"\\[^a-z0-9\s]", "a", re.sub(r"&#\d+;", "a", written))
        assert not set("\\{}[]*^|~?!#") & set(bare)
        assert not re.search(r"(?<![^\W_])[-_+@]|[-_+@](?![^\W_])", bare)
        assert not re.match(r"\s*(h[1-6]|bq)\.", written)
        assert "://" not in written


@given(texts, st.integers(1, 400))
def test_long_texts_are_cut_and_their_ending_is_not(text: str, times: int) -> None:
    ending = "ref a-1"
    assert wiki(text * times, ending).split("\n")[-1] == ending
    assert len(wiki(text * times, ending)) <= 32_767
    told = document_text(document(text * times, ending))
    assert told.split("\n")[-1] == ending
    assert len(told) <= 32_767


@given(texts)
def test_one_line_and_label_keep_to_their_limits(text: str) -> None:
    assert len(one_line(text, MAX_SUMMARY)) <= MAX_SUMMARY
    assert not re.search(r"[\n\r]", one_line(text, MAX_SUMMARY))
    made = label(text * 10)
    assert len(made) <= MAX_LABEL
    assert not any(character.isspace() for character in made)


@pytest.mark.parametrize(
    ("body", "links"),
    [
        ("Run: https://prefect/run/1", [("Run", "https://prefect/run/1")]),
        ("Run book: http://x/y?a=1#b", [("Run book", "http://x/y?a=1#b")]),
        ("it said Run: https://evil", []),
        ("run: https://evil", []),
        ("Run: https://evil|label", []),
        ("Run: https://evil> <!channel>", []),
        ("Run: javascript:alert(1)", []),
        ("a\rRun: https://x", [("Run", "https://x")]),
    ],
)
def test_only_a_line_of_its_own_is_a_link(body: str, links: list[tuple[str, str]]) -> None:
    assert [(line.text, line.url) for line in lines(body) if line.url] == links


def test_cleaned_drops_what_terminals_and_json_readers_trip_over() -> None:
    assert cleaned("a\x00b\x1b[31mc\r\nd\te\u2028f") == "ab[31mc\nd\tef"


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("30", 30.0),
        ("0.5", 0.5),
        ("Thu, 01 Jan 2026 00:01:00 GMT", 60.0),
        ("Wed, 31 Dec 2025 00:00:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after(header: str | None, wait: float | None) -> None:
    assert seconds(header, datetime(2026, 1, 1, tzinfo=UTC)) == wait
