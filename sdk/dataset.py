"""Datasets: the unit that moves between steps, as a small frozen reference.

Rows never travel through Prefect: a step takes datasets and returns a dataset, and whoever
needs the rows reads them from the store. A `Dataset` can be pickled, logged and passed as a
parameter; reading checks nothing again, since a published part never changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from sdk.errors import Permanent, StorageError
from sdk.key import DatasetKey as DatasetKey
from sdk.manifest import Degradation, Input, Manifest, Part, Source
from sdk.storage import storage

if TYPE_CHECKING:
    import polars as pl  # at run time only where rows are read: see `sdk.frames`

SINGLE_TABLE = "data"
"""The part name of a dataset that holds one table."""


class Dataset(BaseModel):
    """A published version of a dataset.

    Attributes:
        store: URL of the storage root.
        source: ``fresh``, or which fallback served it.
        age_days: how old the data is against the day it is served for; 0 when fresh.
        degraded: every reason why it, or something it was built on, is not fresh.
        statistics: what its step recorded of itself, such as ``coverage``.
    """

    model_config = ConfigDict(frozen=True)

    customer: str
    name: str
    day: date
    version: int
    store: str
    content_hash: str
    rows: int
    parts: tuple[Part, ...]
    source: Source = "fresh"
    age_days: int = 0
    degraded: tuple[Degradation, ...] = ()
    statistics: dict[str, Any] = Field(default_factory=dict)

    @classmethod
    def of(cls, manifest: Manifest, store: str) -> Dataset:
        """Return the reference to what a manifest describes."""
        return cls(
            customer=manifest.customer,
            name=manifest.name,
            day=manifest.day,
            version=manifest.version,
            store=store,
            content_hash=manifest.content_hash,
            rows=manifest.rows,
            parts=manifest.parts,
            source=manifest.source,
            age_days=manifest.age_days or 0,
            degraded=manifest.degraded,
            statistics=manifest.statistics.recorded if manifest.statistics else {},
        )

    def __str__(self) -> str:
        return f"{self.customer}/{self.name}/{self.day} v{self.version}"

    @property
    def key(self) -> DatasetKey:
        """The run key."""
        return DatasetKey(customer=self.customer, name=self.name, day=self.day)

    def as_input(self) -> Input:
        """Return how the manifest of what is made from it names it."""
        return Input(
            customer=self.customer,
            name=self.name,
            day=self.day,
            version=self.version,
            content_hash=self.content_hash,
        )

    @property
    def fresh(self) -> bool:
        """Whether neither it nor anything it was built on came from a fallback."""
        return not self.degraded

    @property
    def coverage(self) -> float:
        """The share of what was expected that is in it, as its step recorded it; else 1.0."""
        return float(self.statistics.get("coverage", 1.0))

    @property
    def tables(self) -> tuple[str, ...]:
        """The names of its tables."""
        return tuple(part.name for part in self.parts if part.kind == "table")

    def url(self, part: str | None = None) -> str:
        """Return the full URL of a part (by default the only one)."""
        return storage(self.store).locate(self._path(part))

    def read(self, part: str | None = None) -> bytes:
        """Return a part's bytes as they are stored."""
        path = self._path(part)
        with self._readable(path):
            return storage(self.store).read(path)

    def frame(self, table: str | None = None, *, columns: list[str] | None = None) -> pl.DataFrame:
        """Return a table's rows.

        Args:
            table: which; may be left out where there is one.
            columns: only these.

        Raises:
            Permanent: there is no such table, or it has no such column.
            StorageError: its part is gone or damaged.
        """
        import polars as pl

        path = self._path(table)
        with self._readable(path):
            return pl.read_parquet(
                self._openable(path), columns=columns, use_statistics=False, glob=False
            )

    def scan(self, table: str | None = None) -> pl.LazyFrame:
        """Return a lazy frame over a table.

        From an object store the part is fetched at once, whole: fsspec has the credentials and
        the endpoint, which polars' own reader would need again and apart.
        """
        import polars as pl

        path = self._path(table)
        with self._readable(path):
            return pl.scan_parquet(self._openable(path), glob=False)

    def frames(self) -> dict[str, pl.DataFrame]:
        """Return all tables by name."""
        return {name: self.frame(name) for name in self.tables}

    def _openable(self, path: str) -> Any:
        root = storage(self.store)
        return root.locate(path) if root.is_local else root.read(path)

    @contextmanager
    def _readable(self, path: str) -> Iterator[None]:
        import polars as pl

        try:
            yield
        except pl.exceptions.ColumnNotFoundError as error:
            raise Permanent(
                f"dataset {self}: no column {str(error).splitlines()[0]}",
                "Ask for columns that its manifest lists.",
            ) from error
        except (FileNotFoundError, pl.exceptions.ComputeError) as error:
            what = "is gone" if isinstance(error, FileNotFoundError) else "is damaged"
            raise StorageError(
                f"dataset {self}: {storage(self.store).locate(path)} {what}",
                "Run its step again: it makes anew what is not whole.",
            ) from error

    def _path(self, name: str | None) -> str:
        if name is None:
            if len(self.parts) != 1:
                raise Permanent(
                    f"dataset {self} has {len(self.parts)} parts",
                    f"Name one of: {', '.join(part.name for part in self.parts)}.",
                )
            return f"{self.customer}/{self.name}/{self.parts[0].path}"
        for part in self.parts:
            if part.name == name:
                return f"{self.customer}/{self.name}/{part.path}"
        raise Permanent(
            f"dataset {self} has no part {name!r}",
            f"It has: {', '.join(part.name for part in self.parts)}.",
        )
