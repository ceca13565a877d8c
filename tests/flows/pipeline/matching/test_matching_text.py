from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.pipeline.matching.sizes import COUNT, sizes
from flows.pipeline.matching.terms import CODE, NUMBER, WORD, grams, words
from flows.pipeline.matching.text import TITLE_LIMIT, fold, fold_text


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Größe: 1,5 L", "grosse 1.5 l"),
        ("PS-LX350H", "ps lx350h"),
        ("Dallmann's", "dallmanns"),
        ('קמח 1 ק"ג', "קמח 1 קג"),
        ("ＡＢＣ １２", "abc 12"),
        ("6 × 330 ml", "6 x 330 ml"),
        ("\u200fשלום\x00\x07 עולם", "שלום עולם"),
        ("v1.2.3.", "v1.2.3"),
    ],
)
def test_what_differs_without_meaning_is_folded_away(text: str, folded: str) -> None:
    assert fold_text(text) == folded


@given(st.text(max_size=60))
def test_folding_twice_changes_nothing(text: str) -> None:
    once = fold_text(text)
    assert fold_text(once, 10_000) == once


def test_a_hundred_kilobytes_are_cut() -> None:
    frame = pl.DataFrame({"t": ["ab " * 40_000]})
    assert len(frame.select(fold("t")).item()) <= TITLE_LIMIT


def hashes(text: str, **wanted: bool) -> dict[int, int]:
    found = words(pl.Series([text]), **wanted)
    return dict(zip(found.hashes.tolist(), found.classes.tolist(), strict=True))


def test_split_and_joined_spellings_meet() -> None:
    assert hashes("pslx350h").keys() <= hashes("ps lx350h", joins=True).keys()
    assert hashes("75 ml").keys() <= hashes("75ml", runs=True).keys()


def test_classes_tell_words_numbers_and_codes() -> None:
    assert list(hashes("kamera").values()) == [WORD]
    assert list(hashes("75.5").values()) == [NUMBER]
    assert list(hashes("lx350").values()) == [CODE]
    assert list(hashes("7270181").values()) == [CODE]


texts = st.lists(st.text("ab1 ", max_size=12), max_size=8)


@settings(max_examples=60)
@given(texts, texts)
def test_terms_of_a_row_do_not_depend_on_other_rows(one: list[str], two: list[str]) -> None:
    for make in (lambda s: words(s, joins=True, runs=True), grams):
        alone, both = (
            make(pl.Series(two, dtype=pl.String)),
            make(pl.Series(one + two, dtype=pl.String)),
        )
        for row in range(len(two)):
            mine = np.sort(alone.hashes[alone.rows == row])
            assert np.array_equal(mine, np.sort(both.hashes[both.rows == row + len(one)]))


def test_grams_do_not_reach_into_the_next_text() -> None:
    found = grams(pl.Series(["abcd", "ab", "", "xyz"]))
    assert found.rows.tolist() == [0, 0, 3]


@pytest.mark.parametrize(
    "title",
    [
        "Cola 6 x 330 ml",
        "Cola 6x0,33l",
        "Cola 330 ml x 6",
        "Cola 0,33 L (6er-Pack)",
        "Cola 330ml, pack of 6",
        "6-pack Cola 33 cl",
        'קולה 330 מ"ל מארז 6',
    ],
)
def test_a_pack_is_the_same_however_it_is_said(title: str) -> None:
    found = sizes(pl.Series([title]).to_frame("t").select(fold("t"))["t"])[0]
    assert (round(float(found[1]), 4), found[COUNT]) == (1.98, 6)


def test_pieces_of_a_pack_are_not_counted_twice() -> None:
    assert sizes(pl.Series(["rollen 8 stuck 8er pack"]))[0, 3] == 8


def test_sizes_are_read_in_every_language() -> None:
    titles = ["cola 6 x 330 ml", "קמח 1 קג", "mehl 1.5kg 3 stuck", "kamera", "6x1.5 l wasser"]
    found = sizes(pl.Series(titles))
    assert found[0, 1] == pytest.approx(1.98) and found[0, COUNT] == 6
    assert found[1, 0] == 1
    assert found[2, 0] == 1.5 and found[2, 3] == 3
    assert np.isnan(found[3]).all()
    assert found[4, 1] == 9
