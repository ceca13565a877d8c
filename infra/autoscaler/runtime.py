"""How likely a run is still running after so many seconds.

Run times of a flow are taken as log-normal: they are positive, skewed, and their middle is well
described by two numbers that a log line of the SDK suffices to estimate. Two departures, both
towards caution: the spread is never taken below `LEAST_SPREAD`, since the estimate itself may be
wrong by a factor; and a run that has outlived its distribution is expected to go on for as long
again as it has lived (the Lindy rule, survival a / (a + h), which is a Pareto tail of index 1).

Tables are computed on the policy's grid and kept, because a decision asks for the same few
hundred of them every half minute.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from infra.autoscaler.observation import RunTime

LEAST_SPREAD: Final = 0.35
"""A factor of 2 is two such standard deviations: an estimate wrong by 2 is still thinkable."""

OUTLIVED: Final = 0.01
"""Below this survival the log-normal says nothing more about the run at hand."""

PRIOR_SPREAD: Final = 0.7
PRIOR_RUNS: Final = 2
"""A flow seen rarely is taken to scatter by a factor of 2, with the weight of two runs."""

DEFAULT_RUN_TIME: Final = RunTime(median=120.0, spread=1.0)
"""For a flow of which nothing is known: anything from half a minute to quarter of an hour."""


def survival(run_time: RunTime, age: float) -> float:
    """Return the share of runs that take longer than `age` seconds: ½ erfc(z / √2)."""
    if age <= 0:
        return 1.0
    spread = max(run_time.spread, LEAST_SPREAD)
    return 0.5 * math.erfc(math.log(age / run_time.median) / (spread * math.sqrt(2.0)))


@lru_cache(maxsize=65536)
def _table(median: float, spread: float, age: float, step: float, points: int) -> tuple[float, ...]:
    run_time = RunTime(median, spread)
    alive = survival(run_time, age)
    if alive < OUTLIVED:
        return tuple(age / (age + k * step) for k in range(points))
    return tuple(survival(run_time, age + k * step) / alive for k in range(points))


def remaining(run_time: RunTime, age: float, step: float, points: int) -> tuple[float, ...]:
    """Return the chance that a run of this age still runs at 0, step, 2·step, … seconds from now.

    Ages are rounded to steps, and beyond twenty steps to 5 %, so that tables are used again.
    """
    steps = max(0.0, age) / step
    if steps > 20:
        rounded = step * 1.05 ** round(math.log(steps) / math.log(1.05))
    else:
        rounded = step * round(steps)
    # Three digits of the estimate are more than it knows, and make it a key that is met again.
    return _table(
        float(f"{run_time.median:.3g}"), float(f"{run_time.spread:.2g}"), rounded, step, points
    )


def estimate(seconds: Iterable[float]) -> RunTime | None:
    """Fit a flow's run time to what its last runs took; None for no run.

    Args:
        seconds: run times; what is not positive is left out.
    """
    logs = [math.log(value) for value in seconds if value > 0]
    if not logs:
        return None
    return estimate_from(len(logs), sum(logs), sum(log * log for log in logs))


def estimate_from(count: int, total: float, squares: float, bias: float = 1.0) -> RunTime:
    """Fit a flow's run time to the sums of its runs' logarithms.

    Args:
        count: how many runs, at least one.
        total: sum of the natural logarithms of their seconds.
        squares: sum of the squares of these.
        bias: factor on the median; 1 but where a simulation misjudges on purpose.
    """
    mean = total / count
    scatter = max(0.0, squares - count * mean * mean)
    variance = (scatter + PRIOR_RUNS * PRIOR_SPREAD**2) / (count + PRIOR_RUNS)
    return RunTime(bias * math.exp(mean), math.sqrt(variance))
