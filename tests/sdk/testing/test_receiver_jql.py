"""The JQL that the Jira stand-in understands."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdk.testing.receivers.jql import JqlError, Row, parse

NOW = 1_750_000_000.0
DAY = 86_400.0


def row(**fields: object) -> Row:
    empty: dict[str, object] = {
        "project": ("OPS", "10000"),
        "key": ("OPS-1", "10000"),
        "labels": (),
        "status": ("To Do",),
        "statuscategory": ("To Do", "new"),
        "resolution": (),
        "priority": ("Medium",),
        "issuetype": ("Task",),
        "component": (),
        "summary": ("Prices of Store 7 are missing",),
        "text": ("Prices of Store 7 are missing\nsince Monday",),
        "created": NOW - 3 * DAY,
        "updated": NOW - DAY,
        "resolved": None,
    }
    return {**empty, **fields}  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("jql", "found"),
    [
        ("project = OPS", True),
        ("project = ops AND labels = fp-1", False),
        ('labels = "fp-1"', False),
        ("labels is EMPTY", True),
        ("labels is not EMPTY", False),
        ("labels != fp-1", False),
        ("labels not in (fp-1, fp-2)", False),
        ("NOT labels = fp-1", True),
        ("statusCategory != Done", True),
        ('statusCategory = "To Do"', True),
        ("resolution = Unresolved", True),
        ("resolution is empty", True),
        ("resolution != Unresolved", False),
        ("status in ('To Do', \"In Progress\")", True),
        ("created >= -5d", True),
        ("created >= -2d", False),
        ("created > -1w AND updated <= now()", True),
        ("updated > -90m", False),
        ("created < '2025-06-14'", True),
        ("created < '2025/06/10 10:00'", False),
        ("resolved < now()", False),
        ('summary ~ "store 7"', True),
        ("text ~ Monday", True),
        ("project = X OR project = OPS AND priority = Medium", True),
        ("(project = X OR project = OPS) AND priority = Low", False),
        ("project = OPS AND (labels = a OR (status = 'To Do' AND key = OPS-1))", True),
        ("", True),
        ("ORDER BY created DESC", True),
    ],
)
def test_queries(jql: str, found: bool) -> None:
    assert parse(jql, NOW).test(row()) is found


def test_order() -> None:
    query = parse("project = OPS order by updated DESC, key, created asc", NOW)
    assert query.order == (("updated", True), ("key", False), ("created", False))
    assert query.bounded
    assert not parse("order by created", NOW).bounded


@pytest.mark.parametrize(
    "jql",
    [
        "project",
        "project =",
        "colour = red",
        "project = OPS labels = x",
        "(project = OPS",
        "project = OPS AND",
        "labels ~ x",
        "summary = x",
        "labels > x",
        "created = soon",
        "created > yesterday()",
        'labels = "x',
        "project in OPS",
        "order by",
    ],
)
def test_what_is_not_jql_is_refused(jql: str) -> None:
    with pytest.raises(JqlError):
        parse(jql, NOW)


words = st.text(min_size=1, max_size=20)


@given(words, st.lists(words, max_size=4))
def test_a_quoted_label_is_found_whatever_it_holds(label: str, others: list[str]) -> None:
    quoted = '"' + label.replace("\\", "\\\\").replace('"', '\\"') + '"'
    query = parse(f"labels = {quoted}", NOW)
    assert query.test(row(labels=(*others, label)))
    assert query.test(row(labels=tuple(others))) is (label in others)


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused_and_nothing_else(jql: str) -> None:
    with contextlib.suppress(JqlError):
        parse(jql, NOW).test(row())
