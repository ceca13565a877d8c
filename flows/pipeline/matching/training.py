"""Training: labelled pairs become a matcher.

Every score that a later stage learns from comes from a fold that had not seen the pair: the
lexicon's for the trees, the trees' for the context stage, both for calibration and thresholds. The
pairs of one record of A share a fold.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from flows.pipeline.matching import boosting
from flows.pipeline.matching.arrays import Floats, Ints
from flows.pipeline.matching.decision import choose_thresholds
from flows.pipeline.matching.errors import PairsError
from flows.pipeline.matching.features import CHEAP, pair_features
from flows.pipeline.matching.lexicon import learn, mean_of, missing_words
from flows.pipeline.matching.matcher import Matcher, Scored, Scout, with_context
from flows.pipeline.matching.text import as_text
from flows.pipeline.matching.two_tables import Tables, locate, unite

LEAST_EACH = 10
"""Matches, and other pairs, below which nothing can be learnt: two for each fold."""
SCOUT_ROUNDS, SCOUT_RATE = 20, 0.15
"""Few trees: it must be an order of magnitude cheaper than what it saves."""
SCOUT_LOST = 0.002
SCOUT_MARGIN, SCOUT_HIGHEST = 0.5, -4.0
"""In log-odds: nobody is hopeless above the second, below one in fifty."""


def train(
    a: pl.DataFrame, b: pl.DataFrame, pairs: pl.DataFrame, *, target_precision: float = 0.99
) -> Matcher:
    """Return a matcher trained on labelled pairs.

    Args:
        a: one table, any columns.
        b: the other.
        pairs: two columns of ids (``roles.ids_of_pairs``), and ``label`` (1 the same product, 0
            another).
        target_precision: that accepted pairs shall have.

    Raises:
        TableError: a table cannot be read.
        PairsError: an id is unknown, a label is neither 0 nor 1, a pair has two labels, or there
            are too few pairs of a kind.
    """
    tables = Tables.of(a, b)
    i, j, labels = labelled_rows(tables, pairs)
    return fit(tables, i, j, labels, fingerprint(pairs), target_precision).matcher


@dataclass(frozen=True)
class Trained:
    """A matcher, and what it says of its training pairs by trees that had not seen them.

    Attributes:
        matcher: trained.
        labels: of the training pairs.
        pair: their held-out probabilities, pair features alone.
        context: the same, with context.
    """

    matcher: Matcher
    labels: Ints
    pair: Floats
    context: Floats


def labelled_rows(
    tables: Tables, pairs: pl.DataFrame, called: str = "pairs"
) -> tuple[Ints, Ints, Ints]:
    """Return rows and labels of labelled pairs, each pair once, sorted; errors say ``called``."""
    labels = labels_of(pairs, called)
    i, j = tables.rows(pairs, called)
    unique = pl.DataFrame({"i": i, "j": j, "label": labels}).unique().sort("i", "j", "label")
    twice = unique.filter(pl.struct("i", "j").is_duplicated())
    if twice.height:
        raise PairsError(
            f"{called}: the pair {tables.a_records['id'][twice['i'][0]]!r}, "
            f"{tables.b_records['id'][twice['j'][0]]!r} is labelled both 0 and 1",
            "Keep the label that is right.",
        )
    label = unique["label"].to_numpy()
    for value in (0, 1):
        if (label == value).sum() < LEAST_EACH:
            raise PairsError(
                f"{called}: {(label == value).sum()} pairs with label {value}; "
                f"at least {LEAST_EACH} needed",
                "Label more pairs, or match without labels.",
            )
    return unique["i"].to_numpy(), unique["j"].to_numpy(), label


def labels_of(pairs: pl.DataFrame, called: str = "pairs") -> pl.Series:
    """Return the labels, 0 or 1.

    Raises:
        PairsError: there is no column ``label``, or something else stands in it.
    """
    if "label" not in pairs.columns:
        raise PairsError(
            f"{called}: labelled pairs have the columns {', '.join(pairs.columns)}",
            "Give two columns of ids and a column 'label' of 0 and 1.",
        )
    given = pairs["label"]
    told = given.cast(pl.Int8) if given.dtype == pl.Boolean else given
    labels = as_text(told).str.strip_chars().cast(pl.Float64, strict=False)
    wrong = (~labels.is_in([0.0, 1.0])).fill_null(True).arg_true()
    if len(wrong):
        raise PairsError(
            f"{called}, row {wrong[0] + 1}, column 'label': {given[int(wrong[0])]!r}",
            "A label is 1 for the same product and 0 for another.",
        )
    return labels.cast(pl.Int64)


def fit(
    tables: Tables,
    i: Ints,
    j: Ints,
    labels: Ints,
    data: str,
    target_precision: float = 0.99,
    *,
    rounds: int = boosting.ROUNDS,
    rate: float = boosting.RATE,
) -> Trained:
    """Return the matcher of labelled rows, with held-out scores; see ``train``."""
    fold = boosting.folds_of(i, labels)
    features = pair_features(tables.a, tables.b, i, j, tables.known)
    missing = missing_words(tables.a, tables.b, i, j)
    lexicons, lexical = [], np.zeros(len(labels))
    for number in range(boosting.FOLDS):
        rest = fold != number
        lexicons.append(learn(missing[rest], features[rest], labels[rest], tables.known))
        held = ~rest
        lexical[held] = lexicons[-1].score(missing[held], features[held], tables.known)
    inputs = np.column_stack([features, np.round(lexical, 4).astype(np.float32)])
    pair, raw = boosting.grow(inputs, labels, fold, rounds=rounds, rate=rate)
    scout = grow_scout(features, labels, fold)
    matcher = Matcher(mean_of(lexicons), pair, None, scout)
    held_out = pair.calibrated(raw)
    rows = _in_context(matcher, tables, i, j, inputs, held_out)
    trees, raw = boosting.grow(rows, labels, fold, rounds=rounds, rate=rate)
    in_context = trees.calibrated(raw)
    facts: dict[str, Any] = {
        "data": data,
        "pairs": len(labels),
        "matches": int(labels.sum()),
        "pair": measure(held_out, labels, target_precision),
        "context": measure(in_context, labels, target_precision),
    }
    matcher = replace(matcher, context=trees, facts=facts)
    return Trained(matcher, labels, held_out, in_context)


def grow_scout(features: Floats, labels: Ints, fold: Ints) -> Scout:
    """Return the scout of labelled pairs: its floor loses next to none of their matches.

    Args:
        features: of the pairs, as ``features.NAMES``.
        labels: 0 or 1.
        fold: of each pair.
    """
    cheap = np.ascontiguousarray(features[:, CHEAP])
    trees, raw = boosting.grow(cheap, labels, fold, rounds=SCOUT_ROUNDS, rate=SCOUT_RATE)
    # By trees that had not seen them; a margin, since so few matches say little of the worst.
    lowest = np.quantile(raw[labels == 1], SCOUT_LOST, method="lower")
    return Scout(trees, float(min(lowest - SCOUT_MARGIN, SCOUT_HIGHEST)))


def _in_context(
    matcher: Matcher, tables: Tables, i: Ints, j: Ints, inputs: Floats, held_out: Floats
) -> Floats:
    """The features of the context stage, with held-out scores for the pairs themselves."""
    width = len(tables.b)
    rivals = matcher.contenders(tables, *tables.candidates())
    all_i, all_j = unite((rivals.i, rivals.j), (i, j), width)
    scored = matcher.pair_scores(tables, all_i, all_j)
    here = locate(all_i, all_j, i, j, width)
    probability, features = scored.probability.copy(), scored.features.copy()
    probability[here], features[here] = held_out, inputs
    return with_context(Scored(all_i, all_j, probability, features))[here]


def measure(probability: Floats, labels: Ints, target_precision: float) -> dict[str, float]:
    """Return thresholds and figures of held-out probabilities."""
    order = np.argsort(-probability, kind="stable")
    hits = np.cumsum(labels[order])
    f1 = 2 * hits / (np.arange(len(labels)) + 1 + labels.sum())
    best = int(f1.argmax())
    low = order[min(best + 1, len(order) - 1)]
    return {
        "f1": float(f1[best]),
        # Between the last pair taken and the first not taken.
        "f1_threshold": float((probability[order[best]] + probability[low]) / 2),
        **choose_thresholds(probability, labels, target_precision).asdict(),
    }


def fingerprint(frame: pl.DataFrame) -> str:
    """Return the SHA-256 of a frame's rows, as text, in their order."""
    return hashlib.sha256(frame.cast(pl.String).write_csv().encode()).hexdigest()
