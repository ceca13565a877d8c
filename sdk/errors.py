"""Errors that say who must act.

Every error that the platform raises on purpose is a `PlatformError`: one line that names the
thing (file, row, field, step), one line that says what to do. The class says what the machine
may do about it: a `Permanent` error is never retried (trying again cannot help), a `Transient`
one is. `classify` gives the same answer for errors of the libraries below, so that a step's
author raises nothing special for a refused connection.

What it does not do: it does not decide *how* to retry (`sdk.policy`) or what to serve instead
(`sdk.fallback`).
"""

from __future__ import annotations

import errno
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal

RETRIED_STATUS = frozenset({408, 425, 429, *range(500, 600)})
"""HTTP answers that a later attempt may turn into a success: RFC 9110, RFC 6585 (429), RFC 8470
(425), and every 5xx, gateways' own included."""

_TRANSIENT_ERRNO = frozenset(
    {
        errno.ECONNREFUSED,
        errno.ECONNRESET,
        errno.ECONNABORTED,
        errno.EPIPE,
        errno.ETIMEDOUT,
        errno.EHOSTUNREACH,
        errno.ENETUNREACH,
        errno.EAGAIN,
        errno.EINTR,
        errno.EBUSY,
        errno.ESTALE,
    }
)

ErrorKind = Literal["permanent", "transient", "unknown"]


class PlatformError(Exception):
    """An error in two lines: what is wrong, and what to do.

    Args:
        problem: what is wrong, naming the thing.
        action: what whoever reads it should do.
    """

    def __init__(self, problem: str, action: str = "") -> None:
        super().__init__(problem, action)
        self.problem = problem
        self.action = action

    def __str__(self) -> str:
        return f"{self.problem}\n{self.action}" if self.action else self.problem


class Permanent(PlatformError):
    """Trying again cannot help: wrong input, missing permission, a broken contract."""


class Transient(PlatformError):
    """A later attempt may succeed.

    Args:
        problem: what is wrong.
        action: what to do when it does not go away.
        retry_after: seconds that the other side asked to wait, if it did.
    """

    def __init__(self, problem: str, action: str = "", *, retry_after: float | None = None) -> None:
        super().__init__(problem, action)
        self.retry_after = retry_after

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild_transient, (type(self), self.problem, self.action, self.retry_after))


def _rebuild_transient(
    kind: type[Transient], problem: str, action: str, retry_after: float | None
) -> Transient:
    return kind(problem, action, retry_after=retry_after)


class CheckFailed(Permanent):
    """A blocking check did not hold: the data is wrong, not the moment."""


class StorageError(Permanent):
    """The store cannot be read or written: full, read-only, missing, or damaged."""


class ConfigurationError(Permanent):
    """What was asked for does not fit together: unknown customer, missing setting, bad value."""


def classify(error: BaseException) -> ErrorKind:
    """Say whether a later attempt may help.

    An error's cause decides when the error itself says nothing (a `RuntimeError` raised from
    a refused connection is a refused connection).

    Returns:
        ``permanent``, ``transient``, or ``unknown`` where nothing is known of the class:
        the retry policy decides what that means.
    """
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        kind = _classify_one(current)
        if kind != "unknown":
            return kind
        current = current.__cause__
    return "unknown"


def _classify_one(error: BaseException) -> ErrorKind:
    if isinstance(error, Permanent):
        return "permanent"
    if isinstance(error, Transient):
        return "transient"
    # What blocks raise cannot be of our classes, since they do not know us: it says it itself.
    told = getattr(type(error), "retryable", None)
    if isinstance(told, bool):
        return "transient" if told else "permanent"
    status = http_status(error)
    if status is not None:
        return "transient" if status in RETRIED_STATUS else "permanent"
    if isinstance(error, TimeoutError | ConnectionError):
        return "transient"
    if isinstance(error, OSError) and error.errno in _TRANSIENT_ERRNO:
        return "transient"
    # httpx, requests, urllib3, botocore and asyncio drivers name theirs alike; matching on the
    # name keeps those libraries out of the SDK's imports.
    names = {cls.__name__ for cls in type(error).__mro__}
    if names & {
        "TransportError",
        "ConnectTimeout",
        "ReadTimeout",
        "ConnectionError",
        "HTTPClientError",
        "EndpointConnectionError",
        "ProtocolError",
        "OperationalError",
        "InterfaceError",
    }:
        return "transient"
    if isinstance(
        error,
        TypeError | ValueError | LookupError | AttributeError | ImportError | PermissionError,
    ):
        return "permanent"
    return "unknown"


def http_status(error: BaseException) -> int | None:
    """Return the HTTP status that an error of httpx, requests, urllib or botocore carries."""
    response = getattr(error, "response", None)
    for holder in (response, error):
        for name in ("status_code", "status", "code"):
            value = getattr(holder, name, None)
            if isinstance(value, int) and 100 <= value <= 599:
                return value
    if isinstance(response, Mapping):
        value = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        if isinstance(value, int):
            return value
    return None


def retry_after(error: BaseException, *, now: datetime | None = None) -> float | None:
    """Return the seconds that the other side asked to wait (``Retry-After``), if it did.

    Both forms of RFC 9110 section 10.2.3 are read: seconds, and an HTTP date (against `now`,
    UTC). A date in the past means no wait. An unreadable value counts as not given.
    """
    current: BaseException | None = error
    depth = 0
    while current is not None and depth < 10:
        asked = _retry_after_of(current, now)
        if asked is not None:
            return asked
        current, depth = current.__cause__, depth + 1
    return None


def _retry_after_of(error: BaseException, now: datetime | None) -> float | None:
    asked = getattr(error, "retry_after", None)
    if isinstance(asked, int | float):
        return max(0.0, float(asked))
    headers = getattr(getattr(error, "response", None), "headers", None)
    if headers is None:
        headers = getattr(error, "headers", None)
    value = headers.get("Retry-After") if isinstance(headers, Mapping) else None
    if value is None:
        return None
    text = str(value).strip()
    if text.isdigit():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - (now or datetime.now(UTC))).total_seconds())
