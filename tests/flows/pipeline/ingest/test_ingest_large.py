"""Files too large for memory: what comes of them is what comes of the same file in memory."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import zipfile
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from flows.pipeline.ingest import blocks as blocks_module
from flows.pipeline.ingest import contents, decompress, large_text
from flows.pipeline.ingest.discover import SourceFile
from flows.pipeline.ingest.errors import IngestError, NoRoom
from flows.pipeline.ingest.layout import INGESTED, Layout
from flows.pipeline.ingest.layout_files import load_layouts
from flows.pipeline.ingest.read import FILES, read_day_into
from flows.pipeline.schema import FAULTS, empty

DAY = date(2026, 8, 15)
PLAIN = Layout(
    name="plain",
    description="",
    columns={"sku": "sku", "name": "name", "price": "price"},
    required=("sku", "price"),
    encodings=("windows-1255", "shift_jis"),
    constants={"seller": "Elm", "currency": "EUR"},
)
BARE = Layout(
    name="bare",
    description="",
    header=("sku", "name", "price"),
    columns={"sku": "sku", "name": "name", "price": "price"},
    required=("sku",),
    encodings=("windows-1252",),
    files="bare*",
)
WIDTHS = Layout(
    name="widths",
    description="",
    widths={"sku": (1, 3), "name": (4, 6), "price": (8, 9)},
    required=("sku", "price"),
    encodings=("windows-1252",),
    files="widths*",
)
LAYOUTS = (PLAIN, BARE, WIDTHS)
Outcome = tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]


def outcome(path: Path, layouts: Sequence[Layout] = LAYOUTS, **options: int) -> Outcome | str:
    """Return prices, faults and files of one file; or its error."""
    prices, faults = [empty(INGESTED)], [empty(FAULTS)]
    source = SourceFile(str(path), path.name, DAY, path.stat().st_size)
    try:
        files = read_day_into([source], layouts, prices.append, faults.append, **options)
    except NoRoom:
        raise
    except IngestError as error:
        assert len(prices) == 1, "of a file that is refused nothing is given out"
        return str(error)
    by_row = pl.concat(faults).sort("source_row", "problem", nulls_last=True, maintain_order=True)
    return pl.concat(prices), by_row, files


def both(path: Path, *, block: int, layouts: Sequence[Layout] = LAYOUTS) -> Outcome | str:
    """Read a file in memory and in pieces; return what both come to."""
    small = outcome(path, layouts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks_module, "BLOCK", block)
        patch.setattr("flows.pipeline.ingest.large_encoding.BLOCK", block)
        large = outcome(path, layouts, small=0)
    if isinstance(small, str) or isinstance(large, str):
        assert large == small
    else:
        for one, other in zip(large, small, strict=True):
            assert one.equals(other), (one.to_dicts(), other.to_dicts())
    return large


CELLS = st.one_of(
    st.sampled_from(
        ["", "1", "a", "a b", '"a"', '"a,b"', '"a""b"', '"', '5"', '"a\nb"', '""', '"""', " ",
         '"a"b', "a\rb", "\x1a", "\x00", "\x07", "é", "\ufeff", "\ufffd", "\u2028", "שלום",
         '"a\r\nb"']
    ),
    st.text(alphabet='ab",\n\r; \x1aé', max_size=6),
)  # fmt: skip
LINES = st.one_of(
    st.lists(CELLS, min_size=3, max_size=3).map(",".join),
    st.lists(CELLS, max_size=5).map(",".join),
    st.sampled_from(["", "\r", "\x1a", " ", '"', "1,2,3"]),
)
TEXTS = st.tuples(
    st.lists(LINES, max_size=12), st.sampled_from(["\n", "\r\n", "\r"]), st.booleans()
).map(lambda parts: parts[1].join(parts[0]) + parts[1] * parts[2])
ENCODINGS = st.sampled_from(
    ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "windows-1255", "shift_jis"]
)
DAMAGE = st.lists(st.tuples(st.integers(0, 200), st.sampled_from([0xFF, 0xE9, 0x81, 0x22])))


