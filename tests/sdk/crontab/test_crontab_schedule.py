"""Schedules against two oracles: minute by minute by cron's rule, and croniter on the original."""

from __future__ import annotations

import asyncio
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pytest
from croniter import croniter
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from prefect.client.schemas.schedules import CronSchedule, RRuleSchedule
from prefect.server.schemas import schedules as server

from sdk.crontab import Refusal, Schedule, read_schedule

MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]


@dataclass(frozen=True)
class Written:
    """A field as written, and the values that its writer meant."""

    text: str
    values: frozenset[int]
    single: bool
    """Whether a range in it has one value: cron reads 5-5 as 5, croniter as the whole field."""


@st.composite
def written(draw: st.DrawFn, low: int, high: int, names: list[str] | None = None) -> Written:
    def spelled(value: int) -> str:
        if names and value - low < len(names) and draw(st.booleans()):
            name = names[value - low]
            return draw(st.sampled_from([name, name.upper(), name.title()]))
        return draw(st.sampled_from([str(value), f"{value:02}"]))

    items: list[str] = []
    values: set[int] = set()
    single = False
    for _ in range(draw(st.sampled_from([1, 1, 1, 2, 3]))):
        kind = draw(st.sampled_from(["*", "*/", "n", "n", "n-n", "n-n/"]))
        first = draw(st.integers(low, high))
        last = draw(st.integers(first, high))
        step = draw(st.integers(1, 9) | st.integers(1, 200)) if kind.endswith("/") else 1
        if kind.startswith("*"):
            first, last, text = low, high, "*"
        elif kind == "n":
            last, text = first, spelled(first)
        else:
            text = f"{spelled(first)}-{spelled(last)}"
            single = single or first == last
        # A name at the end of a range is its first value: sat-sun would run backwards.
        assume(not (names == DAYS and last == 7 and text.lower().endswith("sun")))
        items.append(text + (f"/{step}" if kind.endswith("/") else ""))
        values.update(value for value in range(first, last + 1) if (value - first) % step == 0)
    return Written(",".join(items), frozenset(values), single)


lines = st.tuples(
    written(0, 59),
    written(0, 23),
    written(1, 31),
    written(1, 12, MONTHS),
    written(0, 7, DAYS),
)
Line = tuple[Written, Written, Written, Written, Written]


def minutes_of(line: Line, start: date, days: int) -> Iterator[datetime]:
    """Yield every minute at which cron would run the line: its own test, minute by minute."""
    minute, hour, day, month, weekday = line
    star = day.text[0] == "*" or weekday.text[0] == "*"
    for number in range(days):
        today = start + timedelta(days=number)
        by_day = today.day in day.values
        # isoweekday: Monday 1 … Sunday 7, and cron's Sunday is 0 as well as 7.
        by_weekday = any(today.isoweekday() % 7 == value % 7 for value in weekday.values)
        if today.month not in month.values:
            continue
        if not ((by_day and by_weekday) if star else (by_day or by_weekday)):
            continue
        for clock in range(24 * 60):
            if clock // 60 in hour.values and clock % 60 in minute.values:
                midnight = datetime(today.year, today.month, today.day)
                yield midnight + timedelta(minutes=clock)


def first(found: Iterator[datetime], count: int) -> list[datetime]:
    return [moment for moment, _ in zip(found, range(count), strict=False)]


def times(
    schedule: server.CronSchedule | server.RRuleSchedule, start: date, days: int, count: int
) -> list[datetime]:
    begin = datetime(start.year, start.month, start.day, tzinfo=UTC)
    end = begin + timedelta(days=days, seconds=-1)
    found = asyncio.run(schedule.get_dates(n=count, start=begin, end=end))
    return [moment.naive() for moment in found]


def read(line: Line) -> Schedule | None:
    try:
        return read_schedule([field.text for field in line])
    except Refusal as refusal:
        assert "never ran" in refusal.reason
        return None


starts = st.dates(date(2020, 1, 1), date(2024, 12, 31))
SPAN = 800
"""Days looked at: two years, so that every month comes twice and a 29 February may."""


@settings(max_examples=250, deadline=None)
@given(lines, starts)
def test_prefect_runs_at_crons_minutes(line: Line, start: date) -> None:
    schedule = read(line)
    expected = first(minutes_of(line, start, SPAN), 12)
    if schedule is None:
        assert expected == []
        return
    CronSchedule(cron=schedule.cron, day_or=schedule.day_or, timezone="UTC")
    cron = server.CronSchedule(cron=schedule.cron, day_or=schedule.day_or, timezone="UTC")
    assert times(cron, start, SPAN, 12) == expected
    assert (schedule.rrule is None) == schedule.day_or
    if schedule.rrule is not None:
        RRuleSchedule(rrule=schedule.rrule, timezone="UTC")
        rule = server.RRuleSchedule(rrule=schedule.rrule, timezone="UTC")
        assert times(rule, start, SPAN, 12) == expected


@settings(max_examples=200, deadline=None)
@given(lines, starts)
def test_croniter_agrees_on_the_original(line: Line, start: date) -> None:
    original = " ".join(field.text for field in line)
    # Where croniter is known to differ from cron: a step longer than its field is an error, and a
    # star behind a comma restricts nothing in place of adding every value.
    # It also looks in vain for a 30 February where a weekday would do.
    assume(any(min(line[2].values) <= monthrange(2024, month)[1] for month in line[3].values))
    assume(croniter.is_valid(original) and ",*" not in original)
    assume(not any(field.single for field in line))
    schedule = read(line)
    assume(schedule is not None)
    assert schedule is not None
    before = datetime(start.year, start.month, start.day) - timedelta(seconds=1)
    theirs = croniter(original, before, implement_cron_bug=True)
    ours = croniter(schedule.cron, before, day_or=schedule.day_or)
    for _ in range(6):
        assert ours.get_next(datetime) == theirs.get_next(datetime)


