"""Answers that are none: errors, delays, broken connections, pages that are not the product."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import cache
from typing import Final

from flows.sample.storefront.misbehaviour import CONTENTS, STRUCTURES, Kind, Misbehaviour
from flows.sample.storefront.reply import Answer, Asked, Delivery

BOMB_BYTES: Final = 256 << 20
HUGE_BYTES: Final = 40 << 20
PRIVATE: Final = (
    "http://169.254.169.254/latest/meta-data/",
    "http://10.0.0.1/",
    "http://[::1]:9/",
    "http://localhost:9/admin",
    "file:///etc/passwd",
)
"""Where a site could send a careless client: a cloud's metadata, a neighbour, the client itself."""
_STATUSES: Final[dict[Kind, int]] = {"unavailable": 503, "error": 500, "forbidden": 403}
_DELIVERIES: Final[dict[Kind, Delivery]] = {
    "hanging": "never",
    "trickle": "trickle",
    "reset": "reset",
    "reset_midway": "reset_midway",
    "cut_short": "cut_short",
}
_CHALLENGE: Final = (
    '<!doctype html><html><head><title>One moment</title></head><body><div id="wall">'
    "<h1>Checking that you are human</h1><p>This takes a few seconds. Please enable scripts and "
    'reload the page.</p><form><input type="hidden" name="ray" value="7f3a"></form></div>'
    "<script>setTimeout(function(){location.reload()},5000)</script></body></html>"
)
_PICTURE: Final = b"\x89PNG\r\n\x1a\n" + bytes(500)
_PLAIN: Final = ("Content-Type", "text/plain; charset=utf-8")
_HTML: Final = ("Content-Type", "text/html; charset=utf-8")


def strikes(wrong: Misbehaviour, number: int | None, asked: Asked) -> bool:
    """Whether a misbehaviour of transport concerns a request.

    Args:
        wrong: any misbehaviour.
        number: of the product that was asked for; None for lists, sitemaps and the like.
        asked: the request.
    """
    if wrong.kind in CONTENTS or wrong.kind in STRUCTURES:
        return False
    if wrong.limit is not None:
        return asked.lately > wrong.limit
    if number is not None and number % wrong.every:
        return False
    if wrong.times is None:  # what lasts all day leaves the lists alone, or nothing were found
        return number is not None
    return asked.times < wrong.times


def spoil(
    wrong: Misbehaviour, asked: Asked, number: int, whole: Callable[[], Answer], gone: str
) -> Answer:
    """Return what a shop answers that does one thing wrong.

    Args:
        wrong: a misbehaviour of transport.
        asked: the request that it strikes.
        number: of the product; it chooses among several forms of one fault.
        whole: makes the answer that is right.
        gone: the shop's "not found" page.
    """
    kind = wrong.kind
    if kind.startswith("busy"):
        return Answer(429, b"too many requests", (_PLAIN, *_retry_after(wrong)))
    if kind in _STATUSES:
        return Answer(_STATUSES[kind], b"not now", (_PLAIN,))
    if kind in _DELIVERIES:
        return replace(whole(), delivery=_DELIVERIES[kind])
    if kind == "slow":
        return replace(whole(), wait=wrong.seconds)
    if kind == "soft_404":
        return Answer(200, gone.encode(), (_HTML,))
    if kind == "block_page":
        return Answer(200, _CHALLENGE.encode(), (_HTML,))
    if kind == "redirect_private":
        return _redirect(PRIVATE[number % len(PRIVATE)])
    if kind == "redirect_loop":
        return _redirect(f"{asked.target}{'&' if '?' in asked.target else '?'}again=1")
    if kind == "redirect_elsewhere":
        return _redirect("/")
    if kind == "bomb":
        return Answer(200, _bomb(), (_HTML, ("Content-Encoding", "gzip")))
    if kind == "huge_page":
        return Answer(200, _huge(), (_HTML,))
    return Answer(200, _PICTURE, (("Content-Type", "image/png"),))


def _redirect(address: str) -> Answer:
    return Answer(302, b"", (("Location", address),))


def _retry_after(wrong: Misbehaviour) -> tuple[tuple[str, str], ...]:
    if wrong.kind == "busy":
        return (("Retry-After", f"{max(1, round(wrong.seconds))}"),)
    if wrong.kind == "busy_date":  # the one answer that depends on the clock
        then = datetime.now(UTC) + timedelta(seconds=max(1, round(wrong.seconds)))
        return (("Retry-After", format_datetime(then, usegmt=True)),)
    return ()


@cache
def _bomb() -> bytes:
    block = gzip.compress(bytes(1 << 20), 9, mtime=0)
    return block * (BOMB_BYTES >> 20)  # gzip members follow each other (RFC 1952, section 2.2)


@cache
def _huge() -> bytes:
    start = b"<!doctype html><html><body><h1>All of it</h1>"
    line = b"<p>and so on</p>\n"
    return start + line * (HUGE_BYTES // len(line))
