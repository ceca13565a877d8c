"""A standing index: what it answers is what the whole would; what it remembers changes nothing."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.pipeline.matching.errors import ModelError, TableError
from flows.pipeline.matching.matcher import Matcher
from flows.pipeline.matching.matching import match
from flows.pipeline.matching.standing import FILE, StandingIndex
from flows.pipeline.matching.tables import canonical

Shops = tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]


@pytest.fixture(scope="module")
def folder(two_shops: Shops, matcher: Matcher, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index that remembers the first day's offers."""
    a, b, _ = two_shops
    path = tmp_path_factory.mktemp("standing") / "index"
    StandingIndex.build(path, b, matcher, offers=a)
    standing = StandingIndex.open(path)
    standing.match(a)
    standing.recall.save()
    return path


def test_the_first_day_is_what_matching_the_tables_gives(
    two_shops: Shops, matcher: Matcher, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b, _ = two_shops
    monkeypatch.setattr("flows.pipeline.matching.two_tables.ASKED_BACK", 0)
    standing = StandingIndex.open(folder)
    assert standing.match(a, one_to_one=True).equals(match(a, b, matcher, one_to_one=True))
    assert standing.recall.asked == standing.recall.compared == 0  # all was remembered


@settings(max_examples=12)
@given(data=st.data())
def test_changed_offers_alone_get_what_the_whole_day_gives_them(
    two_shops: Shops, folder: Path, data: st.DataObject
) -> None:
    a, _, _ = two_shops
    rows = data.draw(st.lists(st.integers(0, a.height - 1), min_size=1, max_size=8, unique=True))
    names = data.draw(st.booleans())
    changed = a[sorted(rows)].with_columns(price=pl.lit("9.99"))
    if names:
        changed = changed.with_columns(name=pl.col("name") + " neuwort")
    today = pl.concat([a.filter(~pl.col("id").is_in(changed["id"].implode())), changed])
    standing = StandingIndex.open(folder)
    alone = standing.match(changed)
    assert standing.recall.asked == (len(rows) if names else 0)
    assert 0 < standing.recall.compared < 60 * len(rows)
    whole = StandingIndex.open(folder).match(today)
    asked = pl.col("a_id").is_in(changed["id"].implode())
    assert alone.equals(whole.filter(asked))


def test_what_is_remembered_changes_nothing(
    two_shops: Shops, matcher: Matcher, folder: Path, tmp_path: Path
) -> None:
    a, b, _ = two_shops
    today = a.with_columns(price=pl.col("price").cast(pl.Float64) * 1.01).sample(150, seed=1)
    nothing = StandingIndex.build(tmp_path / "new", b, matcher, offers=a)
    found = nothing.match(today)
    standing = StandingIndex.open(folder)
    assert not len(nothing.recall.ids) and len(standing.recall.ids) == a.height
    rivals = standing.match(pl.concat([today, a], how="vertical_relaxed").unique("id"))
    assert rivals.height >= found.height > 100
    nothing.recall.save()
    again = StandingIndex.open(tmp_path / "new")
    assert again.match(today).equals(found)
    assert again.recall.asked == again.recall.compared == 0
    again.recall.save()
    assert len(list((tmp_path / "new").glob("recall-*"))) == 1  # the last, and no other


def test_own_prices_may_change_under_an_index(two_shops: Shops, folder: Path) -> None:
    a, b, _ = two_shops
    dearer = canonical(b).with_columns(price=pl.col("price") * 1.5)
    standing = StandingIndex.open(folder)
    assert standing.fits(dearer)
    found = standing.priced(dearer).match(a, evidence=True, least=0.0)
    before = StandingIndex.open(folder).match(a, evidence=True, least=0.0)
    both = found.join(before, on=["a_id", "b_id"])
    assert (both["price_ratio"] / both["price_ratio_right"] - 1 / 1.5).abs().max() < 1e-5  # type: ignore[operator]
    assert not standing.fits(canonical(b.with_columns(title=pl.col("title") + "x")))
    assert not standing.fits(canonical(b.reverse()))


def test_a_damaged_or_foreign_index_is_refused(
    two_shops: Shops, matcher: Matcher, folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match="no standing index"):
        StandingIndex.open(tmp_path)
    path = tmp_path / "index"
    StandingIndex.build(path, two_shops[1], matcher)
    facts = json.loads((path / FILE).read_text())
    (path / FILE).write_text(json.dumps({**facts, "version": 99}))
    with pytest.raises(ModelError, match="version 99"):
        StandingIndex.open(path)
    (path / FILE).write_text(json.dumps({**facts, "rows": 3}))
    with pytest.raises(ModelError, match="3 told"):
        StandingIndex.open(path)
    with pytest.raises(TableError, match="no column for the role"):
        StandingIndex.open(folder).match(pl.DataFrame({"id": ["1"]}))
    assert StandingIndex.open(folder).match(two_shops[0].clear()).is_empty()
