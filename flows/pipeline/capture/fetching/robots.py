"""robots.txt, as RFC 9309 reads it: what a site allows us, and how fast.

| the site's answer | means |
|---|---|
| 2xx | its rules |
| 4xx (also 401, 403) | no rules: all is allowed |
| 5xx, 429, no answer | unreachable: nothing is allowed, until it answers |

429 stands with 5xx: a site that asks us to slow down has not said what it allows. Rules are read
by protego, as Google does; what is beyond 500 KiB is not looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from protego import Protego

MOST_BYTES: Final = 500 * 1024
"""RFC 9309, section 2.5: a parser must read at least so much."""
LONGEST_DELAY: Final = 300.0
"""Seconds; a larger Crawl-delay is a way of saying no, or a slip of the pen: it is kept to this."""


@dataclass(frozen=True)
class Robots:
    """What a host's robots.txt says.

    Attributes:
        state: ``rules``; ``open``, there are none; ``closed``, nobody knows.
        rules: where there are some.
    """

    state: Literal["rules", "open", "closed"]
    rules: Protego | None = None

    def allows(self, url: str, agent: str) -> bool:
        """Say whether an agent may ask for an address."""
        if self.rules is None:
            return self.state == "open"
        return bool(self.rules.can_fetch(url, agent))

    def delay(self, agent: str) -> float | None:
        """Return the seconds between two requests that are asked for, None if nothing is said.

        Both ``Crawl-delay`` and ``Request-rate`` count; the slower of them.
        """
        if self.rules is None:
            return None
        asked = [float(delay) for delay in (self.rules.crawl_delay(agent),) if delay is not None]
        rate = self.rules.request_rate(agent)
        if rate is not None and rate.requests > 0:
            asked.append(rate.seconds / rate.requests)
        good = [delay for delay in asked if delay >= 0]
        return min(max(good), LONGEST_DELAY) if good else None


OPEN: Final = Robots("open")
CLOSED: Final = Robots("closed")


def read_robots(status: int, body: bytes) -> Robots:
    """Return what an answer to the request for robots.txt means.

    Args:
        status: of HTTP, after redirects; 0 where there was no answer.
        body: decompressed.
    """
    if 200 <= status < 300:
        text = body[:MOST_BYTES].decode("utf-8", "replace").removeprefix("\ufeff")
        try:
            return Robots("rules", Protego.parse(text))
        except Exception:
            # Whatever a site writes there must not end its run; unreadable rules are no rules.
            return OPEN
    if 400 <= status < 500 and status != 429:
        return OPEN
    return CLOSED
