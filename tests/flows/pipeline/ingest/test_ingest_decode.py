"""Encodings are the declared ones or evident, headers decide, and errors name file and column."""

import codecs
import gzip

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.pipeline.ingest.errors import (
    AmbiguousHeader,
    BadLayout,
    UnknownLayout,
    UnreadableFile,
)
from flows.pipeline.ingest.layout import Layout
from flows.pipeline.ingest.layout_files import load_layouts

SHUK = "חנות;ברקוד;שם;מותג;משקל;יחידה;מחיר;מטבע;עודכן\r\n"
SHUK_ROWS = "5;7290000000001;חלב;תנובה;1,5;ליטר;1.299,90;₪;09/08/2026 14:05\r\n"
CATALOGUE = "seller,ean,title,brand,price,currency\n"
TABBED = "chain\tgtin\tproduct\tprice\tcurrency\n"


def catalogue(*names: str) -> str:
    rows = (f"Corner,{number},{name},,1.50,ILS\n" for number, name in enumerate(names, 1))
    return CATALOGUE + "".join(rows)


@pytest.mark.parametrize(
    ("encoding", "said"),
    [
        ("cp1255", "windows-1255"),
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
    ],
)
def test_one_file_in_each_encoding(read_bytes, encoding, said) -> None:
    prices, faults, file = read_bytes((SHUK + SHUK_ROWS * 3).encode(encoding))
    assert faults.is_empty()
    assert (file["layout"], file["encoding"]) == ("shuk-tov", said)
    assert (
        prices.select("seller", "name", "price", "quantity").rows()
        == [("שוק טוב", "חלב", "1299.90", "1.5")] * 3
    )


def test_windows_1252_is_read_where_it_is_declared(read_bytes) -> None:
    names = ("Crème brûlée", "milk", "Käse – 5 €")
    for count in (1, 3):
        prices, faults, file = read_bytes(catalogue(*names[:count]).encode("cp1252"))
        assert prices["name"].to_list() == list(names[:count])
        assert faults.is_empty()
        assert file["encoding"] == "windows-1252"


def test_one_accent_among_many_plain_rows_is_not_taken_for_damage(read_bytes) -> None:
    names = ["milk"] * 3000 + ["Crème"]
    prices, faults, _ = read_bytes(catalogue(*names).encode("cp1252"))
    assert prices["name"].to_list() == names
    assert faults.is_empty()


def test_a_damaged_line_does_not_turn_utf_8_into_something_else(read_bytes) -> None:
    data = catalogue("Crème", "brûlée", "X").encode().replace(b"X", b"\xe9")
    prices, faults, file = read_bytes(data)
    assert prices["name"].to_list() == ["Crème", "brûlée"]
    assert file["encoding"] == "utf-8"
    assert faults.select("source_row", "field").rows() == [(3, "title")]
    assert "encoding" in faults["problem"].item()


def test_without_a_declared_encoding_what_is_plain_survives(read_bytes) -> None:
    rows = "A\t1\tmilk\t1.50\tILS\nA\t2\tK\u00e4se\t1.50\tILS\nA\t3\tbread\t2\tILS\n"
    prices, faults, _ = read_bytes((TABBED + rows).encode("cp1252"))
    assert prices["sku"].to_list() == ["1", "3"]
    assert faults.select("source_row", "field").rows() == [(2, "product")]


def test_a_file_mostly_in_an_undeclared_encoding_is_one_error(read_bytes) -> None:
    rows = "".join(f"A\t{row}\tK\u00e4se\t1.50\tILS\n" for row in range(10))
    with pytest.raises(UnreadableFile, match=r"x\.tsv is neither UTF-8 nor .*\(row 1\)") as caught:
        read_bytes((TABBED + rows).encode("cp1252"), "x.tsv")
    assert caught.value.file == "x.tsv"


def test_bytes_that_mean_nothing_in_a_legacy_encoding_cost_their_row(read_bytes) -> None:
    row = SHUK_ROWS.encode("cp1255")
    damaged = row.replace("תנובה".encode("cp1255"), b"\xfc\xff")
    prices, faults, file = read_bytes(SHUK.encode("cp1255") + row + damaged + row)
    assert prices["source_row"].to_list() == [1, 3]
    assert faults.select("source_row", "field").rows() == [(2, "מותג")]
    assert file["encoding"] == "windows-1255"


