"""Patience: what fails for a while is tried again, said when it lasts, and said when it is over.

The pauses grow with jitter to half a minute: a queue, a database or a disk that came back is used
again soon, and one that is down is not beaten. Only what waiting may cure is waited for; a wrong
password fails the run.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

import tenacity

from flows.streams.lease import Lost
from flows.streams.telling import Teller
from sdk.errors import PlatformError, classify
from sdk.notices.notice import Notice

T = TypeVar("T")

log = logging.getLogger(__name__)


class Stopped(Exception):
    """Asked to stop while something could not be done."""


class Patience:
    """Does things until they succeed or the consumer is asked to stop.

    Args:
        teller: says what lasts.
        stop: set when the consumer is to end.
        tell_after: seconds after which a trouble is said.
        longest_pause: seconds between two attempts at most.
    """

    def __init__(
        self,
        teller: Teller,
        stop: threading.Event,
        *,
        tell_after: float = 30.0,
        longest_pause: float = 30.0,
    ) -> None:
        self.teller, self.stop = teller, stop
        self.tell_after, self.longest_pause = tell_after, longest_pause
        self.waiting = False

    def do(self, what: str, action: Callable[[], T], alive: Callable[[], None] = lambda: None) -> T:
        """Return what an action returns, in the end.

        Args:
            what: is done, for the notice.
            action: does it; may be called many times.
            alive: called at each attempt.

        Raises:
            Stopped: it was to stop before it succeeded.
            PlatformError: waiting cannot cure it.
        """
        trouble = _Trouble(self, what)
        retrying = tenacity.Retrying(
            wait=tenacity.wait_random_exponential(multiplier=0.2, max=self.longest_pause),
            stop=tenacity.stop_when_event_set(self.stop),
            sleep=tenacity.sleep_using_event(self.stop),
            retry=tenacity.retry_if_exception(_passing),
            before=lambda _: alive(),
            before_sleep=trouble.lasts,
            retry_error_cls=tenacity.RetryError,
        )
        try:
            value: T = retrying(action)
        except tenacity.RetryError as error:
            raise Stopped(what) from error.last_attempt.exception()
        finally:
            self.waiting = False
        trouble.over()
        return value


class _Trouble:
    """One thing that does not succeed, since when, and what was said of it."""

    def __init__(self, patience: Patience, what: str) -> None:
        self.patience, self.what = patience, what
        self.began = time.monotonic()
        self.since = datetime.now(UTC)
        self.notice: Notice | None = None
        self.said = False

    def lasts(self, state: tenacity.RetryCallState) -> None:
        """Log an attempt that failed; say it once it has lasted."""
        error = state.outcome.exception() if state.outcome else None
        assert error is not None
        self.patience.waiting = True
        log.warning("cannot %s (attempt %d): %s", self.what, state.attempt_number, _words(error))
        if time.monotonic() - self.began >= self.patience.tell_after and not self.said:
            teller = self.patience.teller
            self.notice = self.notice or teller.trouble(
                self.what, error, self.since, datetime.now(UTC)
            )
            self.said = self._put_out(self.notice)

    def over(self) -> None:
        """Say that it is over, if it was said."""
        if self.notice is not None and self.said:
            teller = self.patience.teller
            self._put_out(teller.mended(self.notice, datetime.now(UTC)))

    def _put_out(self, notice: Notice) -> bool:
        try:
            self.patience.teller.say(notice)
        except Exception as error:
            log.warning("the notice could not be put out: %s", _words(error))
            return False
        return True


def _passing(error: BaseException) -> bool:
    return not isinstance(error, Lost) and classify(error) == "transient"


def _words(error: BaseException) -> str:
    return error.problem if isinstance(error, PlatformError) else type(error).__name__
