"""Counts of a minute: what came, what became of it, and how long it took.

How long is kept as a histogram with bounds a fifth apart, so that minutes add up and a percentile
is right to within a fifth however many events there were.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

STEP = math.log(1.2)
FIRST = 0.001
"""Seconds: what is faster counts as this fast."""


@dataclass
class Counts:
    """What happened.

    Attributes:
        received: messages, those that came again included.
        handled: events that had their effect.
        repeated: messages whose event was handled before.
        superseded: events whose offer has a later price already.
        dead: messages that were set aside.
        compared: pairs of offers that were compared.
        alerts: things that were told.
        notices: that told them.
        batches: that were committed.
        busy: seconds of work.
        lags: histogram of the seconds from the queue to the notice: bucket → events.
    """

    received: int = 0
    handled: int = 0
    repeated: int = 0
    superseded: int = 0
    dead: int = 0
    compared: int = 0
    alerts: int = 0
    notices: int = 0
    batches: int = 0
    busy: float = 0.0
    lags: dict[int, int] = field(default_factory=dict)

    def __add__(self, other: Counts) -> Counts:
        """Return the counts of both."""
        mine, theirs = asdict(self), asdict(other)
        lags = dict(self.lags)
        for bucket, count in other.lags.items():
            lags[bucket] = lags.get(bucket, 0) + count
        return Counts(
            **{name: mine[name] + theirs[name] for name in mine if name != "lags"}, lags=lags
        )

    def took(self, seconds: Iterable[float]) -> None:
        """Count how long events took; a clock that jumped back makes none of them negative."""
        for one in seconds:
            bucket = max(0, math.ceil(math.log(max(one, FIRST) / FIRST) / STEP))
            self.lags[bucket] = self.lags.get(bucket, 0) + 1

    def percentile(self, share: float) -> float | None:
        """Return the seconds within which that share of the events was done; None without any."""
        total, reached = sum(self.lags.values()), 0
        for bucket in sorted(self.lags):
            reached += self.lags[bucket]
            if reached >= share * total:
                return round(FIRST * math.exp(bucket * STEP), 4)
        return None

    def as_json(self) -> str:
        """Return it as text."""
        return json.dumps(asdict(self))

    @classmethod
    def of_json(cls, text: str) -> Counts:
        """Return what `as_json` wrote."""
        told: dict[str, Any] = json.loads(text)
        lags = {int(bucket): count for bucket, count in told.pop("lags").items()}
        return cls(**told, lags=lags)

    def statistics(self) -> dict[str, Any]:
        """Return it as a step records it, the histogram too: minutes can be added up."""
        told = {name: value for name, value in asdict(self).items() if name != "lags"}
        told["busy"] = round(self.busy, 3)
        for name, share in (("lag_p50", 0.5), ("lag_p95", 0.95), ("lag_max", 1.0)):
            told[name] = self.percentile(share)
        told["lags"] = {str(bucket): count for bucket, count in sorted(self.lags.items())}
        return told
