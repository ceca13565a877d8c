"""The tags of deployments: a closed vocabulary, and the rules that some of them are.

A deployment's tags are its runs' tags, so that whatever sees a run (its own process before the
flow is loaded, the reconciler, a person) knows how it is to be treated without asking anybody.
Prefect 2 has no place of its own for this: `concurrency_limit` on a deployment is ignored.

What a run is: ``daily``, ``stream``, ``canary``, ``operations``, ``crontab``, ``heavy`` (a step
of another flow), ``backfill``. How much it matters: ``gold``, ``silver``, ``bronze``. Rules:

* ``overlap:skip``, ``overlap:queue`` or ``overlap:cancel-old``: what becomes of a run that is to
  start while an earlier one of its deployment still runs. Without it, both run.
* ``relaunch:N``: a run whose process died is started again until it was started N times.
* ``lateness:DURATION`` (``30m``): a run that has not begun so long after it was due is cancelled.
* ``timeout:DURATION``: a run that still runs so long after it began is stopped and marked Crashed,
  though its heart beats: it hangs. It is started again within ``relaunch``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, cast

from sdk.errors import ConfigurationError

Overlap = Literal["allow", "skip", "queue", "cancel-old"]

KINDS = frozenset({"daily", "stream", "canary", "operations", "crontab", "heavy", "backfill"})
TIERS = frozenset({"gold", "silver", "bronze"})
OVERLAPS = frozenset({"skip", "queue", "cancel-old"})
SPANS = frozenset({"lateness", "timeout"})
MOST_STARTS = 5
"""A run that killed five processes will kill a sixth."""
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True, slots=True)
class Rules:
    """What a run's tags say of how it is treated.

    Attributes:
        overlap: what becomes of it while an earlier run of its deployment runs.
        starts: how often it may be started in all, crashes included.
        lateness: how long after it was due it may still begin; None for ever.
        timeout: how long one start of it may run; None for ever.
    """

    overlap: Overlap = "allow"
    starts: int = 1
    lateness: timedelta | None = None
    timeout: timedelta | None = None

    @classmethod
    def of(cls, tags: Iterable[str]) -> Rules:
        """Return the rules in some tags; a tag that is no rule, or a broken one, says nothing.

        Runs are started with any tags; only those of prefect.yaml are checked (`unknown_tags`).
        """
        overlap: Overlap = "allow"
        starts = 1
        spans: dict[str, timedelta] = {}
        for tag in tags:
            name, _, value = tag.partition(":")
            if name == "overlap" and value in OVERLAPS:
                overlap = cast(Overlap, value)
            elif name == "relaunch" and value.isdigit():
                starts = min(MOST_STARTS, max(1, int(value)))
            elif name in SPANS and (found := _duration(value)) is not None:
                spans[name] = found
        return cls(overlap, starts, **spans)


def unknown_tags(tags: Iterable[str]) -> list[str]:
    """Return those tags that are not in the vocabulary, or no well-formed rule."""
    return [tag for tag in tags if not _known(tag)]


def check_tags(where: str, tags: Iterable[str]) -> None:
    """Raise ConfigurationError if a tag is not in the vocabulary."""
    wrong = unknown_tags(tags)
    if wrong:
        raise ConfigurationError(
            f"{where}: tags that nobody knows: {', '.join(wrong)}",
            f"Known are {', '.join(sorted(KINDS | TIERS))}, overlap:…, relaunch:…, "
            "lateness:…, timeout:….",
        )


def _known(tag: str) -> bool:
    name, colon, value = tag.partition(":")
    if not colon:
        return tag in KINDS | TIERS
    if name == "overlap":
        return value in OVERLAPS
    if name == "relaunch":
        return value.isdigit() and 1 <= int(value) <= MOST_STARTS
    return name in SPANS and _duration(value) is not None


def _duration(text: str) -> timedelta | None:
    number, unit = text[:-1], text[-1:]
    if unit not in _UNITS or not number.isdigit() or int(number) == 0:
        return None
    return timedelta(seconds=int(number) * _UNITS[unit])
