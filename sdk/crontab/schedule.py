"""Five fields of cron to one schedule of Prefect's, with the same minutes.

Prefect reads cron expressions with croniter, which agrees with cron on most of them and not on
all. So each field is first read into the set of its values by cron's own rules, and then written
anew in the plain part of the language (numbers, lists, ranges, steps) on which both agree.

**The rule of the two days.** A day must match day-of-month *or* day-of-week when both are given,
*and* both when either field *begins with a star* (cronie, ``find_jobs`` in ``src/cron.c``). That
is how `0 0 */2 * 1` means the odd days that are Mondays, and how `*/100,1-7 * 1` finds the first
Monday of a month. Prefect's `day_or: false` says the second, but `prefect deploy` of Prefect 2
passes only `cron` and `timezone` on from prefect.yaml and drops `day_or`, without a word; such a
schedule is therefore also given as a recurrence rule (RFC 5545), which is passed on whole.

Pure, and knows nothing of time zones or of lines.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType

from sdk.crontab.fields import FIELDS, WEEK, Field, read_values
from sdk.crontab.problem import Refusal

_RRULE_DAYS = ("SU", "MO", "TU", "WE", "TH", "FR", "SA")
_LONGEST_MONTH = MappingProxyType({2: 29, 4: 30, 6: 30, 9: 30, 11: 30})


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a command runs, as Prefect takes it.

    Attributes:
        cron: five fields on whose meaning cron and croniter agree, given `day_or`.
        day_or: whether a day needs to match one of the two day fields only.
        rrule: the same schedule as a recurrence rule, where `day_or` is false.
    """

    cron: str
    day_or: bool
    rrule: str | None


def read_schedule(fields: Sequence[str]) -> Schedule:
    """Translate the five time fields of a line.

    Args:
        fields: minute, hour, day of month, month, day of week, as written.

    Returns:
        The schedule with exactly cron's minutes.

    Raises:
        Refusal: cron does not read a field, its crons disagree on it, or it never comes.
    """
    minutes, hours, days, months, weekdays = (
        read_values(text, column) for text, column in zip(fields, FIELDS, strict=True)
    )
    weekdays = frozenset(day % 7 for day in weekdays)
    starred = fields[2].startswith("*") or fields[4].startswith("*")
    every_day, every_weekday = days == FIELDS[2].every, weekdays == WEEK.every
    if not starred and (every_day or every_weekday):
        # One of the two alternatives always holds, so the other restricts nothing.
        days, weekdays = FIELDS[2].every, WEEK.every
        every_day = every_weekday = True
    if not _comes(days, months):
        if starred:
            raise Refusal(
                "day of month",
                "none of these months has such a day, so the command never ran",
                "Correct the day or the month, or drop the line.",
            )
        # The weekdays alone are left; croniter would look for the other alternative and fail.
        days, every_day = FIELDS[2].every, True
    both = starred and not every_day and not every_weekday
    cron = " ".join(
        (
            _text(minutes, FIELDS[0]),
            _text(hours, FIELDS[1]),
            _text(days, FIELDS[2]),
            _text(months, FIELDS[3]),
            _text(weekdays, WEEK),
        )
    )
    rrule = _rrule(minutes, hours, days, months, weekdays) if both else None
    return Schedule(cron, not both, rrule)


def _comes(days: Collection[int], months: Collection[int]) -> bool:
    return any(min(days) <= _LONGEST_MONTH.get(month, 31) for month in months)


def _text(values: frozenset[int], column: Field) -> str:
    """Write a set of values as a field: the shortest plain form, one form for each set."""
    if values == column.every:
        return "*"
    ordered = sorted(values)
    gaps = {after - before for before, after in pairwise(ordered)}
    if len(gaps) == 1 and len(ordered) > 2 and gaps != {1}:
        step = gaps.pop()
        whole = ordered[0] == column.low and ordered[-1] + step > column.high
        # In a day field, a leading star would mean something else to cron.
        if whole and not column.name.startswith("day"):
            return f"*/{step}"
        return f"{ordered[0]}-{ordered[-1]}/{step}"
    return ",".join(_runs(ordered))


def _runs(ordered: Sequence[int]) -> list[str]:
    runs: list[list[int]] = []
    for value in ordered:
        if runs and value == runs[-1][-1] + 1:
            runs[-1].append(value)
        else:
            runs.append([value])
    return [f"{run[0]}-{run[-1]}" if len(run) > 2 else ",".join(map(str, run)) for run in runs]


def _rrule(
    minutes: frozenset[int],
    hours: frozenset[int],
    days: frozenset[int],
    months: frozenset[int],
    weekdays: frozenset[int],
) -> str:
    """Write the schedule as a rule of RFC 5545, section 3.3.10: every part limits the days."""
    parts = {
        "BYMONTH": months if months != FIELDS[3].every else (),
        "BYMONTHDAY": days,
        "BYHOUR": hours,
        "BYMINUTE": minutes,
    }
    listed = [f"{name}={','.join(map(str, sorted(some)))}" for name, some in parts.items() if some]
    by_day = ",".join(_RRULE_DAYS[day] for day in sorted(weekdays))
    return ";".join(["FREQ=DAILY", *listed, f"BYDAY={by_day}", "BYSECOND=0"])
