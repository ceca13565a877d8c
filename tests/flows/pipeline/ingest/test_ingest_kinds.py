"""One table in every kind of file is one table, and what is broken costs no more than itself."""

from __future__ import annotations

import bz2
import contextlib
import csv
import gzip
import io
import json
import lzma
import random
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from xml.sax.saxutils import escape

import brotli
import openpyxl
import polars as pl
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from flows.pipeline.ingest.errors import AmbiguousHeader, IngestError, UnknownLayout, UnreadableFile
from flows.pipeline.ingest.layout import Layout
from flows.pipeline.ingest.parquet_file import read_parquet
from flows.pipeline.ingest.table import LargeTable, Table

HEADER = ["seller", "ean", "title", "price", "currency"]
ROWS = [
    ["Elm Street", "04006381333931", "Milk & honey, 1 l", "4.90", "ILS"],
    ["Elm Street", "7290000066318", 'Rice "long", 500 g', "12.00", "ILS"],
    ["Elm Street", "96385074", "שוקולד מריר", "0.75", "ILS"],
]
WANTED = ["seller", "sku", "name", "price", "currency"]
FIXED = Layout(
    name="till",
    description="A till's print-out.",
    files="till*",
    widths={"seller": (1, 12), "sku": (13, 28), "name": (29, 60), "price": (61, 70)},
    required=("seller", "sku", "name", "price"),
    constants={"currency": "ILS"},
)
HEADLESS = Layout(
    name="bare",
    description="A csv without a header.",
    files="bare*",
    header=("shop", "code", "what", "costs"),
    columns={"seller": ("shop",), "sku": ("code",), "name": ("what",), "price": ("costs",)},
    required=("seller", "sku", "name", "price"),
    constants={"currency": "ILS"},
)


def as_csv(rows: list[list[str]], header: list[str] | None = HEADER, delimiter: str = ",") -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter)
    writer.writerows([*([header] if header else []), *rows])
    return text.getvalue().encode()


def as_json(rows: list[list[str]]) -> bytes:
    return json.dumps([dict(zip(HEADER, row, strict=True)) for row in rows]).encode()


def as_lines(rows: list[list[str]]) -> bytes:
    return b"".join(as_json([row])[1:-1] + b"\n" for row in rows)


def as_xml(rows: list[list[str]]) -> bytes:
    items = "".join(
        "<product>"
        + "".join(f"<{h}>{escape(c)}</{h}>" for h, c in zip(HEADER, row, strict=True))
        + "</product>"
        for row in rows
    )
    return f'<?xml version="1.0"?><shop xmlns="urn:x"><products>{items}</products></shop>'.encode()


def as_xlsx(rows: list[list[str]], above: int = 0, sheets: int = 1) -> bytes:
    book = openpyxl.Workbook()
    for number in range(sheets):
        sheet = book.active if number == 0 else book.create_sheet(f"more {number}")
        assert sheet is not None
        for _ in range(above):
            sheet.append(["Price list of the week"])
        for row in [HEADER, *rows]:
            sheet.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def as_parquet(rows: list[list[str]]) -> bytes:
    file = io.BytesIO()
    pl.DataFrame(rows, schema=HEADER, orient="row").write_parquet(file)
    return file.getvalue()


def as_zip(**members: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name.replace("__", "."), data)
    return file.getvalue()


KINDS: dict[str, Callable[[list[list[str]]], bytes]] = {
    "csv": as_csv,
    "json": as_json,
    "jsonl": as_lines,
    "xml": as_xml,
    "xlsx": as_xlsx,
    "parquet": as_parquet,
}
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": zstandard.ZstdCompressor().compress,
    "br": brotli.compress,
}


def cells(prices: pl.DataFrame) -> list[tuple[object, ...]]:
    return prices.select(WANTED).rows()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("packed", [None, *PACKERS])
def test_every_kind_packed_in_every_way_is_the_same_table(
    read_bytes, kind: str, packed: str | None
) -> None:
    data = KINDS[kind](ROWS)
    name = f"prices_2026-08-15.{kind}"
    if packed:
        data, name = PACKERS[packed](data), f"{name}.{packed}"
    read = read_bytes(data, name)
    assert cells(read.prices) == [tuple(row) for row in ROWS]
    assert read.prices["source_row"].to_list() == [1, 2, 3]
    assert read.file["layout"] == "catalogue"
    assert read.faults.is_empty()


