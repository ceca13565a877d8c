"""The candidates of large tables: found for little, the same in any batches, bounded."""

from __future__ import annotations

import random

import numpy as np
import polars as pl
import pytest

from flows.pipeline.matching import candidates
from flows.pipeline.matching.candidates import Index, find
from flows.pipeline.matching.two_tables import Tables
from tests.flows.pipeline.matching.conftest import shops


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> Tables:
    """Two tables that are held to be large."""
    monkeypatch.setattr(candidates, "SMALL", 0)
    a, b, _ = shops(1200, seed=11)
    return Tables.of(a, b)


def test_most_products_are_found_among_few_candidates(large: Tables) -> None:
    i, j = find(large.a, Index.of(large.b))
    assert np.mean(np.isin(np.arange(1200), i[i == j])) > 0.97
    assert len(i) < 11 * 1200
    assert np.bincount(i).max() <= 10


def test_batches_decide_nothing(large: Tables) -> None:
    index = Index.of(large.b)
    whole = find(large.a, index)
    rows = np.array(random.Random(2).sample(range(1200), 300))
    i, j = find(large.a.take(rows), index)
    order = np.lexsort((j, rows[i]))
    kept = np.isin(whole[0], rows)
    assert np.array_equal(rows[i][order], whole[0][kept])
    assert np.array_equal(j[order], whole[1][kept])


def test_a_query_whose_code_is_known_is_settled_by_it(large: Tables) -> None:
    index = Index.of(large.b)
    i, _ = find(large.a, index)
    assert (np.bincount(i) <= 3).mean() > 0.5


@pytest.mark.parametrize("title", ["the same title", "", "x" * 100_000, "word " * 20_000])
def test_equal_titles_stay_bounded(monkeypatch: pytest.MonkeyPatch, title: str) -> None:
    monkeypatch.setattr(candidates, "SMALL", 0)
    names = [title] * 3000 + ["another thing"]
    table = pl.DataFrame({"id": [str(n) for n in range(3001)], "name": names})
    tables = Tables.of(table, table)
    i, _ = find(tables.a, Index.of(tables.b))
    assert len(i) <= 10 * 3001
    assert 3000 in i
