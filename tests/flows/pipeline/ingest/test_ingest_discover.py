"""Which files make a day, which days there are, and what is said of those that are not."""

import os
import threading
from datetime import date
from pathlib import Path

import fsspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.pipeline.ingest.discover import SourceFile, discover, files_for
from flows.pipeline.ingest.errors import (
    NoFilesForDay,
    SourceMissing,
    SourceUnavailable,
    SourceUnreadable,
    UnreadableFile,
)

DAY = date(2026, 8, 15)


def fill(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


def names(folder: Path | str) -> dict[str, list[str]]:
    return {str(day): [file.name for file in files] for day, files in discover(str(folder)).items()}


@pytest.mark.parametrize(
    "name",
    [
        "prices_2026-08-15.csv.gz",
        "20260815.csv",
        "2026.08.15 prices.TSV",
        "2026_08_15.txt.bz2",
        "PriceFull7290027600007-001-202608150300.csv.gz",
        "prices-20260815T0300.csv",
        "20260815233059.csv.xz",
        "2026-08-15/prices.csv",
        "day=2026-08-15/part 1/prices.csv",
        "2026-08-14/prices_2026-08-15.csv",  # the file's own name says more
        "a#b?c[1]*_2026-08-15.csv",
        "מחירים_2026-08-15.csv",
    ],
)
def test_a_day_is_found_and_the_file_opens(tmp_path, name) -> None:
    files = discover(str(fill(tmp_path, name)))
    assert {day: [file.name for file in found] for day, found in files.items()} == {DAY: [name]}
    assert files[DAY][0].read() == name.encode()
    assert files[DAY][0].size == len(name.encode())


@pytest.mark.parametrize(
    "name",
    [
        "prices.csv",
        "prices_2026-13-15.csv",
        "prices_2026-02-30.csv",
        "prices_2026-08-15.md",
        ".prices_2026-08-15.csv",
        "_tmp/prices_2026-08-15.csv",
        "prices_2026-08-15.csv.part",
        "prices_120260815.csv",
        "prices_2026081599.csv",
        "prices_202608152500.csv",
        "report_2026-08-15.pdf",  # alone it makes no day
    ],
)
def test_what_is_no_price_file_is_left_alone(tmp_path, name) -> None:
    with pytest.raises(SourceMissing, match="holds no price files"):
        discover(str(fill(tmp_path, name)))


def test_what_cannot_be_read_is_found_beside_what_can(tmp_path) -> None:
    fill(tmp_path, "a_2026-08-15.csv", "b_2026-08-15.rar", "c_2026-08-15.pdf", "c.pdf")
    files = discover(str(tmp_path))[DAY]
    assert [file.name[0] for file in files] == ["a", "b", "c"]
    with pytest.raises(UnreadableFile, match="of a kind that is not read"):
        files[1].read()


@given(st.sets(st.dates(date(2000, 1, 1), date(2099, 12, 31)), min_size=1, max_size=9))
def test_days_come_in_order_and_a_day_without_files_names_its_neighbours(days) -> None:
    files = fsspec.filesystem("memory")
    root = "/days"
    files.makedirs(root, exist_ok=True)
    try:
        for day in days:
            files.pipe_file(f"{root}/b_{day}.csv", b"x")
            files.pipe_file(f"{root}/a_{day:%Y%m%d}.csv", b"x")
        found = discover("memory://days")
        assert list(found) == sorted(days)
        for day in found:
            assert [file.name[0] for file in files_for(found, day, "days")] == ["a", "b"]
        absent = min(days).replace(year=min(days).year - 1, day=1)
        if absent not in days:
            with pytest.raises(NoFilesForDay, match=f"no files for {absent}") as caught:
                files_for(found, absent, "days")
            assert str(min(days)) in caught.value.action
    finally:
        files.rm(root, recursive=True)


def test_a_day_missing_between_others_is_noticed(tmp_path) -> None:
    folder = fill(tmp_path, *(f"p_2026-08-{day}.csv" for day in (10, 11, 13, 14, 15)))
    found = discover(str(folder))
    assert date(2026, 8, 12) not in found
    with pytest.raises(NoFilesForDay) as caught:
        files_for(found, date(2026, 8, 12), str(folder))
    assert "2026-08-11, 2026-08-13" in caught.value.action
    assert "2026-08-15" not in caught.value.action


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("nowhere", SourceMissing),
        ("nope://bucket/prices", SourceUnreadable),
        ("", SourceMissing),
    ],
)
def test_a_source_that_is_not_there(tmp_path, monkeypatch, source, error) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error) as caught:
        discover(source)
    assert f"source {source}" in str(caught.value)
    assert len(str(caught.value).split("\n")) == 2


def test_a_single_file_is_a_source(tmp_path) -> None:
    fill(tmp_path, "p_2026-08-15.csv", "p_2026-08-14.csv")
    assert names(tmp_path / "p_2026-08-15.csv") == {"2026-08-15": ["p_2026-08-15.csv"]}


def test_pipes_are_left_alone_and_links_are_followed(tmp_path) -> None:
    fill(tmp_path, "away/real.csv", "in/p_2026-08-14.csv")
    os.mkfifo(tmp_path / "in" / "p_2026-08-15.csv")
    (tmp_path / "in" / "q_2026-08-14.csv").symlink_to(tmp_path / "away" / "real.csv")
    (tmp_path / "in" / "r_2026-08-14.csv").symlink_to(tmp_path / "away" / "gone.csv")
    found = discover(str(tmp_path / "in"))
    assert list(found) == [date(2026, 8, 14)]
    whole, linked, broken = found[date(2026, 8, 14)]
    assert linked.read() == b"away/real.csv"
    assert whole.fingerprint() != linked.fingerprint()
    for use in (broken.read, broken.fingerprint):
        with pytest.raises(SourceUnreadable, match=r"r_2026-08-14\.csv cannot be read") as caught:
            use()
        assert caught.value.file == "r_2026-08-14.csv"


def test_a_fingerprint_is_of_the_content_alone(tmp_path) -> None:
    fill(tmp_path, "a_2026-08-15.csv", "b_2026-08-15.csv", "c_2026-08-15.csv")
    (tmp_path / "b_2026-08-15.csv").write_text("a_2026-08-15.csv")
    a, b, c = (file.fingerprint() for file in discover(str(tmp_path))[DAY])
    assert a == b != c


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is unreadable for root")
def test_a_file_that_may_not_be_read(tmp_path) -> None:
    fill(tmp_path, "a_2026-08-15.csv")
    (tmp_path / "a_2026-08-15.csv").chmod(0)
    with pytest.raises(SourceUnreadable, match=r"a_2026-08-15\.csv cannot be read"):
        discover(str(tmp_path))[DAY][0].read()


def test_a_source_that_does_not_answer_is_told_from_one_that_refuses() -> None:
    # A port that is bound and not listened on refuses every connection.
    import socket

    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        ftp = SourceFile(f"ftp://127.0.0.1:{port}/p_2026-08-15.csv", "p_2026-08-15.csv", DAY, 1)
        with pytest.raises(SourceUnavailable, match="at the moment"):
            ftp.read()
        with pytest.raises(SourceUnavailable, match="at the moment"):
            ftp.fingerprint()


def test_reading_does_not_depend_on_the_thread(tmp_path) -> None:
    fill(tmp_path, *(f"{place}_2026-08-15.csv" for place in range(20)))
    seen: list[list[str]] = []
    threads = [
        threading.Thread(target=lambda: seen.append(names(tmp_path)["2026-08-15"]))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({tuple(found) for found in seen}) == 1