no_blanks = st.characters(
    codec="utf-8", exclude_categories=("Cc", "Cs", "Zs", "Zl", "Zp", "Cf")
)  # fmt: skip
text = st.text(no_blanks, min_size=1, max_size=12)


@given(rows=st.lists(st.lists(text, min_size=5, max_size=5), min_size=1, max_size=6))
def test_any_text_survives_every_kind(read_bytes, rows: list[list[str]]) -> None:
    given_rows = [[cell.strip("\ufeff") or "x" for cell in row] for row in rows]
    expected = cells(read_bytes(as_csv(given_rows)).prices)
    for kind in ("json", "jsonl", "xml", "parquet"):
        assert cells(read_bytes(KINDS[kind](given_rows), f"a.{kind}").prices) == expected, kind


# -- numbers, nesting, what stands above ---------------------------------------------------------


def test_numbers_are_kept_as_they_are_written(read_bytes) -> None:
    data = (
        b'[{"seller": "E", "ean": 4006381333931, "title": "a", "price": 4.90, "currency": "ILS"}]'
    )
    assert cells(read_bytes(data, "a.json").prices) == [("E", "4006381333931", "a", "4.90", "ILS")]


def test_a_spreadsheet_eats_no_barcode(read_bytes) -> None:
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.append(HEADER)
    book.active.append(["E", 7290000066318, "a", 12.5, "ILS"])
    file = io.BytesIO()
    book.save(file)
    (row,) = cells(read_bytes(file.getvalue(), "a.xlsx").prices)
    assert row == ("E", "7290000066318", "a", "12.5", "ILS")


def test_a_header_below_titles_and_several_sheets(read_bytes) -> None:
    read = read_bytes(as_xlsx(ROWS, above=4, sheets=2), "book.xlsx")
    assert read.prices.height == 6
    assert read.prices["source_file"].unique(maintain_order=True).to_list() == [
        "book.xlsx/Sheet", "book.xlsx/more 1",
    ]  # fmt: skip


def test_old_workbooks_are_read(read_bytes, tmp_path: Path) -> None:
    if subprocess.run(["which", "soffice"], capture_output=True).returncode:
        pytest.skip("no program here writes an old workbook: apt-get install libreoffice-calc")
    (tmp_path / "a.csv").write_bytes(as_csv(ROWS))
    command = ["soffice", "--headless", "--convert-to", "xls", "a.csv"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=120)
    assert read_bytes((tmp_path / "a.xls").read_bytes(), "a.xls").prices.height == len(ROWS)


NESTED = Layout(
    name="nested",
    description="",
    columns={
        "seller": ("/shop",),
        "sku": ("id",),
        "name": ("text.en", "text.de"),
        "price": ("price.now",),
        "image": ("images[1]",),
        "availability": ("stock",),
    },
    required=("seller", "sku", "price"),
    divide={"price": 100},
    values={"availability": {"true": "in_stock", "false": "out_of_stock"}},
    extract={"sku": "^art-([0-9]+)$"},
    prefix={"image": "https://img.example/"},
    constants={"currency": "EUR"},
)


def test_paths_constants_cents_and_codes(read_bytes) -> None:
    items = [
        {"id": "art-7", "text": {"de": "Brot"}, "price": {"now": 1999}, "images": ["a", "b"],
         "stock": False},
        {"id": "misc", "text": {"de": "Salz"}, "price": {"now": "free"}, "stock": True},
    ]  # fmt: skip
    data = json.dumps({"shop": "Elm", "page": {"n": 1, "items": items}, "ads": [{"id": 1}]})
    prices = read_bytes(data.encode(), "a.json", (NESTED,)).prices
    wanted = ["seller", "sku", "name", "price", "image", "availability", "currency"]
    assert prices.select(wanted).rows() == [
        ("Elm", "7", "Brot", "19.99", "https://img.example/b", "out_of_stock", "EUR"),
        ("Elm", None, "Salz", "free", None, "in_stock", "EUR"),
    ]


def test_records_under_keys_of_their_own(read_bytes) -> None:
    data = {str(n): dict(zip(HEADER, row, strict=True)) for n, row in enumerate(ROWS)}
    assert cells(read_bytes(json.dumps(data).encode(), "a.json").prices) == [tuple(r) for r in ROWS]


