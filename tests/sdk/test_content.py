from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdk.content import table_hash
from sdk.errors import Permanent
from sdk.parts import parquet_bytes

rows = st.lists(
    st.fixed_dictionaries(
        {
            "number": st.one_of(st.none(), st.integers(-(2**62), 2**62)),
            "text": st.one_of(st.none(), st.text(max_size=5)),
            "real": st.one_of(st.none(), st.floats()),
            "flag": st.one_of(st.none(), st.booleans()),
            "money": st.one_of(st.none(), st.decimals(-1000, 1000, places=4, allow_nan=False)),
            "list": st.one_of(st.none(), st.lists(st.integers(0, 9), max_size=3)),
            "struct": st.one_of(st.none(), st.fixed_dictionaries({"inner": st.text(max_size=2)})),
        }
    ),
    max_size=12,
)
SCHEMA = {
    "number": pl.Int64(),
    "text": pl.String(),
    "real": pl.Float64(),
    "flag": pl.Boolean(),
    "money": pl.Decimal(18, 4),
    "list": pl.List(pl.Int64()),
    "struct": pl.Struct({"inner": pl.String()}),
}


@given(rows, st.integers(0, 12), st.integers(1, 5))
def test_layout_does_not_matter(values: list[dict[str, object]], cut: int, group: int) -> None:
    frame = pl.DataFrame(values, schema=SCHEMA)
    whole = table_hash(frame.to_arrow())
    pieces = pa.concat_tables([frame[:cut].to_arrow(), frame[cut:].to_arrow()])
    assert table_hash(pieces) == whole
    buffer = io.BytesIO()
    frame.write_parquet(buffer, row_group_size=group, compression="snappy")
    buffer.seek(0)
    assert table_hash(pl.read_parquet(buffer).to_arrow()) == whole


@given(rows, rows)
def test_other_rows_have_another_hash(
    one: list[dict[str, object]], other: list[dict[str, object]]
) -> None:
    left, right = pl.DataFrame(one, schema=SCHEMA), pl.DataFrame(other, schema=SCHEMA)
    same = table_hash(left.to_arrow()) == table_hash(right.to_arrow())
    assert same == left.equals(right, null_equal=True)


def test_what_lies_under_a_null_does_not_matter() -> None:
    visible = pa.array([1, None, 3], pa.int64())
    hidden = pa.Array.from_buffers(
        pa.int64(), 3, [visible.buffers()[0], pa.array([1, 99, 3], pa.int64()).buffers()[1]]
    )
    assert table_hash(pa.table({"a": visible})) == table_hash(pa.table({"a": hidden}))


def test_names_types_and_order_matter() -> None:
    base = pl.DataFrame({"a": [1, 2]})
    assert table_hash(base.to_arrow()) != table_hash(base.rename({"a": "b"}).to_arrow())
    assert table_hash(base.to_arrow()) != table_hash(base.cast(pl.Int32).to_arrow())
    assert table_hash(base.to_arrow()) != table_hash(base.reverse().to_arrow())
    assert table_hash(base.clear().to_arrow()) != table_hash(pl.DataFrame({"a": []}).to_arrow())


def test_encodings_of_the_same_text_are_the_same() -> None:
    texts = pl.DataFrame({"a": ["x", "y", "x", None]})
    as_categories = pa.table({"a": pa.array(["x", "y", "x", None]).dictionary_encode()})
    assert table_hash(texts.to_arrow()) == table_hash(as_categories)


def test_zeros_and_nans_count_by_value() -> None:
    one = pl.DataFrame({"a": [0.0, float("nan")]})
    other = pl.DataFrame({"a": [-0.0, -float("nan")]})
    assert table_hash(one.to_arrow()) == table_hash(other.to_arrow())


def test_a_known_hash_stays() -> None:
    """The hash is in every manifest ever written: it must not change with a library."""
    frame = pl.DataFrame(
        {"name": ["חלב", None], "price": [Decimal("4.9000"), None], "n": [1, 2]},
        schema={"name": pl.String, "price": pl.Decimal(18, 4), "n": pl.Int64},
    )
    assert table_hash(frame.to_arrow()) == "91b27e2a11ae3623e10197ece1da951b"


# -- any type that polars publishes -------------------------------------------------------------

leaves = {
    "text": (pl.String(), st.text(max_size=4)),
    "integer": (pl.Int32(), st.integers(-(2**31), 2**31 - 1)),
    "real": (pl.Float64(), st.floats()),
    "single": (pl.Float32(), st.floats(width=32)),
    "flag": (pl.Boolean(), st.booleans()),
    "money": (pl.Decimal(18, 4), st.decimals(-1000, 1000, places=4, allow_nan=False)),
    "moment": (
        pl.Datetime("us", "Asia/Jerusalem"),
        st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1)).map(
            lambda value: value.replace(tzinfo=UTC)
        ),
    ),
    "day": (pl.Date(), st.dates()),
    "clock": (pl.Time(), st.times()),
    "span": (pl.Duration("us"), st.timedeltas(timedelta(-999), timedelta(999))),
    "kind": (pl.Categorical(), st.sampled_from(["x", "y", "", "z"])),
    "class": (pl.Enum(["b", "a"]), st.sampled_from(["a", "b"])),
    "bytes": (pl.Binary(), st.binary(max_size=3)),
}


