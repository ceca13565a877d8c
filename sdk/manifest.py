"""Manifests: what a dataset is, where it came from, and how its step went.

A manifest is a small JSON object written beside the parts, last and at once: no manifest, no
dataset. The manifests of a dataset, in the order of their versions, are the ledger that
statistics, history checks, fallbacks, backfills and audits read. A manifest never changes.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from sdk.key import DatasetKey

FORMAT = 1
"""Rises when a reader of the old format would misread the new one."""

Source = Literal["fresh", "last_good", "alternative", "default"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class ColumnSchema(_Frozen):
    """One column: its name and its polars type as text, such as ``Decimal(18, 4)``."""

    name: str
    type: str


class Part(_Frozen):
    """One table or file of a dataset.

    Attributes:
        name: what readers ask for; a dataset of a single table calls it ``data``.
        path: below the dataset's folder.
        kind: ``table`` is Parquet, ``file`` anything else.
        bytes: the size of the object.
        content_hash: of the rows for a table, of the bytes for a file.
        rows: of a table.
        columns: of a table.
    """

    name: str
    path: str
    kind: Literal["table", "file"]
    bytes: int
    content_hash: str
    rows: int | None = None
    columns: tuple[ColumnSchema, ...] = ()


class Input(_Frozen):
    """Something that a dataset was made from: another dataset, or a file outside the store."""

    name: str
    content_hash: str
    customer: str | None = None
    day: date | None = None
    version: int | None = None
    url: str | None = None

    @property
    def origin(self) -> tuple[DatasetKey, int] | None:
        """Key and version of a dataset; None for what is outside the store."""
        if self.customer is None or self.day is None or self.version is None:
            return None
        return DatasetKey(customer=self.customer, name=self.name, day=self.day), self.version


class Degradation(_Frozen):
    """Why something is not fresh, carried by everything built on it.

    Attributes:
        dataset: the dataset or step for which a fallback was served.
        source: what was served instead.
        age_days: how old that is, in days of data.
        reason: the error that made the fallback necessary, in one line.
    """

    dataset: str
    source: Source
    age_days: int | None = None
    reason: str = ""

    def __str__(self) -> str:
        age = "" if self.age_days is None else f", {self.age_days} d old"
        return f"{self.dataset}: {self.source.replace('_', ' ')}{age} ({self.reason})"


class CheckResult(_Frozen):
    """How one check went.

    Attributes:
        name: of the check, naming the column where there is one.
        level: what happens when it does not hold.
        passed: whether it held within its threshold.
        failed: rows (or values) that did not hold.
        total: rows looked at.
        detail: in words; examples included.
        table: which of the step's tables was looked at; for a check before a step, which of its
            parameters.
    """

    name: str
    level: Literal["warn", "quarantine", "block"]
    passed: bool
    failed: int = 0
    total: int = 0
    detail: str = ""
    table: str = ""


class StepStatistics(_Frozen):
    """How a step went, once per execution.

    Attributes:
        step: the step's name.
        started: UTC.
        seconds: wall time of all attempts and waits.
        attempts: how many were made; 0 if the dataset was there already.
        delays: the waits that were drawn, in seconds.
        rows_in: rows of the datasets that went in; None where it took none.
        rows_out: rows published, or returned as a frame.
        recorded: what the step said of itself by `sdk.record`.
    """

    step: str
    started: datetime
    seconds: float = 0.0
    attempts: int = 0
    delays: tuple[float, ...] = ()
    rows_in: int | None = None
    rows_out: int | None = None
    recorded: dict[str, Any] = Field(default_factory=dict)


class Manifest(_Frozen):
    """The description of one version of a dataset."""

    format: int = FORMAT
    customer: str
    name: str
    day: date
    version: int
    created: datetime
    fingerprint: str
    content_hash: str
    rows: int
    parts: tuple[Part, ...]
    inputs: tuple[Input, ...] = ()
    parameters: dict[str, Any] = Field(default_factory=dict)
    code_version: str = ""
    run_id: str | None = None
    source: Source = "fresh"
    age_days: int | None = None
    degraded: tuple[Degradation, ...] = ()
    checks: tuple[CheckResult, ...] = ()
    statistics: StepStatistics | None = None

    @property
    def good(self) -> bool:
        """Whether it is fresh and built on fresh data only: what a later day may fall back on."""
        return self.source == "fresh" and not self.degraded

    def part(self, name: str) -> Part | None:
        """Return the part of that name, or None."""
        return next((part for part in self.parts if part.name == name), None)
