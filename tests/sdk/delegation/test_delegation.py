"""Orders, their encoding and their notes; and the cheap way, in this process."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from sdk import ConfigurationError, Permanent, Run, Transient, task
from sdk.delegation.encoding import decode, encode
from sdk.delegation.order import Order, note_error, note_result, noted
from sdk.storage import storage
from sdk.testing.platform import Platform, platform, prefect_api
from tests.sdk.delegation.steps import acme_async, acme_elsewhere, doubled

__all__ = ["platform", "prefect_api"]

plain = st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False)
plain |= st.dates() | st.datetimes(timezones=st.just(UTC))
values = st.recursive(
    plain,
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(st.text().filter(lambda key: key != "$kind"), inner)
    ),
    max_leaves=20,
)


@given(values)
def test_what_is_sent_arrives_as_it_was(value: Any) -> None:
    assert decode(encode(value, "it")) == value


@pytest.mark.parametrize("value", [{1}, {1: "a"}, b"bytes", object(), [SecretStr("s")]])
def test_what_cannot_be_sent_is_named(value: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"steps:doubled, how") as caught:
        encode(value, "tests.sdk.delegation.steps:doubled, how")
    assert "**" not in str(caught.value)


def test_what_is_no_encoding_is_said() -> None:
    for broken in ({"$kind": "date", "value": "soon"}, {"$kind": "frame", "value": 1}):
        with pytest.raises(Permanent):
            decode(broken)


def run_of(store: Path) -> Run:
    return Run(customer="acme", day=date(2026, 8, 15), store=str(store), run_id="r", root_id="r")


def test_an_order_has_one_key_however_often_it_is_given(tmp_path: Path) -> None:
    run = run_of(tmp_path)
    first = Order.of(doubled, {"how": "a", "count": 1}, run)
    assert Order.of(doubled, {"count": 1, "how": "a"}, run).key == first.key
    assert Order.of(doubled, {"count": 2, "how": "a"}, run).key != first.key
    assert Order.model_validate(first.model_dump(mode="json")) == first

    @task
    def hidden() -> None:
        """Inside a function nobody else finds it."""

    with pytest.raises(ConfigurationError, match="cannot be imported"):
        Order.of(hidden, {}, run)


def test_a_note_is_raised_as_what_it_was(tmp_path: Path) -> None:
    order, root = Order.of(doubled, {}, run_of(tmp_path)), storage(str(tmp_path))
    with pytest.raises(Transient, match="left no result"):
        noted(root, order)
    note_result(root, order, (1, datetime(2026, 8, 15, tzinfo=UTC)))
    assert noted(root, order) == (1, datetime(2026, 8, 15, tzinfo=UTC))
    note_error(root, order, ConnectionError("refused"))
    with pytest.raises(Transient, match="ConnectionError: refused"):
        noted(root, order)
    note_error(root, order, Permanent("no file", "Bring it."))
    with pytest.raises(Permanent, match="no file\nBring it"):
        noted(root, order)
    root.put(order.note, b"{")
    with pytest.raises(Transient, match="left no result"):
        noted(root, order)


def test_without_a_server_the_step_is_called(platform: Platform, tmp_path: Path) -> None:
    ran = platform.run(acme_elsewhere, folder=str(tmp_path))
    assert ran.value.frame()["number"].to_list() == [0, 2, 4]
    processes = {path.name.partition("-")[2] for path in tmp_path.glob("*-*")}
    assert len(processes) == 1


async def test_an_async_flow_awaits_its_step(platform: Platform, tmp_path: Path) -> None:
    made, doubles = await acme_async(str(tmp_path), date(2026, 8, 15))
    assert made.frame()["number"].to_list() == [0, 3, 6]
    assert doubles.frame()["number"].to_list() == [0, 2, 4]
