"""Forests say what the trees that they were made of say."""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
import pytest

from flows.pipeline.matching.forest import Forest, forest_of, join


@pytest.mark.parametrize("leaves", [2, 15, 31])
@pytest.mark.parametrize("unknown", [0.0, 0.3])
def test_sums_are_lightgbms_raw_scores(leaves: int, unknown: float) -> None:
    chance = np.random.default_rng(leaves)
    rows = chance.normal(size=(2000, 6)).astype(np.float32)
    rows[:, 3] = np.round(rows[:, 3])  # many equal values, on thresholds too
    labels = (rows[:, 0] + rows[:, 1] * rows[:, 2] > chance.normal(size=2000) / 2).astype(int)
    rows[chance.random(rows.shape) < unknown] = np.nan
    data = lgb.Dataset(rows, labels)
    trees = lgb.train({"objective": "binary", "num_leaves": leaves, "verbose": -1}, data, 40)
    asked = chance.normal(size=(777, 6)).astype(np.float32) * 2
    asked[:, 3] = np.round(asked[:, 3])
    asked[chance.random(asked.shape) < 0.1] = np.nan
    expected = np.asarray(trees.predict(asked, raw_score=True))
    forest = forest_of(trees)
    assert np.allclose(forest.sums(asked), expected, atol=1e-9)
    one_by_one = np.concatenate([forest.sums(asked[at : at + 1]) for at in range(50)])
    assert np.array_equal(one_by_one, forest.sums(asked)[:50])
    again = Forest.of_lists(forest.aslists(), 6)
    assert np.allclose(join([again, again]).sums(asked), 2 * forest.sums(asked), atol=1e-9)


def test_no_rows_and_no_trees() -> None:
    empty = Forest.of_lists({name: [] for name in Forest.__dataclass_fields__}, 3)
    assert empty.sums(np.zeros((0, 3))).shape == (0,)
    assert (empty.sums(np.ones((2, 3))) == 0).all()
