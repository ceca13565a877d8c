"""The dataset store: publication over a storage root.

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
from datetime import UTC, datetime, timedelta
from typing import Any

from sdk import evolution
from sdk.archive import Archive
from sdk.dataset import Dataset, DatasetKey
from sdk.errors import Permanent, Transient
from sdk.layout import manifest_path
from sdk.manifest import CheckResult, Degradation, Input, Manifest, Part, Source, StepStatistics
from sdk.parts import Content, Named, columns_of, combined_hash, encoded, named, parquet_bytes

__all__ = ["Content", "Store", "parquet_bytes"]

_LOOKED_BACK = 30
"""Days with the dataset that are searched for its newest fresh schema: a month of fallbacks."""

_BLIND = 20
"""Refusals of a version number under which nothing can be read, before a claim gives up."""


class Store(Archive):
    """The datasets under one storage root: `sdk.archive` has what reads them.

    Args:
        url: the storage root.
    """

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
            key: under which.
            content: a table, or tables and files by name.
            fingerprint: of the run of the step that made it; empty if it cannot be repeated.
            inputs: what it was made from.
            parameters: of the step, as plain JSON.
            code_version: of the step.
            run_id: of the flow run.
            degraded: why it is not fresh, inherited reasons included.
            checks: how they went.
            statistics: how the step went.
            source: fresh, or the kind of fallback.
            age_days: of what a fallback serves.
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
            path = f"{key.customer}/{key.name}/{part.path}"
            if isinstance(data, bytes):
                self.storage.put(path, data)
            else:
                self.storage.put_file(path, data)
            yield part

    def _claim(self, key: DatasetKey, parts: tuple[Part, ...], **fields: Any) -> Dataset:
        version = (self.versions(key) or [0])[-1]
        before = self.manifest(key, version) if version else None
        blind = 0
        while blind < _BLIND:
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
            if before is None:
                blind += 1
            else:
                version += 1
        raise Transient(
            f"{key}: version {version + 1} is refused, and nothing can be read there",
            "If it stays, see whether the store lists and reads what it has just taken.",
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
        for newest in self.history(key.customer, key.name, before=until, limit=_LOOKED_BACK):
            if newest.source == "fresh":
                return newest
            same = DatasetKey(customer=key.customer, name=key.name, day=newest.day)
            fresh = (manifest for manifest in self.ledger(same) if manifest.source == "fresh")
            found = next(fresh, None)
            if found is not None:
                return found
        return None


def same_publication(one: Manifest, other: Manifest) -> bool:
    """Say whether two manifests say the same of one key, whoever wrote them and when.

    Where there is no fingerprint, what it would cover is compared.
    """
    fields = ["fingerprint", "content_hash", "parts", "source", "age_days", "degraded"]
    if not other.fingerprint:
        fields += ["inputs", "parameters", "code_version", "checks"]
    return all(getattr(one, name) == getattr(other, name) for name in fields)
