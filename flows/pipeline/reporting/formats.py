"""How values are written for people: one place, the same everywhere.

What is not there is written as an en dash, never as 0, NaN or None.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

NOTHING = "–"
_MINUS = "\u2212"


def money(value: Decimal | float | None) -> str:
    """Write an amount with two decimals: 1,234.50."""
    return NOTHING if value is None else f"{value:,.2f}".replace("-", _MINUS)


def signed_money(value: Decimal | float | None) -> str:
    """Write a difference of amounts with its sign."""
    return NOTHING if value is None else _sign(f"{value:+,.2f}")


def count(value: float | None) -> str:
    """Write a count: 12,345."""
    return NOTHING if value is None else f"{value:,.0f}"


def number(value: float | None) -> str:
    """Write a number of no known unit: without decimals where it has none."""
    if value is None:
        return NOTHING
    return f"{value:,.0f}" if value == int(value) else f"{value:,.4f}"


def index(value: float | None) -> str:
    """Write an index with one decimal: 103.4."""
    return NOTHING if value is None else f"{value:,.1f}"


def share(value: float | None) -> str:
    """Write a fraction as a percentage: 0.373 is 37.3 %."""
    return NOTHING if value is None else f"{100 * value:,.1f}\u202f%"


def percent(value: float | None) -> str:
    """Write a signed percentage: 12.5 is +12.5 %."""
    return NOTHING if value is None else _sign(f"{value:+,.1f}") + "\u202f%"


def text(value: object) -> str:
    """Write any text; what is not there as a dash."""
    return NOTHING if value is None or value == "" else str(value)


def moment(value: date | datetime | None) -> str:
    """Write a date, or an instant to the minute."""
    if value is None:
        return NOTHING
    return f"{value:%Y-%m-%d %H:%M}" if isinstance(value, datetime) else f"{value:%Y-%m-%d}"


def _sign(written: str) -> str:
    zero = not written.strip("+-0.,")
    return written.lstrip("+-") if zero else written.replace("-", _MINUS)
