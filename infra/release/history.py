"""What was released, when, from which commit, and what it replaced."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from infra.release.model import RECORD, Record, Release, Version, release_of
from infra.release.store import CURRENT, ReleaseProblemError, Store


def records(store: Store) -> Iterator[Record]:
    """Yield the releases that have ended, the last one first."""
    key = store.read(CURRENT).value.get("last")
    while key:
        found = store.read(f"releases/{key}")
        if not found.revision:
            return
        record = RECORD.validate_python(found.value)
        yield record
        key = record.previous


def before(store: Store, now: float, by: str, why: str) -> Release:
    """Return the release that brings back what the active one replaced.

    Raises:
        ReleaseProblemError: there is nothing before it.
    """
    from infra.release.driver import active

    present = active(store)
    made = next((r for r in records(store) if present and r.release.id == present.release), None)
    if present is None or made is None or made.release.replaces is None:
        raise ReleaseProblemError("there is no release to go back to")
    version: Version = made.release.replaces.version
    # What a return replaced is the newer one: its schema comes first again, and by its own scripts.
    returns = not made.release.returns
    return release_of(version, present, now, shares=(100,), returns=returns, by=by, why=why)


def line(record: Record) -> str:
    """Return a record as one line."""
    release = record.release
    replaced = release.replaces.version.short if release.replaces else "nothing"
    when = datetime.fromtimestamp(record.begun, UTC).strftime("%Y-%m-%d %H:%M:%S")
    told = f" ({record.reason})" if record.reason else ""
    kind = "back to " if release.returns else ""
    return (
        f"{when}  {record.outcome:<11}  {kind}{release.version.short}  commit "
        f"{release.version.commit[:10] or '-'}  on {release.colour}  instead of {replaced}  "
        f"{record.ended - record.begun:.0f} s{told}"
    )
