"""The store as a machine: any history of publications, crashes, races, collections and clocks."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from sdk.content import table_hash
from sdk.dataset import Dataset, DatasetKey
from sdk.digest import bytes_hash
from sdk.errors import PlatformError
from sdk.garbage import collect_garbage
from sdk.layout import place
from sdk.manifest import Degradation, Manifest
from sdk.store import Store, same_publication
from tests.sdk.faulty_filesystem import Crash, FaultyFileSystem

DAYS = [date(2026, 8, 14), date(2026, 8, 15)]
KEYS = [DatasetKey(customer="acme", name=name, day=day) for name in ("a", "b") for day in DAYS]
CONTENTS = [pl.DataFrame({"n": [number, 7]}) for number in range(3)]
DEGRADED = (Degradation(dataset="x", source="last_good"),)

keys = st.sampled_from(KEYS)
contents = st.integers(0, len(CONTENTS) - 1)
faults = st.sampled_from(["before", "after", "lost answer", "conflict"])
moments = st.integers(0, 14)


class StoreMachine(RuleBasedStateMachine):
    @initialize()
    def start(self) -> None:
        FaultyFileSystem.reset()
        self.store = Store("faulty://root")
        self.seen: dict[tuple[DatasetKey, int], Manifest] = {}
        self.collected = False

    def _publish(self, key: DatasetKey, number: int, *, degraded: bool, repeatable: bool) -> None:
        made = self.store.publish(
            key,
            {"data": CONTENTS[number], "page.txt": str(number).encode()},
            fingerprint=f"f{number}" if repeatable else "",
            degraded=DEGRADED if degraded else (),
        )
        assert made.frame("data").equals(CONTENTS[number]), "it is what was to be published"

    @rule(key=keys, number=contents, degraded=st.booleans(), repeatable=st.booleans())
    def publish(self, key: DatasetKey, number: int, degraded: bool, repeatable: bool) -> None:
        self._publish(key, number, degraded=degraded, repeatable=repeatable)
        latest = self.store.latest(key)
        assert latest is not None
        assert latest.degraded == (DEGRADED if degraded else ())
        before = self.store.versions(key)
        self._publish(key, number, degraded=degraded, repeatable=repeatable)
        assert self.store.versions(key) == before, "saying it again adds nothing"

    @rule(key=keys, number=contents, moment=moments, fault=faults)
    def publish_and_fail(self, key: DatasetKey, number: int, moment: int, fault: Any) -> None:
        FaultyFileSystem.arm(moment, fault)
        try:
            self._publish(key, number, degraded=False, repeatable=True)
        except (Crash, PlatformError):
            pass
        finally:
            FaultyFileSystem.disarm()

    @rule(
        key=keys,
        number=contents,
        moment=moments,
        other=contents,
        collects=st.booleans(),
        repeatable=st.booleans(),
    )
    def race(
        self,
        key: DatasetKey,
        number: int,
        moment: int,
        other: int,
        collects: bool,
        repeatable: bool,
    ) -> None:
        """Another process does all its work between two operations of ours."""

        def meanwhile() -> None:
            if collects:
                # The worst: the clock jumps, somebody publishes by it, and all else looks old.
                FaultyFileSystem.skew += timedelta(days=30)
                elsewhere = next(item for item in KEYS if item.name != key.name)
                self._publish(elsewhere, other, degraded=False, repeatable=False)
                self._collect()
            else:
                self._publish(key, other, degraded=False, repeatable=repeatable)

        FaultyFileSystem.interrupt(moment, meanwhile)
        self._publish(key, number, degraded=False, repeatable=repeatable)
        FaultyFileSystem.disarm()

    @rule(key=keys, number=contents, moment=moments)
    def read_while_publishing(self, key: DatasetKey, number: int, moment: int) -> None:
        FaultyFileSystem.interrupt(moment, self.what_is_readable_is_whole)
        self._publish(key, number, degraded=False, repeatable=True)
        FaultyFileSystem.disarm()

    @rule(key=keys)
    def serve(self, key: DatasetKey) -> None:
        good = self.store.last_good(key, max_age=timedelta(days=1))
        if good is not None:
            reason = Degradation(dataset=key.name, source="last_good")
            served = self.store.serve(key, good, degradation=reason, fingerprint="served")
            assert served.content_hash == good.content_hash

    @rule(key=keys, moment=st.integers(0, 60), number=contents)
    def publish_while_collecting(self, key: DatasetKey, moment: int, number: int) -> None:
        FaultyFileSystem.interrupt(
            moment, lambda: self._publish(key, number, degraded=False, repeatable=True)
        )
        self._collect()
        FaultyFileSystem.disarm()

    @rule(moment=st.integers(0, 60), fault=faults)
    def collect_and_fail(self, moment: int, fault: Any) -> None:
        FaultyFileSystem.arm(moment, fault)
        try:
            self._collect()
        except (Crash, PlatformError):
            pass
        finally:
            FaultyFileSystem.disarm()

    @rule()
    def collect(self) -> None:
        self._collect()

    def _collect(self) -> None:
        self.collected = True
        collect_garbage(
            self.store,
            keep_versions=1,
            older_than=timedelta(days=2),
            dry_run=False,
            now=lambda: datetime.now(UTC) + FaultyFileSystem.skew,
        )

    @rule(days=st.sampled_from([1, 3]))
    def time_passes(self, days: int) -> None:
        for file in FaultyFileSystem.store.values():
            file.created = file.modified = file.created - timedelta(days=days)

    @rule(days=st.sampled_from([-30, 0, 30]))
    def clock_jumps(self, days: int) -> None:
        FaultyFileSystem.skew = timedelta(days=days)

    @invariant()
    def what_is_readable_is_whole(self) -> None:
        for key in KEYS:
            for version in self.store.versions(key):
                manifest = self.store.manifest(key, version)
                assert manifest is not None
                dataset = Dataset.of(manifest, self.store.url)
                for part in dataset.parts:
                    data = dataset.read(part.name)
                    assert bytes_hash(data)[:12] in part.path
                    if part.kind == "table":
                        arrow = dataset.frame(part.name).to_arrow()
                        assert table_hash(arrow) == part.content_hash

    @invariant()
    def versions_are_dense_and_never_change(self) -> None:
        for key in KEYS:
            versions = self.store.versions(key)
            known = [version for same, version in self.seen if same == key]
            if versions and known:
                assert versions[-1] >= max(known), "the newest version never goes"
            assert bool(versions) or not known
            for version in versions:
                manifest = self.store.manifest(key, version)
                assert manifest is not None
                assert self.seen.setdefault((key, version), manifest) == manifest
            if not self.collected:
                assert versions == list(range(1, len(versions) + 1))
            for version in versions[1:]:
                before, now = self.seen.get((key, version - 1)), self.seen[key, version]
                assert before is None or not same_publication(before, now)

    @invariant()
    def last_good_is_good(self) -> None:
        for key in KEYS:
            good = self.store.last_good(key, max_age=timedelta(days=1))
            if good is not None:
                assert good.fresh
                assert good.source == "fresh"
                assert self.store.holds(good)
            elif any(
                manifest.good and 0 <= (key.day - same.day).days <= 1 and same.name == key.name
                for (same, _), manifest in self.seen.items()
            ):
                raise AssertionError(f"the last good of {key} is lost")

    @invariant()
    def nothing_is_left_that_is_none_of_ours(self) -> None:
        for entry in self.store.storage.entries():
            assert place(entry.path).kind != "other", entry.path


StoreMachine.TestCase.settings = settings(
    max_examples=60,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestStoreMachine = StoreMachine.TestCase
