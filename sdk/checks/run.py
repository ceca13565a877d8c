"""Running checks: one pass over the rows, however many row checks there are.

What always holds: the rows kept and the rows set aside are together the rows that came in, each
once and in their order; a check that blocks changes nothing.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import polars as pl

from sdk.checks import large
from sdk.checks.check import Check, CheckContext, RowCheck, TableCheck
from sdk.errors import CheckFailed, PlatformError
from sdk.manifest import CheckResult
from sdk.table_file import TableFile

REASON = "quarantine_reason"
EXAMPLES = 3
VALUE_SHOWN = 80
"""Characters of a value in an example: a whole page in a manifest helps nobody."""
SCHEMA_SHOWN = 2000


@dataclass(frozen=True)
class CheckReport:
    """What the checks found.

    Attributes:
        results: one per check, in the order in which they were given.
        kept: the rows that go on.
        quarantined: the rows set aside, with a column ``quarantine_reason``; None if none were.
    """

    results: tuple[CheckResult, ...]
    kept: pl.DataFrame | TableFile
    quarantined: pl.DataFrame | None

    def raise_if_blocked(self, what: str) -> None:
        """Raise where a blocking check did not hold.

        Raises:
            CheckFailed: names the checks and shows examples.
        """
        broken = [
            result for result in self.results if not result.passed and result.level == "block"
        ]
        if broken:
            said = "; ".join(f"{result.name}: {result.detail}" for result in broken)
            raise CheckFailed(
                f"{what}: {said}",
                "Nothing was published. Correct the input, or the check if the data is right.",
            )


def run_checks(
    frame: pl.DataFrame | pl.LazyFrame | TableFile,
    checks: Sequence[Check],
    context: CheckContext | None = None,
) -> CheckReport:
    """Run checks on a table; that a check does not hold raises nothing here.

    All row checks are computed in one `select`; table checks see what is left after bad rows
    were set aside. A lazy frame is collected first: what is checked must be what goes on. A table
    in a file is checked there (`sdk.checks.large`), and what is kept of it is one again.

    Raises:
        CheckFailed: a check cannot be computed: it names a column that is not there, compares
            text with numbers, or its own code fails.
    """
    context = context or CheckContext()
    if isinstance(frame, pl.LazyFrame):
        frame = frame.collect()
    row_checks = [check for check in checks if isinstance(check, RowCheck)]
    masks = iter(_masks(frame, row_checks, context))
    judged = {
        position: (check, next(masks))
        for position, check in enumerate(checks)
        if isinstance(check, RowCheck)
    }
    kept, quarantined = _set_aside(frame, list(judged.values()))
    results: list[CheckResult] = []
    for position, check in enumerate(checks):
        if isinstance(check, TableCheck):
            with _computing(check, kept):
                if isinstance(kept, TableFile):
                    result = large.look(check, kept, context)
                else:
                    result = check.look(kept, context)
        else:
            result = _judge(frame, check, judged[position][1])
        results.append(result.model_copy(update={"table": context.table or ""}))
    return CheckReport(tuple(results), kept, quarantined)


def _masks(
    frame: pl.DataFrame | TableFile, checks: Sequence[RowCheck], context: CheckContext
) -> Sequence[pl.Series]:
    """Return for each check which rows are bad."""
    if not checks:
        return []
    if isinstance(frame, TableFile):
        try:
            return large.masks(frame, checks, context)
        except Exception:
            for check in checks:
                with _computing(check, frame):
                    large.masks(frame, [check], context)
            raise
    expressions = []
    for position, check in enumerate(checks):
        with _computing(check, frame):
            expressions.append(check.bad(frame.schema, context).alias(str(position)))
    try:
        bad = frame.select(expressions)
    except Exception:
        # One of them cannot be computed: alone it says which.
        for check, expression in zip(checks, expressions, strict=True):
            with _computing(check, frame):
                frame.select(expression)
        raise
    # A condition on constants alone gives one value for all rows.
    return [
        mask if mask.len() == frame.height else mask.new_from_index(0, frame.height)
        for mask in bad.get_columns()
    ]


@contextmanager
def _computing(check: Check, frame: pl.DataFrame | TableFile) -> Iterator[None]:
    try:
        yield
    except PlatformError:
        raise
    except Exception as error:
        said = (str(error).splitlines() or [""])[0]
        raise CheckFailed(
            f"check {check.name!r} cannot be computed: {type(error).__name__}: {said}",
            f"The columns are: {_shown(dict(frame.schema), SCHEMA_SHOWN)}.",
        ) from error


def _set_aside(
    frame: pl.DataFrame | TableFile, judged: Sequence[tuple[RowCheck, pl.Series]]
) -> tuple[pl.DataFrame | TableFile, pl.DataFrame | None]:
    wanted = [(check, bad) for check, bad in judged if check.level == "quarantine" and bad.any()]
    if not wanted:
        return frame, None
    aside = functools.reduce(operator.or_, (bad for _, bad in wanted))
    reasons = pl.select(
        pl.concat_str(
            [pl.when(bad.filter(aside)).then(pl.lit(check.name)) for check, bad in wanted],
            separator="; ",
            ignore_nulls=True,
        ).alias(REASON)
    ).to_series()
    if isinstance(frame, TableFile):
        return large.split(frame, aside, reasons)
    return frame.filter(~aside), frame.filter(aside).with_columns(reasons)


def _judge(frame: pl.DataFrame | TableFile, check: RowCheck, bad: pl.Series) -> CheckResult:
    failed = int(bad.sum())
    share = failed / frame.height if frame.height else 0.0
    within = share <= check.at_most
    level = check.level
    detail = ""
    if failed:
        places = bad.arg_true().head(EXAMPLES).to_list()
        shown = large.rows_at(frame, places) if isinstance(frame, TableFile) else frame[places]
        if check.columns:
            shown = shown.select(check.columns)
        examples = "; ".join(
            ", ".join(_shown(value, VALUE_SHOWN) for value in row) for row in shown.rows()
        )
        detail = f"{failed} of {frame.height} rows ({share:.2%}), such as {examples}"
    if level == "quarantine" and not within:
        level = "block"
        detail += f"; more than the {check.at_most:.2%} that may be set aside"
    passed = failed == 0 if check.level == "quarantine" and within else within
    return CheckResult(
        name=check.name,
        level=level,
        passed=passed,
        failed=failed,
        total=frame.height,
        detail=detail,
    )


def _shown(value: object, length: int) -> str:
    text = str(value)
    return text if len(text) <= length else f"{text[: length - 1]}…"
