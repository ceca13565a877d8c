"""Fan-out: one step over 2 to 100,000 items, with an outcome of its own for each.

A Prefect 2 task run costs about 70 ms, and twice that with events on; so items travel in chunks
inside one task run (threads, processes, an event loop) or a few (the flow's task runner, such as
Dask). Each item is executed as a step all the same: retries, fallback, checks, statistics.

An item that fails does not take the others with it: `FanoutResult` names it, and below a
threshold of successes the whole is an error. What was done is kept under the run, by a key made
of the step's code and the item's arguments: when the run is tried again, items that succeeded
are not run again, and never take each other's results.
"""

from sdk.fanning.outcome import FanoutFailed, FanoutResult, ItemOutcome
from sdk.fanning.spread import fanout

__all__ = ["FanoutFailed", "FanoutResult", "ItemOutcome", "fanout"]
