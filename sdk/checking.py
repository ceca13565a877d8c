"""Checking: the checks around one execution of a step, and the rows that they set aside.

What a step takes is checked before its function is called, once, however often it is tried: what
goes in does not change between attempts. What it returns is checked before anything is
published. Rows set aside on either side go together into one version of the dataset
``<name>.quarantine``, so that neither hides the other; those of a parameter in a table named
``before.<parameter>``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sdk.dataset import SINGLE_TABLE, DatasetKey
from sdk.errors import CheckFailed
from sdk.frames import is_lazy, is_table
from sdk.manifest import CheckResult
from sdk.step import Step
from sdk.store import Store

if TYPE_CHECKING:
    import polars as pl

    from sdk.checks import CheckContext, InputReport
    from sdk.table_file import TableFile

QUARANTINE = "quarantine"
"""Ends the name of the dataset that holds the rows set aside."""


class Checking:
    """The checks of one execution.

    Args:
        step: whose checks they are.
        parameters: its arguments by name.
        run_id: of the run that it is part of; None outside any.

    Attributes:
        results: of the checks that were run, those before the step first.
        quarantined: rows set aside so far.
    """

    def __init__(self, step: Step, parameters: Mapping[str, Any], run_id: str | None) -> None:
        self.step = step
        self.parameters = parameters
        self.run_id = run_id
        self.results: tuple[CheckResult, ...] = ()
        self.quarantined = 0
        self._taken: InputReport | None = None

    def before(self, key: DatasetKey | None, store: Store | None) -> Mapping[str, Any]:
        """Check what the step takes; return what its function is called with.

        Args:
            key: under which it will publish.
            store: where history is read.

        Raises:
            CheckFailed: a blocking check did not hold, or cannot be computed.
            ConfigurationError: there is no such table among the parameters.
        """
        if not self.step.before:
            return self.parameters
        if self._taken is None:
            # Whoever has checks has loaded them, and polars with them; others need neither.
            from sdk.checks import CheckContext, check_inputs

            context = CheckContext(key=key, store=store)
            what = f"step {self.step.name}"
            self._taken = check_inputs(self.parameters, self.step.before, context, what=what)
        self.results = self._taken.results
        if self._taken.blocked is not None:
            raise self._taken.blocked
        return self._taken.parameters

    @property
    def parameters_left(self) -> Mapping[str, Any]:
        """What a fallback is called with: the arguments without the rows set aside."""
        return self.parameters if self._taken is None else self._taken.parameters

    def after(
        self,
        value: Any,
        key: DatasetKey | None,
        store: Store | None,
        recorded: Mapping[str, Any],
    ) -> Any:
        """Check what the step returned, and set bad rows aside.

        Args:
            value: what it returned.
            key: under which it will publish.
            store: where history is read and rows are set aside.
            recorded: what it recorded of itself.

        Returns:
            What goes on: the same kind of value with the rows that were kept.

        Raises:
            CheckFailed: a blocking check did not hold.
        """
        taken = self._taken.quarantined if self._taken else {}
        self.results, self.quarantined = self._taken.results if self._taken else (), 0
        aside = {f"before.{name}": rows for name, rows in taken.items()}
        if is_lazy(value):
            value = value.collect()
        if self.step.checks and value is not None:
            from sdk.checks import CheckContext

            context = CheckContext(
                key=key, store=store, recorded=recorded, parameters=self.parameters
            )
            value = self._check(value, context, aside)
        self.quarantined = sum(rows.height for rows in aside.values())
        if aside and key is not None and store is not None:
            store.publish(
                DatasetKey(customer=key.customer, name=f"{key.name}.{QUARANTINE}", day=key.day),
                aside,
                fingerprint="",
                run_id=self.run_id,
                # Which tables have bad rows differs from day to day, and so may what they lack.
                accept_schema_change=True,
            )
        return value

    def _check(self, value: Any, context: CheckContext, aside: dict[str, pl.DataFrame]) -> Any:
        """Return what goes on of a value; what does not is added to `aside`."""
        from sdk.checks import run_checks

        made = tables(value)
        if not made:
            raise CheckFailed(
                f"step {self.step.name} has checks but returned {type(value).__name__}",
                "Return a polars frame, or a mapping of names to frames.",
            )
        kept: dict[str, Any] = dict(value) if isinstance(value, Mapping) else {}
        for table, checks in self.step.checks.items():
            if table not in made:
                raise CheckFailed(
                    f"step {self.step.name} did not make table {table!r}",
                    f"It made: {', '.join(made)}.",
                )
            report = run_checks(made[table], checks, replace(context, table=table))
            kept[table] = report.kept
            if report.quarantined is not None:
                aside[table] = report.quarantined
            self.results = (*self.results, *report.results)
            report.raise_if_blocked(f"step {self.step.name}")
        return kept if isinstance(value, Mapping) else kept[SINGLE_TABLE]


def tables(value: Any) -> dict[str, pl.DataFrame | TableFile]:
    """Return the tables in what a step returned, by name."""
    if is_table(value):
        return {SINGLE_TABLE: value}
    if isinstance(value, Mapping):
        return {name: item for name, item in value.items() if is_table(item)}
    return {}
