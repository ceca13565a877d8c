"""Checks on the rows that a step takes or makes: warn, quarantine or block."""

from sdk.checks.check import Check, CheckContext, Level, RowCheck, TableCheck
from sdk.checks.history import history
from sdk.checks.rows import between, holds, is_in, matches, not_null, references, unique
from sdk.checks.run import CheckReport, run_checks
from sdk.checks.tables import columns, contract, fresh, predicate, rows, sql

__all__ = [
    "Check",
    "CheckContext",
    "CheckReport",
    "Level",
    "RowCheck",
    "TableCheck",
    "between",
    "columns",
    "contract",
    "fresh",
    "history",
    "holds",
    "is_in",
    "matches",
    "not_null",
    "predicate",
    "references",
    "rows",
    "run_checks",
    "sql",
    "unique",
]
