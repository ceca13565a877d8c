from __future__ import annotations

import polars as pl
import pytest

from flows.pipeline.matching.errors import TableError
from flows.pipeline.matching.roles import infer_roles, others_in_common
from flows.pipeline.matching.tables import RECORDS, canonical, canonical_pair


def test_roles_follow_the_names_of_columns() -> None:
    frame = pl.DataFrame(schema=["SKU", "Product Name", "manufacturer", "modelno", "Preis", "x"])
    roles = infer_roles(frame)
    assert (roles.id, roles.title, roles.brand) == ("SKU", "Product Name", "manufacturer")
    assert (roles.mpn, roles.price, roles.description) == ("modelno", "Preis", None)
    assert "title = Product Name" in roles.describe()


def test_a_title_is_told_by_its_contents() -> None:
    frame = pl.DataFrame(
        {"id": [1, 2, 3], "shop": ["x"] * 3, "was": ["Rote Tasse", "Tee", "Kanne"]}
    )
    assert infer_roles(frame).title == "was"


def test_ids_and_prices_of_unknown_names_are_told() -> None:
    frame = pl.DataFrame(
        {
            "Lager": ["x1", "x2"],
            "Désignation": ["Rote Tasse", "Kanne"],
            "Grund Preis": ["1", "2"],
            "Preis (EUR)": ["12,50", "3"],
        }
    )
    roles = infer_roles(frame)
    assert (roles.id, roles.title, roles.price) == ("Lager", "Désignation", "Preis (EUR)")
    with pytest.raises(TableError, match="no column for the role id"):
        infer_roles(frame.with_columns(Lager=pl.lit("x1")))


def test_a_role_can_be_overruled_and_taken_away() -> None:
    frame = pl.DataFrame({"id": ["1"], "name": ["a"], "alt": ["b"], "price": [1]})
    roles = infer_roles(frame, title="alt", price=None)
    assert (roles.title, roles.price) == ("alt", None)
    with pytest.raises(TableError, match="no column 'nix'"):
        infer_roles(frame, title="nix")


@pytest.mark.parametrize("frame", [pl.DataFrame(), pl.DataFrame({"id": [1], "n": [2]})])
def test_no_title_is_refused(frame: pl.DataFrame) -> None:
    with pytest.raises(TableError, match="no column for the role"):
        infer_roles(frame)


def test_canonical_keeps_rows_and_reads_prices() -> None:
    frame = pl.DataFrame(
        {"id": [7, 8, 9, 10], "name": ["a", " ", None, "d"], "price": ["1,50", "$ 20", "0", "x"]}
    )
    records = canonical(frame)
    assert records.schema == RECORDS
    assert records["id"].to_list() == ["7", "8", "9", "10"]
    assert records["title"].to_list() == ["a", None, None, "d"]
    assert records["price"].to_list() == [1.5, 20.0, None, None]


def test_only_valid_gtins_count() -> None:
    frame = pl.DataFrame(
        {"id": [1, 2], "name": ["a", "b"], "ean": ["4006381333931", "4006381333932"]}
    )
    assert canonical(frame)["gtin"].to_list() == ["04006381333931", None]


def test_ids_of_mixed_type_are_text() -> None:
    ids = pl.Series("id", [1, "x", 2.5], dtype=pl.Object)
    assert canonical(pl.DataFrame([ids, pl.Series("name", ["a", "b", "c"])]))["id"].to_list() == [
        "1",
        "x",
        "2.5",
    ]


def test_ids_that_are_missing_or_not_unique_are_refused_with_their_row() -> None:
    with pytest.raises(TableError, match=r"table A, row 2, column 'id': no id"):
        canonical(pl.DataFrame({"id": ["1", None], "name": ["a", "b"]}), table="table A")
    with pytest.raises(TableError, match=r"the id '5' stands in rows 1, 3"):
        canonical(pl.DataFrame({"id": [5, 6, 5], "name": ["a", "b", "c"]}))


@pytest.mark.parametrize(
    ("columns", "title", "brand", "others"),
    [
        (
            ["Beer_Name", "Brew_Factory_Name", "Style", "ABV"],
            *("Beer_Name", "Brew_Factory_Name", ["Style", "ABV"]),
        ),
        (["name", "addr", "city", "phone", "type"], "name", None, ["addr", "city", "phone"]),
        (
            ["Song_Name", "Artist_Name", "Album_Name", "Price"],
            *("Song_Name", "Artist_Name", ["Album_Name"]),
        ),
        (["authors", "title", "venue", "year"], "title", None, ["authors", "venue", "year"]),
        (["title", "manufacturer", "price"], "title", "manufacturer", []),
    ],
)
@pytest.mark.parametrize("rows", [0, 3])
def test_other_trades_have_roles_and_columns_to_compare_too(
    columns: list[str], title: str, brand: str | None, others: list[str], rows: int
) -> None:
    data = {name: [f"{name} {row} xy" for row in range(3)][:rows] for name in ["id", *columns]}
    frame = pl.DataFrame(data, schema=dict.fromkeys(data, pl.String))
    roles = infer_roles(frame)
    assert (roles.title, roles.brand) == (title, brand)
    if rows:
        assert [name for name, _ in others_in_common(frame, frame)] == others


def test_columns_are_paired_by_name_and_say_something() -> None:
    a = pl.DataFrame({"id": [1, 2], "name": ["x", "y"], "Year": [1999, 2000], "shop": ["s", "s"]})
    b = pl.DataFrame({"shop": ["s"], "year": ["2000"], "only": ["b"], "id": [1], "title": ["x"]})
    left, right = canonical_pair(a, b)
    assert left.columns == right.columns == [*RECORDS, "other_1"]
    assert (left["other_1"].to_list(), right["other_1"].to_list()) == (["1999", "2000"], ["2000"])


@pytest.mark.parametrize(
    ("written", "price"),
    [
        ("$1,299.00", 1299.0),
        ("1.299,00 €", 1299.0),
        ("1'299.50", 1299.5),
        ("1,234,567.89", 1234567.89),
        ("12,50", 12.5),
        ("0,750", 0.75),
        ("1.299", 1.299),
    ],
)
def test_groups_of_thousands_are_no_decimals(written: str, price: float) -> None:
    assert canonical(pl.DataFrame({"id": ["1"], "name": ["x"], "price": [written]}))[
        "price"
    ].to_list() == [price]


def test_ids_that_are_bytes_are_text() -> None:
    assert canonical(pl.DataFrame({"id": [b"a", b"\xff"], "name": ["x", "y"]}))["id"].to_list() == [
        "a",
        "\\xff",
    ]
