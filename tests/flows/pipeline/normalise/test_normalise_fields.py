"""Words lose what nobody sees, flags and instants are read in the forms that files use."""

import datetime as dt
import unicodedata

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.pipeline.normalise.fields import country, flag, instant, known, words

DAY = dt.date(2026, 8, 9)


def one(expression: pl.Expr, text: str | None) -> object:
    return pl.DataFrame({"text": [text]}, schema={"text": pl.String}).select(expression).item()


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("a  b\t\nc", "a b c"),
        (" \u200fחלב\u200e \u202b3%\u202c ", "חלב 3%"),
        ("a \u200f b", "a b"),
        ("Cafe\u0301", "Café"),
        ("bell\x07\x00", "bell"),
        ("a\u00a0\u00a0b", "a b"),
        ("", ""),
        (None, None),
    ],
)
def test_words(text: str | None, cleaned: str | None) -> None:
    assert one(words(pl.col("text")), text) == cleaned


@given(st.text(max_size=30))
def test_words_are_clean_and_cleaning_again_changes_nothing(text: str) -> None:
    cleaned = one(words(pl.col("text")), text)
    assert isinstance(cleaned, str)
    assert cleaned == one(words(pl.col("text")), cleaned)
    assert unicodedata.is_normalized("NFC", cleaned)
    assert not any(unicodedata.category(character) == "Cc" for character in cleaned)
    assert "  " not in cleaned


@pytest.mark.parametrize(
    "text", [None, "", " ", "-", "N/A", "null", "NaN", " לא ידוע ", "Unbekannt"]
)
def test_unknown_is_null(text: str | None) -> None:
    assert one(known(pl.col("text")), text) is None


@pytest.mark.parametrize("text", ["Nana", "a-b", "0", "ללא גלוטן"])
def test_known_stays(text: str) -> None:
    assert one(known(pl.col("text")), text) == text


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("IL", "IL"),
        ("il", "IL"),
        ("ישראל", "IL"),
        ("Deutschland", "DE"),
        ("UK", "GB"),
        ("AX", "AX"),
        ("NA", "NA"),  # Namibia
        ("XX", None),
        ("לא ידוע", None),
        ("BE,ES", "BE,ES"),
        (None, None),
    ],
)
def test_country(text: str | None, code: str | None) -> None:
    assert one(country(pl.col("text")), text) == code


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", True),
        (" TRUE ", True),
        ("כן", True),
        ("0", False),
        ("לא", False),
        ("2", None),
        (None, None),
    ],
)
def test_flag(text: str | None, value: bool | None) -> None:
    assert one(flag(pl.col("text")), text) is value


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-08-09 14:05:06", dt.datetime(2026, 8, 9, 14, 5, 6)),
        ("2026-08-09T14:05:06", dt.datetime(2026, 8, 9, 14, 5, 6)),
        ("2026-08-09T14:05:06.250Z", dt.datetime(2026, 8, 9, 14, 5, 6, 250_000)),
        ("2026-08-09T14:05:06+03:00", dt.datetime(2026, 8, 9, 14, 5, 6)),
        ("2026-08-09T14:05Z", dt.datetime(2026, 8, 9, 14, 5)),
        ("2026-08-09 14:05", dt.datetime(2026, 8, 9, 14, 5)),
        ("2026-08-09", dt.datetime(2026, 8, 9)),
        ("08/07/2026 14:05", dt.datetime(2026, 7, 8, 14, 5)),
        ("08/07/2026 14:05:06", dt.datetime(2026, 7, 8, 14, 5, 6)),
        ("2026-08-11 23:59:59", dt.datetime(2026, 8, 11, 23, 59, 59)),
        ("2026-08-12 00:00:00", None),
        ("1990-01-01 00:00:00", dt.datetime(1990, 1, 1)),
        ("1989-12-31 23:59:59", None),
        ("2026-02-30 10:00:00", None),
        ("yesterday", None),
        ("", None),
        (None, None),
    ],
)
def test_instant(text: str | None, moment: dt.datetime | None) -> None:
    assert one(instant(pl.col("text"), DAY), text) == moment