def test_the_price_law_in_xml(read_bytes) -> None:
    items = "".join(
        f"<Item><PriceUpdateDate>2026-08-15 07:00</PriceUpdateDate><ItemCode>{code}</ItemCode>"
        f"<ItemName>חלב &amp; דבש</ItemName><ItemPrice>6.90</ItemPrice><bIsWeighted>0</bIsWeighted>"
        "</Item>"
        for code in (7290000066318, 96385074)
    )
    document = (
        '<?xml version="1.0" encoding="utf-16"?><Root><ChainId>729</ChainId><StoreId>4</StoreId>'
        f'<Items Count="2">{items}</Items></Root>'
    )
    read = read_bytes(document.encode("utf-16"), "PriceFull729-20260815.xml")
    assert read.file["layout"] == "israeli-price-law-xml"
    assert read.prices.select("seller", "store_id", "sku", "name", "price").rows() == [
        ("729", "4", code, "חלב & דבש", "6.90") for code in ("7290000066318", "96385074")
    ]


def test_attributes_and_repeated_elements(read_bytes) -> None:
    layout = NESTED.model_copy(
        update={
            "columns": {
                "seller": ("/@name", "/name"), "sku": ("id",), "price": ("price",),
                "currency": ("price.currency",), "image": ("image[1]",),
            },
            "extract": {}, "divide": {}, "prefix": {}, "constants": {},
        }
    )  # fmt: skip
    data = b"""<shop name="Elm"><p id="1"><price currency="EUR">4.90</price><image>a</image>
      <image>b</image></p><p id="2"><price currency="CHF">5.10</price></p></shop>"""
    prices = read_bytes(data, "a.xml", (layout,)).prices
    assert prices.select("seller", "sku", "price", "currency", "image").rows() == [
        ("Elm", "1", "4.90", "EUR", "b"), ("Elm", "2", "5.10", "CHF", None),
    ]  # fmt: skip


def test_fixed_width_and_no_header(read_bytes) -> None:
    lines = [f"{s:<12}{e:<16}{t:<32}{p:>10}" for s, e, t, p, _ in ROWS]
    read = read_bytes("\n".join([*lines, "Elm Street  9"]).encode(), "till_1.txt", (FIXED,))
    assert cells(read.prices) == [tuple(row) for row in ROWS]
    assert read.faults["field"].to_list() == ["name"]
    bare = read_bytes(as_csv([row[:4] for row in ROWS], None), "bare.csv", (HEADLESS,))
    assert cells(bare.prices) == [tuple(row) for row in ROWS]
    with pytest.raises(UnknownLayout):
        read_bytes(as_csv([row[:4] for row in ROWS], None), "other.csv", (HEADLESS,))


# -- archives ------------------------------------------------------------------------------------


def test_a_member_that_cannot_be_read_costs_itself(read_bytes) -> None:
    data = as_zip(a__csv=as_csv(ROWS), b__json=as_json(ROWS), c__csv=b"x,y\n1,2\n",
                  readme__pdf=b"%PDF-1.7")  # fmt: skip
    read = read_bytes(data, "day.zip")
    assert read.prices["source_file"].unique(maintain_order=True).to_list() == [
        "day.zip/a.csv", "day.zip/b.json",
    ]  # fmt: skip
    assert sorted(read.faults["source_file"]) == ["day.zip/c.csv", "day.zip/readme.pdf"]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (as_zip(a__zip=as_zip(a__csv=as_csv(ROWS))), "an archive in an archive"),
        (as_zip(a__csv=as_csv(ROWS))[:-40], "damaged zip archive"),
        (as_zip(), "an archive of 0 files"),
    ],
)
def test_archives_that_cannot_be_used_say_why(read_bytes, data: bytes, said: str) -> None:
    with pytest.raises(UnreadableFile, match=said):
        read_bytes(data, "day.zip")


def test_an_encrypted_archive_is_named(read_bytes) -> None:
    data = bytearray(as_zip(a__csv=as_csv(ROWS)))
    for start in (b"PK\x03\x04", b"PK\x01\x02"):  # the flag: bit 0 of the general purpose bits
        data[data.index(start) + (6 if start.endswith(b"\x04") else 8)] |= 1
    with pytest.raises(UnreadableFile, match="is encrypted") as caught:
        read_bytes(bytes(data), "day.zip")
    assert "password" in caught.value.action


def _with_a_damaged(data: bytes, member: str) -> bytes:
    made = bytearray(data)
    start = data.index(member.encode()) + len(member)
    made[start : start + 8] = bytes(8)
    return bytes(made)


