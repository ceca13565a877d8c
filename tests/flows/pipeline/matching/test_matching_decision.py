from __future__ import annotations

import datetime as dt
import itertools

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.pipeline.matching.assign import one_to_one
from flows.pipeline.matching.context import ALONE, lead
from flows.pipeline.matching.decision import (
    DECISIONS,
    NEVER,
    Thresholds,
    choose_thresholds,
    decide,
    remember,
)
from flows.pipeline.matching.errors import PairsError

AT = Thresholds(accept=0.9, reject=0.2, precision=0.99, accepted=0.7)
scored = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 1)), min_size=1, max_size=40)


@given(scored, st.floats(0.5, 1.0))
def test_accepted_pairs_have_the_target_precision(
    pairs: list[tuple[int, int]], target: float
) -> None:
    probability = np.array([p / 20 for p, _ in pairs])
    labels = np.array([label for _, label in pairs])
    found = choose_thresholds(probability, labels, target)
    taken = probability >= found.accept
    if found.accept == NEVER:
        assert not taken.any()
    else:
        assert labels[taken].mean() >= target
        assert found.precision == pytest.approx(labels[taken].mean())
    assert found.reject <= found.accept
    assert labels[probability < found.reject].sum() <= 0.01 * max(labels.sum(), 1)


def matches(*rows: tuple[str, str, float], **more: list[object]) -> pl.DataFrame:
    frame = pl.DataFrame(rows, schema=["a_id", "b_id", "probability"], orient="row")
    return frame.with_columns(kind=pl.lit("exact"), **{k: pl.Series(v) for k, v in more.items()})


def test_between_the_thresholds_a_person_decides() -> None:
    found = decide(matches(("1", "1", 0.95), ("2", "2", 0.5), ("3", "3", 0.1)), AT)
    assert found["decision"].to_list() == ["accept", "review", "reject"]


def test_two_good_candidates_go_to_review() -> None:
    found = decide(matches(("1", "1", 0.95), ("1", "2", 0.92), ("3", "2", 0.4)), AT)
    assert found["decision"].to_list() == ["review", "review", "review"]
    assert found["conflict"].is_not_null().to_list() == [True, True, False]


@pytest.mark.parametrize(
    "conflict",
    [
        {"price_ratio": [0.39]},
        {"price_ratio": [2.51]},
        {"gtin_same": [True], "words_found": [0.05]},
        {"gtin_same": [False]},
        {"kind": ["different_pack"]},
    ],
)
def test_what_does_not_fit_goes_to_review(conflict: dict[str, list[object]]) -> None:
    frame = matches(("1", "1", 0.99)).with_columns(**{k: pl.Series(v) for k, v in conflict.items()})
    found = decide(frame, AT)
    assert found["decision"].item() == "review"
    assert found["conflict"].item()


def test_what_people_decided_wins() -> None:
    today = decide(
        matches(("1", "1", 0.99), ("1", "9", 0.3), ("2", "2", 0.95), ("5", "7", 0.99)), AT
    )
    day = dt.datetime(2026, 1, 1)
    decided = pl.DataFrame(
        [
            ("1", "1", "accept", "x", day),
            ("1", "1", "reject", "x", day + dt.timedelta(days=1)),
            ("2", "4", "accept", "x", day),
            ("8", "8", "reject", "x", day),
        ],
        schema=DECISIONS,
        orient="row",
    )
    found = remember(today, decided)
    got = dict(zip(zip(found["a_id"], found["b_id"], strict=True), found["decision"], strict=True))
    assert got[("1", "1")] == "reject"  # the later decision
    assert got[("2", "4")] == "accept"  # not among today's candidates
    assert got[("2", "2")] == "review"  # its record was given to another
    assert got[("5", "7")] == "accept"
    assert ("8", "8") not in got
    with pytest.raises(PairsError, match="accept or reject"):
        remember(today, decided.with_columns(decision=pl.lit("perhaps")))


edges = st.dictionaries(
    st.tuples(st.integers(0, 4), st.integers(0, 4)), st.integers(1, 99), min_size=1, max_size=10
)


@settings(max_examples=80)
@given(edges)
def test_the_assignment_is_one_to_one_and_the_best(pairs: dict[tuple[int, int], int]) -> None:
    keys = sorted(pairs)
    i, j = (np.array(side) for side in zip(*keys, strict=True))
    probability = np.array([pairs[key] / 100 for key in keys])
    chosen = one_to_one(i, j, probability, 0.5)
    assert len(set(i[chosen])) == len(set(j[chosen])) == chosen.sum()
    assert (probability[chosen] >= 0.5).all()
    worth = np.log(probability / (1 - probability))
    able = [place for place in range(len(keys)) if probability[place] >= 0.5]
    best = 0.0
    for size in range(1, 6):
        for some in itertools.combinations(able, size):
            if len(set(i[list(some)])) == len(set(j[list(some)])) == size:
                best = max(best, worth[list(some)].sum())
    assert worth[chosen].sum() == pytest.approx(best, abs=1e-4)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5)), min_size=1, max_size=15))
def test_a_lead_is_the_distance_to_the_best_other(rows: list[tuple[int, int]]) -> None:
    group = np.array([g for g, _ in rows])
    values = np.array([float(v) for _, v in rows])
    gap, rank = lead(group, values)
    for place in range(len(rows)):
        others = np.delete(values, place)[np.delete(group, place) == group[place]]
        assert gap[place] == (values[place] - others.max() if len(others) else ALONE)
        assert rank[place] == (others > values[place]).sum()
