"""What can be had, what nobody knows, and since when something is out."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.pipeline.schema import AVAILABILITIES

OUT, IN, NOBODY = (
    {"availability": "out_of_stock"},
    {"availability": "in_stock"},
    {"availability": "unknown"},
)
BLOCKED = {"availability": "blocked"}


def ago(days: int) -> date:
    return date(2026, 8, 15) - timedelta(days=days)


def test_unknown_and_blocked_are_outside_the_denominator(insights) -> None:
    offers = [
        ("A", 1, "1", IN),
        ("A", 2, "1", IN),
        ("A", 3, "1", OUT),
        ("A", 4, "1", {"availability": "backorder"}),
        ("A", 5, "1", {"availability": "discontinued"}),
        ("A", 6, "1", NOBODY),
        ("A", 7, "1", BLOCKED),
        ("A", 8, "1", {"availability": None}),
        ("A", 9, "1", {**OUT, "stale": True}),
        ("Own", 1, "1", IN),
    ]
    marts = insights.marts(offers)
    row = insights.row(marts["availability"], seller="A")
    assert (row["in_stock"], row["out_of_stock"], row["known"]) == (2, 2, 4)
    assert (row["discontinued"], row["unknown"], row["blocked"]) == (1, 3, 1)
    assert (row["out_of_stock_rate"], row["coverage"]) == (0.5, round(5 / 9, 6))
    figure = insights.figure(marts, "out_of_stock_rate_market", "A")
    assert (figure["value"], figure["numerator"], figure["denominator"]) == (0.5, 2, 4)
    assert (figure["n"], figure["coverage"]) == (4, round(5 / 9, 6))
    assert insights.figure(marts, "out_of_stock_rate_own")["value"] == 0
    # What is carried over from an earlier day is not known to be out today.
    assert marts["out_of_stock"]["sku"].to_list() == ["3", "4"]


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ([NOBODY, NOBODY], "does not tell what is in stock"),
        ([BLOCKED, NOBODY], "1 of 2 pages were blocked"),
        ([{"availability": "discontinued"}] * 2, "nothing but discontinued"),
    ],
)
def test_where_nothing_is_known_there_is_no_rate(insights, told, why) -> None:
    marts = insights.marts([("A", n, "1", state) for n, state in enumerate(told, 1)])
    row = insights.row(marts["availability"], seller="A")
    assert row["out_of_stock_rate"] is None
    assert why in row["note"]
    figure = insights.figure(marts, "out_of_stock_rate_market", "A")
    assert figure["value"] is None
    assert why in figure["note"]
    own = insights.figure(marts, "out_of_stock_rate_own")
    assert own["note"] == "not enough data: it has no offers on the day"


def test_a_streak_passes_over_days_of_which_nothing_is_known(insights) -> None:
    history = {
        1: [("A", 1, "1", NOBODY), ("A", 2, "1", IN), ("A", 4, "1", BLOCKED)],
        2: [("A", 1, "1", OUT), ("A", 2, "1", OUT)],
        4: [("A", 1, "1", {"availability": "preorder"}), ("A", 3, "1", OUT)],
        5: [("A", 1, "1", IN), ("A", 3, "1", OUT), ("A", 4, "1", NOBODY)],
        6: [("A", 1, "1", OUT)],
    }
    marts = insights.marts([("A", n, "1", OUT) for n in (1, 2, 3, 4)], history)
    found = {
        row["sku"]: (
            row["streak_days"],
            row["since"],
            row["unknown_days"],
            row["last_in_stock"],
            row["reaches_back"],
        )
        for row in marts["out_of_stock"].iter_rows(named=True)
    }
    assert found == {
        "1": (3, ago(4), 1, ago(5), False),  # day 3 has no files at all: no day of the panel
        "2": (1, ago(0), 0, ago(1), False),
        "3": (3, ago(5), 2, None, True),
        "4": (1, ago(0), 0, None, True),
    }
    assert marts["out_of_stock"]["sku"].to_list() == ["1", "3", "2", "4"]


_STATES = st.lists(st.sampled_from([None, *AVAILABILITIES]), min_size=1, max_size=12)


@settings(max_examples=40)
@given(states=_STATES)
def test_streaks_are_what_counting_backwards_gives(insights, states) -> None:
    """states: today first; None where the offer was not there."""
    out, known = {"out_of_stock", "preorder", "backorder"}, {"in_stock"}
    history = {
        back: [("A", 1, "1", {"availability": state}) if state else ("A", 9, "1")]
        for back, state in enumerate(states[1:], 1)
    }
    marts = insights.marts([("A", 1, "1", {"availability": "out_of_stock"})], history)
    (row,) = marts["out_of_stock"].iter_rows(named=True)
    days, since, unknown, gap, last = 1, 0, 0, 0, None
    for back, state in enumerate(states[1:], 1):
        if state in out:
            days, since, unknown, gap = days + 1, back, unknown + gap, 0
        elif state in known:
            last = back
            break
        else:
            gap += 1
    assert (row["streak_days"], row["since"], row["unknown_days"]) == (days, ago(since), unknown)
    assert row["last_in_stock"] == (None if last is None else ago(last))
    assert row["reaches_back"] == ("in_stock" not in states[1:])