def test_utf_16_cut_in_the_middle_of_a_character_keeps_the_rest(read_bytes) -> None:
    whole = catalogue("milk", "bread", "wine").encode("utf-16")
    cut = gzip.compress(whole[:-7])[:-8]  # seven bytes are three characters and a half
    prices, faults, _ = read_bytes(cut, "a.csv.gz")
    assert prices["name"].to_list() == ["milk", "bread"]
    assert "ends early" in faults["problem"][0]
    assert faults["source_row"].to_list() == [None, 3]
    damaged = whole[:-20] + b"\x00\xdc" + whole[-18:]
    prices, faults, _ = read_bytes(damaged)
    assert prices["name"].to_list() == ["milk", "bread"]
    assert faults["source_row"].to_list() == [3]


@settings(max_examples=60, deadline=None)
@given(
    names=st.lists(st.text("אבגדהוזחטיabc 123", min_size=1).map(str.strip).filter(bool)),
    encoding=st.sampled_from(["cp1255", "utf-8", "utf-8-sig", "utf-16"]),
)
def test_the_encoding_makes_no_difference(read_bytes, names, encoding) -> None:
    rows = "".join(f"5;{number};{name};;1;;9,90;ILS;\r\n" for number, name in enumerate(names))
    prices, _, _ = read_bytes((SHUK + rows).encode(encoding))
    assert prices["name"].to_list() == names
    assert set(prices["price"]) <= {"9.90"}


def test_columns_are_found_by_header_in_any_order(read_bytes) -> None:
    plain, _, _ = read_bytes(catalogue("milk", "bread").encode())
    lines = [row.split(",")[::-1] for row in catalogue("milk", "bread").splitlines()]
    swapped, _, _ = read_bytes("\n".join(",".join(cells) for cells in lines).encode())
    assert swapped.equals(plain.with_columns(source_file=swapped["source_file"]))


def test_headers_are_compared_as_they_are_read(read_bytes) -> None:
    data = "\ufeff SELLER,\u200fean\u200f,Title,BRAND, price ,Currency,more\nA,1,milk,,2,ILS,x\n"
    prices, faults, _ = read_bytes(("\ufeff" + data).encode())
    assert prices.select("seller", "sku", "price").rows() == [("A", "1", "2")]
    assert faults.is_empty()


@pytest.mark.parametrize("encoding", ["utf-8", "cp1255"])
def test_a_missing_header_is_named(read_bytes, encoding) -> None:
    data = (SHUK.replace("מחיר", "סכום") + SHUK_ROWS).encode(encoding)
    with pytest.raises(UnknownLayout) as caught:
        read_bytes(data, "shuk_2026-08-15.csv")
    assert caught.value.file == "shuk_2026-08-15.csv"
    assert caught.value.field == "מחיר"
    first, second = str(caught.value).split("\n")
    assert "shuk_2026-08-15.csv" in first
    assert "closest is shuk-tov, without מחיר" in first
    assert "layouts" in second


def test_an_unknown_header_is_said_even_if_the_rows_do_not_decode(read_bytes) -> None:
    with pytest.raises(UnknownLayout, match="ItemCode"):
        read_bytes("Branch,ItemCode,ItemDesc\n1,2,Käse\n".encode("cp1252"))


def test_a_header_of_a_megabyte_or_with_controls_is_an_error_that_can_be_read(read_bytes) -> None:
    for data in (b"x" * (1 << 20), b"a\x00\x1b[31m,b\n1,2\n", b",".join([b"y" * 999] * 60)):
        with pytest.raises((UnknownLayout, UnreadableFile)) as caught:
            read_bytes(data)
        assert len(str(caught.value)) < 1500
        assert all(line.isprintable() for line in str(caught.value).split("\n"))


def test_a_needed_column_that_is_there_twice_is_refused(read_bytes) -> None:
    with pytest.raises(AmbiguousHeader, match="column price more than once") as caught:
        read_bytes(b"seller,ean,title,price,Price,currency\nA,1,milk,2,3,ILS\n", "p.csv")
    assert (caught.value.file, caught.value.field) == ("p.csv", "price")
    prices, _, _ = read_bytes(b"seller,ean,title,price,currency,brand,brand\nA,1,m,2,ILS,x,y\n")
    assert prices["brand"].to_list() == ["x"]


