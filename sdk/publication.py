"""From what a step returned to what others can read: key, reuse, publication.

One `Publication` belongs to one execution of a step. It knows what goes in, finds out whether
the result is there already, and publishes what was made.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from sdk.checking import tables
from sdk.code import code_version
from sdk.dataset import Dataset, DatasetKey
from sdk.errors import ConfigurationError
from sdk.fingerprint import NotRepeatable, canonical, datasets_in, fingerprint
from sdk.frames import is_table
from sdk.manifest import CheckResult, Degradation, Input, Source, StepStatistics
from sdk.redaction import redacted
from sdk.run import Run
from sdk.step import Step, invoke
from sdk.store import Store

SHOWN = 500
"""Characters of a parameter that a manifest shows; the fingerprint covers all of it."""


@dataclass(frozen=True)
class Prepared:
    """What is known before the function is called.

    Attributes:
        key: where the result will be published; None for a step that publishes nothing.
        inputs: what it is made from.
        fingerprint: of this run of the step; None if it cannot be repeated.
    """

    key: DatasetKey | None
    inputs: tuple[Input, ...] = ()
    fingerprint: str | None = None


@dataclass(frozen=True)
class Existing:
    """What an identical run left: its dataset, and what its checks had found."""

    dataset: Dataset
    checks: tuple[CheckResult, ...]


class Publication:
    """What one execution of a step takes in and gives out.

    Args:
        step: how it behaves.
        function: the user's function.
        parameters: its arguments by name.
        run: the run that it is part of; None outside any.
        log: where surprises are told.
    """

    def __init__(
        self,
        step: Step,
        function: Callable[..., Any],
        parameters: Mapping[str, Any],
        run: Run | None,
        log: logging.Logger | logging.LoggerAdapter[Any],
    ) -> None:
        self.step = step
        self.function = function
        self.parameters = parameters
        self.run = run
        self.log = log
        self.sources = list(datasets_in(list(parameters.values())))

    @property
    def rows_in(self) -> int | None:
        """The rows of the datasets that go in; None where there are none."""
        return sum(source.rows for source in self.sources) if self.sources else None

    @property
    def inherited(self) -> tuple[Degradation, ...]:
        """Why what goes in is not fresh."""
        return tuple(dict.fromkeys(reason for source in self.sources for reason in source.degraded))

    def key(self) -> DatasetKey | None:
        """Return where the step publishes; None if it publishes nothing.

        The day is the step's own parameter ``day`` where it has one, else that of the first
        dataset that goes in, else the run's.

        Raises:
            ConfigurationError: it publishes, and nobody said for whom.
        """
        if self.step.dataset is None:
            return None
        customer = self.run.customer if self.run else None
        day = self.parameters.get("day")
        if self.sources:
            customer, day = customer or self.sources[0].customer, day or self.sources[0].day
        day = day or (self.run.day if self.run else None)
        if customer is None or not isinstance(day, date):
            raise ConfigurationError(
                f"step {self.step.name} publishes {self.step.dataset!r} for nobody",
                "Call it from a flow made with @sdk.flow(customer=…), or pass it a dataset.",
            )
        return DatasetKey(customer=customer, name=self._dataset_name(), day=day)

    def _dataset_name(self) -> str:
        """Return the dataset's name: ``pages.{site}`` takes its site from the parameters."""
        assert self.step.dataset is not None
        if "{" not in self.step.dataset:
            return self.step.dataset
        try:
            return self.step.dataset.format_map(self.parameters)
        except (KeyError, IndexError, AttributeError, ValueError) as error:
            raise ConfigurationError(
                f"step {self.step.name}: dataset {self.step.dataset!r} cannot be named ({error})",
                f"Its parameters are: {', '.join(self.parameters)}.",
            ) from error

    @cached_property
    def store(self) -> Store | None:
        """The run's store, or that of the first dataset that goes in."""
        if self.run is not None:
            return Store(self.run.store)
        return Store(self.sources[0].store) if self.sources else None

    @cached_property
    def _code(self) -> str:
        named = self.run.code_version if self.run else None
        return named or code_version(self.function)

    def prepare(self, *, tolerant: bool = False) -> Prepared:
        """Find out what goes in.

        Args:
            tolerant: for a fallback: what could not be read before is not read again, and
                nothing will be reused.
        """
        inputs = [
            Input(
                customer=source.customer,
                name=source.name,
                day=source.day,
                version=source.version,
                content_hash=source.content_hash,
            )
            for source in self.sources
        ]
        if self.step.inputs is not None and not tolerant:
            inputs.extend(invoke(self.step.inputs, self.parameters))
        key = self.key()
        mark = None
        if key is not None and not tolerant:
            mark = fingerprint(
                self.step.name, parameters=self.parameters, inputs=inputs, code_version=self._code
            )
        return Prepared(key, tuple(inputs), mark)

    def existing(self, prepared: Prepared) -> Existing | None:
        """Return the dataset that an identical run left, if its parts are all there."""
        if prepared.key is None or prepared.fingerprint is None or self.store is None:
            return None
        if self.run is not None and self.run.refresh:
            return None
        manifest = self.store.latest(prepared.key)
        if (
            manifest is None
            or manifest.fingerprint != prepared.fingerprint
            or manifest.source != "fresh"
            or manifest.degraded != self.inherited
        ):
            return None
        existing = Dataset.of(manifest, self.store.url)
        if not self.store.holds(existing):
            self.log.warning("%s: parts of %s are gone; making it anew", self.step.name, existing)
            return None
        return Existing(existing, manifest.checks)

    def publish(
        self,
        prepared: Prepared,
        content: Any,
        *,
        statistics: StepStatistics,
        checks: Sequence[CheckResult] = (),
        degraded: Sequence[Degradation] = (),
        source: Source = "fresh",
    ) -> Dataset:
        """Publish what was made.

        Raises:
            ConfigurationError: it is nothing that can be published, or there is no store.
            StorageError: the store cannot be written.
        """
        assert prepared.key is not None
        if not (is_table(content) or isinstance(content, Mapping)):
            raise ConfigurationError(
                f"step {self.step.name} publishes {prepared.key.name!r} but returned"
                f" {type(content).__name__}",
                "Return a polars frame, or a mapping of names to frames and bytes.",
            )
        if self.store is None:
            raise ConfigurationError(
                f"step {self.step.name} has no store to publish to",
                "Call it from a flow made with @sdk.flow(customer=…).",
            )
        return self.store.publish(
            prepared.key,
            content,
            fingerprint=prepared.fingerprint or "",
            inputs=prepared.inputs,
            parameters=_shown(self.parameters),
            code_version=self._code,
            run_id=self.run.run_id if self.run else None,
            degraded=degraded,
            checks=tuple(checks),
            statistics=statistics,
            source=source,
            accept_schema_change=self.step.accept_schema_change,
        )


def count_rows(value: Any) -> int | None:
    """Return the rows of a dataset or of what a step returned; None if it has none to count."""
    if isinstance(value, Dataset):
        return value.rows if value.tables else None
    found = tables(value)
    return sum(table.height for table in found.values()) if found else None


def _shown(parameters: Mapping[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for name, value in parameters.items():
        try:
            plain = canonical(value)
        except NotRepeatable:
            plain = f"<{type(value).__name__}>"
        text = redacted(str(plain), parameters)
        shown[name] = plain if text == str(plain) and len(text) <= SHOWN else text[:SHOWN]
    return shown
