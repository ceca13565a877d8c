"""The dataset store: publication, history and lookup over a storage root.

Publication writes the parts, then claims the next version number with a conditional put. Two
runs that race for one key: one gets the number; the other sees that manifest and, if it made
the same thing, takes it, else claims the number after. So versions are dense, and no version
says again what the one before it says. Order is by version number, never by clock, so clocks
may jump.

A claimed manifest is looked at once more: should a part have gone meanwhile (a garbage
collection under a clock that jumped), it is written again. So a manifest that stays has all
its parts.

Where things are: `sdk.layout`. How rows become bytes: `sdk.parts`. What may change from one
publication to the next: `sdk.evolution`. Comparing two datasets: `sdk.difference`. Clearing
up: `sdk.garbage`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from pydantic import ValidationError

from sdk import evolution
from sdk.dataset import Dataset, DatasetKey
from sdk.errors import Permanent, StorageError, Transient
from sdk.layout import folder, manifest_path, version_in
from sdk.manifest import (
    FORMAT,
    CheckResult,
    Degradation,
    Input,
    Manifest,
    Part,
    Source,
    StepStatistics,
)
from sdk.parts import Content, Named, columns_of, combined_hash, encoded, named, parquet_bytes
from sdk.storage import storage

__all__ = ["Content", "Store", "parquet_bytes"]

_LOOKED_BACK = 30
"""Days with the dataset that are searched for its newest fresh schema: a month of fallbacks."""

_CLAIMS = 1000
"""Version numbers tried before a claim gives up: each lost one is another run's publication."""