def test_a_damaged_or_encrypted_member_costs_no_other(read_bytes) -> None:
    data = as_zip(a__csv=as_csv(ROWS), b__csv=as_csv(ROWS * 50), c__csv=as_csv(ROWS))
    locked = bytearray(data)
    for start, flag in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = data.index(start, data.index(start) + 1)
        locked[place + flag] |= 1
    for broken in (_with_a_damaged(data, "b.csv"), bytes(locked)):
        read = read_bytes(broken, "day.zip")
        used = read.prices["source_file"].unique(maintain_order=True).to_list()
        assert used == ["day.zip/a.csv", "day.zip/c.csv"]
        assert read.faults["source_file"].to_list() == ["day.zip/b.csv"], "and it is named"


def test_a_stray_cell_in_the_corner_of_a_sheet_is_refused(read_bytes) -> None:
    book = openpyxl.load_workbook(io.BytesIO(as_xlsx(ROWS)))
    assert book.active is not None
    book.active.cell(1_048_576, 16_384, "x")  # read as it is, it ends the process
    file = io.BytesIO()
    book.save(file)
    with pytest.raises(UnreadableFile, match="holds more than 20,000,000 cells"):
        read_bytes(file.getvalue(), "a.xlsx")


def test_a_workbook_that_unpacks_to_too_much_is_refused(read_bytes, monkeypatch) -> None:
    monkeypatch.setattr("flows.pipeline.ingest.workbook_extent.LARGEST", 100_000)
    assert read_bytes(as_xlsx(ROWS), "a.xlsx").prices.height == len(ROWS)
    with pytest.raises(UnreadableFile, match="holds more than 100,000 bytes"):
        read_bytes(as_xlsx(ROWS * 500), "a.xlsx")


# -- parquet -------------------------------------------------------------------------------------


def test_a_large_parquet_file_is_read_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.pipeline.ingest.parquet_file.BATCH", 100)
    layout = Layout(
        name="any", description="", required=("sku", "price"),
        columns={"sku": ("ean",), "price": ("price",)},
    )  # fmt: skip
    rows = [[*row[:3], f"{place}.00", row[4]] for place, row in enumerate(ROWS * 100)]
    file = io.BytesIO(as_parquet(rows))
    whole = read_parquet(file, [layout], "a.parquet")
    large = read_parquet(file, [layout], "a.parquet", in_memory=10)
    assert isinstance(whole, Table) and isinstance(large, LargeTable)
    pieces = list(large.pieces)
    assert [len(piece.numbers) for piece in pieces] == [100, 100, 100]
    assert [n for piece in pieces for n in piece.numbers] == list(range(1, 301))
    for place in range(len(HEADER)):
        assert [cell for piece in pieces for cell in piece.column(place)] == [
            row[place] for row in rows
        ] == list(whole.column(place))  # fmt: skip


def test_barcodes_and_prices_that_are_floats_are_written_as_a_person_reads_them() -> None:
    file = io.BytesIO()
    pl.DataFrame({"ean": [4006381333931.0, None], "price": [2.0, 1.99]}).write_parquet(file)
    found = read_parquet(file, [Layout(name="any", description="", required=())], "a.parquet")
    assert isinstance(found, Table)
    assert [list(found.column(place)) for place in (0, 1)] == [
        ["4006381333931", None], ["2", "1.99"],
    ]  # fmt: skip


@pytest.mark.parametrize("seed", range(3))
def test_no_damage_to_a_parquet_file_ends_the_process(read_bytes, seed: int) -> None:
    # In a reader that trusts its lengths one of a few hundred such files ends the process.
    chance = random.Random(seed)
    good = as_parquet(ROWS * 20)
    for _ in range(300):
        data = bytearray(good)
        for _ in range(chance.randint(1, 6)):
            data[chance.randrange(4, len(data))] = chance.randrange(256)
        with contextlib.suppress(IngestError):
            read_bytes(bytes(data), "a.parquet")


