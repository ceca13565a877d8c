"""The archive: what was published under a storage root, read and asked about.

Only manifests count: a part that none names, or a file that is none of ours, is not seen. The
newest version is found by listing a folder, which all stores serve consistently (S3 since 2020).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

from pydantic import ValidationError

from sdk.dataset import Dataset, DatasetKey
from sdk.errors import StorageError
from sdk.layout import folder, manifest_path, version_in
from sdk.manifest import FORMAT, Manifest
from sdk.storage import storage

if TYPE_CHECKING:
    from sdk.difference import Difference


class Archive:
    """The datasets that are under one storage root.

    Args:
        url: the storage root.
    """

    def __init__(self, url: str) -> None:
        self.storage = storage(url)
        self.url = self.storage.url

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

    def ledger(self, key: DatasetKey) -> Iterator[Manifest]:
        """Yield the manifest of every version of a key that is still there, the newest first."""
        for version in reversed(self.versions(key)):
            manifest = self.manifest(key, version)
            if manifest is not None:
                yield manifest

    def diff(
        self,
        before: Dataset,
        after: Dataset,
        *,
        key: Sequence[str] | Mapping[str, Sequence[str]] = (),
    ) -> Difference:
        """Compare two datasets; see `sdk.difference.diff`."""
        from sdk.difference import diff  # it computes with polars; publication does not

        return diff(before, after, key=key)

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
