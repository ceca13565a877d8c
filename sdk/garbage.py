"""Garbage collection: what nobody can need any more is removed, slowly and in two steps.

What goes:

* *Superseded versions*: manifests beyond the newest of their key. Kept in any case: the newest
  good one (the fallback's), and whatever a kept manifest names as an input, however far back.
  A manifest is first put aside (``retired-…``): no reader finds it, and its parts stay. When it
  has been aside for the grace period, it goes, and its parts with it unless others name them.
  So whoever holds a dataset, or is about to serve it again, has that long to finish.
* *Parts that no manifest names*, of killed or failed runs, older than the grace period.
* *Temporary files* older than it, and *ledgers* (``_runs``, ``_fanout``) not written to for their
  own retention.

What never goes: the newest version of a key (numbers would be given out twice), anything of
unknown age or name, and everything of a dataset of which a manifest cannot be read.

Clocks: age is measured from the store's own times against the newest thing in the store, if
that is earlier than the clock: a clock that jumps ahead makes nothing old. A running publication
that uses an old orphan's name writes it anew (`sdk.store`), which makes it young; each dataset
is looked at again before anything of it is removed, and once more after; and a publication looks
after its claim whether its parts are there. Give a grace period longer than the longest step.

Unfinished multipart uploads on S3 are not objects: a lifecycle rule of the bucket removes them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sdk.archive import read_manifest
from sdk.errors import StorageError
from sdk.garbage_plan import GRACE, LEDGERS, Known, Plan, Policy, pins, plan
from sdk.layout import manifest_path, place
from sdk.manifest import Manifest
from sdk.storage import TEMPORARY, Entry
from sdk.store import Store

__all__ = ["Collected", "collect_garbage"]


@dataclass(frozen=True)
class Collected:
    """What was done, or would be.

    Attributes:
        dry_run: nothing was done.
        retired: manifests put aside.
        removed: objects removed, by path.
        bytes: their size.
        skipped: datasets left alone, and why.
    """

    dry_run: bool
    retired: tuple[str, ...]
    removed: tuple[str, ...]
    bytes: int
    skipped: Mapping[str, str]


def collect_garbage(
    store: Store,
    *,
    keep_versions: int = 3,
    older_than: timedelta = GRACE,
    ledgers_older_than: timedelta = LEDGERS,
    dry_run: bool = True,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Collected:
    """Remove what nobody can need any more; see the module's note.

    Args:
        store: in which.
        keep_versions: how many of the newest versions of a key stay.
        older_than: the grace period.
        ledgers_older_than: since when nothing was written to a run's ledger.
        dry_run: only say what would go.
        now: the clock.

    Raises:
        StorageError: the store cannot be read or written; what was removed until then is gone,
            and the next run goes on.
    """
    policy = Policy(keep_versions, older_than, ledgers_older_than)
    entries = store.storage.entries()
    known = _read(store, entries, {})
    present = _present(entries, now())
    first = plan(entries, known, policy, present)
    if dry_run:
        return _collected(first, entries, dry_run=True)
    pinned, retired, removed = pins(known, policy), list[str](), list[str]()
    wanted = {*first.retire, *first.remove}
    for group in sorted({place(path).group for path in wanted}):
        mine = {path for path in wanted if place(path).group == group}
        if not group or place(f"{group}/name").kind == "ledger":
            # Of temporary files and ledgers only the age counts.
            for path in sorted(mine):
                store.storage.delete(path)
            if group:
                store.storage.prune(group)
            removed.extend(sorted(mine))
            continue
        entries_now = store.storage.entries(group)
        known = _read(store, entries_now, known)
        second = plan(entries_now, known, policy, present, pinned)
        retired.extend(_retire(store, [path for path in second.retire if path in mine]))
        removed.extend(_remove(store, group, [path for path in second.remove if path in mine]))
    done = Plan(tuple(retired), tuple(removed), first.skipped)
    return _collected(done, entries, dry_run=False)


def _retire(store: Store, paths: Sequence[str]) -> Sequence[str]:
    for path in paths:
        found = place(path)
        aside = manifest_path(found.key, found.version, retired=True)
        store.storage.put(aside, store.storage.read(path))
        store.storage.delete(path)
    return paths


def _remove(store: Store, group: str, paths: Sequence[str]) -> Sequence[str]:
    """Remove parts and retired manifests of a dataset; return which stayed away.

    Parts are renamed first, and come back if a manifest names them by then: a publication that
    was quick enough to write, claim and look after between the listing and the renaming. One
    that claims later looks later, too, and writes again what it misses.
    """
    aside: dict[str, str] = {}
    for path in paths:
        folder, _, name = path.rpartition("/")
        aside[path] = f"{folder}/{TEMPORARY}collected-{name}"
        store.storage.move(path, aside[path])
    known = _read(store, store.storage.entries(group), {})
    named = {
        f"{manifest.customer}/{manifest.name}/{part.path}"
        for manifest in known.values()
        if manifest is not None
        for part in manifest.parts
    }
    for path, away in aside.items():
        if path in named:
            store.storage.move(away, path)
        else:
            store.storage.delete(away)
    return [path for path in paths if path not in named]


def _present(entries: Iterable[Entry], clock: datetime) -> datetime:
    times = [entry.modified for entry in entries if entry.modified is not None]
    return min([clock, max(times)]) if times else clock


def _read(store: Store, entries: Iterable[Entry], known: Known) -> dict[str, Manifest | None]:
    found: dict[str, Manifest | None] = dict(known)
    for entry in entries:
        if place(entry.path).kind in ("manifest", "retired") and entry.path not in found:
            try:
                data = store.storage.read(entry.path)
                found[entry.path] = read_manifest(data, store.storage.locate(entry.path))
            except FileNotFoundError:
                continue  # put aside or removed by another collection
            except StorageError:
                found[entry.path] = None
    return found


def _collected(done: Plan, entries: Sequence[Entry], *, dry_run: bool) -> Collected:
    sizes = {entry.path: entry.bytes for entry in entries}
    total = sum(sizes.get(path, 0) for path in done.remove)
    return Collected(dry_run, done.retire, done.remove, total, done.skipped)
