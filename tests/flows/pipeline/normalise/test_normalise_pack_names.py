"""Pack sizes in product names: one reading or none."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.pipeline.normalise.pack_names import pack_in_name, with_pack_of_name
from flows.pipeline.normalise.units import Pack


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("Little Harbour Cola 6 x 330 ml", Pack(0.33, "l", 6)),
        ("Cola 6x0,33l Dose", Pack(0.33, "l", 6)),
        ("Cola 330ml x 6", Pack(0.33, "l", 6)),
        ("Milch 1,5 L", Pack(1.5, "l")),
        ("Milk 1.5L low fat 3%", Pack(1.5, "l")),
        ("Eier 10 Stück Freiland", Pack(1.0, "piece", 10)),
        ("Schrauben 3 St", Pack(1.0, "piece", 3)),
        ("Toilettenpapier 10er Pack", Pack(1.0, "piece", 10)),
        ("Toilet paper, pack of 24", Pack(1.0, "piece", 24)),
        ("Lemonade 6-pack 330 ml", Pack(0.33, "l", 6)),
        ("Lemonade 6 x 330 ml 6-pack", Pack(0.33, "l", 6)),
        ("Mineralwasser 6 x 1,5 l = 9 l", Pack(1.5, "l", 6)),
        ("Peanut butter 16 oz (453 g)", Pack(0.453592370, "kg")),
        ("Nappies size 4, 9-14 kg, 52 pcs", Pack(1.0, "piece", 52)),
        ("Windeln bis 25 kg 40 Stück", Pack(1.0, "piece", 40)),
        ('קולה 6*330 מ"ל', Pack(0.33, "l", 6)),
        ("שוקולד 100 גרם", Pack(0.1, "kg")),
        ("Kaffee 500g Bohnen", Pack(0.5, "kg")),
        ("Reis 1 kg", Pack(1.0, "kg")),
        ("Yoghurt 4 x 2 x 100 g", Pack(0.1, "kg", 8)),
        ("Сметана 20% 300 г", Pack(0.3, "kg")),
    ],
)
def test_one_reading(name, pack):
    assert pack_in_name(name) == pack


@pytest.mark.parametrize(
    "name",
    [
        "Green Apples",
        "Router 5G",
        "Tablets 500 mg",
        "Curtain 140 x 250 cm",
        "Rice 500 g + 250 g free",
        "Set: oil 500 ml and salt 100 g",
        "Eggs 10 pieces 530 g",  # all together, or each
        "Rice 1.500 g",  # one and a half, or fifteen hundred
        "Table for 6",
        "Vitamin B12",
        "Chair, holds up to 120 kg",
        "Fan 40 l" + " x" * 400,
        "Shirt 2XL",
        "6 x",
    ],
)
def test_none_or_several(name):
    assert pack_in_name(name) is None


@given(st.text(max_size=120))
def test_any_text_gives_a_pack_or_none(name):
    pack = pack_in_name(name)
    assert pack is None or (pack.total > 0 and pack.count >= 1)


@given(
    st.integers(1, 99), st.integers(1, 999), st.sampled_from(["g", "ml", "kg", "cl"]),
    st.sampled_from(["Cola", "Best of Brand", "Öl", "שמן"]),
)  # fmt: skip
def test_what_is_written_is_read(count, amount, unit, name):
    single = pack_in_name(f"{name} {amount} {unit}")
    many = pack_in_name(f"{name} {count} x {amount} {unit}")
    assert single is not None and many is not None
    assert many == Pack(single.quantity, single.unit, count)


def test_the_name_serves_only_where_nothing_else_says_the_size():
    frame = pl.DataFrame(
        {
            "name": ["Cola 6 x 330 ml", "Cola 6 x 330 ml", "Apples", None],
            "pack_quantity": [1.0, None, None, None],
            "pack_unit": ["l", None, None, None],
        },
        schema_overrides={"pack_quantity": pl.Float64, "pack_unit": pl.String},
    )
    assert with_pack_of_name(frame).rows() == [
        ("Cola 6 x 330 ml", 1.0, "l"),
        ("Cola 6 x 330 ml", 1.98, "l"),
        ("Apples", None, None),
        (None, None, None),
    ]
