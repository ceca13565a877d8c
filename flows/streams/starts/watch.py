"""The watch: tells Prefect's server of each arrival, and remembers that it did.

The server acknowledges an event before the ledger has it, and the ledger has it before the queue
lets it go. Who dies in between tells the server twice; its automation starts once all the same,
since it counts by the object (see `flows.streams.starts.apply`).
"""

from __future__ import annotations

import logging

from flows.streams.lease import Lease
from flows.streams.ledger import Effects, Ledger
from flows.streams.patience import Patience, Stopped
from flows.streams.starts.arrivals import Arrival, Arrivals
from sdk.api import Api

log = logging.getLogger(__name__)


class Watch:
    """Watches one place.

    Args:
        arrivals: the place.
        source: its name in the events' labels.
        ledger: that remembers.
        lease: one watch at a time.
        patience: for a server or a storage that is away.
        api: of Prefect's server.
        pause: seconds between looks.
    """

    def __init__(
        self,
        arrivals: Arrivals,
        source: str,
        ledger: Ledger,
        lease: Lease,
        patience: Patience,
        api: Api,
        *,
        pause: float = 1.0,
    ) -> None:
        self.arrivals, self.source, self.ledger, self.lease = arrivals, source, ledger, lease
        self.patience, self.api, self.pause = patience, api, pause
        self.stop = patience.stop
        self.told = 0

    def run(self) -> int:
        """Watch until asked to stop, or until another watch waits; return how many were told."""
        try:
            while not self.patience.do("take the lease", self.lease.take):
                if self.stop.wait(min(1.0, self.lease.seconds / 5)):
                    return self.told
            while not self.stop.is_set() and not self._look():
                self.stop.wait(self.pause)
        except Stopped as error:
            log.warning("stopped while it could not %s; nothing is lost", error)
        finally:
            self.lease.release()
        return self.told

    def _look(self) -> bool:
        """Tell what arrived; return whether another watch is waiting."""
        found = {one.identity: one for one in self.patience.do("look", self.arrivals.look)}
        known = self.patience.do("read the ledger", lambda: self.ledger.known(list(found)))
        fresh = [one for name, one in found.items() if name not in known]
        if fresh:
            self.patience.do("tell the server", lambda: self._tell(fresh))
        effects = Effects(handled={one.identity: None for one in fresh})
        heir = self.patience.do("commit", lambda: self.ledger.commit(effects, self.lease))
        self.patience.do("settle", self.arrivals.settle)
        self.told += len(fresh)
        return heir

    def _tell(self, arrivals: list[Arrival]) -> None:
        self.api.post("/events", [one.event(self.source) for one in arrivals])
        for one in arrivals:
            log.info("arrived: %s", one.url)
