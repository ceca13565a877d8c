"""Layout: where things are below a storage root.

::

    <customer>/<dataset>/<day>/manifest-000001.json    one per version, never changed
    <customer>/<dataset>/<day>/retired-000001.json     one that the garbage collection put aside
    <customer>/<dataset>/<day>/<part>-<hash>.parquet   named by content, never changed
    <customer>/_runs/<day>/<run>/…                     ledgers of runs
    <customer>/_fanout/<day>/<run>/…                   what the items of a run's fan-outs gave

What does not look like one of these is not the platform's, and is left alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Literal

from sdk.dataset import DatasetKey
from sdk.parts import check_word
from sdk.storage import TEMPORARY

LEDGERS = ("_runs", "_fanout")

_MANIFEST = re.compile(r"(manifest|retired)-([0-9]{6,})\.json\Z")
_PART = re.compile(r".*-[0-9a-f]{12}(\.[^./]*)?\Z")

Kind = Literal["manifest", "retired", "part", "temporary", "ledger", "other"]


@dataclass(frozen=True, slots=True)
class Place:
    """What a path below the root is.

    Attributes:
        kind: of thing.
        customer: whose it is; empty for what is not the platform's.
        dataset: of a manifest or part.
        day: of a manifest or part, or of a ledger's run.
        version: of a manifest.
        group: the folder that is kept or removed as one: the dataset's, or the ledger's.
    """

    kind: Kind
    customer: str = ""
    dataset: str = ""
    day: date | None = None
    version: int = 0
    group: str = ""

    @property
    def key(self) -> DatasetKey:
        """The run key of a manifest or part."""
        assert self.day is not None
        return DatasetKey(customer=self.customer, name=self.dataset, day=self.day)


def folder(key: DatasetKey) -> str:
    """Return the folder of a run key.

    Raises:
        Permanent: its customer or name cannot be part of a path.
    """
    check_word(key.customer, "a customer")
    check_word(key.name, "a dataset")
    return f"{key.customer}/{key.name}/{key.day}"


def manifest_path(key: DatasetKey, version: int, *, retired: bool = False) -> str:
    """Return where a manifest is."""
    return f"{folder(key)}/{'retired' if retired else 'manifest'}-{version:06d}.json"


def version_in(name: str) -> int | None:
    """Return the version in a manifest's file name; None if it is no manifest."""
    found = _MANIFEST.match(name)
    return int(found[2]) if found and found[1] == "manifest" else None


def place(path: str) -> Place:
    """Return what a path below the root is."""
    words = path.split("/")
    name = words[-1]
    if name.startswith(TEMPORARY):
        return Place("temporary")
    if len(words) < 4 or words[0][:1] in ("_", "."):
        return Place("other")
    customer, dataset, day = words[0], words[1], _day(words[2])
    if dataset in LEDGERS and day is not None and len(words) >= 5:
        return Place("ledger", customer, "", day, 0, "/".join(words[:4]))
    if dataset[:1] in ("_", ".") or day is None or len(words) != 4:
        return Place("other")
    group, found = f"{customer}/{dataset}", _MANIFEST.match(name)
    if found:
        kind: Kind = "manifest" if found[1] == "manifest" else "retired"
        return Place(kind, customer, dataset, day, int(found[2]), group)
    if _PART.match(name):
        return Place("part", customer, dataset, day, 0, group)
    return Place("other")


def _day(word: str) -> date | None:
    try:
        return date.fromisoformat(word)
    except ValueError:
        return None