def test_no_bomb_is_unpacked(read_bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    small = 1 << 20
    monkeypatch.setattr("flows.pipeline.ingest.decompress.LARGEST", small)
    from flows.pipeline.ingest import archive, decompress

    zeros = bytes(8 * small)
    bomb = as_zip(a__csv=as_csv(ROWS), b__csv=zeros, c__csv=as_csv(ROWS))
    (_, whole), (name, error) = archive.members(bomb, "a.zip", largest=small)
    assert not isinstance(whole, IngestError), "what came before it counts"
    assert name == "a.zip/b.csv" and "holds more than" in str(error)
    for kind in ("zst", "br"):
        with pytest.raises(UnreadableFile, match="holds more than"):
            decompress.unpack(PACKERS[kind](zeros), f"a.csv.{kind}", largest=small)


# -- what is broken ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["json", "jsonl", "xml"])
def test_a_file_that_breaks_off_gives_what_comes_before(read_bytes, kind: str) -> None:
    rows = ROWS * 40
    whole = KINDS[kind](rows)
    used = 0
    for cut in range(len(whole) // 2, len(whole) - 1, 97):
        read = read_bytes(whole[:cut], f"a.{kind}")
        found = cells(read.prices)
        assert found == [tuple(row) for row in rows][: len(found)], "no half row, none invented"
        used = max(used, len(found))
        if (
            len(found) < len(rows)
            and whole[cut - 1 : cut] != b"\n"
            and whole[cut : cut + 1] != b"\n"
        ):
            assert not read.faults.is_empty(), "and it says so"
    assert used >= len(rows) - 2


def test_a_broken_list_of_many_records_is_read_once(read_bytes) -> None:
    # Copying what is left for each record takes minutes for a file of a large shop.
    count = 20_000
    rows = [[*ROWS[0][:2], "x" * 900, *ROWS[0][3:]]] * count
    read = read_bytes(as_json(rows)[:-10], "a.json")
    assert read.prices.height == count - 1


def test_one_bad_line_costs_itself(read_bytes) -> None:
    lines = as_lines(ROWS).splitlines(keepends=True)
    read = read_bytes(lines[0] + b"{not json}\n" + lines[1] + b"[1]\n", "a.jsonl")
    assert read.prices["source_row"].to_list() == [1, 3]
    assert read.faults["source_row"].to_list() == [2, 4]


def test_a_bare_ampersand_loses_nothing(read_bytes) -> None:
    data = as_xml(ROWS).replace(b"Milk &amp; honey", b"Milk & honey https://x.example/?a=1&b=2")
    assert cells(read_bytes(data, "a.xml").prices)[0][2].startswith(
        "Milk & honey https://x.example/?a=1&b=2"
    )


@pytest.mark.parametrize(
    ("data", "name", "said"),
    [
        (b"<!DOCTYPE html><html><body>502 Bad Gateway</body></html>", "a.xml", "a web page"),
        (b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a><b>&x;</b></a>', "a.xml",
         "declares a document type"),
        (b"<shop></shop>", "a.xml", "holds no records"),
        (b"[]", "a.json", "holds no records"),
        (b"[1, 2]", "a.json", "holds no records"),
        (b"{" * 100_000, "a.json", "nested too deeply|no JSON"),
        (b"[" * 100_000, "a.json", "nested too deeply|no JSON"),
        (b'[{"a": 1}, ', "a.json", "headers of no known layout"),
        (b'[{"a": "\xff"}]', "a.json", "does not decode"),
        (b"PAR1" + bytes(50), "a.parquet", "Parquet file that cannot be read"),
        (as_xlsx(ROWS)[:3000], "a.xlsx", "damaged zip archive"),
        (b"\xd0\xcf\x11\xe0" + bytes(600), "a.xls", "workbook that cannot be read"),
        (json.dumps([{f"k{n}": n for n in range(6000)}]).encode(), "a.json", "different names"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_says_why(read_bytes, data: bytes, name: str, said: str) -> None:
    with pytest.raises(IngestError, match=said) as caught:
        read_bytes(data, name)
    assert caught.value.file.startswith(name)
    assert caught.value.action


def test_a_column_that_is_there_twice_is_not_guessed(read_bytes) -> None:
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in ([*HEADER, "price"], [*ROWS[0], "5.00"]):
        book.active.append(row)
    file = io.BytesIO()
    book.save(file)
    with pytest.raises(AmbiguousHeader, match="price more than once"):
        read_bytes(file.getvalue(), "a.xlsx")


STARTS = [b"", b"[", b"{", b"<", b"PK\x03\x04", b"PAR1", b"\x28\xb5\x2f\xfd", b"\xd0\xcf\x11\xe0"]
NAMES = ["a.csv", "a.json", "a.csv.br", "a.zip"]


@given(data=st.binary(max_size=400), start=st.sampled_from(STARTS), name=st.sampled_from(NAMES))
def test_no_bytes_raise_anything_else(read_bytes, data: bytes, start: bytes, name: str) -> None:
    try:
        read_bytes(start + data, name)
    except IngestError as error:
        assert error.problem and error.action
