"""Schema evolution: what a publication may change of the one before."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdk.dataset import DatasetKey
from sdk.errors import CheckFailed
from sdk.evolution import SchemaChanged, compare
from sdk.manifest import ColumnSchema
from sdk.store import Store

DAY = date(2026, 8, 15)
KEY = DatasetKey(customer="acme", name="offers", day=DAY)
FRAME = pl.DataFrame({"sku": ["a"], "price": [1.5]})


def day(back: int) -> DatasetKey:
    return KEY.model_copy(update={"day": DAY - timedelta(days=back)})


@pytest.mark.parametrize("back", [0, 1, 20])
@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (FRAME.drop("price"), r"column 'price' of table 'data' is lost \(it was Float64\)"),
        (
            FRAME.with_columns(pl.col("price").cast(pl.String)),
            "column 'price' of table 'data' is String, it was Float64",
        ),
        (FRAME.with_columns(price=pl.lit(None)), "is Null, it was Float64"),
    ],
)
def test_a_lost_or_retyped_column_is_named(
    tmp_path: Path, back: int, changed: pl.DataFrame, said: str
) -> None:
    store = Store(str(tmp_path))
    store.publish(day(back), FRAME, fingerprint="1")
    with pytest.raises(SchemaChanged, match=said) as raised:
        store.publish(KEY, changed, fingerprint="2")
    assert "accept_schema_change=True" in raised.value.action
    assert isinstance(raised.value, CheckFailed), "no fallback hides it unasked"
    assert len(list(tmp_path.rglob("*.parquet"))) == 1, "nothing was written"
    made = store.publish(KEY, changed, fingerprint="2", accept_schema_change=True)
    assert store.publish(KEY, changed.reverse(), fingerprint="3").frame().schema == changed.schema
    assert made.frame().schema == changed.schema


def test_new_columns_tables_and_types_of_nothing_are_fine(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    store.publish(
        day(2), {"data": FRAME.with_columns(x=pl.lit(None)), "a.txt": b""}, fingerprint=""
    )
    grown = FRAME.select("price", "sku", x=pl.lit("now"), new=pl.lit(1))
    store.publish(day(1), {"data": grown, "more": FRAME}, fingerprint="")
    with pytest.raises(SchemaChanged, match="table 'more' is lost"):
        store.publish(KEY, grown, fingerprint="")


def test_later_days_and_fallbacks_are_no_model(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    store.publish(day(2), FRAME, fingerprint="")
    store.publish(day(1), FRAME.drop("sku"), fingerprint="", source="alternative")
    with pytest.raises(SchemaChanged, match="'sku' of table 'data' is lost"):
        store.publish(KEY, FRAME.drop("sku"), fingerprint="")
    store.publish(day(3), FRAME.drop("sku"), fingerprint="")


names = st.sampled_from("abc")
schema = st.dictionaries(names, st.sampled_from(["Int64", "String", "Null"]), max_size=3)


@given(schema, schema)
def test_only_what_readers_miss_breaks(old: dict[str, str], new: dict[str, str]) -> None:
    def columns(types: dict[str, str]) -> dict[str, list[ColumnSchema]]:
        return {"t": [ColumnSchema(name=name, type=kind) for name, kind in types.items()]}

    changes = compare(columns(old), columns(new))
    assert {change.column for change in changes} == {
        name for name in old.keys() | new.keys() if old.get(name) != new.get(name)
    }
    broken = {change.column for change in changes if change.breaks}
    assert broken == {
        name
        for name, kind in old.items()
        if name not in new or (kind != "Null" and new[name] != kind)
    }
