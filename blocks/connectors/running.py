"""What runs on our behalf elsewhere, and its end when the run that asked for it ends.

A query or job goes on over there when the process that waits for it is gone. So whoever starts
one says how it is stopped, and it is stopped

- when the waiting code is left by any exception: a time limit, a cancelled task, a lost poll;
- when the flow run is cancelled: the engine then ends the main thread without telling the
  threads in which tasks wait, so the SDK calls `stop_all` (`sdk.cancellation`).

A SIGKILL stops nothing: the time limits that each connector gives to the other side are the
second line.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

log = logging.getLogger("blocks.connectors")

_lock = threading.Lock()
_running: dict[object, tuple[str, Callable[[], object]]] = {}


@contextmanager
def stoppable(what: str, stop: Callable[[], object]) -> Iterator[None]:
    """Wait in the body for something that goes on elsewhere; stop it if the wait ends early.

    Args:
        what: it is, for the log: "Athena query 7f3a…".
        stop: stops it; called at most once, perhaps from another thread. Stopping what has ended
            must do nothing.
    """
    token = object()
    with _lock:
        _running[token] = (what, stop)
    try:
        yield
    except BaseException:
        _stop(token)
        raise
    finally:
        with _lock:
            _running.pop(token, None)


def stop_all() -> list[str]:
    """Stop everything that this process waits for; return what it was."""
    with _lock:
        tokens = list(_running)
    return [what for token in tokens if (what := _stop(token)) is not None]


def _stop(token: object) -> str | None:
    with _lock:
        entry = _running.pop(token, None)
    if entry is None:
        return None
    what, stop = entry
    try:
        stop()
    except Exception as error:
        # The reason why the wait ended is worth more than this one.
        log.warning("%s could not be stopped: %s", what, type(error).__name__)
    else:
        log.info("stopped: %s", what)
    return what
