from __future__ import annotations

import json
import multiprocessing
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from sdk.dataset import Dataset, DatasetKey
from sdk.errors import Permanent, StorageError
from sdk.manifest import Degradation, Manifest
from sdk.store import Store, parquet_bytes

DAY = date(2026, 8, 15)
KEY = DatasetKey(customer="acme", name="offers", day=DAY)
FRAME = pl.DataFrame({"sku": ["a", "b"], "price": [1.5, 2.5]})


@pytest.fixture(params=["folder", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "folder":
        return Store(str(tmp_path / "store"))
    return Store(f"memory://{tmp_path.name}-{request.node.name}")


def test_what_is_published_can_be_read(store: Store) -> None:
    made = store.publish(KEY, FRAME, fingerprint="f1")
    assert made.version == 1
    assert made.rows == 2
    assert made.frame().equals(FRAME)
    assert made.scan().collect().equals(FRAME)
    assert store.dataset(KEY) == made
    manifest = store.latest(KEY)
    assert manifest is not None
    assert [column.name for column in manifest.parts[0].columns] == ["sku", "price"]


def test_tables_and_files_live_in_one_dataset(store: Store) -> None:
    made = store.publish(
        KEY, {"one": FRAME, "two": FRAME.head(1), "page.html": b"<p>"}, fingerprint=""
    )
    assert made.tables == ("one", "two")
    assert made.rows == 3
    assert made.frame("two").height == 1
    assert made.read("page.html") == b"<p>"
    assert made.url("page.html").endswith(".html")
    with pytest.raises(Permanent, match="has 3 parts"):
        made.frame()
    with pytest.raises(Permanent, match="no part 'three'"):
        made.frame("three")


def test_versions_count_up_and_never_change(store: Store) -> None:
    store.publish(KEY, FRAME, fingerprint="f1")
    before = store.manifest(KEY, 1)
    second = store.publish(KEY, FRAME.head(1), fingerprint="f2")
    assert second.version == 2
    assert store.versions(KEY) == [1, 2]
    assert store.manifest(KEY, 1) == before
    assert Dataset.of(before, store.url).frame().equals(FRAME)  # type: ignore[arg-type]


def test_no_manifest_no_dataset(store: Store) -> None:
    """A writer that dies after its parts leaves nothing that a reader finds."""
    list(store._write(KEY, {"data": FRAME}))
    assert store.dataset(KEY) is None
    assert list(store.history("acme", "offers", before=DAY + timedelta(days=1))) == []
    assert store.publish(KEY, FRAME, fingerprint="").version == 1


def test_a_damaged_manifest_is_named(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    store.publish(KEY, FRAME, fingerprint="")
    path = tmp_path / "acme/offers/2026-08-15/manifest-000001.json"
    path.write_text("{}")
    with pytest.raises(StorageError, match=r"manifest-000001\.json is damaged"):
        store.latest(KEY)


def test_a_lost_part_is_seen(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    made = store.publish(KEY, FRAME, fingerprint="")
    assert store.holds(made)
    part = Path(made.url())
    part.write_bytes(part.read_bytes()[:-1])
    assert not store.holds(made)
    part.unlink()
    assert not store.holds(made)


def test_last_good_is_the_newest_fresh_one_within_its_age(store: Store) -> None:
    def publish(back: int, **fields: object) -> Dataset:
        key = DatasetKey(customer="acme", name="offers", day=DAY - timedelta(days=back))
        return store.publish(key, FRAME, fingerprint=str(back), **fields)  # type: ignore[arg-type]

    publish(5)
    good = publish(3)
    publish(2, degraded=[Degradation(dataset="prices", source="last_good")])
    publish(1, source="default")
    assert store.last_good(KEY, max_age=timedelta(days=7)) == good
    assert store.last_good(KEY, max_age=timedelta(days=3)) == good
    assert store.last_good(KEY, max_age=timedelta(days=2)) is None
    publish(-1)
    assert store.last_good(KEY, max_age=timedelta(days=7)) == good, "tomorrow is not last good"


def test_serving_copies_no_rows_and_says_what_it_is(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    yesterday = DatasetKey(customer="acme", name="offers", day=DAY - timedelta(days=1))
    good = store.publish(yesterday, FRAME, fingerprint="f")
    reason = Degradation(dataset="offers", source="last_good", age_days=1, reason="site is down")
    served = store.serve(KEY, good, degradation=reason, fingerprint="last_good")
    assert served.source == "last_good"
    assert served.age_days == 1
    assert served.degraded == (reason,)
    assert not served.fresh
    assert served.frame().equals(FRAME)
    assert len(list(tmp_path.rglob("*.parquet"))) == 1


def test_same_rows_same_bytes() -> None:
    chunked = pl.concat([FRAME[:1], FRAME[1:]], rechunk=False)
    assert parquet_bytes(chunked) == parquet_bytes(FRAME)


@pytest.mark.parametrize("name", ["", "../up", ".hidden", "a/b"])
def test_names_cannot_leave_their_folder(tmp_path: Path, name: str) -> None:
    store = Store(str(tmp_path))
    with pytest.raises(Permanent, match="cannot name"):
        store.publish(DatasetKey(customer="acme", name=name, day=DAY), FRAME, fingerprint="")


def _race(arguments: tuple[str, int, str]) -> int:
    url, number, fingerprint = arguments
    frame = pl.DataFrame({"writer": [number if fingerprint.startswith("own") else 0]})
    return Store(url).publish(KEY, frame, fingerprint=fingerprint).version


@pytest.mark.parametrize("same", [True, False])
def test_racing_runs_neither_overwrite_nor_lose(tmp_path: Path, same: bool) -> None:
    url = str(tmp_path)
    writers = 8
    context = multiprocessing.get_context("spawn")
    with context.Pool(4) as pool:
        versions = pool.map(
            _race, [(url, n, "same" if same else f"own-{n}") for n in range(writers)], chunksize=1
        )
    store = Store(url)
    published = store.versions(KEY)
    if same:
        assert published == [1], "one wins, the others see it"
        assert set(versions) == {1}
    else:
        assert sorted(versions) == list(range(1, writers + 1)) == published
    for version in published:
        manifest = store.manifest(KEY, version)
        assert isinstance(manifest, Manifest)
        assert store.holds(Dataset.of(manifest, store.url))


def test_manifests_are_plain_json(tmp_path: Path) -> None:
    Store(str(tmp_path)).publish(KEY, FRAME, fingerprint="f", parameters={"source": "x"})
    read = json.loads((tmp_path / "acme/offers/2026-08-15/manifest-000001.json").read_text())
    assert read["customer"] == "acme"
    assert read["parameters"] == {"source": "x"}
    assert read["format"] == 1
