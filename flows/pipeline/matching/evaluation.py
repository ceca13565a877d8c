"""Evaluation: how good matching is on data whose answers are known.

Three forms: labelled pairs in a published split (train on train, choose on train and valid, report
on test); whole tables with every true pair (candidates, scores and one-to-one assignment together,
without labels); offers of two shops with known pairs, ranked. Pair features alone and with context
are reported apart: the second reads both whole tables, which published results do not.

Labels of test are read once, for the figures. Rows that test pairs mention are in the tables, so
their text is seen, as in every published protocol.
"""

from __future__ import annotations

import resource
import time
from typing import Any, Final

import numpy as np
import polars as pl

from flows.pipeline.matching import boosting, figures
from flows.pipeline.matching.arrays import Ints, distinct
from flows.pipeline.matching.assign import one_to_one
from flows.pipeline.matching.errors import PairsError
from flows.pipeline.matching.folder import Benchmark
from flows.pipeline.matching.matcher import Matcher, Scored, with_context
from flows.pipeline.matching.roles import infer_roles, others_in_common
from flows.pipeline.matching.training import Trained, fingerprint, fit, labelled_rows, labels_of
from flows.pipeline.matching.two_tables import CANDIDATES, Tables
from flows.pipeline.matching.unsupervised import learn_alone, learn_and_score

DEPTHS: Final = (5, 10, 20)
EVEN: Final = 0.5


