"""One field of time to the set of its values, by cron's rules (cronie, ``src/entry.c``).

Numbers, names, ranges, steps and lists of them. What crons read differently (`5/10`), what one of
them added (`0~59`) and what comes from elsewhere (`?`, `L`, `5#2`, `H`) is refused by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sdk.crontab.problem import Refusal, excerpt

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_WEEKDAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]


@dataclass(frozen=True, slots=True)
class Field:
    """One column of time: its name, its bounds (inclusive), and the names of its values."""

    name: str
    low: int
    high: int
    names: Mapping[str, int] = field(default_factory=dict)

    @property
    def every(self) -> frozenset[int]:
        """All values of the field."""
        return frozenset(range(self.low, self.high + 1))


FIELDS = (
    Field("minute", 0, 59),
    Field("hour", 0, 23),
    Field("day of month", 1, 31),
    Field("month", 1, 12, {name: number for number, name in enumerate(_MONTHS, start=1)}),
    # 7 is Sunday too, as a number: the name is 0, so that fri-sun runs backwards in cron as here.
    Field("day of week", 0, 7, {name: number for number, name in enumerate(_WEEKDAYS)}),
)
WEEK = Field("day of week", 0, 6)


def read_values(text: str, column: Field) -> frozenset[int]:
    """Return the values that a field names, by cron's rules.

    Raises:
        Refusal: the field cannot be read, or not every cron reads it alike.
    """
    values: set[int] = set()
    for item in text.split(","):
        first, last, step = _range(item, column)
        values.update(range(first, last + 1, step))
    return frozenset(values)


def _range(item: str, column: Field) -> tuple[int, int, int]:
    if not item:
        raise _refused(column, "an item of the list is empty", "Take the extra comma away.")
    if "~" in item:
        raise _refused(
            column,
            f"{excerpt(item, 40)} is a time drawn at random, and a deployment's times are fixed",
            "Write one value of the range.",
        )
    span, slash, step_text = item.partition("/")
    step = _number(step_text, column) if slash else 1
    if step == 0:
        raise _refused(column, "a step of 0 never moves", "Write a step of 1 or more.")
    if span == "*":
        return column.low, column.high, step
    start, dash, end = span.partition("-")
    first = _value(start, column)
    if not dash:
        if slash:
            raise _refused(
                column,
                f"{excerpt(item, 40)} has a step without a range: some crons refuse it, some run "
                f"at {first} only, others every {step} from {first} on",
                f"Write {first}-{_top(column)}/{step}, or {first}, whichever was meant.",
            )
        return first, first, 1
    last = _value(end, column)
    if first > last:
        raise _refused(
            column,
            f"{excerpt(item, 40)} runs backwards ({first} to {last}), which cron refuses",
            f"Write {first}-{_top(column)},{column.low}-{last}.",
        )
    return first, last, step


def _value(text: str, column: Field) -> int:
    named = column.names.get(text.lower())
    value = named if named is not None else _number(text, column)
    if not column.low <= value <= column.high:
        raise _refused(
            column,
            f"{excerpt(text, 40)} is not between {column.low} and {column.high}",
            "Correct the number.",
        )
    return value


def _number(text: str, column: Field) -> int:
    # isdigit alone takes other scripts' digits; int alone takes signs, blanks and underscores.
    if text.isascii() and text.isdigit():
        return int(text[-9:]) if not text[:-9].strip("0") else 10**9
    names = f", or a name ({', '.join(column.names)})" if column.names else ""
    raise _refused(
        column,
        f"{excerpt(text, 40)!r} is not a number of cron's",
        f"Write *, a number, a range a-b, a step */n or a-b/n, a list of these{names}.",
    )


def _refused(column: Field, reason: str, advice: str) -> Refusal:
    return Refusal(column.name, reason, advice)


def _top(column: Field) -> int:
    return min(column.high, 6) if column.name == WEEK.name else column.high
