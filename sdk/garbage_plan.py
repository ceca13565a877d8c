"""What the garbage collection removes, decided from a listing and the manifests in it.

The rules and their reasons are in `sdk.garbage`; nothing here touches a store or a clock.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sdk.errors import Permanent
from sdk.key import DatasetKey
from sdk.layout import Place, place
from sdk.manifest import Manifest
from sdk.storage import Entry

GRACE = timedelta(days=2)
"""Longer than any step, with a weekend run that hangs in between."""

LEDGERS = timedelta(days=90)
"""Runs of a quarter can be looked up; history checks read the manifests, not these."""

Known = Mapping[str, Manifest | None]
"""Manifests by path, kept and retired; None for one that cannot be read."""


@dataclass(frozen=True)
class Policy:
    """What may go.

    Attributes:
        keep_versions: how many of the newest versions of a key stay.
        older_than: the grace period.
        ledgers_older_than: since when nothing was written to a run's ledger.
    """

    keep_versions: int = 3
    older_than: timedelta = GRACE
    ledgers_older_than: timedelta = LEDGERS

    def __post_init__(self) -> None:
        if self.keep_versions < 1 or self.older_than < timedelta(0):
            raise Permanent(
                f"cannot keep {self.keep_versions} versions for {self.older_than}",
                "Keep at least one version, for a time that is not negative.",
            )


@dataclass(frozen=True)
class Plan:
    """What is to be done, by path.

    Attributes:
        retire: manifests to be put aside.
        remove: objects to be removed.
        skipped: datasets left alone, and why.
    """

    retire: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    skipped: Mapping[str, str] = field(default_factory=dict)


def plan(
    entries: Sequence[Entry],
    known: Known,
    policy: Policy,
    present: datetime,
    pinned: frozenset[tuple[DatasetKey, int]] | None = None,
) -> Plan:
    """Decide what goes.

    Args:
        entries: what is in the store, or in some of its datasets.
        known: the manifests among the entries, at least.
        policy: what may go.
        present: the time against which ages are taken.
        pinned: versions that stay since others were made from them; by default as `known` says.
    """
    pinned = pins(known, policy) if pinned is None else pinned
    groups: dict[str, list[tuple[Place, Entry]]] = defaultdict(list)
    remove: list[str] = []
    for entry in entries:
        found = place(entry.path)
        if found.kind == "temporary" and _older(entry, present, policy.older_than):
            remove.append(entry.path)
        elif found.group:
            groups[found.group].append((found, entry))
    retire: list[str] = []
    skipped: dict[str, str] = {}
    for group, members in sorted(groups.items()):
        if members[0][0].kind == "ledger":
            ages = [_older(entry, present, policy.ledgers_older_than) for _, entry in members]
            remove.extend(entry.path for _, entry in members if all(ages))
            continue
        unread = [
            entry.path
            for found, entry in members
            if found.kind in ("manifest", "retired") and known.get(entry.path) is None
        ]
        if unread:
            skipped[group] = f"{', '.join(unread)} cannot be read"
            continue
        more_retired, more_removed = _plan_dataset(members, known, policy, present, pinned)
        retire.extend(more_retired)
        remove.extend(more_removed)
    return Plan(tuple(retire), tuple(remove), skipped)


def _plan_dataset(
    members: Sequence[tuple[Place, Entry]],
    known: Known,
    policy: Policy,
    present: datetime,
    pinned: frozenset[tuple[DatasetKey, int]],
) -> tuple[list[str], list[str]]:
    manifests = {entry.path: known[entry.path] for found, entry in members if found.version}
    kept = _kept(manifests, policy) | pinned
    retire, remove, named = list[str](), list[str](), set[str]()
    for found, entry in members:
        manifest = manifests.get(entry.path)
        if manifest is None:
            continue
        old = _older(entry, present, policy.older_than)
        if found.kind == "retired" and old:
            remove.append(entry.path)
            continue
        if found.kind == "manifest" and old and (found.key, found.version) not in kept:
            retire.append(entry.path)
        named.update(f"{found.customer}/{found.dataset}/{part.path}" for part in manifest.parts)
    remove.extend(
        entry.path
        for found, entry in members
        if found.kind == "part"
        and entry.path not in named
        and _older(entry, present, policy.older_than)
    )
    return retire, remove


def pins(known: Known, policy: Policy) -> frozenset[tuple[DatasetKey, int]]:
    """Return the versions that stay because a kept one was made from them, however far back."""
    manifests = {_identity(manifest): manifest for manifest in known.values() if manifest}
    waiting, seen = list(_kept(known, policy)), set[tuple[DatasetKey, int]]()
    while waiting:
        current = manifests.get(waiting.pop())
        for item in current.inputs if current else ():
            if item.origin is not None and item.origin not in seen:
                seen.add(item.origin)
                waiting.append(item.origin)
    return frozenset(seen)


def _kept(known: Known, policy: Policy) -> frozenset[tuple[DatasetKey, int]]:
    """Return the newest versions of each key, and its newest good one."""
    of_key: dict[DatasetKey, list[Manifest]] = defaultdict(list)
    for path, manifest in known.items():
        if manifest is not None and place(path).kind == "manifest":
            of_key[_identity(manifest)[0]].append(manifest)
    kept: set[tuple[DatasetKey, int]] = set()
    for manifests in of_key.values():
        manifests.sort(key=lambda manifest: -manifest.version)
        good = [manifest for manifest in manifests if manifest.good][:1]
        kept.update(_identity(item) for item in [*manifests[: policy.keep_versions], *good])
    return frozenset(kept)


def _identity(manifest: Manifest) -> tuple[DatasetKey, int]:
    key = DatasetKey(customer=manifest.customer, name=manifest.name, day=manifest.day)
    return key, manifest.version


def _older(entry: Entry, present: datetime, than: timedelta) -> bool:
    return entry.modified is not None and present - entry.modified > than
