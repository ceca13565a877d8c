"""What is asked of a backfill, and what became of each day."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from flows.operations.backfill.plan import WHICH, Decision, Which
from sdk.errors import ConfigurationError, Permanent

MOST_DAYS = 3660
"""Ten years: more is a mistyped year."""

End = Literal["planned", "fresh", "degraded", "failed", "skipped"]

HEADINGS = ("day", "before", "outcome", "seconds", "detail")


@dataclass(frozen=True, slots=True)
class Request:
    """A range of a customer's days to run.

    Attributes:
        customer: whose.
        first: day of the range.
        last: day of the range, included.
        which: of its days; see `flows.operations.backfill.plan.plan`.
        concurrency: runs under way at most; embedded, days run one after the other.
        queue: of the work pool, for the runs of a deployment.
        source: of the daily files; None for what the flow or its deployment says.
        dataset: by which a day is judged.
    """

    customer: str
    first: date
    last: date
    which: Which = "missing"
    concurrency: int = 2
    queue: str = "backfill"
    source: str | None = None
    dataset: str = "report"

    def __post_init__(self) -> None:
        if self.which not in WHICH:
            raise ConfigurationError(
                f"which={self.which!r} is not known", f"Use one of: {', '.join(WHICH)}."
            )
        if self.first > self.last:
            raise ConfigurationError(
                f"the range ends ({self.last}) before it begins ({self.first})",
                "Give the earlier day first.",
            )
        if (self.last - self.first).days >= MOST_DAYS:
            raise ConfigurationError(
                f"{self.first} to {self.last} are more than {MOST_DAYS} days",
                "See whether the years are right.",
            )
        if self.concurrency < 1:
            raise ConfigurationError(
                f"concurrency={self.concurrency} would run nothing", "Give 1 or more."
            )

    def parameters(self, day: date) -> dict[str, Any]:
        """Return the parameters of a day's run."""
        return {"day": day} | ({"source": self.source} if self.source else {})


@dataclass(frozen=True, slots=True)
class DayOutcome:
    """What became of a day.

    Attributes:
        day: of the data.
        before: what was found of it.
        end: ``planned`` in a dry run.
        seconds: for how long it ran.
        detail: an error, or which run it was.
    """

    day: date
    before: str
    end: End
    seconds: float | None = None
    detail: str = ""

    def row(self) -> dict[str, str]:
        """Return it under `HEADINGS`."""
        seconds = "" if self.seconds is None else f"{self.seconds:.1f}"
        cells = (str(self.day), self.before, self.end, seconds, self.detail)
        return dict(zip(HEADINGS, cells, strict=True))


def planned(decisions: Iterable[Decision]) -> list[DayOutcome]:
    """Return what a dry run says of its decisions."""
    return [
        skipped(decision)
        if decision.action == "skip"
        else DayOutcome(decision.day, decision.why, "planned")
        for decision in decisions
    ]


def skipped(decision: Decision) -> DayOutcome:
    """Return the outcome of a day that is left alone."""
    return DayOutcome(decision.day, decision.why, "skipped")


class BackfillFailed(Permanent):
    """Days failed; the others were run.

    Args:
        days: what became of each.
    """

    def __init__(self, days: Sequence[DayOutcome]) -> None:
        self.days = tuple(days)
        failed = [str(day.day) for day in days if day.end == "failed"]
        tried = sum(day.end != "skipped" for day in days)
        super().__init__(
            f"{len(failed)} of {tried} days failed: {', '.join(failed)}",
            "See what each says; once that is mended, start the same backfill again.",
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self.days,))
