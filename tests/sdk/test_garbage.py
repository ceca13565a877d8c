"""Garbage collection: what goes, what stays, and when."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from sdk.dataset import Dataset, DatasetKey
from sdk.errors import Permanent
from sdk.garbage import Collected, collect_garbage
from sdk.manifest import Degradation
from sdk.store import Store
from tests.sdk.faulty_filesystem import FaultyFileSystem

DAY = date(2026, 8, 15)
KEY = DatasetKey(customer="acme", name="offers", day=DAY)
FOLDER = f"acme/offers/{DAY}"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "store"))


def publish(store: Store, number: int, key: DatasetKey = KEY, **fields: object) -> Dataset:
    frame = pl.DataFrame({"n": [number]})
    return store.publish(key, frame, fingerprint=str(number), **fields)  # type: ignore[arg-type]


def age(store: Store, days: float, *, but: str = "") -> None:
    """Make everything in the store older, and something else young."""
    for path in Path(store.url).rglob("*"):
        if path.is_file() and not (but and but in str(path)):
            moment = path.stat().st_mtime - days * 86400
            os.utime(path, (moment, moment))
    store.storage.put("acme/_runs/2026-08-15/now/record.json", b"{}")


def collect(store: Store, **options: object) -> Collected:
    return collect_garbage(store, **{"keep_versions": 1, "dry_run": False, **options})  # type: ignore[arg-type]


def names(store: Store) -> set[str]:
    return {entry.path for entry in store.storage.entries() if "_runs" not in entry.path}


def test_superseded_versions_go_in_two_steps(store: Store) -> None:
    first, second = publish(store, 1), publish(store, 2)
    assert collect(store).retired == (), "too young"
    age(store, 3)
    planned = collect(store, dry_run=True)
    assert planned.retired == (f"{FOLDER}/manifest-000001.json",)
    assert store.versions(KEY) == [1, 2], "a dry run does nothing"
    assert collect(store).retired == planned.retired
    assert store.versions(KEY) == [2]
    assert first.frame()["n"].to_list() == [1], "who holds it can go on"
    age(store, 3)
    done = collect(store)
    assert set(done.removed) == {
        f"{FOLDER}/retired-000001.json",
        f"acme/offers/{first.parts[0].path}",
    }
    assert done.bytes > 0
    assert second.frame()["n"].to_list() == [2]
    assert publish(store, 3).version == 3, "numbers are never given out twice"


def test_what_is_needed_stays(store: Store) -> None:
    good = publish(store, 1)
    publish(store, 2, degraded=[Degradation(dataset="x", source="last_good")])
    source = DatasetKey(customer="acme", name="prices", day=DAY - timedelta(days=9))
    used = publish(store, 3, source)
    publish(store, 4, source)
    publish(store, 5, source)
    made = DatasetKey(customer="acme", name="report", day=DAY)
    report = publish(store, 6, made, inputs=[used.as_input()])
    age(store, 99)
    assert collect(store).retired == (f"acme/prices/{source.day}/manifest-000002.json",)
    assert store.last_good(KEY, max_age=timedelta(days=1)) == good
    assert [item.name for item in store.lineage(report)] == ["report", "prices"]


def test_served_parts_stay_while_the_serving_day_does(store: Store) -> None:
    yesterday = KEY.model_copy(update={"day": DAY - timedelta(days=1)})
    good = publish(store, 1, yesterday)
    reason = Degradation(dataset="offers", source="last_good")
    served = store.serve(KEY, good, degradation=reason, fingerprint="")
    publish(store, 2, yesterday)
    for _ in range(4):
        age(store, 3)
        collect(store)
    assert served.frame()["n"].to_list() == [1]


def test_orphans_and_temporary_files_go_when_they_are_old(store: Store) -> None:
    publish(store, 1)
    kept = names(store)
    orphan, temporary = f"{FOLDER}/data-0123456789ab.parquet", f"{FOLDER}/.tmp-x"
    strangers = {"README", "acme/notes.txt", f"{FOLDER}/notes.txt", "_other/x/2026-08-15/a-b"}
    for path in (orphan, temporary, *strangers):
        store.storage.put(path, b"1")
    assert collect(store).removed == ()
    age(store, 3)
    assert set(collect(store).removed) == {orphan, temporary}
    assert names(store) == kept | strangers


def test_ledgers_go_as_a_whole_when_nothing_was_added(store: Store) -> None:
    for run in ("old", "running"):
        store.storage.put(f"acme/_runs/2020-01-01/{run}/a.json", b"{}")
    store.storage.put("acme/_fanout/2020-01-01/old/a.jsonl", b"{}")
    age(store, 91)
    store.storage.put("acme/_runs/2020-01-01/running/b.json", b"{}")
    done = collect(store)
    assert set(done.removed) == {
        "acme/_runs/2020-01-01/old/a.json",
        "acme/_fanout/2020-01-01/old/a.jsonl",
    }
    assert not (Path(store.url) / "acme/_runs/2020-01-01/old").exists()
    assert len(store.storage.names("acme/_runs/2020-01-01/running")) == 2


def test_a_clock_that_jumps_makes_nothing_old(store: Store) -> None:
    publish(store, 1)
    publish(store, 2)
    store.storage.put(f"{FOLDER}/data-0123456789ab.parquet", b"of a run that is at work")
    before = names(store)
    for years in (-1, 1):
        done = collect(store, now=lambda years=years: datetime.now(UTC) + timedelta(365 * years))
        assert (done.retired, done.removed) == ((), ())
    assert names(store) == before


def test_a_dataset_with_a_damaged_manifest_is_left_alone(store: Store) -> None:
    publish(store, 1)
    publish(store, 2)
    store.storage.put(f"{FOLDER}/manifest-000001.json", b"{")
    store.storage.put(f"{FOLDER}/data-0123456789ab.parquet", b"whose?")
    age(store, 9)
    done = collect(store)
    assert (done.retired, done.removed) == ((), ())
    assert "manifest-000001.json cannot be read" in done.skipped["acme/offers"]


def test_at_least_one_version_is_kept(store: Store) -> None:
    with pytest.raises(Permanent, match="cannot keep 0 versions"):
        collect(store, keep_versions=0)


def test_a_publication_at_any_moment_of_a_collection_stays_whole() -> None:
    """It makes again what a killed run left long ago, while that is being removed."""
    moment, interrupted = 0, True
    while interrupted:
        FaultyFileSystem.reset()
        store = Store("faulty://root")
        first = publish(store, 1)
        publish(store, 2)
        for name in list(FaultyFileSystem.store):
            if name.endswith("manifest-000001.json"):
                del FaultyFileSystem.store[name]
        for file in FaultyFileSystem.store.values():
            file.created = file.modified = file.created - timedelta(days=9)
        store.storage.put("acme/_runs/2026-08-15/now/record.json", b"{}")
        FaultyFileSystem.interrupt(moment, lambda store=store: publish(store, 1))
        collect(store)
        interrupted = FaultyFileSystem.meanwhile is None
        FaultyFileSystem.disarm()
        if interrupted:
            dataset = store.dataset(KEY)
            assert dataset is not None
            assert dataset.content_hash == first.content_hash
            assert dataset.frame()["n"].to_list() == [1], f"interrupted at operation {moment}"
        else:
            assert not store.storage.exists(f"acme/offers/{first.parts[0].path}")
        moment += 1
    assert moment > 5