def evaluate(data: Benchmark, *, unsupervised: bool = False) -> dict[str, Any]:
    """Return the figures of a benchmark.

    Args:
        data: from ``folder.read_folder``.
        unsupervised: learn without labels also where there are some.
    """
    started = time.perf_counter()
    tables = Tables.of(data.a, data.b)
    report: dict[str, Any] = {
        "tables": {
            side: {"rows": frame.height, "roles": infer_roles(frame).describe()}
            for side, frame in (("A", data.a), ("B", data.b))
        },
        "also compared": ", ".join(name for name, _ in others_in_common(data.a, data.b)) or "-",
    }
    if data.true is not None:
        report["candidates"] = candidate_recall(tables, *tables.rows(data.true))
        report |= whole_tables(tables, data.true)
    else:
        true = [
            [rows[labels_of(frame, f"{name}.csv").to_numpy() == 1] for rows in sides]
            for name, frame in data.labelled.items()
            for sides in (tables.rows(frame, f"{name}.csv"),)
        ]
        i, j = (np.concatenate(rows) for rows in zip(*true, strict=True))
        report["candidates"] = candidate_recall(tables, i, j)
        report |= split(tables, data, unsupervised=unsupervised)
    report["seconds"] = round(time.perf_counter() - started, 2)
    report["peak_memory_mb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    return report


def candidate_recall(tables: Tables, i: Ints, j: Ints) -> dict[str, Any]:
    """Return, for each depth, the share of true pairs found and candidates per record of A."""
    found = {}
    width = max(len(tables.b), 1)
    for depth in DEPTHS:
        one, two = tables.candidates(depth)
        hit = np.isin(i * width + j, one * width + two)
        found[str(depth)] = {
            "recall": round(float(hit.mean()), 4) if len(hit) else 0.0,
            "candidates": len(one),
            "per_record": round(len(one) / max(len(tables.a), 1), 1),
        }
    return found


def split(tables: Tables, data: Benchmark, *, unsupervised: bool) -> dict[str, Any]:
    """Return the figures on test of a published split."""
    trained = None if unsupervised else _trained(tables, data)
    matcher = trained.matcher if trained else learn_alone(tables)
    test_i, test_j = tables.rows(data.labelled["test"])
    test = labels_of(data.labelled["test"]).to_numpy()
    report: dict[str, Any] = {"model": "unsupervised" if unsupervised else "trained on train"}
    for name in ("pair", "context"):
        with_rivals = name == "context"
        threshold = EVEN if trained is None else _threshold(tables, data, trained, name)
        probability = matcher.probabilities(tables, test_i, test_j, with_rivals)
        taken = probability >= threshold
        report["pair features alone" if name == "pair" else "with context"] = {
            **_rounded(figures.quality(test, taken)),
            "f1_interval": [round(end, 4) for end in figures.interval(test, taken)],
            "threshold": round(threshold, 4),
            "calibration_error": round(figures.calibration_error(test, probability), 4),
            **({"held_out": _rounded(matcher.facts[name])} if trained else {}),
            **(
                {"accepted_on_test": _accepted(matcher, name, test, probability)} if trained else {}
            ),
        }
    return report


def _trained(tables: Tables, data: Benchmark) -> Trained:
    if "train" not in data.labelled:
        raise PairsError(
            "there is no train.csv", "Give labelled pairs to train on, or --unsupervised."
        )
    i, j, labels = labelled_rows(tables, data.labelled["train"], "train.csv")
    return fit(tables, i, j, labels, fingerprint(data.labelled["train"]))


def _threshold(tables: Tables, data: Benchmark, trained: Trained, name: str) -> float:
    """Chosen on valid, together with the held-out scores of train: one alone is a noisy judge."""
    held_out = trained.context if name == "context" else trained.pair
    if "valid" not in data.labelled:
        return figures.best_threshold(trained.labels, held_out)
    i, j = tables.rows(data.labelled["valid"])
    labels = labels_of(data.labelled["valid"]).to_numpy()
    probability = trained.matcher.probabilities(tables, i, j, name == "context")
    return figures.best_threshold(
        np.concatenate([labels, trained.labels]), np.concatenate([probability, held_out])
    )


def _accepted(matcher: Matcher, name: str, labels: Ints, probability: Any) -> dict[str, float]:
    found = figures.quality(labels, probability >= matcher.facts[name]["accept"])
    return _rounded({"precision": found["precision"], "accepted": found["recall"]})


def whole_tables(tables: Tables, true: pl.DataFrame) -> dict[str, Any]:
    """Return the figures of matching whole tables one to one, learnt without labels."""
    matcher, scored = learn_and_score(tables, *tables.candidates())
    scored = matcher.in_context(scored)
    i, j = scored.i, scored.j
    chosen = one_to_one(i, j, scored.probability, EVEN)
    true_i, true_j = tables.rows(true)
    width = max(len(tables.b), 1)
    keys = distinct(true_i * width + true_j)
    labels = np.isin(i * width + j, keys).astype(np.int64)
    missed = len(keys) - int(labels.sum())
    return {
        "model": "unsupervised",
        "one to one": {
            **_rounded(figures.quality(labels, chosen, missed)),
            "f1_interval": [round(end, 4) for end in figures.interval(labels, chosen, missed)],
            "pairs": int(chosen.sum()),
        },
    }


def ranking(a: pl.DataFrame, b: pl.DataFrame, true: pl.DataFrame) -> dict[str, Any]:
    """Return the share of true pairs at rank 1 and 10 of their record of A.

    By the plain similarity, by a matcher learnt without labels, and by one trained on the true
    pairs of other records (five folds; negatives are the other candidates of the same records).

    Args:
        a: one table.
        b: the other; without the numbers that would give the answer away.
        true: pairs of ids in the first two columns.
    """
    started = time.perf_counter()
    tables = Tables.of(a, b)
    true_i, true_j = tables.rows(true)
    i, j = tables.candidates(CANDIDATES)
    width = len(tables.b)
    plain = Matcher().pair_scores(tables, i, j)
    scores = {"plain": plain.probability}
    alone = learn_alone(tables)
    scores["unsupervised"] = alone.in_context(alone.pair_scores(tables, i, j)).probability
    scores["trained, folds"] = _cross_ranked(tables, plain, true_i, true_j)
    report: dict[str, Any] = {
        name: {
            f"recall_at_{k}": round(figures.recall_at(i, j, score, true_i, true_j, width, k), 4)
            for k in (1, 10)
        }
        for name, score in scores.items()
    }
    report["candidate_recall"] = round(
        float(np.isin(true_i * width + true_j, i * width + j).mean()), 4
    )
    report["seconds"] = round(time.perf_counter() - started, 2)
    return report


def _cross_ranked(tables: Tables, plain: Scored, true_i: Ints, true_j: Ints) -> Any:
    """Scores by trees that did not see the record of A: the pair stage and its rivals, no words."""
    width = len(tables.b)
    known = np.flatnonzero(np.isin(plain.i, true_i))
    labels = np.isin(plain.i[known] * width + plain.j[known], true_i * width + true_j).astype(
        np.int64
    )
    score = np.zeros(len(plain.i))
    rows = with_context(plain)[known]
    score[known] = boosting.grow(rows, labels, boosting.folds_of(plain.i[known], labels))[1]
    return score


def _rounded(values: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in values.items()}
