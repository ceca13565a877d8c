"""A standing index: today's offers against a catalogue that has not changed, not all anew.

A folder that is opened, not loaded: the encoded catalogue with its postings and vocabularies as
mapped arrays, the matcher, and what is remembered of earlier offers (``recall``). A stream asks it
about a handful of offers, a daily run about all of them; offers and prices that are as they were
cost a look-up. Scores are in context, as ever: rivals are the other offers asked, and those
remembered.

Promised: ``match`` gives for an offer what it would give if all of the day were asked at once, as
long as the day's other offers are the remembered ones; and the same whatever is remembered of the
asked ones. Own prices may change under an index; texts may not: then it ``fits`` no more, and is
built anew. How rare words are is what it was when the index was built: a word unknown then counts
as the rarest. Not done: adding records to an index.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from flows.pipeline.matching import store
from flows.pipeline.matching.candidates import Index
from flows.pipeline.matching.encode import Vocabularies, encode, encode_all
from flows.pipeline.matching.errors import ModelError
from flows.pipeline.matching.matcher import Matcher, Scored
from flows.pipeline.matching.matching import EVEN, present, with_identity
from flows.pipeline.matching.recall import Recall
from flows.pipeline.matching.shared_arrays import read_index, read_vocabulary, write_index
from flows.pipeline.matching.tables import canonical
from flows.pipeline.matching.training import fingerprint
from flows.pipeline.matching.two_tables import Tables

VERSION: Final = 1
FILE: Final = "standing.json"
ENOUGH: Final = 20
"""Decisions that are not worth learning anew for: each of them counts by itself in any case."""


@dataclass(frozen=True)
class StandingIndex:
    """A catalogue, ready to be asked.

    Attributes:
        folder: where it is kept.
        records: the catalogue, canonical, with the prices that count.
        index: encoded, with postings.
        known: vocabularies.
        matcher: that scores.
        recall: what is remembered.
        facts: version, fingerprint of the catalogue, digest of the matcher, rows.
    """

    folder: Path
    records: pl.DataFrame
    index: Index
    known: Vocabularies
    matcher: Matcher
    recall: Recall
    facts: dict[str, Any]

    @classmethod
    def build(
        cls,
        folder: Path,
        catalogue: pl.DataFrame,
        matcher: Matcher,
        offers: pl.DataFrame | None = None,
    ) -> StandingIndex:
        """Write an index and return it, opened.

        Args:
            folder: of this index alone; what is there is replaced when the new one is whole.
            catalogue: any columns.
            matcher: trained.
            offers: whose words count too in how rare words are; a day's offers, say.

        Raises:
            TableError: the catalogue cannot be read.
        """
        records = canonical(catalogue, table="the catalogue")
        others = records.clear() if offers is None else canonical(offers, table="the offers")
        (encoded, _), known = encode_all(records, others)
        return cls.write(folder, records, Index.of(encoded), known, matcher)

    @classmethod
    def write(
        cls,
        folder: Path,
        records: pl.DataFrame,
        index: Index,
        known: Vocabularies,
        matcher: Matcher,
        lessons: int = 0,
    ) -> StandingIndex:
        """Write an index of what is encoded already; see ``build``.

        Args:
            folder: see ``build``.
            records: canonical.
            index: of them.
            known: vocabularies.
            matcher: trained.
            lessons: decisions of people that the matcher has learnt from.
        """
        beside = folder.with_name(f"{folder.name}.{os.getpid()}.part")
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(parents=True)
        records.write_parquet(beside / "records.parquet")
        write_index(beside, index, known)
        model = store.save(matcher, beside / "model")
        facts = {
            "version": VERSION,
            "catalogue": texts_of(records),
            "matcher": hashlib.sha256(model.read_bytes()).hexdigest(),
            "words": len(known.words.hashes),
            "rows": records.height,
            "lessons": lessons,
        }
        (beside / FILE).write_text(json.dumps(facts, sort_keys=True) + "\n")
        shutil.rmtree(folder, ignore_errors=True)
        beside.rename(folder)
        return cls.open(folder)

    @classmethod
    def open(cls, folder: Path) -> StandingIndex:
        """Open an index; its arrays are mapped, not read.

        Raises:
            ModelError: there is none, or of another version, or it is damaged.
        """
        try:
            facts = json.loads((folder / FILE).read_text())
            if facts["version"] != VERSION:
                raise ModelError(
                    f"{folder}: a standing index of version {facts['version']}, not {VERSION}",
                    "Build it again.",
                )
            index = read_index(folder)
            known = Vocabularies(read_vocabulary(folder, "words"), read_vocabulary(folder, "grams"))
            records = pl.read_parquet(folder / "records.parquet")
            if not records.height == len(index.records) == facts["rows"]:
                raise ValueError(f"{records.height} records, {facts['rows']} told")
            recall = Recall(folder, json.dumps(facts, sort_keys=True))
        except ModelError:
            raise
        except (OSError, ValueError, KeyError, TypeError, pl.exceptions.PolarsError) as error:
            raise ModelError(
                f"{folder}: no standing index ({type(error).__name__}: {str(error)[:200]})",
                "Build it again.",
            ) from error
        return cls(folder, records, index, known, store.load(folder / "model"), recall, facts)

    @classmethod
    def of_today(
        cls, folder: Path, records: pl.DataFrame, lessons: int = 0
    ) -> StandingIndex | None:
        """Return the index of a folder with today's prices; None when it must be built anew.

        Args:
            folder: of the index.
            records: today's catalogue, canonical.
            lessons: decisions there are to learn from; a tenth more than it knows is worth it.
        """
        try:
            there = cls.open(folder)
        except ModelError:
            return None
        known = int(there.facts["lessons"])
        learnt = known <= lessons <= known * 1.1 + ENOUGH
        return there.priced(records) if learnt and there.fits(records) else None

    def fits(self, records: pl.DataFrame) -> bool:
        """Return whether canonical records are the catalogue of this index, prices apart."""
        return bool(self.facts["catalogue"] == texts_of(records))

    def priced(self, records: pl.DataFrame) -> StandingIndex:
        """Return the index with the prices of today's records, which it ``fits``."""
        price = records["price"].fill_null(float("nan")).to_numpy().astype(np.float64)
        encoded = replace(self.index.records, price=price)
        return replace(self, records=records, index=replace(self.index, records=encoded))

    def match(
        self,
        offers: pl.DataFrame,
        *,
        one_to_one: bool = False,
        least: float = EVEN,
        evidence: bool = False,
    ) -> pl.DataFrame:
        """Return the records of the catalogue that offers are held to be.

        Args:
            offers: any columns; a few of a stream, or a whole day's.
            one_to_one: give each offer and each record one partner at most, among these offers.
            least: probability from which a pair is returned, 0 to 1.
            evidence: see ``matching.match``.

        Returns:
            a_id (of the offer), b_id (of the catalogue), probability, kind, reasons.

        Raises:
            TableError: the offers have no titles, or ids that are missing or not unique.
        """
        asked = canonical(offers, table="the offers")
        encoded = encode(asked, self.known)
        tables = Tables(asked, self.records, encoded, self.index.records, self.known)
        found = self.recall.find(asked, encoded, self.index)
        scored = self.recall.contenders(self.matcher, tables, *found)
        rivals = self.recall.rivals(asked["id"])
        whole = self.matcher.in_context(_beside(scored, rivals, asked.height))
        mine = np.flatnonzero(whole.i < asked.height)
        probability = with_identity(whole.probability[mine], whole.features[mine])
        scored = Scored(whole.i[mine], whole.j[mine], probability, whole.features[mine])
        return present(tables, scored, one_to_one=one_to_one, least=least, evidence=evidence)


def texts_of(records: pl.DataFrame) -> str:
    """Return the fingerprint of canonical records, prices apart."""
    return fingerprint(records.drop("price"))


def _beside(scored: Scored, rivals: Scored, offers: int) -> Scored:
    """The pairs of both, the rivals' offers counted behind the asked."""
    return Scored(
        np.concatenate([scored.i, rivals.i + offers]),
        np.concatenate([scored.j, rivals.j]),
        np.concatenate([scored.probability, rivals.probability]),
        np.concatenate([scored.features, rivals.features]),
    )
