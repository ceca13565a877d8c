"""Patience with a site: when is it better to leave it for today?

A site that does not answer any more, or answers every page with a refusal, is not helped by
another thousand requests, and neither are we.
"""

from __future__ import annotations

from typing import Final

from flows.pipeline.capture.fetching.answer import Answer
from flows.pipeline.capture.fetching.pace import WORTH_WAITING

MOST_SILENT: Final = 6
"""Requests in a row without an answer."""
MOST_BROKEN: Final = 30
"""Answers in a row that break off, or say that the server is broken or busy."""
MOST_REFUSED: Final = 25
"""Refusals in a row (401, 403, 451): the site has made up its mind about us."""
_SILENT: Final = ("timeout", "connect", "dns", "tls", "private_address")
_BROKEN: Final = ("busy", "server", "reset")
_REFUSED: Final = (401, 403, 407, 451)


class Patience:
    """Counts what goes wrong in a row."""

    def __init__(self) -> None:
        self._silent = self._broken = self._refused = 0

    def note(self, answer: Answer) -> str | None:
        """Note an answer; return why the site is to be left, None if it is not."""
        if answer.problem in ("robots", "off_site"):
            return None  # nothing was asked
        self._silent = self._silent + 1 if answer.problem in _SILENT else 0
        self._broken = self._broken + 1 if answer.problem in _BROKEN else 0
        self._refused = self._refused + 1 if answer.status in _REFUSED else 0
        if answer.problem == "busy" and (answer.retry_after or 0.0) > WORTH_WAITING:
            return f"it asks to come back in {answer.retry_after:,.0f} s"
        if self._silent >= MOST_SILENT:
            return f"{self._silent} requests in a row without an answer ({answer.detail})"
        if self._broken >= MOST_BROKEN:
            return f"{self._broken} bad answers in a row ({answer.detail})"
        if self._refused >= MOST_REFUSED:
            return f"{self._refused} refusals in a row with status {answer.status}"
        return None
