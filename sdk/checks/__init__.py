"""Checks on the rows that a step takes or makes: warn, quarantine or block."""

from sdk.checks.check import Check, CheckContext, Level, RowCheck, TableCheck
from sdk.checks.history import history
from sdk.checks.inputs import InputReport, check_inputs
from sdk.checks.rows import (
    between,
    holds,
    is_in,
    matches,
    not_null,
    references,
    refers_to,
    unique,
)
from sdk.checks.run import CheckReport, run_checks
from sdk.checks.tables import columns, contract, fresh, measure, predicate, rows, sql

__all__ = [
    "Check",
    "CheckContext",
    "CheckReport",
    "InputReport",
    "Level",
    "RowCheck",
    "TableCheck",
    "between",
    "check_inputs",
    "columns",
    "contract",
    "fresh",
    "history",
    "holds",
    "is_in",
    "matches",
    "measure",
    "not_null",
    "predicate",
    "references",
    "refers_to",
    "rows",
    "run_checks",
    "sql",
    "unique",
]