@settings(max_examples=150, deadline=None)
@given(lines)
def test_what_is_written_means_the_same_to_cron(line: Line) -> None:
    schedule = read(line)
    if schedule is None:
        return
    again = read_schedule(schedule.cron.split())
    if schedule.day_or:
        assert again == schedule
    else:
        # Without the leading star cron would take either day: that is what day_or says.
        assert again.cron == schedule.cron


@pytest.mark.parametrize(
    ("line", "cron", "day_or"),
    [
        ("5 4 * * sun", "5 4 * * 0", True),
        ("5 4 * * 7", "5 4 * * 0", True),
        ("5-5 4-4/9 * * 7-7", "5 4 * * 0", True),
        ("0 0 * * 5-7", "0 0 * * 0,5,6", True),
        ("0 0 * * 0-7", "0 0 * * *", True),
        ("*/15 9-17 * JAN-Mar,jul MON-fri", "*/15 9-17 * 1-3,7 1-5", True),
        ("0 0 13 * fri", "0 0 13 * 5", True),  # the 13th or a Friday
        ("0 0 1-31 * fri", "0 0 * * *", True),  # any day, or a Friday
        ("0 0 */1 * fri", "0 0 * * 5", True),  # any day that is a Friday
        ("0 0 */2 * fri", "0 0 1-31/2 * 5", False),  # an odd day that is a Friday
        ("0 0 1,15 * */3", "0 0 1,15 * 0-6/3", False),
        ("0 0 1,15 * *,5", "0 0 1,15 * *", True),
        ("0 0 */100,1-7 * mon", "0 0 1-7 * 1", False),  # the first Monday
        ("*/100 * * * *", "0 * * * *", True),
        ("0 0 29 feb *", "0 0 29 2 *", True),
        ("0 0 30 2 mon", "0 0 * 2 1", True),  # there are only the Mondays
    ],
)
def test_how_lines_are_written(line: str, cron: str, day_or: bool) -> None:
    schedule = read_schedule(line.split())
    assert (schedule.cron, schedule.day_or) == (cron, day_or)


@pytest.mark.parametrize(
    ("line", "field", "reason"),
    [
        ("60 * * * *", "minute", "not between 0 and 59"),
        ("* 24 * * *", "hour", "not between 0 and 23"),
        ("* * 0 * *", "day of month", "not between 1 and 31"),
        ("* * * 13 *", "month", "not between 1 and 12"),
        ("* * * * 8", "day of week", "not between 0 and 7"),
        ("5/10 * * * *", "minute", "step without a range"),
        ("* * * * fri-sun", "day of week", "runs backwards"),
        ("* 22-2 * * *", "hour", "runs backwards"),
        ("*/0 * * * *", "minute", "step of 0"),
        ("1,,2 * * * *", "minute", "empty"),
        ("1, * * * *", "minute", "empty"),
        ("0~59 * * * *", "minute", "random"),
        ("* * ? * *", "day of month", "not a number"),
        ("* * L * *", "day of month", "not a number"),
        ("* * * * 5#2", "day of week", "not a number"),
        ("* * * * friday", "day of week", "not a number"),
        ("jan * * * *", "minute", "not a number"),
        ("*5 * * * *", "minute", "not a number"),
        ("-5 * * * *", "minute", "not a number"),
        ("5- * * * *", "minute", "not a number"),
        ("1-2-3 * * * *", "minute", "not a number"),
        ("*/2/3 * * * *", "minute", "not a number"),
        ("*/ * * * *", "minute", "not a number"),
        ("+5 * * * *", "minute", "not a number"),
        ("1_0 * * * *", "minute", "not a number"),
        ("٣ * * * *", "minute", "not a number"),
        ("9" * 100_000 + " * * * *", "minute", "not between"),
        ("*/" + "9" * 5_000 + " * 30 2 *", "day of month", "never ran"),
        ("0 0 31 2,4,6,9,11 *", "day of month", "never ran"),
        ("0 0 */30,30 2 1", None, None),
        ("0 0 30-31/5 2 */2", "day of month", "never ran"),
    ],
)
def test_fields_that_are_refused(line: str, field: str | None, reason: str | None) -> None:
    if field is None:
        assert read_schedule(line.split()).cron
        return
    with pytest.raises(Refusal) as caught:
        read_schedule(line.split())
    assert caught.value.field == field
    assert reason is not None
    assert reason in caught.value.reason
    assert caught.value.advice


def test_the_advice_for_a_backward_range_is_a_schedule() -> None:
    for line in ("* 22-2 * * *", "* * * * fri-sun", "* * * nov-feb *", "59-0 * * * *"):
        with pytest.raises(Refusal) as caught:
            read_schedule(line.split())
        better = caught.value.advice.removeprefix("Write ").removesuffix(".")
        fields = line.split()
        [place] = [number for number, text in enumerate(fields) if "-" in text]
        fields[place] = better
        assert read_schedule(fields).cron.split()[place] != "*"
