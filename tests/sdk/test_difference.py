"""The difference between two datasets."""

from __future__ import annotations

import math
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdk.dataset import DatasetKey
from sdk.difference import compare_tables
from sdk.errors import Permanent
from sdk.store import Store

KEY = DatasetKey(customer="acme", name="offers", day=date(2026, 8, 15))
OLD = pl.DataFrame({"k": [1, 2, 3, None], "v": [1.0, math.nan, None, 4.0], "gone": [0, 0, 0, 0]})
NEW = pl.DataFrame({"k": [None, 3, 2, 9], "v": [4.0, 3.0, math.nan, 9.0], "new": ["", "", "", ""]})


def test_two_versions(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    one = store.publish(KEY, {"t": OLD, "a": b"1", "b": b"1"}, fingerprint="1")
    two = store.publish(
        KEY, {"t": NEW, "b": b"2", "c": b""}, fingerprint="2", accept_schema_change=True
    )
    difference = store.diff(one, two, key=["k"])
    assert not difference.same
    assert [str(change) for change in difference.schema] == [
        "column 'gone' of table 't' is lost (it was Int64)",
        "column 'new' of table 't' is new (String)",
    ]
    [table] = difference.tables
    assert table.rows == (4, 4)
    assert table.added["k"].to_list() == [9]
    assert table.removed["k"].to_list() == [1]
    assert table.changed.rows() == [(3, ["v"])]
    assert difference.files == ("a", "b", "c")
    assert "1 added, 1 removed, 1 changed" in str(difference)
    same = store.diff(one, one)
    assert same.same and same.tables[0].same and not same.files
    assert [item.version for item in store.ledger(KEY)] == [2, 1]


def test_keys_that_identify_nothing_are_named() -> None:
    twice = pl.DataFrame({"k": [1, 1], "v": [1, 2]})
    with pytest.raises(Permanent, match="later table 't': 2 rows share a key"):
        compare_tables("t", OLD.select("k", v=pl.lit(1)).head(1), twice, ["k"])
    with pytest.raises(Permanent, match="no key column z"):
        compare_tables("t", twice, twice, ["z"])


rows = st.lists(st.tuples(st.integers(0, 5), st.none() | st.integers(0, 2)), max_size=10)


@given(rows, rows)
def test_without_a_key_rows_are_counted(
    old: list[tuple[int, int | None]], new: list[tuple[int, int | None]]
) -> None:
    schema = {"k": pl.Int64, "v": pl.Int64}
    before = pl.DataFrame(old, schema=schema, orient="row")
    after = pl.DataFrame(new, schema=schema, orient="row")
    found = compare_tables("t", before, after)
    rest = list(old)
    added = [row for row in new if not (row in rest and not rest.remove(row))]  # type: ignore[func-returns-value]
    order = repr
    assert sorted(found.added.rows(), key=order) == sorted(added, key=order)
    assert sorted(found.removed.rows(), key=order) == sorted(rest, key=order)


@given(st.dictionaries(*[st.integers(0, 5)] * 2), st.dictionaries(*[st.integers(0, 5)] * 2))
def test_with_a_key_every_row_is_accounted_for(old: dict[int, int], new: dict[int, int]) -> None:
    schema = {"k": pl.Int64, "v": pl.Int64}
    before = pl.DataFrame(list(old.items()), schema=schema, orient="row")
    after = pl.DataFrame(list(new.items()), schema=schema, orient="row")
    found = compare_tables("t", before, after, ["k"])
    assert set(found.added["k"]) == new.keys() - old.keys()
    assert set(found.removed["k"]) == old.keys() - new.keys()
    assert set(found.changed["k"]) == {k for k in old.keys() & new.keys() if old[k] != new[k]}
