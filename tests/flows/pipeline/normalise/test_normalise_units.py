"""Quantities come to kg, l, m or piece; unknown ones are null, never zero."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.pipeline.normalise.units import UNITS, Pack, parse_pack, with_pack


@pytest.mark.parametrize(
    ("text", "pack"),
    [
        ("6 x 330 ml", Pack(0.33, "l", 6)),
        ("6x330ml", Pack(0.33, "l", 6)),
        ("6 × 0,33 l", Pack(0.33, "l", 6)),
        ("330 ml x 6", Pack(0.33, "l", 6)),
        ('6*330 מ"ל', Pack(0.33, "l", 6)),
        ("2 x 6 x 100 g", Pack(0.1, "kg", 12)),
        ("10er Pack", Pack(1.0, "piece", 10)),
        ("10er-Pack", Pack(1.0, "piece", 10)),
        ("1,5 L", Pack(1.5, "l")),
        ("0,750 l", Pack(0.75, "l")),
        ("3 St", Pack(3.0, "piece")),
        ("3 Stk.", Pack(3.0, "piece")),
        ("12 Stück", Pack(12.0, "piece")),
        ("500 g", Pack(0.5, "kg")),
        ("1 000 g", Pack(1.0, "kg")),
        ("250 Gramm", Pack(0.25, "kg")),
        ("75 cl", Pack(0.75, "l")),
        ("1 lb", Pack(0.45359237, "kg")),
        ("12 fl. oz.", Pack(0.354882355, "l")),
        ("500גרם", Pack(0.5, "kg")),
        ("1 ק״ג", Pack(1.0, "kg")),
        ("100 ג׳", Pack(0.1, "kg")),
        ("10 יח'", Pack(10.0, "piece")),
        ('30 ס"מ', Pack(0.3, "m")),
    ],
)
def test_one_reading(text: str, pack: Pack) -> None:
    assert parse_pack(text) == pack


@pytest.mark.parametrize(
    "text",
    [
        "",
        "g",
        "500",
        "0 g",
        "0,0 l",
        "-5 g",
        "1.500 g",  # one and a half, or fifteen hundred
        "5 parsecs",
        "6 x 330",
        "x 6",
        "500 g x",
        "500 g 2 l",
        "30 x 40 cm",  # a size, not a count
        "0 x 5 g",
        "2 x 2 x 2 x 2 x 2 g",
        "1" * 400 + " g",
    ],
)
def test_no_reading_or_two(text: str) -> None:
    assert parse_pack(text) is None


def test_the_total_is_free_of_binary_fractions() -> None:
    pack = parse_pack("3 x 100 g")
    assert pack is not None
    assert pack.total == 0.3


@given(st.integers(1, 999), st.integers(1, 99), st.sampled_from(sorted(UNITS)))
def test_a_count_multiplies(quantity: int, count: int, unit: str) -> None:
    one, many = parse_pack(f"{quantity} {unit}"), parse_pack(f"{count} x {quantity} {unit}")
    assert one is not None
    assert one.unit == UNITS[unit][0]
    if one.unit == "m":
        assert many is None
    else:
        assert many == Pack(one.quantity, one.unit, count)


@given(st.text("0123456789xX×*., gml'\"Stkקג", max_size=24))
def test_any_text_is_a_pack_above_zero_or_none(text: str) -> None:
    pack = parse_pack(text)
    assert pack is None or (pack.total > 0 and pack.count >= 1)


@pytest.mark.parametrize(
    ("quantity", "unit", "expected"),
    [
        ("500", "גרם", (0.5, "kg")),
        ("70.00", "g", (0.07, "kg")),
        ("1.500", "l", (1.5, "l")),  # a plain number has a decimal point
        (" 2 ", " יח' ", (2.0, "piece")),
        ("1", 'לק"ג', (1.0, "kg")),
        ("1,5", "L", (1.5, "l")),
        ("6 x 330 ml", None, (1.98, "l")),
        ("6 x 330 ml", "", (1.98, "l")),
        ("500 g", "kg", (0.5, "kg")),
        ("500 g", "לא ידוע", (0.5, "kg")),
        ("500 g", "l", (None, None)),
        ("500", "לא ידוע", (None, None)),
        ("500", None, (None, None)),
        ("1", "1", (None, None)),
        ("0.00", "g", (None, None)),
        ("0.0000001", "mg", (None, None)),
        ("-5", "g", (None, None)),
        ("abc", "g", (None, None)),
        ("", "g", (None, None)),
        (None, "g", (None, None)),
        (None, None, (None, None)),
    ],
)
def test_columns(
    quantity: str | None, unit: str | None, expected: tuple[float | None, str | None]
) -> None:
    schema = {"quantity": pl.String, "quantity_unit": pl.String}
    frame = pl.DataFrame({"quantity": [quantity], "quantity_unit": [unit]}, schema=schema)
    assert with_pack(frame).row(0)[2:] == expected


def test_rows_keep_their_order_and_repeats_their_values() -> None:
    frame = pl.DataFrame({"q": ["2 x 1 l", "5", "2 x 1 l", "1 kg"], "u": [None, "g", None, None]})
    found = with_pack(frame, "q", "u")
    assert found.columns == ["q", "u", "pack_quantity", "pack_unit"]
    assert found["pack_quantity"].to_list() == [2.0, 0.005, 2.0, 1.0]
    assert found["pack_unit"].to_list() == ["l", "kg", "l", "kg"]


@given(
    st.lists(
        st.tuples(
            st.decimals("0.01", 9999, places=2).map(str),
            st.sampled_from(["g", "ml", "kg", 'ק"ג', "oz"]),
        ),
        min_size=1,
        max_size=30,
    )
)
def test_a_plain_number_beside_its_unit_reads_as_the_two_together(
    rows: list[tuple[str, str]],
) -> None:
    frame = pl.DataFrame(rows, schema=["quantity", "quantity_unit"], orient="row")
    together = [parse_pack(f"{quantity} {unit}") for quantity, unit in rows]
    expected = [(pack.total, pack.unit) if pack else (None, None) for pack in together]
    assert with_pack(frame).select("pack_quantity", "pack_unit").rows() == expected
