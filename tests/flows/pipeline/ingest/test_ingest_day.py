"""A day of several files: each good one counts, whatever the others are."""

import gzip
from datetime import date

import pytest

from flows.pipeline.ingest.discover import SourceFile, discover
from flows.pipeline.ingest.errors import IngestError, SourceUnavailable, UnknownLayout
from flows.pipeline.ingest.layout import INGESTED
from flows.pipeline.ingest.layout_files import load_layouts
from flows.pipeline.ingest.read import FILES, DayResult, read_day
from flows.pipeline.schema import FAULTS

DAY = date(2026, 8, 15)
HEADER = "seller,ean,title,price,currency\n"


def rows(count: int, seller: str = "A") -> str:
    return "".join(f"{seller},{number},milk {number},{number}.90,ILS\n" for number in range(count))


def read(folder, files: dict[str, bytes]) -> DayResult:
    for name, data in files.items():
        (folder / f"{name}_2026-08-15.csv").write_bytes(data)
    return read_day(discover(str(folder))[DAY], load_layouts())


def test_unusable_files_are_faults_and_the_others_count(tmp_path) -> None:
    half = gzip.compress((HEADER + rows(2000)).encode())
    day = read(
        tmp_path,
        {
            "a": (HEADER + rows(3)).encode(),
            "b": b"",
            "c": b"Branch,ItemCode\n1,2\n",
            "d": b"PK\x03\x04" + bytes(100),
            "e": HEADER.encode(),
            "f": half[: len(half) // 2],
            "g": (HEADER + rows(2, "G")).encode(),
        },
    )
    assert day.files.schema == FILES
    assert day.prices.schema == INGESTED
    assert day.faults.schema == FAULTS
    files = {row["source_file"][0]: row for row in day.files.iter_rows(named=True)}
    assert list(files) == list("abcdefg")
    assert {name for name, row in files.items() if row["damage"] is None} == {"a", "g"}
    for name in "bcde":
        assert files[name]["rows"] == 0
    assert 0 < files["f"]["rows"] < 2000
    counted = dict(day.prices["source_file"].value_counts().rows())
    assert counted == {row["source_file"]: row["rows"] for row in files.values() if row["rows"]}
    blamed = day.faults.filter(day.faults["source_row"].is_null())
    assert [name[0] for name in blamed["source_file"]] == list("bcdef")
    assert blamed["action"].is_not_null().all()
    unknown = blamed.filter(blamed["source_file"].str.starts_with("c"))
    assert unknown["field"].item() is not None


def test_a_cut_file_says_how_many_rows_are_used(tmp_path) -> None:
    text = HEADER + rows(2000)
    packed = gzip.compress(text.encode())
    day = read(tmp_path, {"a": packed[: len(packed) * 3 // 4]})
    kept = day.prices.height
    assert day.prices["source_row"].to_list() == list(range(1, kept + 1))
    whole = [line.split(",") for line in text.splitlines()[1 : kept + 1]]
    assert day.prices.select("seller", "sku", "name", "price", "currency").rows() == [
        tuple(cells) for cells in whole
    ]
    file, row = day.faults.rows(named=True)
    assert "ends early" in file["problem"]
    assert f"{kept:,} rows" in file["action"]
    assert (row["source_row"], row["problem"]) == (
        kept + 1,
        "the row cannot be read: the file ends in this row",
    )
    assert text.splitlines()[kept + 1].startswith(row["value"])


def test_without_any_usable_file_the_first_error_is_raised(tmp_path) -> None:
    with pytest.raises(UnknownLayout, match="a_2026"):
        read(tmp_path, {"a": b"x,y\n1,2\n", "b": b""})


def test_a_day_of_headers_alone_is_empty_and_says_so(tmp_path) -> None:
    day = read(tmp_path, {"a": HEADER.encode(), "b": HEADER.encode()})
    assert day.prices.is_empty()
    assert day.faults["problem"].to_list() == ["the file has no usable rows"] * 2
    assert day.files["damage"].null_count() == 0


def test_a_file_that_is_gone_or_a_folder_costs_itself_alone(tmp_path) -> None:
    (tmp_path / "c_2026-08-15.csv").mkdir()
    (tmp_path / "a_2026-08-15.csv").write_text(HEADER + rows(3))
    (tmp_path / "b_2026-08-15.csv").symlink_to(tmp_path / "c_2026-08-15.csv")
    files = discover(str(tmp_path))[DAY]
    gone = SourceFile(str(tmp_path / "z.csv"), "z.csv", DAY, 10)
    day = read_day([*files, gone], load_layouts())
    assert day.prices.height == 3
    assert day.faults["source_file"].to_list() == ["b_2026-08-15.csv", "z.csv"]
    assert day.faults["problem"].str.contains("cannot be read").all()


def test_a_moments_failure_is_no_fault_of_the_file(tmp_path) -> None:
    (tmp_path / "a_2026-08-15.csv").write_text(HEADER + rows(3))
    away = SourceFile("ftp://127.0.0.1:1/b_2026-08-15.csv", "b_2026-08-15.csv", DAY, 10)
    with pytest.raises(SourceUnavailable):
        read_day([*discover(str(tmp_path))[DAY], away], load_layouts())


def test_a_file_too_large_is_not_even_opened() -> None:
    huge = SourceFile("nowhere.csv", "nowhere.csv", DAY, 1 << 40)
    with pytest.raises(IngestError, match="more than"):
        read_day([huge], load_layouts())


def test_repeated_rows_and_nonsense_prices_pass_as_they_are(tmp_path) -> None:
    odd = ["0", "-4.9", "abc", "", "1e9", "0.01", "NaN", "=1+1", "<b>5</b>", "9" * 400]
    text = HEADER + "".join(f"A,1,milk,{price},ILS\n" for price in odd) + rows(1) * 3
    day = read(tmp_path, {"a": text.encode()})
    assert day.prices["price"].to_list() == [*(price or None for price in odd), *["0.90"] * 3]
    assert day.faults.is_empty()


def test_the_same_files_give_the_same_frames(tmp_path) -> None:
    data = {name: (HEADER + rows(50, name) + "A,1\n").encode() for name in "cab"}
    first = read(tmp_path, data)
    again = read(tmp_path, dict(reversed(data.items())))
    assert first.prices.equals(again.prices)
    assert first.faults.equals(again.faults)
    assert first.files.equals(again.files)
    assert first.prices["source_file"].is_sorted()
