from __future__ import annotations

import io
from decimal import Decimal

import polars as pl
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from sdk.content import table_hash

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