class Store:
    """The datasets under one storage root.

    Args:
        url: the storage root.
    """

    def __init__(self, url: str) -> None:
        self.storage = storage(url)
        self.url = self.storage.url

    # -- writing -------------------------------------------------------------------------

    def publish(
        self,
        key: DatasetKey,
        content: Content,
        *,
        fingerprint: str,
        inputs: Sequence[Input] = (),
        parameters: Mapping[str, Any] | None = None,
        code_version: str = "",
        run_id: str | None = None,
        degraded: Sequence[Degradation] = (),
        checks: Sequence[CheckResult] = (),
        statistics: StepStatistics | None = None,
        source: Source = "fresh",
        age_days: int | None = None,
        accept_schema_change: bool = False,
    ) -> Dataset:
        """Publish a version of a dataset, atomically.

        Args:
            accept_schema_change: columns may be lost or retyped against the newest fresh
                publication of that dataset for this day or one before.

        Returns:
            The dataset: ours, or the identical one that is the newest already.

        Raises:
            SchemaChanged: a column is lost or retyped, and nobody said that it may be.
            StorageError: the store cannot be written; nothing readable is left behind.
        """
        made = named(content)
        if source == "fresh" and not accept_schema_change:
            self._check_schema(key, made)
        parts = tuple(self._write(key, made))
        dataset = self._claim(
            key,
            parts,
            fingerprint=fingerprint,
            inputs=tuple(inputs),
            parameters=dict(parameters or {}),
            code_version=code_version,
            run_id=run_id,
            degraded=tuple(degraded),
            checks=tuple(checks),
            statistics=statistics,
            source=source,
            age_days=age_days,
        )
        if not self.holds(dataset):
            list(self._write(key, made))
        return dataset

    def serve(
        self,
        key: DatasetKey,
        good: Dataset,
        *,
        degradation: Degradation,
        fingerprint: str,
        run_id: str | None = None,
        statistics: StepStatistics | None = None,
    ) -> Dataset:
        """Publish an earlier dataset under a later key, as a fallback; no rows are copied.

        Raises:
            Permanent: it is another dataset, whose parts a manifest here could not name.
        """
        if (good.customer, good.name) != (key.customer, key.name):
            raise Permanent(f"{good} cannot be served as {key}", "Serve a dataset of its own name.")
        return self._claim(
            key,
            good.parts,
            fingerprint=fingerprint,
            inputs=(good.as_input(),),
            run_id=run_id,
            degraded=(degradation, *good.degraded),
            statistics=statistics,
            source=degradation.source,
            age_days=degradation.age_days,
        )

    def _write(self, key: DatasetKey, content: Named) -> Iterator[Part]:
        for part, data in encoded(key, content):
            # Also where one of that name is there: an old orphan becomes young by it, and what
            # has been damaged whole.
            self.storage.put(f"{key.customer}/{key.name}/{part.path}", data)
            yield part

    def _claim(self, key: DatasetKey, parts: tuple[Part, ...], **fields: Any) -> Dataset:
        version = (self.versions(key) or [0])[-1]
        before = self.manifest(key, version) if version else None
        for _ in range(_CLAIMS):
            manifest = Manifest(
                customer=key.customer,
                name=key.name,
                day=key.day,
                version=version + 1,
                created=datetime.now(UTC),
                content_hash=combined_hash(parts),
                rows=sum(part.rows or 0 for part in parts),
                parts=parts,
                **fields,
            )
            if before is not None and same_publication(before, manifest):
                return Dataset.of(before, self.url)
            data = manifest.model_dump_json(indent=1, exclude_defaults=False).encode()
            if self.storage.put_if_absent(manifest_path(key, version + 1), data):
                return Dataset.of(manifest, self.url)
            # Another's, or our own whose answer was lost: then it is the same publication. If it
            # cannot be read after all, the same number is tried again: there are no gaps.
            before = self.manifest(key, version + 1)
            version += before is not None
        raise Transient(
            f"{key}: {_CLAIMS} version numbers were all taken by others",
            "See which runs publish this key without end.",
        )

    def _check_schema(self, key: DatasetKey, content: Named) -> None:
        tables = {
            name: columns_of(value)
            for name, value in content.items()
            if not isinstance(value, bytes)
        }
        earlier = self._newest_fresh(key) if tables else None
        if earlier is not None:
            evolution.check(str(key), earlier, tables)

    def _newest_fresh(self, key: DatasetKey) -> Manifest | None:
        """Return the newest fresh manifest of this day, else of the nearest day before."""
        until = key.day + timedelta(days=1)
        for manifest in self.history(key.customer, key.name, before=until, limit=_LOOKED_BACK):
            same = DatasetKey(customer=key.customer, name=key.name, day=manifest.day)
            for version in [manifest, *self._older(same, manifest.version)]:
                if version.source == "fresh":
                    return version
        return None

    def _older(self, key: DatasetKey, than: int) -> Iterator[Manifest]:
        for version in reversed(self.versions(key)):
            if version < than:
                manifest = self.manifest(key, version)
                if manifest is not None:
                    yield manifest

    # -- reading -------------------------------------------------------------------------

    def versions(self, key: DatasetKey) -> list[int]:
        """Return the version numbers of a key, ascending."""
        found = (version_in(name) for name in self.storage.names(folder(key)))
        return sorted(version for version in found if version is not None)

    def manifest(self, key: DatasetKey, version: int) -> Manifest | None:
        """Return one manifest, or None if there is no such version.

        Raises:
            StorageError: it is there and cannot be understood.
        """
        path = manifest_path(key, version)
        try:
            return read_manifest(self.storage.read(path), self.storage.locate(path))
        except FileNotFoundError:
            return None

    def latest(self, key: DatasetKey) -> Manifest | None:
        """Return the newest manifest of a key, or None if it was never published."""
        versions = self.versions(key)
        return self.manifest(key, versions[-1]) if versions else None

    def dataset(self, key: DatasetKey) -> Dataset | None:
        """Return the newest dataset of a key, or None."""
        manifest = self.latest(key)
        return None if manifest is None else Dataset.of(manifest, self.url)

    def days(self, customer: str, name: str) -> list[date]:
        """Return the days for which a dataset has folders, ascending."""
        days = []
        for word in self.storage.names(f"{customer}/{name}"):
            try:
                days.append(date.fromisoformat(word))
            except ValueError:
                continue
        return days

    def history(
        self, customer: str, name: str, *, before: date, limit: int = 30
    ) -> Iterator[Manifest]:
        """Yield the newest manifest of each day before `before`, the latest day first."""
        found = 0
        for day in reversed([day for day in self.days(customer, name) if day < before]):
            if found == limit:
                return
            manifest = self.latest(DatasetKey(customer=customer, name=name, day=day))
            if manifest is not None:
                found += 1
                yield manifest

    def lineage(self, dataset: Dataset) -> Iterator[Manifest]:
        """Yield the manifest of a dataset and of everything in the store it was made from.

        Each is yielded once, nearest first. An input that is no longer in the store is left out.
        """
        waiting, seen = [(dataset.key, dataset.version)], set()
        while waiting:
            key, version = waiting.pop(0)
            if (key, version) in seen:
                continue
            seen.add((key, version))
            manifest = self.manifest(key, version)
            if manifest is None:
                continue
            yield manifest
            waiting.extend(filter(None, (item.origin for item in manifest.inputs)))

    def last_good(self, key: DatasetKey, *, max_age: timedelta) -> Dataset | None:
        """Return the freshest good dataset not older than `max_age` before the key's day.

        Good means fresh and built on fresh data. An earlier good version of the same day
        counts, with age 0. One whose parts are gone is no good.
        """
        oldest = key.day - max_age
        for day in reversed(self.days(key.customer, key.name)):
            if not oldest <= day <= key.day:
                continue
            same = DatasetKey(customer=key.customer, name=key.name, day=day)
            for version in reversed(self.versions(same)):
                manifest = self.manifest(same, version)
                if manifest is None or not manifest.good:
                    continue
                dataset = Dataset.of(manifest, self.url)
                if self.holds(dataset):
                    return dataset
        return None

    def holds(self, dataset: Dataset) -> bool:
        """Say whether every part of a dataset is there, whole by its size."""
        return all(
            self.storage.size(f"{dataset.customer}/{dataset.name}/{part.path}") == part.bytes
            for part in dataset.parts
        )


def read_manifest(data: bytes, url: str) -> Manifest:
    """Return the manifest in an object's bytes.

    Raises:
        StorageError: it is damaged, or of a later format than this code knows.
    """
    try:
        manifest = Manifest.model_validate_json(data)
    except ValidationError as error:
        raise StorageError(
            f"manifest {url} is damaged: {error.error_count()} fields",
            "Remove that file: the dataset is then made again from its inputs.",
        ) from error
    if manifest.format > FORMAT:
        raise StorageError(
            f"manifest {url} has format {manifest.format}; this code knows {FORMAT}",
            "Run a release that is not older than the one that wrote it.",
        )
    return manifest


def same_publication(one: Manifest, other: Manifest) -> bool:
    """Say whether two manifests say the same of one key, whoever wrote them and when.

    Where there is no fingerprint, what it would cover is compared.
    """
    fields = ["fingerprint", "content_hash", "parts", "source", "age_days", "degraded"]
    if not other.fingerprint:
        fields += ["inputs", "parameters", "code_version", "checks"]
    return all(getattr(one, name) == getattr(other, name) for name in fields)