@given(
    text=TEXTS,
    encoding=ENCODINGS,
    damage=DAMAGE,
    block=st.integers(1, 60),
    many=st.sampled_from([0.1, 1.0]),
)
@example(text='1,"a\n' + "1,2,3\n" * 110, encoding="utf-8", damage=[], block=40, many=1.0)
@example(text="1,2,3\n" * 3 + '1,"', encoding="utf-8", damage=[], block=7, many=1.0)
@settings(deadline=None, max_examples=250)
def test_any_text_gives_the_same_in_memory_and_in_pieces(
    tmp_path_factory: pytest.TempPathFactory,
    text: str,
    encoding: str,
    damage: list[tuple[int, int]],
    block: int,
    many: float,
) -> None:
    data = bytearray(("sku,name,price\n" + text).encode(encoding, "replace"))
    for place, value in damage:
        if 20 < place < len(data):
            data[place] = value
    path = tmp_path_factory.mktemp("text") / "prices_2026-08-15.csv"
    path.write_bytes(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(large_text, "_MANY", many)
        both(path, block=block)


@given(text=TEXTS, name=st.sampled_from(["bare", "widths"]), block=st.integers(1, 60))
@settings(deadline=None, max_examples=100)
def test_texts_without_a_header_give_the_same(
    tmp_path_factory: pytest.TempPathFactory, text: str, name: str, block: int
) -> None:
    path = tmp_path_factory.mktemp("text") / f"{name}_2026-08-15.csv"
    path.write_bytes(text.encode("utf-8", "replace"))
    both(path, block=block)


@given(text=TEXTS, keep=st.integers(1, 400), block=st.integers(1, 60))
@settings(deadline=None, max_examples=60)
def test_a_file_that_breaks_off_gives_the_same(
    tmp_path_factory: pytest.TempPathFactory, text: str, keep: int, block: int
) -> None:
    packed = gzip.compress(("sku,name,price\n" + text * 3).encode(), 0)
    path = tmp_path_factory.mktemp("text") / "prices_2026-08-15.csv.gz"
    path.write_bytes(packed[:keep])
    both(path, block=block)


RECORDS = st.lists(
    st.one_of(
        st.fixed_dictionaries(
            {"sku": st.sampled_from(["1", "2"])},
            optional={"price": st.one_of(st.none(), st.floats(0, 9)), "name": st.text(max_size=4)},
        ).map(json.dumps),
        st.sampled_from(["", "3", "[1]", '{"sku": ', "  "]),
    ),
    max_size=10,
)


@given(records=RECORDS, block=st.integers(1, 60))
@settings(deadline=None, max_examples=60)
def test_json_lines_give_the_same(
    tmp_path_factory: pytest.TempPathFactory, records: list[str], block: int
) -> None:
    first = '{"sku": "0", "price": 1.50, "name": "milk"}'
    path = tmp_path_factory.mktemp("json") / "prices_2026-08-15.jsonl"
    path.write_text("\n".join([first, '{"sku": "9"}', *records]))
    both(path, block=block)


def test_rows_are_numbered_through_and_each_fault_names_its_own(tmp_path: Path) -> None:
    lines = [f"{number},milk,1.{number % 90 + 10}" for number in range(1, 20_001)]
    lines[4_999], lines[14_999] = "5000,milk", '15000,"milk,1'
    path = tmp_path / "prices_2026-08-15.csv"
    path.write_text("sku,name,price\n" + "\n".join(lines) + "\n")
    read = both(path, block=50_000)
    assert not isinstance(read, str)
    prices, faults, files = read
    assert prices.height == 19_998
    assert (prices["sku"].cast(pl.Int64) == prices["source_row"]).all()
    assert faults.select("source_file", "source_row", "field").rows() == [
        (path.name, 5_000, "price"),
        (path.name, 15_000, "name"),
    ]
    assert files.select("rows", "rows_set_aside").row(0) == (19_998, 2)


PACKED: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".zip": lambda data: zipped({"a_2026-08-15.csv": data, "b_2026-08-15.csv": data}),
}


def zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


@pytest.mark.parametrize("ending", sorted(PACKED))
def test_what_is_packed_is_unpacked_to_a_file_that_nobody_sees(
    tmp_path: Path, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "sku,name,price\n" + "".join(f"{number},milk,1.50\n" for number in range(5_000))
    path = tmp_path / f"prices_2026-08-15.csv{ending}"
    path.write_bytes(PACKED[ending](text.encode()))
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(contents, "SMALL", 1_000)
    prices: list[pl.DataFrame] = []
    source = SourceFile(str(path), path.name, DAY, path.stat().st_size)
    files = read_day_into([source], LAYOUTS, prices.append, len, scratch=scratch, small=1_000)
    assert files["rows"].to_list() == [5_000] * (2 if ending == ".zip" else 1)
    assert pl.concat(prices).height == files["rows"].sum()
    assert not list(scratch.iterdir())


def test_a_bomb_of_text_is_refused_and_nothing_of_it_given_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decompress, "LARGEST", 1 << 20)
    monkeypatch.setattr(contents, "SMALL", 1 << 16)
    path = tmp_path / "prices_2026-08-15.csv.gz"
    path.write_bytes(gzip.compress(b"sku,name,price\n" + b"1,milk,1.50\n" * 400_000))
    said = outcome(path, small=1 << 16)
    assert isinstance(said, str)
    assert "prices_2026-08-15.csv.gz holds more than" in said


def test_a_text_without_an_end_of_line_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks_module, "LONGEST_LINE", 10_000)
    monkeypatch.setattr(blocks_module, "BLOCK", 4_000)
    path = tmp_path / "prices_2026-08-15.csv"
    path.write_bytes(b"sku,name,price\n1,2,3\n" + b"a" * 50_000)
    said = outcome(path, small=0)
    assert isinstance(said, str)
    assert "has a line of more than 10,000 bytes" in said


def test_a_large_file_that_has_to_be_read_whole_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decompress, "LARGEST", 100)
    path = tmp_path / "prices_2026-08-15.json"
    path.write_text(json.dumps([{"sku": "1", "price": 1.5}] * 20))
    said = outcome(path, small=50)
    assert isinstance(said, str)
    assert "holds more than 100 bytes" in said


def test_a_disk_without_room_ends_the_day_and_costs_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A device that is always full stands for the disk of temporary files."""
    monkeypatch.setattr(contents, "SMALL", 1_000)
    full = Path("/dev/full")
    monkeypatch.setattr(contents, "SpooledTemporaryFile", lambda **_: full.open("wb+", buffering=0))
    path = tmp_path / "prices_2026-08-15.csv.gz"
    path.write_bytes(gzip.compress(b"sku,name,price\n" + b"1,milk,1.50\n" * 4_000))
    with pytest.raises(NoRoom, match="no space left for temporary files"):
        outcome(path)
    archive = tmp_path / "prices_2026-08-15.zip"
    archive.write_bytes(PACKED[".zip"](b"sku,name,price\n1,milk,1.50\n"))
    with pytest.raises(NoRoom, match="no space left"):
        outcome(archive)


def test_the_layouts_of_the_platform_hold_for_large_files(tmp_path: Path) -> None:
    path = tmp_path / "catalogue_2026-08-15.csv"
    rows = "".join(f'Elm,{n},"Milk, {n} l",1.5{n % 10},EUR\r\n' for n in range(3_000))
    path.write_bytes(b"\xef\xbb\xbfseller,ean,title,price,currency\r\n" + rows.encode())
    read = both(path, block=10_000, layouts=load_layouts())
    assert not isinstance(read, str)
    assert read[0].height == 3_000
    assert read[2].schema == FILES
