"""What is told of findings: each when it is new, again now and then, and when it is gone. Pure.

A finding is told at once: whoever configures the limits says what is normal. One that comes and
goes is not told at every change.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from canary.watch.snapshot import Finding

AGAIN = 3600.0
"""Seconds after which an open finding is told again."""
QUIET = 300.0
"""Seconds for which a finding must be gone to be called mended: shorter is flapping."""

What = Literal["new", "still", "mended"]


@dataclass(frozen=True, slots=True)
class Open:
    """A finding that was told.

    Attributes:
        finding: as it was seen last.
        since: when it was seen first, monotonic seconds.
        seen: when it was seen last.
        told: when it was told last.
    """

    finding: Finding
    since: float
    seen: float
    told: float


@dataclass(frozen=True, slots=True)
class Change:
    """One thing to tell."""

    what: What
    finding: Finding
    seconds: float


def changes(
    known: Mapping[str, Open], found: Iterable[Finding], now: float
) -> tuple[dict[str, Open], list[Change]]:
    """Return what is open now, and what is to be told.

    Args:
        known: what was open after the last look.
        found: in this look.
        now: monotonic seconds.
    """
    after, told = dict(known), []
    keys = set()
    for finding in found:
        keys.add(finding.key)
        before = known.get(finding.key)
        if before is None:
            after[finding.key] = Open(finding, now, now, now)
            told.append(Change("new", finding, 0.0))
        elif now - before.told >= AGAIN:
            after[finding.key] = replace(before, finding=finding, seen=now, told=now)
            told.append(Change("still", finding, now - before.since))
        else:
            after[finding.key] = replace(before, finding=finding, seen=now)
    for key, one in known.items():
        if key not in keys and now - one.seen >= QUIET:
            del after[key]
            told.append(Change("mended", one.finding, one.seen - one.since))
    return after, told
