"""Stores other than folders and S3, by a stand-in driver; and what folders promise."""

from __future__ import annotations

import errno
import os
import pickle
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from sdk.dataset import DatasetKey
from sdk.errors import Permanent, StorageError, Transient
from sdk.local_files import write_new
from sdk.manifest import FORMAT
from sdk.storage import Storage
from sdk.store import Store
from tests.sdk.faulty_filesystem import Crash, FaultyFileSystem

KEY = DatasetKey(customer="acme", name="offers", day=date(2026, 8, 15))
FRAME = pl.DataFrame({"n": [1]})


@pytest.fixture
def faulty() -> Iterator[Store]:
    FaultyFileSystem.reset()
    yield Store("faulty://root")
    FaultyFileSystem.reset()


def test_any_driver_with_an_exclusive_create_carries_the_store(faulty: Store) -> None:
    made = faulty.publish(KEY, FRAME, fingerprint="1")
    assert made.frame().equals(FRAME)
    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(lambda n: faulty.storage.put_if_absent("x", b"%d" % n), range(40)))
    assert won.count(True) == 1


def test_a_lost_answer_is_no_second_version(faulty: Store) -> None:
    """The claim went through, its answer did not: the next attempt finds it."""
    operations = FaultyFileSystem.operations
    faulty.publish(KEY, FRAME, fingerprint="1")
    total = FaultyFileSystem.operations - operations
    for moment in range(total):
        FaultyFileSystem.reset()
        FaultyFileSystem.arm(moment, "lost answer")
        with pytest.raises(Transient):
            faulty.publish(KEY, FRAME, fingerprint="1")
        assert faulty.publish(KEY, FRAME, fingerprint="1").version == 1
        assert faulty.versions(KEY) == [1]


def test_a_crash_at_any_operation_leaves_all_or_nothing(faulty: Store) -> None:
    faulty.publish(KEY, FRAME, fingerprint="1")
    total = FaultyFileSystem.operations
    for moment in range(total):
        for fault in ("before", "after"):
            FaultyFileSystem.reset()
            FaultyFileSystem.arm(moment, fault)  # type: ignore[arg-type]
            with pytest.raises(Crash):
                faulty.publish(KEY, FRAME, fingerprint="1")
            dataset = faulty.dataset(KEY)
            assert dataset is None or dataset.frame().equals(FRAME)


def test_unrepeatable_runs_that_race_keep_their_own_rows(faulty: Store) -> None:
    """Without a fingerprint another's rows are not taken for ours."""
    other = pl.DataFrame({"n": [2]})
    for moment in range(12):
        FaultyFileSystem.reset()
        FaultyFileSystem.interrupt(moment, lambda: faulty.publish(KEY, other, fingerprint=""))  # type: ignore[arg-type, return-value]
        assert faulty.publish(KEY, FRAME, fingerprint="").frame().equals(FRAME)


def test_a_manifest_of_a_later_release_is_not_misread(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    store.publish(KEY, FRAME, fingerprint="1")
    [path] = tmp_path.rglob("manifest-*.json")
    path.write_text(path.read_text().replace(f'"format": {FORMAT}', f'"format": {FORMAT + 1}'))
    with pytest.raises(StorageError, match=f"has format {FORMAT + 1}"):
        store.latest(KEY)


def test_files_that_are_none_of_ours_are_passed_over(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    store.publish(KEY, {"manifest-000009.json": b"{}", "data": FRAME}, fingerprint="1")
    (tmp_path / "acme/offers/2026-08-15/manifest-draft.json").write_text("?")
    assert store.versions(KEY) == [1]


@pytest.mark.parametrize("name", ["", "a/b", "../up", "_x", ".x", "a\0b", "x" * 200])
def test_tables_cannot_leave_their_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(Permanent, match="cannot name a table"):
        Store(str(tmp_path)).publish(KEY, {name: FRAME}, fingerprint="")
    assert list(tmp_path.iterdir()) == []


def test_names_are_no_patterns(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    made = store.publish(KEY.model_copy(update={"name": "pages.[a]*"}), FRAME, fingerprint="")
    assert made.frame().equals(FRAME)
    assert made.scan().collect().equals(FRAME)


def test_a_damaged_or_lost_part_is_named(tmp_path: Path) -> None:
    made = Store(str(tmp_path)).publish(KEY, FRAME, fingerprint="")
    with pytest.raises(Permanent, match="no column"):
        made.frame(columns=["none"])
    Path(made.url()).write_bytes(b"PAR1 no more")
    with pytest.raises(StorageError, match="is damaged"):
        made.frame()
    Path(made.url()).unlink()
    for read in (made.frame, made.read):
        with pytest.raises(StorageError, match="is gone"):
            read()


def test_a_link_whose_answer_was_lost_is_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NFS may repeat a link: the second says that the name is taken, by us."""
    link = os.link

    def twice(source: Path, target: Path) -> None:
        link(source, target)
        link(source, target)

    monkeypatch.setattr(os, "link", twice)
    assert write_new(tmp_path / "a", b"1")
    assert not write_new(tmp_path / "a", b"2")
    assert (tmp_path / "a").read_bytes() == b"1"


def test_a_file_system_without_links_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(source: Path, target: Path) -> None:
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    monkeypatch.setattr(os, "link", refuse)
    with pytest.raises(StorageError, match="cannot do that"):
        Storage(str(tmp_path)).put_if_absent("a", b"1")
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_driver_is_named() -> None:
    with pytest.raises(StorageError, match="nosuch"):
        Storage("nosuch://x").read("a")


def test_storages_travel(tmp_path: Path) -> None:
    root = Storage(str(tmp_path))
    root.put("a/b", b"1")
    root.move("a/b", "a/c")
    root.move("a/none", "a/d")
    again = pickle.loads(pickle.dumps(root))
    assert again.read("a/c") == b"1"
    assert [entry.path for entry in again.entries()] == ["a/c"]
