"""Running checks: one pass over the rows, however many row checks there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from sdk.checks.check import Check, CheckContext, RowCheck, TableCheck
from sdk.errors import CheckFailed
from sdk.manifest import CheckResult

REASON = "quarantine_reason"
EXAMPLES = 3


@dataclass(frozen=True)
class CheckReport:
    """What the checks found.

    Attributes:
        results: one per check, in the order in which they were given.
        kept: the rows that go on.
        quarantined: the rows set aside, with a column ``quarantine_reason``; None if none were.
    """

    results: tuple[CheckResult, ...]
    kept: pl.DataFrame
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
    frame: pl.DataFrame, checks: Sequence[Check], context: CheckContext | None = None
) -> CheckReport:
    """Run checks on a frame; nothing is raised here.

    Table checks see the frame after bad rows have been set aside.

    Raises:
        CheckFailed: a check names a column that is not there.
    """
    context = context or CheckContext()
    row_checks = [check for check in checks if isinstance(check, RowCheck)]
    bad = _bad_counts(frame, row_checks)
    kept, quarantined = _set_aside(frame, row_checks, bad)
    results: list[CheckResult] = []
    for check in checks:
        if isinstance(check, TableCheck):
            results.append(check.look(kept, context))
        else:
            results.append(_judge(frame, check, bad[check.name]))
    return CheckReport(tuple(results), kept, quarantined)


def _is_bad(check: RowCheck) -> pl.Expr:
    return ~check.good.fill_null(True)


def _bad_counts(frame: pl.DataFrame, checks: Sequence[RowCheck]) -> dict[str, int]:
    if not checks:
        return {}
    try:
        counts = frame.select(
            _is_bad(check).sum().cast(pl.Int64).alias(str(position))
            for position, check in enumerate(checks)
        ).row(0)
    except pl.exceptions.ColumnNotFoundError as error:
        raise CheckFailed(
            f"a check names a column that is not there: {str(error).splitlines()[0]}",
            f"The columns are: {', '.join(frame.columns)}.",
        ) from error
    return {check.name: int(count or 0) for check, count in zip(checks, counts, strict=True)}


def _set_aside(
    frame: pl.DataFrame, checks: Sequence[RowCheck], bad: dict[str, int]
) -> tuple[pl.DataFrame, pl.DataFrame | None]:
    wanted = [check for check in checks if check.level == "quarantine" and bad[check.name]]
    if not wanted:
        return frame, None
    reason = pl.concat_str(
        [pl.when(_is_bad(check)).then(pl.lit(check.name)) for check in wanted],
        separator="; ",
        ignore_nulls=True,
    )
    marked = frame.with_columns(reason.alias(REASON))
    aside = pl.col(REASON) != ""
    return marked.filter(~aside).drop(REASON), marked.filter(aside)


def _judge(frame: pl.DataFrame, check: RowCheck, failed: int) -> CheckResult:
    share = failed / frame.height if frame.height else 0.0
    within = share <= check.at_most
    level = check.level
    detail = ""
    if failed:
        shown = frame.filter(_is_bad(check)).head(EXAMPLES)
        if check.columns:
            shown = shown.select(check.columns)
        examples = "; ".join(", ".join(str(value) for value in row) for row in shown.rows())
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
