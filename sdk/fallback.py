"""Fallbacks: what is served when a step cannot deliver.

A fallback is asked only after the retries are spent or the error is permanent. A failed
*blocking* check is no reason to serve something else, since the data is there and wrong, unless
the fallback says ``on_failed_check=True``. Fallbacks form a chain, asked in order; the first
that has something serves it, and the outcome says which, how old, and why.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeAlias

from sdk.errors import CheckFailed

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@dataclass(frozen=True, slots=True)
class LastGood:
    """Serve the newest good dataset of the same name, if it is not older than `max_age`."""

    max_age: timedelta
    on_failed_check: bool = False


@dataclass(frozen=True, slots=True)
class Alternative:
    """Call another step's function with the same arguments."""

    step: Callable[..., Any]
    on_failed_check: bool = False


@dataclass(frozen=True, slots=True)
class Default:
    """Serve a fixed value."""

    value: Any
    on_failed_check: bool = False


Fallback: TypeAlias = LastGood | Alternative | Default


def last_good(max_age: str | timedelta = "7d", *, on_failed_check: bool = False) -> LastGood:
    """Serve the last good data, at most `max_age` old (such as ``"3d"``) against the run's day."""
    return LastGood(duration(max_age), on_failed_check)


def alternative(step: Callable[..., Any], *, on_failed_check: bool = False) -> Alternative:
    """Serve what another function or step makes of the same arguments."""
    return Alternative(step, on_failed_check)


def default(value: Any, *, on_failed_check: bool = False) -> Default:
    """Serve a fixed value, such as an empty frame of the right columns."""
    return Default(value, on_failed_check)


def duration(text: str | timedelta) -> timedelta:
    """Return a duration written as ``90m``, ``4h``, ``3d``, ``2w`` or ``1h30m``.

    Raises:
        ValueError: it is none.
    """
    if isinstance(text, timedelta):
        return text
    found = re.findall(r"(\d+)\s*([smhdw])", text.strip())
    if not found or re.sub(r"\d+\s*[smhdw]|\s", "", text):
        raise ValueError(f"{text!r} is not a duration such as 90m, 4h, 3d or 1h30m")
    total = timedelta()
    for count, unit in found:
        total += timedelta(**{_UNITS.get(unit, "seconds"): int(count)})
    return total


def applies(fallback: Fallback, error: BaseException) -> bool:
    """Say whether a fallback may be served for this error."""
    return fallback.on_failed_check or not isinstance(error, CheckFailed)
