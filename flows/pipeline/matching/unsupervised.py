"""Without labels: the tables teach the matcher themselves, well enough to begin with.

Where two records are each other's best candidate by a clear lead, they are held to be one product,
and their other candidates not to be: the runners-up are exactly the hard cases that labels would
be spent on. From these the usual two stages are trained, and their scores choose the next round's
examples. Needs tables in which a product seldom stands twice; an offer list with many duplicates
should be labelled instead.

Promised: no label is read; the same tables give the same matcher. Its probabilities are calibrated
on its own examples, so its thresholds promise nothing: reviewers' decisions should replace them.
"""

from __future__ import annotations

from functools import partial
from typing import Final

import numpy as np

from flows.pipeline.matching import boosting
from flows.pipeline.matching.arrays import Flags, Floats, Ints, Singles
from flows.pipeline.matching.context import lead
from flows.pipeline.matching.explain import other_pack
from flows.pipeline.matching.features import add_strings, cheap_features
from flows.pipeline.matching.features.plain import similarity
from flows.pipeline.matching.matcher import HOPELESS, Matcher, Scored, with_context
from flows.pipeline.matching.two_tables import Tables

NEAR: Final = 5
"""Best of each record, by plain similarity, that are learnt from."""
LEAST_MATCHES: Final = 20
"""Mutual best pairs below which trees would learn noise: the plain similarity is used."""
MOST: Final = 15_000
"""Examples of a round: more add time, not knowledge."""
ROUNDS: Final = 60
SURE_SHARES: Final = ((0.6, 20), (0.8, ROUNDS))
"""Share of the mutual best pairs, those with the largest lead, taken as matches in each round, and
its trees: the first has only to choose the examples of the second."""
FOLDS: Final = 3
"""More of them repeat the same guesses: five took twice the time, and gained nothing."""
OTHER_PACK: Final = 0.3
"""Taken from the plain similarity of two packs that differ: six bottles are not one, however alike
the names, and the examples must not teach otherwise."""
RATE: Final = 0.1
"""Fewer and longer steps than with labels: guessed examples do not reward patience."""


def examples(i: Ints, j: Ints, score: Floats, share: float, never: Flags) -> tuple[Flags, Flags]:
    """Return which pairs serve as matches, and which as others.

    Args:
        i: row of A.
        j: of B, every candidate.
        score: of each.
        share: of the mutual best pairs taken as matches, largest lead first.
        never: pairs that are no match, whatever their score.
    """
    gap = np.minimum(lead(i, score)[0], lead(j, score)[0])
    mutual = np.flatnonzero((gap > 0) & ~never)
    worth = score[mutual] + np.minimum(gap[mutual], 1.0)
    order = np.lexsort((j[mutual], i[mutual], -worth))
    matches = np.zeros(len(i), bool)
    matches[mutual[order[: int(len(mutual) * share)]]] = True
    settled = np.isin(i, i[matches]) | np.isin(j, j[matches])
    return matches, settled & ~matches


def learn_alone(tables: Tables) -> Matcher:
    """Return a matcher learnt from two tables without labels; see ``learn_and_score``."""
    return _learn(tables, *tables.candidates())[0]


def learn_and_score(tables: Tables, i: Ints, j: Ints) -> tuple[Matcher, Scored]:
    """Return a matcher learnt from two tables without labels, and what it says of them.

    The matcher has no lexicon: what a word means would be guessed from the same guesses. Only the
    pairs that are plainly near are looked at: who is far from the best is no example, nor a rival.
    It has no scout either: where it would give a pair up is told by sure examples alone, which
    are the easy ones, and cost a point of F1 where that was tried.

    Args:
        tables: encoded.
        i: row of A of each candidate.
        j: of B; sorted.

    Returns:
        the matcher, and the candidates scored as by ``Matcher.contenders``: of those it was learnt
        from, nothing is computed again.
    """
    matcher, near, features = _learn(tables, i, j)
    far = np.ones(len(i), bool)
    far[near] = False
    rest = matcher.contenders(tables, i[far], j[far])
    probability = np.clip(matcher.alone(features), boosting.CUT, 1 - boosting.CUT)
    kept = np.flatnonzero(probability > HOPELESS)
    rows = np.concatenate([rest.i, i[near[kept]]]), np.concatenate([rest.j, j[near[kept]]])
    order = np.lexsort((rows[1], rows[0]))
    return matcher, Scored(
        rows[0][order],
        rows[1][order],
        np.concatenate([rest.probability, probability[kept]])[order],
        np.concatenate([rest.features, features[kept]])[order],
    )


def _learn(tables: Tables, i: Ints, j: Ints) -> tuple[Matcher, Ints, Singles]:
    """The matcher, which candidates are near, and their features."""
    cheap = cheap_features(tables.a, tables.b, i, j, tables.known)
    alike = similarity(cheap)
    near = np.flatnonzero((lead(i, alike)[1] < NEAR) | (lead(j, alike)[1] < NEAR))
    i, j, alike, cheap = i[near], j[near], alike[near], cheap[near]
    pack = other_pack(cheap)
    score = alike - OTHER_PACK * pack
    add_strings(cheap, tables.a, tables.b, i, j)
    lexical = np.zeros((len(i), 1), np.float32)  # as where there is no lexicon
    features = np.hstack([cheap, lexical])
    matcher = Matcher()
    for share, rounds in SURE_SHARES:
        matches, others = examples(i, j, score, share, pack)
        if matches.sum() < LEAST_MATCHES or others.sum() < LEAST_MATCHES:
            return Matcher(facts={"unsupervised": True, "plain": True}), near, features
        chosen = _sample(np.flatnonzero(matches | others))
        labels = matches[chosen].astype(np.int64)
        fold = boosting.folds_of(i[chosen], labels, FOLDS)
        grow = partial(boosting.grow, rounds=rounds, rate=RATE * ROUNDS / rounds, folds=FOLDS)
        pair, _ = grow(features[chosen], labels, fold)
        probability = pair.calibrated(pair.raw(features))
        rows = with_context(Scored(i, j, probability, features))
        trees, _ = grow(rows[chosen], labels, fold)
        score = trees.calibrated(trees.raw(rows))
        matcher = Matcher(None, pair, trees, None, {"unsupervised": True})
    return matcher, near, features


def _sample(rows: Ints) -> Ints:
    if len(rows) <= MOST:
        return rows
    return np.sort(np.random.default_rng(7).choice(rows, MOST, replace=False))
