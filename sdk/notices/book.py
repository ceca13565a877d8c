"""The book of faults: one object for each below the storage root, and two indexes by name alone.

``faults/<fingerprint>.json`` is the state. ``due/<fingerprint>`` says that something about it may
be left to say: written before the state, removed after, so that a killed writer leaves at worst a
needless one. ``open/<place>-<fingerprint>`` says that it is open: a run asks there, by one listing,
whether a step that worked was broken before.

``lost/<fingerprint>.json`` is a state that could not be read, put aside for a person to look at;
`recovered` begins such a fault anew, from what Slack and Jira still know of it.

Only the holder of the lease writes states (`lease`); anybody may mark a fault as open, since a
mark too many is a fault that turns out to be mended already.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterator

from pydantic import ValidationError

from sdk.notices.fault import place
from sdk.notices.fault_state import FaultState
from sdk.notices.notice import Notice
from sdk.notices.outbox import ROOT
from sdk.storage import Storage

FAULTS, DUE, OPEN, LOST = (f"{ROOT}/{name}" for name in ("faults", "due", "open", "lost"))

log = logging.getLogger("dataweave.notices")


class Book:
    """The faults of a storage root.

    Args:
        storage: the root.
    """

    def __init__(self, storage: Storage) -> None:
        self.storage = storage

    def read(self, fingerprint: str) -> FaultState | None:
        """Return what is known of a fault; what cannot be read is put aside: for senders alone."""
        path = f"{FAULTS}/{fingerprint}.json"
        try:
            content = self.storage.read(path)
        except FileNotFoundError:
            return None
        try:
            return FaultState.model_validate_json(content)
        except ValidationError as error:
            log.error("%s cannot be read and is put aside in %s: %s", path, LOST, error)
            self.storage.put(f"{LOST}/{fingerprint}.json", content)
            self.storage.delete(path)
            return None

    def is_lost(self, fingerprint: str) -> bool:
        """Say whether more was known of a fault than can be read."""
        return self.storage.exists(f"{LOST}/{fingerprint}.json")

    def write(self, state: FaultState) -> None:
        """Keep what is known of a fault, which may leave something to say."""
        self.storage.put(f"{DUE}/{state.fingerprint}", b"")
        if state.open:
            self.mark_open(state.latest)
        content = state.model_dump_json(exclude_none=True).encode()
        self.storage.put(f"{FAULTS}/{state.fingerprint}.json", content)
        if not state.open:
            self.mark_closed(state.latest)

    def save(self, state: FaultState) -> None:
        """Keep the progress of saying it."""
        content = state.model_dump_json(exclude_none=True).encode()
        self.storage.put(f"{FAULTS}/{state.fingerprint}.json", content)

    def due(self) -> list[str]:
        """Return the faults about which something may be left to say."""
        return self.storage.names(DUE)

    def done(self, fingerprint: str) -> None:
        """Note that nothing is left to say about a fault."""
        self.storage.delete(f"{DUE}/{fingerprint}")

    def mark_open(self, notice: Notice) -> None:
        """Let the runs to come know that a fault is open."""
        self.storage.put(_mark(notice), b"")

    def mark_closed(self, notice: Notice) -> None:
        """Let the runs to come know that a fault is not open."""
        self.storage.delete(_mark(notice))

    def open_faults(self) -> dict[str, list[str]]:
        """Return the fingerprints of the faults that are open, by place."""
        found: dict[str, list[str]] = defaultdict(list)
        for name in self.storage.names(OPEN):
            where, _, fingerprint = name.partition("-")
            found[where].append(fingerprint)
        return dict(found)

    def states(self) -> Iterator[FaultState]:
        """Yield every fault that can be read, by fingerprint."""
        for name in self.storage.names(FAULTS):
            try:
                yield FaultState.model_validate_json(self.storage.read(f"{FAULTS}/{name}"))
            except (FileNotFoundError, ValidationError):
                continue


def _mark(notice: Notice) -> str:
    where = place(notice.environment, notice.flow, notice.step)
    return f"{OPEN}/{where}-{notice.fault}"
