"""What is an event, and what is poison."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.streams.event import Event, Poison, parse, raw_rows, rounds
from flows.streams.queues import Message

SENT = datetime(2026, 8, 15, 6, tzinfo=UTC)
GOOD = {"id": "1", "seller": "Green Basket", "sku": "1", "price": "12.90"}


def message(body: bytes, name: str = "m1") -> Message:
    return Message(name, body, name, 1, SENT)


def event(**fields: Any) -> Event:
    return parse(message(json.dumps({**GOOD, **fields}).encode()))


def test_a_price_is_taken_as_it_is_written() -> None:
    body = b'{"seller": "s", "sku": 7290000000015, "price": 0.10, "weighable": true, "other": [1]}'
    found = parse(message(body))
    assert found.fields == {
        "seller": "s", "sku": "7290000000015", "price": "0.10", "weighable": "true"
    }  # fmt: skip
    assert (found.id, found.at) == ("message:m1", SENT)
    row = raw_rows([found]).row(0, named=True)
    assert (row["price"], row["source_file"], row["source_row"]) == ("0.10", "message:m1", 0)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "the message is empty"),
        (b'{"seller": "Gre', "is not JSON"),
        (b"\xff\xfe{}", "is not"),
        (b"[1]", "is a JSON list"),
        (b'{"sku": "1", "price": "1"}', "field seller is missing"),
        (b'{"seller": "s", "sku": "", "price": "1"}', "field sku is missing"),
        (b'{"seller": "s", "sku": "1", "price": {"amount": 1}}', "field price is a JSON dict"),
        (b'{"seller": "s", "sku": "1", "price": "1", "at": "today"}', "field at is no ISO 8601"),
        (b'{"seller": "s", "sku": "1", "price": "1", "id": {}}', "field id is no text"),
        (b'{"seller": "s\\u0000", "sku": "1", "price": "1"}', "field seller holds a NUL"),
        (b'{"seller": "\\ud83d", "sku": "1", "price": "1"}', "half of a character"),
        (b'{"seller": "s", "sku": "1", "price": "1", "stale": "yes"}', "field stale"),
        (b"[" * 100_000, "nested too deep"),
    ],
)
def test_poison_says_which_field(body: bytes, reason: str) -> None:
    with pytest.raises(Poison, match=reason):
        parse(message(body))


@given(st.one_of(st.binary(max_size=60), st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["id", "at", "seller", "sku", "price", "stale", "name", "x"]), inner,
        max_size=6),
    max_leaves=10,
).map(lambda value: json.dumps(value).encode())))  # fmt: skip
def test_any_message_is_an_event_or_poison(body: bytes) -> None:
    try:
        found = parse(message(body))
    except Poison:
        return
    assert raw_rows([found]).height == 1


def test_a_producer_whose_clock_is_ahead_keeps_nobody_out() -> None:
    assert event(at="2027-01-01T00:00:00Z").at == SENT + timedelta(minutes=10)
    assert event(at="2026-08-15T08:00:00+03:00").at == SENT - timedelta(hours=1)
    assert event(at="2026-08-15T05:00:00").at == SENT - timedelta(hours=1)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 50)), max_size=30))
def test_rounds_hold_each_offer_once_in_the_order_of_time(drawn: list[tuple[int, int]]) -> None:
    events = [
        Event(str(n), SENT + timedelta(seconds=at), {"seller": "s", "sku": str(sku)},
              message(b"", f"{n:03}"))
        for n, (sku, at) in enumerate(drawn)
    ]  # fmt: skip
    parts = rounds(events)
    assert sorted(e.id for part in parts for e in part) == sorted(e.id for e in events)
    for part in parts:
        assert len({e.key for e in part}) == len(part)
    for sku in range(4):
        own = [e.at for part in parts for e in part if e.key[2] == str(sku)]
        assert own == sorted(own)
