"""What a block raises when a message or a ticket did not go through: one class for each next move.

`Rejected`: the same request fails again; somebody has to act. `RateLimited`: nothing was done,
ask again after `retry_after`. `Unavailable`: ask again later; `uncertain` says that the work may
have been done all the same (its answer was lost), so look for it before doing it twice.

The blocks do not retry: whoever keeps what is to be sent knows when to try again. The one
exception is `notify`, since whoever calls that keeps nothing (`blocks.notifying`).
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import ClassVar


class DeliveryError(Exception):
    """A request to Slack or Jira failed: what is wrong, and what to do.

    Args:
        problem: what is wrong, naming the system and the thing.
        action: what whoever reads it should do.
        code: the system's own word for it (``channel_not_found``, ``404``), for decisions.
        retry_after: seconds that the system asked to wait, if it did.
    """

    retryable: ClassVar[bool] = False

    def __init__(
        self, problem: str, action: str = "", *, code: str = "", retry_after: float | None = None
    ) -> None:
        super().__init__(problem, action)
        self.problem = problem
        self.action = action
        self.code = code
        self.retry_after = retry_after

    def __str__(self) -> str:
        return f"{self.problem}\n{self.action}" if self.action else self.problem


class Rejected(DeliveryError):
    """The request was understood and refused: trying again cannot help."""


class RateLimited(DeliveryError):
    """Too many requests; nothing was done. `retry_after` is always given."""

    retryable = True
    retry_after: float

    def __init__(
        self, problem: str, action: str = "", *, code: str = "", retry_after: float | None = None
    ) -> None:
        wait = UNSAID_WAIT if retry_after is None else retry_after
        super().__init__(problem, action, code=code, retry_after=wait)


class Unavailable(DeliveryError):
    """No answer, or not a usable one.

    Args:
        problem: what is wrong.
        action: what whoever reads it should do.
        code: the system's own word for it.
        retry_after: seconds that the system asked to wait, if it did.
        uncertain: the request was sent, so what it asks for may have been done.
    """

    retryable = True

    def __init__(
        self,
        problem: str,
        action: str = "",
        *,
        code: str = "",
        retry_after: float | None = None,
        uncertain: bool = True,
    ) -> None:
        super().__init__(problem, action, code=code, retry_after=retry_after)
        self.uncertain = uncertain


UNSAID_WAIT = 30.0
"""Seconds to wait after a 429 that names none: Slack's and Jira's own answers name one, proxies
before them do not; half a minute is what their per-minute windows ask for on average."""


def seconds(value: str | None, now: datetime | None = None) -> float | None:
    """Read a Retry-After header (RFC 9110, 10.2.3): seconds, or a date against `now` (UTC).

    Returns:
        Seconds to wait, 0 or more; nothing where the header is missing or unreadable.
    """
    text = (value or "").strip()
    if text.isascii() and text.replace(".", "", 1).isdigit():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - (now or datetime.now(UTC))).total_seconds())
