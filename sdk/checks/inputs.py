"""Checks before a step: on what it takes.

A step's parameters are checked by name; of a dataset with several tables, or a mapping of frames,
one is named ``parameter.table``. Rows can be set aside from a frame, which the step then gets
without them. They cannot be taken out of a published dataset, which the step reads by itself:
there a check that would set aside is an error of the step's author.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl

from sdk.checks.check import Check, CheckContext
from sdk.checks.run import run_checks
from sdk.dataset import Dataset
from sdk.errors import CheckFailed, ConfigurationError
from sdk.manifest import CheckResult
from sdk.table_file import TableFile


@dataclass(frozen=True)
class InputReport:
    """What the checks before a step found.

    Attributes:
        results: of all parameters, in the order given; `CheckResult.table` names the parameter.
        parameters: what the step is called with: bad rows of frames are gone.
        quarantined: the rows set aside, by the name under which they were checked.
        blocked: why the step must not run; None if it may.
    """

    results: tuple[CheckResult, ...]
    parameters: Mapping[str, Any]
    quarantined: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    blocked: CheckFailed | None = None


def check_inputs(
    parameters: Mapping[str, Any],
    checks: Mapping[str, Sequence[Check]],
    context: CheckContext | None = None,
    *,
    what: str = "step",
) -> InputReport:
    """Run the checks on a step's parameters; a check that blocks is told, not raised.

    Args:
        parameters: the step's arguments by name.
        checks: by parameter, or by ``parameter.table``.
        context: key and store of what the step will publish.
        what: the step, for messages.

    Raises:
        ConfigurationError: a name is no table among the parameters, or rows of a published
            dataset would have to be set aside.
        CheckFailed: a check cannot be computed.
    """
    context = replace(context or CheckContext(), parameters=parameters)
    given = dict(parameters)
    results: list[CheckResult] = []
    aside: dict[str, pl.DataFrame] = {}
    blocked: CheckFailed | None = None
    for name, wanted in checks.items():
        frame = _table(given, name, what)
        report = run_checks(frame, wanted, replace(context, table=name))
        results.extend(report.results)
        if report.quarantined is not None:
            _put(given, name, report.kept, what)
            aside[name] = report.quarantined
        try:
            report.raise_if_blocked(f"{what}, before it: {name}")
        except CheckFailed as error:
            blocked = blocked or error
    return InputReport(tuple(results), given, aside, blocked)


def _table(parameters: Mapping[str, Any], name: str, what: str) -> pl.DataFrame:
    parameter, _, table = name.partition(".")
    value = parameters.get(parameter)
    if isinstance(value, Mapping) and table:
        value = value.get(table)
    if isinstance(value, Dataset):
        if not table and len(value.tables) > 1:
            raise ConfigurationError(
                f"{what}: parameter {parameter!r} has {len(value.tables)} tables",
                f"Check one of: {', '.join(f'{parameter}.{item}' for item in value.tables)}.",
            )
        return value.frame(table or value.tables[0] if value.tables else None)
    if isinstance(value, pl.LazyFrame):
        return value.collect()
    if not isinstance(value, pl.DataFrame):
        raise ConfigurationError(
            f"{what}: there is no table {name!r} to check before it",
            f"Its parameters are: {', '.join(parameters) or 'none'}.",
        )
    return value


def _put(parameters: dict[str, Any], name: str, kept: pl.DataFrame | TableFile, what: str) -> None:
    parameter, _, table = name.partition(".")
    value = parameters[parameter]
    if isinstance(value, Dataset):
        raise ConfigurationError(
            f"{what}: rows of {value} cannot be set aside before it",
            "It is published already: warn or block here, or set aside where it is made.",
        )
    if isinstance(value, Mapping):
        parameters[parameter] = {**value, table: kept}
    else:
        parameters[parameter] = kept.lazy() if isinstance(value, pl.LazyFrame) else kept
