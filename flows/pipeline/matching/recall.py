"""Recall: what was found and scored of a standing index before, so that it is not done again.

From one day to the next most offers stay as they are. Kept are, for each offer's texts, its
candidates, and, for each pair's whole content with both prices, its score and features. They are
looked up by content, so an old entry is never wrong: what changed is simply not found. Only what
was used since the last ``save`` is kept; a folder of arrays, mapped when it is opened, written
beside and pointed to when it is whole.

Promised: results do not depend on what is remembered. Hashes are polars' own: another version of
it remembers nothing, and that is all.
"""

from __future__ import annotations

import json
import os
import shutil
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from flows.pipeline.matching import candidates
from flows.pipeline.matching.arrays import Hashes, Ints
from flows.pipeline.matching.candidates import Index
from flows.pipeline.matching.encode import Encoded
from flows.pipeline.matching.features import NAMES
from flows.pipeline.matching.matcher import Matcher, Scored
from flows.pipeline.matching.shared_arrays import read_array, write_array, write_frame
from flows.pipeline.matching.two_tables import CANDIDATES, Tables

_TEXTS = ("title", "brand", "description", "category", "mpn", "gtin")
_POINTER = "recall.json"
_NAMES = ("texts", "starts", "found", "keys", "rows", "probability", "features", "offer", "record")


def text_hashes(records: pl.DataFrame) -> Hashes:
    """Return a hash of the texts of each canonical record."""
    return records.select(_TEXTS).hash_rows(seed=1).to_numpy()


def content_hashes(records: pl.DataFrame) -> Hashes:
    """Return a hash of all that is compared of each canonical record, its price included."""
    return records.select(*_TEXTS, "price").hash_rows(seed=2).to_numpy()


def _empty() -> dict[str, Any]:
    none, hashes = np.zeros(0, np.int64), np.zeros(0, np.uint64)
    features = np.zeros((0, len(NAMES) + 1), np.float32)
    return dict(
        zip(_NAMES, (hashes, np.zeros(1, np.int64), none, hashes, none), strict=False),
        probability=np.zeros(0),
        features=features,
        offer=none,
        record=none,
    )