def typed(depth: int) -> st.SearchStrategy[tuple[pl.DataType, st.SearchStrategy[object]]]:
    """Any type with a strategy of its values, nulls included."""
    leaf = st.sampled_from(sorted(leaves)).map(lambda name: leaves[name])
    if depth == 0:
        return leaf.map(lambda pair: (pair[0], st.none() | pair[1]))
    inner = typed(depth - 1)
    return st.one_of(
        inner,
        inner.map(lambda pair: (pl.List(pair[0]), st.none() | st.lists(pair[1], max_size=3))),
        inner.map(
            lambda pair: (
                pl.Struct({"a": pair[0], "a/b": pl.Int64()}),
                st.none() | st.fixed_dictionaries({"a": pair[1], "a/b": st.integers(0, 3)}),
            )
        ),
    )


@settings(max_examples=150, deadline=None)
@given(st.data(), st.integers(0, 6), st.integers(1, 4))
def test_layout_does_not_matter_for_any_type(data: st.DataObject, cut: int, group: int) -> None:
    dtype, values = data.draw(typed(2))
    frame = pl.DataFrame(
        {"column": pl.Series(data.draw(st.lists(values, max_size=6)), dtype=dtype)}
    )
    whole = table_hash(frame.to_arrow())
    pieces = pl.concat([frame[:cut], frame[cut:]], rechunk=False)
    assert table_hash(pieces.to_arrow()) == whole
    assert table_hash(frame.to_arrow().slice(0)) == whole
    buffer = io.BytesIO()
    pieces.write_parquet(buffer, row_group_size=group, compression="lz4", statistics=False)
    buffer.seek(0)
    assert table_hash(pl.read_parquet(buffer).to_arrow()) == whole
    around = pl.concat([frame, frame, frame])
    assert table_hash(around.to_arrow().slice(frame.height, frame.height)) == whole
    assert parquet_bytes(pieces) == parquet_bytes(frame)


def test_arrays_count_by_what_can_be_seen() -> None:
    dtype = pl.Array(pl.Int64, 2)
    one = pl.DataFrame({"a": pl.Series([[1, 2], None, [3, None]], dtype=dtype)})
    other = pl.DataFrame({"a": pl.Series([[1, 2], None, [3, 0]], dtype=dtype)})
    chunked = pl.concat([one[:1], one[1:]], rechunk=False)
    assert table_hash(chunked.to_arrow()) == table_hash(one.to_arrow())
    assert table_hash(one.to_arrow()) != table_hash(other.to_arrow())


def test_no_chunks_are_no_rows() -> None:
    for dtype in (pa.large_string(), pa.int64(), pa.large_list(pa.large_string())):
        none = pa.table({"a": pa.chunked_array([], dtype)})
        assert table_hash(none) == table_hash(pa.table({"a": pa.array([], dtype)}))


def test_fields_whose_names_hold_slashes_stay_apart() -> None:
    """Values that move between the field "a/b" and the field b of a struct a are other rows."""
    dtype = pl.Struct({"a": pl.Struct({"b": pl.Int64}), "a/b": pl.Int64})
    first = pl.DataFrame({"s": [{"a": {"b": 1}, "a/b": 2}]}, schema={"s": dtype})
    second = pl.DataFrame({"s": [{"a": {"b": 3}, "a/b": 4}]}, schema={"s": dtype})
    both = pl.concat([first, second])
    pieces = pa.concat_tables([first.to_arrow(), second.to_arrow()])
    assert table_hash(pieces) == table_hash(both.to_arrow())


def test_the_order_of_categories_is_no_content() -> None:
    texts = ["x", "y", "z", "x"]
    forth = pl.DataFrame({"a": pl.Series(texts, dtype=pl.Categorical)})
    back = pl.DataFrame({"a": pl.Series(texts[::-1], dtype=pl.Categorical)}).reverse()
    enum = pl.DataFrame({"a": pl.Series(texts, dtype=pl.Enum(["z", "y", "x"]))})
    assert (
        table_hash(forth.to_arrow()) == table_hash(back.to_arrow()) == table_hash(enum.to_arrow())
    )


def test_zones_and_units_are_types() -> None:
    moment = pl.DataFrame({"a": [datetime(2026, 8, 15)]})
    hashes = {
        table_hash(moment.with_columns(changed).to_arrow())
        for changed in (
            pl.col("a"),
            pl.col("a").dt.replace_time_zone("UTC"),
            pl.col("a").dt.cast_time_unit("ms"),
        )
    }
    assert len(hashes) == 3


def test_a_type_without_a_hash_is_named() -> None:
    strange = pa.table({"odd": pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int64()))})
    with pytest.raises(Permanent, match="column 'odd': map<"):
        table_hash(strange)
