"""What a run says when it cannot be done: two lines, exit code 1, nothing left half-written."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from flows.sample import Sample
from tests.e2e.platform_cli import run

Case = tuple[list[str], str]


def _folder(path: Path, files: dict[str, bytes]) -> str:
    path.mkdir()
    for name, data in files.items():
        (path / name).write_bytes(data)
    return str(path)


def _unknown_customer(market: Sample, tmp: Path) -> Case:
    return ["--customer", "nobody", "--source", str(market.folder)], "unknown customer 'nobody'"


def _missing_source(market: Sample, tmp: Path) -> Case:
    return ["--source", str(tmp / "nowhere")], "nowhere"


def _empty_source(market: Sample, tmp: Path) -> Case:
    return ["--source", _folder(tmp / "empty", {})], "empty"


def _source_without_prices(market: Sample, tmp: Path) -> Case:
    return ["--source", _folder(tmp / "other", {"letter.pdf": b"%PDF-1.4"})], "other"


def _day_without_files(market: Sample, tmp: Path) -> Case:
    return ["--source", str(market.folder), "--day", "2026-05-01"], "2026-05-01"


def _nonsense_day(market: Sample, tmp: Path) -> Case:
    return ["--source", str(market.folder), "--day", "15.8.2026"], "15.8.2026"


def _other_headers(market: Sample, tmp: Path) -> Case:
    source = _folder(tmp / "headers", {"prices_2026-03-12.csv": b"a,b,c\n1,2,3\n"})
    return ["--source", source], "prices_2026-03-12.csv"


def _other_encoding(market: Sample, tmp: Path) -> Case:
    text = "chain,barcode,name,price\nחנות,7290000000015,חלב,5.90\n".encode("cp424")
    source = _folder(tmp / "encoding", {"prices_2026-03-12.csv": text})
    return ["--source", source], "prices_2026-03-12.csv"


def _empty_file(market: Sample, tmp: Path) -> Case:
    return ["--source", _folder(tmp / "void", {"prices_2026-03-12.csv": b""})], (
        "prices_2026-03-12.csv"
    )


def _store_is_a_file(market: Sample, tmp: Path) -> Case:
    (tmp / "taken").write_text("")
    return ["--source", str(market.folder), "--storage", str(tmp / "taken")], "taken"


def _store_of_unknown_kind(market: Sample, tmp: Path) -> Case:
    return ["--source", str(market.folder), "--storage", "floppy://a"], "floppy"


CASES = [
    _unknown_customer,
    _missing_source,
    _empty_source,
    _source_without_prices,
    _day_without_files,
    _nonsense_day,
    _other_headers,
    _other_encoding,
    _empty_file,
    _store_is_a_file,
    _store_of_unknown_kind,
]


def _published(folder: Path) -> list[Path]:
    store = folder / ".dataweave" / "store"
    return [path for path in store.rglob("*") if path.is_file() and "_runs" not in path.parts]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__.strip("_"))
def test_bad_input_is_said_in_two_lines(
    case: Callable[[Sample, Path], Case], market: Sample, prefect_home: Path, tmp_path: Path
) -> None:
    arguments, names = case(market, tmp_path)
    folder = tmp_path / "here"
    folder.mkdir()
    outcome = run(folder, prefect_home, *arguments)
    assert outcome.code == 1
    lines = outcome.err.splitlines()
    assert len(lines) == 2, outcome.err
    assert lines[0].startswith("error: ")
    assert names in outcome.err
    assert len(lines[1]) > 20
    assert "Traceback" not in outcome.out + outcome.err
    assert not [path for path in _published(folder) if "offers" in path.parts]


def test_traceback_is_shown_when_asked_for(
    market: Sample, prefect_home: Path, tmp_path: Path
) -> None:
    outcome = run(tmp_path, prefect_home, "--customer", "nobody", "--traceback")
    assert outcome.code == 1
    assert "Traceback" in outcome.err


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own that has hardly any room."""
    disk = tmp_path / "disk"
    disk.mkdir()
    made = shutil.which("mount") and os.geteuid() == 0
    if (
        not made
        or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(disk)], capture_output=True
        ).returncode
    ):
        pytest.skip("this machine does not let a test mount a file system")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_full_disk_is_said_and_leaves_nothing_half_written(
    market: Sample, prefect_home: Path, small_disk: Path, tmp_path: Path
) -> None:
    storage = small_disk / "store"
    outcome = run(tmp_path, prefect_home, "--source", str(market.folder), "--storage", str(storage))
    assert outcome.code == 1
    assert "no space left" in outcome.err
    assert len(outcome.err.splitlines()) == 2
    manifests = list(storage.rglob("manifest-*.json"))
    for path in manifests:
        assert path.read_text().rstrip().endswith("}")
    assert not list(storage.rglob(".tmp-*"))
