"""What becomes of work elsewhere when a flow run is cancelled.

Prefect 2 cancels a run by SIGTERM: the engine raises in the main thread and ends the process a
tenth of a second later. The threads in which tasks wait hear nothing of it, and a query or job
that they wait for would go on over there, and be paid for. So a flow whose body is left that way
stops all of it (`blocks.connectors.running`) before the engine goes on.

Runs on a Dask cluster wait in other processes: there the connectors' time limits are what ends
such work.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sdk import prefect2


@contextmanager
def stopping_what_runs_elsewhere() -> Iterator[None]:
    """Stop queries and jobs when the body is ended from outside; not when it fails or pauses."""
    try:
        yield
    except (Exception, prefect2.Stopped):
        # A failing step has stopped its own; a pause is no end.
        raise
    except BaseException:
        from blocks.connectors.running import stop_all

        log = prefect2.run_logger()
        for what in stop_all():
            log.warning("the run ends, so it was stopped: %s", what)
        raise
