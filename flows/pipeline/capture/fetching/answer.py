"""What a site answers, and what is made of it before anything is read."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import httpx

from flows.pipeline.capture.fetching.addresses import AddressRefused
from flows.pipeline.capture.fetching.body import BadEncoding, TooLarge
from flows.pipeline.capture.fetching.visit import Kind

MOST_BYTES: Final[dict[Kind, int]] = {
    "robots": 1_000_000,
    "sitemap": 52_428_800,
    "feed": 100_000_000,
    "listing": 8_000_000,
    "page": 8_000_000,
    "probe": 8_000_000,
}
"""Of a decompressed body. A page of eight megabytes is ten times the largest of ordinary shops;
a feed of a hundred still fits into a worker beside the others."""

_READABLE: Final[dict[Kind, tuple[str, ...]]] = {
    "page": ("text/html", "application/xhtml+xml", "text/plain", "application/xml", "text/xml"),
    "sitemap": ("xml", "text/", "gzip", "octet-stream"),
    "feed": ("xml", "text/", "json", "csv", "gzip", "octet-stream", "excel"),
}


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, redirects followed.

    Attributes:
        url: after redirects.
        status: of HTTP; 0 where there was none.
        body: decompressed; None where none was wanted, or it could not be had.
        retry_after: seconds that the site asked to wait.
        problem: one word, None where there is none; the words are those of `Visit`.
        detail: the same for people.
        seconds: from sending the request to the end of the body.
    """

    url: str
    status: int = 0
    body: bytes | None = None
    content_type: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    retry_after: float | None = None
    problem: str | None = None
    detail: str = ""
    seconds: float = 0.0


def is_readable(kind: Kind, content_type: str | None) -> bool:
    """Say whether a body of that type can be what was asked for; without a type it can."""
    wanted = _READABLE.get("page" if kind in ("listing", "probe") else kind)
    if wanted is None or not content_type:
        return True
    said = content_type.partition(";")[0].strip().lower()
    return not said or any(part in said for part in wanted)


def problem_of_status(status: int) -> str | None:
    """Return the problem that a status is, None for one that is an answer about the page."""
    if status in (429, 503):
        return "busy"
    if status >= 500:
        return "server"
    return None


def problem_of_error(error: Exception) -> tuple[str, str]:
    """Return what was wrong with a request, in one word and for people.

    Never holds a proxy's address: its credentials stand in it.
    """
    said = " ".join(str(error).split())[:200]
    for one in _chain(error):
        if isinstance(one, AddressRefused):
            return "private_address", str(one)
        if isinstance(one, ssl.SSLError):
            return "tls", getattr(one, "verify_message", "") or one.reason or "TLS fails"
    if isinstance(error, TooLarge):
        return "too_large", said
    if isinstance(error, BadEncoding):
        return "encoding", said
    if isinstance(error, httpx.ProxyError):
        return "connect", "the proxy refuses"
    if isinstance(error, TimeoutError | httpx.TimeoutException):
        return "timeout", said or "no answer in time"
    if isinstance(error, httpx.ConnectError):
        return ("dns" if "has no address" in said else "connect"), said or "no connection"
    if isinstance(error, httpx.TransportError):
        return "reset", said or "the connection breaks off"
    return "bad_address", said


def _chain(error: BaseException) -> Iterator[BaseException]:
    current: BaseException | None = error
    for _ in range(10):
        if current is None:
            return
        yield current
        current = current.__cause__ or current.__context__


def seconds_asked(value: str | None, now: datetime | None = None) -> float | None:
    """Return the seconds of a ``Retry-After`` header (RFC 9110, 10.2.3), None where it says none.

    Args:
        value: seconds, or an HTTP date.
        now: against which a date is held, UTC.
    """
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError, OverflowError):  # the last: a day of twenty digits
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - (now or datetime.now(UTC))).total_seconds())