class Recall:
    """What is remembered of one index and one matcher.

    Args:
        folder: where it is kept; made when it is saved.
        owner: digest of index and matcher: what another wrote is not read.
    """

    def __init__(self, folder: Path, owner: str) -> None:
        self.folder, self.owner = folder, owner
        self._old, self.ids = self._read()
        self._found: list[tuple[Hashes, Ints, Ints]] = []
        self._scored: list[tuple[pl.Series, Hashes, Scored, Hashes]] = []
        self.asked = self.compared = 0
        """Queries and pairs that were not remembered, since this was opened."""

    def _read(self) -> tuple[dict[str, Any], pl.Series]:
        nobody = pl.Series("id", [], pl.String)
        try:
            told = json.loads((self.folder / _POINTER).read_text())
            if told["owner"] != self.owner:
                return _empty(), nobody
            home = self.folder / str(told["folder"])
            arrays = {name: read_array(home / f"{name}.npy") for name in _NAMES}
            return arrays, pl.read_ipc(home / "ids.arrow")["id"]
        except (OSError, ValueError, KeyError, TypeError, pl.exceptions.PolarsError):
            return _empty(), nobody  # what cannot be read is computed again

    def find(self, records: pl.DataFrame, queries: Encoded, index: Index) -> tuple[Ints, Ints]:
        """Return the candidates of offers, as ``candidates.find``.

        Args:
            records: of the queries, canonical.
            queries: encoded.
            index: the standing one.
        """
        hashes = text_hashes(records)
        at, known = _look_up(self._old["texts"], hashes)
        new = np.flatnonzero(~known)
        self.asked += len(new)
        i, j = candidates.find(queries.take(new), index, CANDIDATES)
        starts = self._old["starts"]
        counts = starts[at[known] + 1] - starts[at[known]]
        places = np.repeat(starts[at[known]], counts) + _ranges(counts)
        i = np.concatenate([np.repeat(np.flatnonzero(known), counts), new[i]])
        j = np.concatenate([self._old["found"][places], j])
        order = np.lexsort((j, i))
        i, j = i[order].astype(np.int64), j[order].astype(np.int64)
        self._found.append((hashes, i, j))
        return i, j

    def contenders(self, matcher: Matcher, tables: Tables, i: Ints, j: Ints) -> Scored:
        """Return the pairs that are not hopeless, as ``Matcher.contenders``.

        Args:
            matcher: the owner's.
            tables: offers, and the records of the index.
            i: row of the offers; sorted.
            j: of the index.
        """
        keys = _mix(content_hashes(tables.a_records)[i], content_hashes(tables.b_records)[j])
        at, known = _look_up(self._old["keys"], keys)
        new = np.flatnonzero(~known)
        self.compared += len(new)
        fresh = matcher.contenders(tables, i[new], j[new])
        there = np.flatnonzero(known)
        rows = self._old["rows"][at[there]]
        there, rows = there[rows >= 0], rows[rows >= 0]
        scored = Scored(
            np.concatenate([i[there], fresh.i]),
            np.concatenate([j[there], fresh.j]),
            np.concatenate([self._old["probability"][rows], fresh.probability]),
            np.concatenate([self._old["features"][rows], fresh.features]),
        )
        order = np.lexsort((scored.j, scored.i))
        scored = Scored(*(part[order] for part in vars(scored).values()))
        self._scored.append((tables.a_records["id"], keys, scored, _pair_keys(tables, scored)))
        return scored

    def rivals(self, but: pl.Series) -> Scored:
        """Return the remembered contenders of all other offers; ``i`` counts from 0 on.

        Args:
            but: ids of offers that are left out.
        """
        others = np.flatnonzero(~self.ids.is_in(but.implode()).to_numpy())
        kept = np.flatnonzero(np.isin(self._old["offer"], others))
        parts = (self._old[name][kept] for name in ("offer", "record", "probability", "features"))
        return Scored(*parts)

    def save(self) -> None:
        """Keep what was used since this was opened, and nothing else."""
        home = self.folder / f"recall-{uuid.uuid4().hex}"
        home.mkdir(parents=True)
        for name, values in self._gathered(home).items():
            write_array(home / f"{name}.npy", values)
        pointer = self.folder / f"{_POINTER}.{os.getpid()}.part"
        pointer.write_text(json.dumps({"owner": self.owner, "folder": home.name}))
        os.replace(pointer, self.folder / _POINTER)  # noqa: PTH105 - one call everywhere
        for old in self.folder.glob("recall-*"):
            if old != home:
                shutil.rmtree(old, ignore_errors=True)

    def _gathered(self, home: Path) -> dict[str, Any]:
        empty = _empty()
        found: dict[int, Ints] = {}
        for hashes, i, j in self._found:
            cuts = np.searchsorted(i, np.arange(len(hashes) + 1))
            for place, value in enumerate(hashes):
                found[int(value)] = j[cuts[place] : cuts[place + 1]]
        ordered = sorted(found)
        ids = pl.concat([part[0] for part in self._scored] or [pl.Series("id", [], pl.String)])
        write_frame(home / "ids.arrow", pl.DataFrame({"id": ids}))
        before = np.cumsum([0, *(len(part[0]) for part in self._scored)])
        alive = [part[3] for part in self._scored]
        row_keys = np.concatenate([empty["keys"], *alive])
        keys = np.unique(np.concatenate([empty["keys"], *(part[1] for part in self._scored)]))
        rows = np.full(len(keys), -1)
        rows[np.searchsorted(keys, row_keys)] = np.arange(len(row_keys))
        offers = [part[2].i + start for part, start in zip(self._scored, before, strict=False)]
        return {
            "texts": np.array(ordered, np.uint64),
            "starts": np.cumsum([0, *(len(found[value]) for value in ordered)]),
            "found": np.concatenate([empty["found"], *(found[value] for value in ordered)]),
            "keys": keys,
            "rows": rows,
            "probability": np.concatenate(
                [empty["probability"], *(part[2].probability for part in self._scored)]
            ),
            "features": np.concatenate(
                [empty["features"], *(part[2].features for part in self._scored)]
            ),
            "offer": np.concatenate([empty["offer"], *offers]),
            "record": np.concatenate([empty["record"], *(part[2].j for part in self._scored)]),
        }


def _pair_keys(tables: Tables, scored: Scored) -> Hashes:
    return _mix(
        content_hashes(tables.a_records)[scored.i], content_hashes(tables.b_records)[scored.j]
    )


def _mix(left: Hashes, right: Hashes) -> Hashes:
    """One hash of two, in their order."""
    with np.errstate(over="ignore"):
        mixed = (left ^ (right >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed ^= (right ^ (mixed >> np.uint64(31))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(mixed, np.uint64)


def _look_up(ordered: Hashes, asked: Hashes) -> tuple[Ints, Any]:
    """Where hashes stand among sorted ones, and whether they do."""
    if not len(ordered):
        return np.zeros(len(asked), np.int64), np.zeros(len(asked), bool)
    at = np.minimum(np.searchsorted(ordered, asked), len(ordered) - 1)
    return at.astype(np.int64), np.asarray(ordered[at] == asked)


def _ranges(counts: Ints) -> Ints:
    """0, 1, … for each count, one behind the other."""
    ends = np.cumsum(counts)
    return np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - counts, counts)
