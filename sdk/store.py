"""The dataset store: publication, history and lookup over a storage root.

Layout below the root::

    <customer>/<dataset>/<day>/manifest-000001.json     one per version, never changed
    <customer>/<dataset>/<day>/<part>-<hash>.parquet    named by content, never changed

Publication writes the parts, then claims the next version number with a conditional put. Two
runs that race for one key: one gets the number; the other sees that manifest and, if it made
the same thing (same fingerprint), takes it, else claims the number after. Order is by version
number, never by clock, so clocks may jump.

A part is named by the hash of its bytes: a killed run's parts are invisible (no manifest names
them), found again by the next run (same name), or collected.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import PurePosixPath
from typing import Any, TypeAlias

import polars as pl
from pydantic import ValidationError

from sdk.content import bytes_hash, table_hash, text_hash
from sdk.dataset import SINGLE_TABLE, Dataset, DatasetKey
from sdk.errors import Permanent, StorageError
from sdk.manifest import (
    CheckResult,
    ColumnSchema,
    Degradation,
    Input,
    Manifest,
    Part,
    Source,
    StepStatistics,
)
from sdk.storage import storage

Content: TypeAlias = pl.DataFrame | pl.LazyFrame | Mapping[str, pl.DataFrame | bytes]
"""What a step may publish: a table, or named tables and files (a file's name has its suffix)."""

_MANIFEST = "manifest-"
_PARQUET_SETTINGS: dict[str, Any] = {
    # Fixed, so that the same rows are the same bytes whatever polars' defaults become.
    "compression": "zstd",
    "compression_level": 3,
    "statistics": True,
    "row_group_size": 256 * 1024,
}


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
    ) -> Dataset:
        """Publish a version of a dataset, atomically.

        Returns:
            The dataset: ours, or the identical one that another run published meanwhile.

        Raises:
            StorageError: the store cannot be written; nothing readable is left behind.
        """
        parts = tuple(self._write_parts(key, content))
        return self._claim(
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
        """Publish an earlier dataset under a later key, as a fallback; no rows are copied."""
        return self._claim(
            key,
            good.parts,
            fingerprint=fingerprint,
            inputs=(_as_input(good),),
            run_id=run_id,
            degraded=(degradation, *good.degraded),
            statistics=statistics,
            source=degradation.source,
            age_days=degradation.age_days,
        )

    def _claim(self, key: DatasetKey, parts: tuple[Part, ...], **fields: Any) -> Dataset:
        version = (self.versions(key) or [0])[-1]
        while True:
            version += 1
            manifest = Manifest(
                customer=key.customer,
                name=key.name,
                day=key.day,
                version=version,
                created=datetime.now(UTC),
                content_hash=_combined(parts),
                rows=sum(part.rows or 0 for part in parts),
                parts=parts,
                **fields,
            )
            data = manifest.model_dump_json(indent=1, exclude_defaults=False).encode()
            if self.storage.put_if_absent(self._manifest_path(key, version), data):
                return Dataset.of(manifest, self.url)
            other = self.manifest(key, version)
            if (
                other is not None
                and other.source == manifest.source
                and other.fingerprint == manifest.fingerprint
            ):
                return Dataset.of(other, self.url)

    def _write_parts(self, key: DatasetKey, content: Content) -> Iterator[Part]:
        if isinstance(content, pl.DataFrame | pl.LazyFrame):
            content = {SINGLE_TABLE: content}  # type: ignore[dict-item]
        for name, value in content.items():
            if isinstance(value, bytes):
                stem, suffix = PurePosixPath(name).stem, PurePosixPath(name).suffix
                part = Part(
                    name=name,
                    path=f"{key.day}/{stem}-{bytes_hash(value)[:12]}{suffix}",
                    kind="file",
                    bytes=len(value),
                    content_hash=bytes_hash(value),
                )
                data = value
            else:
                frame = value.collect() if isinstance(value, pl.LazyFrame) else value
                data = parquet_bytes(frame)
                part = Part(
                    name=name,
                    path=f"{key.day}/{name}-{bytes_hash(data)[:12]}.parquet",
                    kind="table",
                    bytes=len(data),
                    content_hash=table_hash(frame.to_arrow()),
                    rows=frame.height,
                    columns=tuple(
                        ColumnSchema(name=column, type=_type_name(dtype))
                        for column, dtype in frame.schema.items()
                    ),
                )
            self.storage.put(f"{key.customer}/{key.name}/{part.path}", data)
            yield part

    # -- reading -------------------------------------------------------------------------

    def versions(self, key: DatasetKey) -> list[int]:
        """Return the version numbers of a key, ascending."""
        return [
            int(name[len(_MANIFEST) : -len(".json")])
            for name in self.storage.names(self._folder(key))
            if name.startswith(_MANIFEST) and name.endswith(".json")
        ]

    def manifest(self, key: DatasetKey, version: int) -> Manifest | None:
        """Return one manifest, or None if there is no such version.

        Raises:
            StorageError: it is there and cannot be understood.
        """
        path = self._manifest_path(key, version)
        try:
            return Manifest.model_validate_json(self.storage.read(path))
        except FileNotFoundError:
            return None
        except ValidationError as error:
            raise StorageError(
                f"manifest {self.storage.locate(path)} is damaged: {error.error_count()} fields",
                "Remove that file: the dataset is then made again from its inputs.",
            ) from error

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
        for folder in self.storage.names(f"{customer}/{name}"):
            try:
                days.append(date.fromisoformat(folder))
            except ValueError:
                continue
        return days

    def history(
        self, customer: str, name: str, *, before: date, limit: int = 30
    ) -> Iterator[Manifest]:
        """Yield the newest manifest of each day before `before`, the latest day first."""
        for day in [day for day in reversed(self.days(customer, name)) if day < before][:limit]:
            manifest = self.latest(DatasetKey(customer=customer, name=name, day=day))
            if manifest is not None:
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
            for item in manifest.inputs:
                if item.customer is not None and item.day is not None and item.version is not None:
                    origin = DatasetKey(customer=item.customer, name=item.name, day=item.day)
                    waiting.append((origin, item.version))

    def last_good(self, key: DatasetKey, *, max_age: timedelta) -> Dataset | None:
        """Return the freshest good dataset not older than `max_age` before the key's day.

        Good means fresh and built on fresh data. An earlier good version of the same day
        counts, with age 0.
        """
        oldest = key.day - max_age
        for day in reversed(self.days(key.customer, key.name)):
            if not oldest <= day <= key.day:
                continue
            same = DatasetKey(customer=key.customer, name=key.name, day=day)
            for version in reversed(self.versions(same)):
                manifest = self.manifest(same, version)
                if manifest is not None and manifest.source == "fresh" and not manifest.degraded:
                    return Dataset.of(manifest, self.url)
        return None

    def holds(self, dataset: Dataset) -> bool:
        """Say whether every part of a dataset is there, whole by its size."""
        for part in dataset.parts:
            path = f"{dataset.customer}/{dataset.name}/{part.path}"
            if not self.storage.exists(path) or self.storage.size(path) != part.bytes:
                return False
        return True

    def _folder(self, key: DatasetKey) -> str:
        for word in (key.customer, key.name):
            if not word or "/" in word or word.startswith("."):
                raise Permanent(
                    f"{word!r} cannot name a customer or a dataset",
                    "Use letters, digits, '-', '_' and '.'.",
                )
        return f"{key.customer}/{key.name}/{key.day}"

    def _manifest_path(self, key: DatasetKey, version: int) -> str:
        return f"{self._folder(key)}/{_MANIFEST}{version:06d}.json"


def parquet_bytes(frame: pl.DataFrame) -> bytes:
    """Return a frame as Parquet: the same rows in the same order give the same bytes."""
    buffer = io.BytesIO()
    frame.rechunk().write_parquet(buffer, **_PARQUET_SETTINGS)
    return buffer.getvalue()


def _as_input(dataset: Dataset) -> Input:
    return Input(
        customer=dataset.customer,
        name=dataset.name,
        day=dataset.day,
        version=dataset.version,
        content_hash=dataset.content_hash,
    )


def _combined(parts: Sequence[Part]) -> str:
    if len(parts) == 1:
        return parts[0].content_hash
    return text_hash(json.dumps(sorted((part.name, part.content_hash) for part in parts)))


def _type_name(dtype: pl.DataType) -> str:
    return str(dtype)