@pytest.mark.parametrize("data", [b"", b" \r\n\n", codecs.BOM_UTF8, b"\xff\xfe", bytes(5000)])
def test_empty_files_are_called_empty(read_bytes, data) -> None:
    with pytest.raises(UnreadableFile, match=r"file nothing\.csv is empty"):
        read_bytes(data, "nothing.csv")


def test_blank_lines_and_other_line_ends(read_bytes) -> None:
    text = catalogue("milk", "bread")
    expected = read_bytes(text.encode()).prices["name"].to_list()
    for data in (
        text.replace("\n", "\r\n"),
        text.replace("\n", "\r"),
        "\n\r\n" + text,
        text.replace("\n", "\n\n"),
        text + "\x1a",
        text.rstrip(),
    ):
        prices, faults, _ = read_bytes(data.encode())
        assert prices["name"].to_list() == expected
        assert faults.is_empty()


def test_unusual_line_separators_are_part_of_a_name(read_bytes) -> None:
    prices, faults, _ = read_bytes(catalogue("a\u2028b", "c\x85d", "e\x0bf").encode())
    assert prices.height == 3
    assert faults.is_empty()


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("12,90", "12.90"),
        ("1.299,00", "1299.00"),
        ("1.299", "1299"),
        ("1.299.000", "1299000"),
        ("0.750", "0.750"),
        ("12.90", "12.90"),
        ("-4,90", "-4.90"),
        ("1,299.00", "1,299.00"),  # no comma-decimal number: left for the next stage to refuse
        ("1,2,3", "1,2,3"),
        ("abc", "abc"),
        ("", None),
    ],
)
def test_decimal_commas(read_bytes, text, read) -> None:
    row = f"5;1;milk;;1;;{text};ILS;\r\n"
    prices, _, _ = read_bytes((SHUK + row).encode())
    assert prices["price"].to_list() == [read]


def test_constants_stand_in_for_what_is_left_out(read_bytes) -> None:
    header = "רשת,ברקוד,שם מוצר,מחיר,יצרן\n"
    prices, _, _ = read_bytes((header + "א,1,חלב,5,לא ידוע\n").encode())
    assert prices.select("currency", "brand", "store_id").rows() == [("ILS", None, None)]


LAYOUT = """
name: mine
description: mine
columns: {sku: code, price: price}
required: [sku, price]
"""


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (("required: [sku, price]", "required: [sku, name]"), "whole"),
        (("sku: code", "barcode: code"), "columns"),
        (("name: mine", "encodings: [windows-9999]\nname: mine"), "encodings"),
        (("name: mine", "encodings: [utf-16]\nname: mine"), "encodings"),
        (("name: mine", "delimiter: '\"'\nname: mine"), "delimiter"),
        (("name: mine", "delimiter: ',,'\nname: mine"), "delimiter"),
        (("name: mine", "colour: red\nname: mine"), "colour"),
        (("name: mine", "name: [mine"), ""),
        (("name: mine", "name: \udce9"), ""),
        ((LAYOUT, "- a list"), "whole"),
    ],
)
def test_a_layout_that_does_not_say_what_it_must(tmp_path, change, field) -> None:
    (tmp_path / "fine.yaml").write_text(LAYOUT)
    (tmp_path / "mine.yaml").write_bytes(LAYOUT.replace(*change).encode("utf-8", "surrogateescape"))
    with pytest.raises(BadLayout, match=r"layout mine\.yaml") as caught:
        load_layouts(tmp_path)
    assert field in str(caught.value)
    assert caught.value.file == "mine.yaml"


def test_the_shipped_layouts_and_a_folder_without_any(tmp_path, read_bytes) -> None:
    assert all(isinstance(layout, Layout) for layout in load_layouts())
    from flows.pipeline.ingest.decode import decode

    with pytest.raises(UnknownLayout, match="no layouts are known"):
        decode(CATALOGUE.encode(), load_layouts(tmp_path), "a.csv")
