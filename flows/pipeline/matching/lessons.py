"""Lessons: what a day's own barcodes, and the reviewers, teach about names.

Where two sellers offer one GTIN, the day itself says which of the names are one product, and the
next best candidates are not. Some hundreds of these, with the GTINs hidden, train the matcher that
then looks at the offers that have no GTIN; what people decided is added, and is right where the
two disagree. So a new customer, in any language, starts with a matcher of its own assortment, and
without a label.

Promised: the same offers give the same lessons. Not promised: that goods without a barcode are
named as those with one are; hence the target precision is asked of the lessons, and reviewers see
what does not reach it. With too few barcodes in common, nothing is learnt here (``None``).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
import polars as pl

from flows.pipeline.matching.arrays import Flags, Ints
from flows.pipeline.matching.features import cheap_features
from flows.pipeline.matching.features.plain import similarity
from flows.pipeline.matching.matcher import Matcher
from flows.pipeline.matching.training import fingerprint, fit
from flows.pipeline.matching.two_tables import Tables, unite

LESSONS: Final = 1200
"""Offers with a common GTIN that are learnt from, and as many without: more took longer and gave
the same held-out figures."""
LEAST: Final = 150
"""Below, the thresholds would rest on a handful of pairs."""
NEGATIVES: Final = 8
"""Next best candidates of each, as examples of what is not the same."""
ROUNDS, RATE = 60, 0.1
"""A day's lessons are learnt within seconds; the longer training of ``train`` is for labels."""


def learn(
    tables: Tables,
    pairs: pl.DataFrame,
    alone: pl.DataFrame,
    verdicts: pl.DataFrame,
    target_precision: float = 0.99,
) -> Matcher | None:
    """Return the matcher of a day's lessons; None when there are too few.

    Args:
        tables: A the market's offers, B the own, without GTINs.
        pairs: (a_id, b_id) that share a GTIN, of one seller.
        alone: (a_id) of the same seller's offers whose GTIN no own offer has: what is not there
            must be known too, or every best candidate would pass for a match.
        verdicts: (a_id, b_id, label) of people: 1 for the same product, 0 for another.
        target_precision: that accepted pairs shall have.
    """
    pairs = pairs.select("a_id", "b_id").unique().sort("a_id", "b_id")
    if pairs["a_id"].n_unique() < LEAST:
        return None
    pairs = pairs.filter(pl.col("a_id").is_in(_some(pairs["a_id"]).implode()))
    alone = alone.filter(pl.col("a_id").is_in(_some(alone["a_id"]).implode()))
    (true_i, true_j), (told_i, told_j) = tables.rows(pairs), tables.rows(verdicts)
    other_i = np.flatnonzero(tables.a_records["id"].is_in(alone["a_id"].implode()).to_numpy())
    width = len(tables.b)
    # The tables of the asked alone: their rivals are then as many as a seller's rest will have.
    rows = np.unique(np.concatenate([true_i, other_i, told_i]))
    part = replace(tables, a_records=tables.a_records[rows], a=tables.a.take(rows))
    near_i, near_j = part.candidates()
    hard = hardest(part, near_i, near_j)
    true_i, told_i = np.searchsorted(rows, true_i), np.searchsorted(rows, told_i)
    settled = np.isin(near_i, np.concatenate([true_i, np.searchsorted(rows, other_i)]))
    i, j = near_i[hard & settled], near_j[hard & settled]
    i, j = unite(unite((i, j), (true_i, true_j), width), (told_i, told_j), width)
    labels = np.isin(i * width + j, true_i * width + true_j).astype(np.int64)
    labels[np.searchsorted(i * width + j, told_i * width + told_j)] = verdicts["label"].to_numpy()
    if min(labels.sum(), len(labels) - labels.sum()) < LEAST:
        return None
    data = fingerprint(pl.concat([pairs, alone, verdicts], how="diagonal"))
    return fit(part, i, j, labels, data, target_precision, rounds=ROUNDS, rate=RATE).matcher


def _some(ids: pl.Series) -> pl.Series:
    """As many ids as are learnt from, drawn from the sorted ones."""
    ordered = ids.unique().sort()
    if len(ordered) <= LESSONS:
        return ordered
    return ordered[np.sort(np.random.default_rng(7).permutation(len(ordered))[:LESSONS])]


def hardest(tables: Tables, i: Ints, j: Ints, most: int = NEGATIVES) -> Flags:
    """Return which candidates are among the plainly most similar of their record of A."""
    score = similarity(cheap_features(tables.a, tables.b, i, j, tables.known))
    order = np.lexsort((j, -score, i))
    place = np.arange(len(order)) - np.searchsorted(i[order], i[order])
    kept = np.zeros(len(i), bool)
    kept[order[place < most]] = True
    return kept
