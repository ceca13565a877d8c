"""Faults: what makes two failures the same one.

A fault is an environment, a flow, a step and a class of error. Not the run, the customer, the
day, nor a word of the message: those differ each time. So a step that a hundred customers share
has one ticket when it breaks for all of them, which lists them.
"""

from __future__ import annotations

import json
import re

from sdk.digest import text_hash
from sdk.errors import PlatformError
from sdk.statistics import StepRecord

LENGTH = 16
"""Hex digits of a fingerprint: 64 bits, for some thousand faults in all."""

UNKNOWN = "PlatformError"
"""The class where a record does not tell: the platform's own errors are kept without it."""

_CLASS = re.compile(r"([A-Za-z_][A-Za-z0-9_]{0,99}): ")


def fingerprint(environment: str, flow: str, step: str, error_class: str) -> str:
    """Return the short name of a fault; the same everywhere and for ever."""
    return text_hash(json.dumps([environment, flow, step, error_class]))[:LENGTH]


def place(environment: str, flow: str, step: str) -> str:
    """Return the short name of where faults of any class happen."""
    return text_hash(json.dumps([environment, flow, step]))[:LENGTH]


def error_class(record: StepRecord, failure: BaseException | None = None) -> str:
    """Return the class of the error that failed a step or made its fallback serve.

    Args:
        record: of the step.
        failure: what ended the run; it, or one of its causes, is asked where it is the same error.
    """
    told = getattr(record, "error_class", None)
    if told:
        return str(told)
    said = record.error or ""
    current, depth = failure, 0
    while current is not None and depth < 10:
        if said and isinstance(current, PlatformError) and current.problem.strip()[:500] == said:
            return type(current).__name__
        current, depth = current.__cause__ or current.__context__, depth + 1
    # Others are kept as "Class: message".
    found = _CLASS.match(said)
    return found[1] if found else UNKNOWN
