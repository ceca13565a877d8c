"""Training: labelled pairs become a matcher.

Every score that a later stage learns from comes from a fold that had not seen the pair: the
lexicon's for the trees, the trees' for the context stage, both for calibration and thresholds. The
pairs of one record of A share a fold.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from flows.pipeline.matching import boosting
from flows.pipeline.matching.arrays import Floats, Ints
from flows.pipeline.matching.decision import choose_thresholds
from flows.pipeline.matching.errors import PairsError
from flows.pipeline.matching.features import pair_features
from flows.pipeline.matching.lexicon import learn, missing_words
from flows.pipeline.matching.matcher import (
    Matcher,
    Scored,
    Tables,
    locate,
    unite,
    with_context,
)

LEAST_EACH = 10
"""Matches, and other pairs, below which nothing can be learnt: two for each fold."""


def train(
    a: pl.DataFrame, b: pl.DataFrame, pairs: pl.DataFrame, *, target_precision: float = 0.99
) -> Matcher:
    """Return a matcher trained on labelled pairs.

    Args:
        a: one table, any columns.
        b: the other.
        pairs: ids in the first two columns, and ``label`` (1 the same product, 0 another).
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


def labelled_rows(tables: Tables, pairs: pl.DataFrame) -> tuple[Ints, Ints, Ints]:
    """Return rows and labels of labelled pairs, each pair once, sorted."""
    if "label" not in pairs.columns or pairs.width < 3:
        raise PairsError(
            f"labelled pairs have the columns {', '.join(pairs.columns)}",
            "Give two columns of ids and a column 'label' of 0 and 1.",
        )
    labels = pairs["label"].cast(pl.Int64, strict=False)
    wrong = (~labels.is_in([0, 1])).fill_null(True).arg_true()
    if len(wrong):
        raise PairsError(
            f"pairs, row {wrong[0] + 1}, column 'label': {pairs['label'][int(wrong[0])]!r}",
            "A label is 1 for the same product and 0 for another.",
        )
    i, j = tables.rows(pairs)
    unique = pl.DataFrame({"i": i, "j": j, "label": labels}).unique().sort("i", "j", "label")
    twice = unique.filter(pl.struct("i", "j").is_duplicated())
    if twice.height:
        raise PairsError(
            f"the pair {tables.a_records['id'][twice['i'][0]]!r}, "
            f"{tables.b_records['id'][twice['j'][0]]!r} is labelled both 0 and 1",
            "Keep the label that is right.",
        )
    label = unique["label"].to_numpy()
    for value in (0, 1):
        if (label == value).sum() < LEAST_EACH:
            raise PairsError(
                f"{(label == value).sum()} pairs with label {value}; at least {LEAST_EACH} needed",
                "Label more pairs, or match without labels.",
            )
    return unique["i"].to_numpy(), unique["j"].to_numpy(), label


def fit(
    tables: Tables, i: Ints, j: Ints, labels: Ints, data: str, target_precision: float = 0.99
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
    inputs = np.column_stack([features, lexical])
    pair, raw = boosting.grow(inputs, labels, fold)
    matcher = Matcher(tuple(lexicons), pair)
    held_out = pair.calibrated(raw)
    trees, in_context = _grow_context(matcher, tables, i, j, labels, fold, inputs, held_out)
    facts: dict[str, Any] = {
        "data": data,
        "pairs": len(labels),
        "matches": int(labels.sum()),
        "pair": measure(held_out, labels, target_precision),
        "context": measure(in_context, labels, target_precision),
    }
    return Trained(Matcher(tuple(lexicons), pair, trees, facts), labels, held_out, in_context)


def _grow_context(
    matcher: Matcher,
    tables: Tables,
    i: Ints,
    j: Ints,
    labels: Ints,
    fold: Ints,
    inputs: Floats,
    held_out: Floats,
) -> tuple[boosting.Trees, Floats]:
    width = len(tables.b)
    all_i, all_j = unite(tables.candidates(), (i, j), width)
    scored = matcher.pair_scores(tables, all_i, all_j)
    here = locate(all_i, all_j, i, j, width)
    probability, features = scored.probability.copy(), scored.features.copy()
    probability[here], features[here] = held_out, inputs
    rows = with_context(Scored(all_i, all_j, probability, features))[here]
    trees, raw = boosting.grow(rows, labels, fold)
    return trees, trees.calibrated(raw)


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
