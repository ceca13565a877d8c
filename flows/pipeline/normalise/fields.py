"""Words, flags and instants: the columns of an offer that are neither code, price nor size.

Text from shops carries what nobody sees: direction marks that break a comparison of two equal
names, tabs, words that say "unknown" in the place of a value. Each function here is an
expression over a text column, and applying it twice changes nothing more. Not done: repairing
text that was decoded wrongly, and spelling (``brands`` brings ``Coca Cola`` and ``Coca-Cola``
together).
"""

from __future__ import annotations

import datetime as dt
from typing import Final

import polars as pl

_INVISIBLE: Final = (
    r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f"  # control characters that are not white space
    r"\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]"
)
"""Controls, soft hyphens, zero-width blanks and bidirectional marks. Joiners stay: some scripts
spell with them."""

_WHITE_SPACE: Final = r"[^\S ]\s*| \s+"
"""All but the single blank, which is nearly all white space and need not be replaced."""

_UNKNOWN: Final = (
    r"(?i)^(?:|-+|\.+|\?+|n/a|nan|none|null|unknown|unbekannt|k\.a\.|לא ידוע|לא מוגדר|ללא)$"
)
"""What files say where they know nothing. Not ``NA``: that is Namibia."""

_COUNTRY_NAMES: Final = {
    "AE": "איחוד האמירויות", "AL": "אלבניה", "AR": "ארגנטינה", "AT": "אוסטריה|österreich|austria",
    "AU": "אוסטרליה", "AZ": "אזרבייגן", "BE": "בלגיה", "BG": "בולגריה", "BR": "ברזיל",
    "BY": "בלרוס", "CA": "קנדה", "CH": "שווייץ|שוויץ|schweiz", "CL": "צילה|צ'ילה",
    "CN": "סין|china", "CO": "קולומביה", "CR": "קוסטה ריקה", "CY": "קפריסין", "CZ": "צכיה|צ'כיה",
    "DE": "גרמניה|deutschland|germany", "DK": "דנמרק", "EC": "אקוודור", "EE": "אסטוניה",
    "EG": "מצרים", "ES": "ספרד|spanien|spain", "FI": "פינלנד", "FR": "צרפת|frankreich|france",
    "GB": "בריטניה|אנגליה|סקוטלנד|uk", "GE": "גאורגיה", "GR": "יוון", "HR": "קרואטיה",
    "HU": "הונגריה", "ID": "אינדונזיה", "IE": "אירלנד", "IL": "ישראל|israel", "IN": "הודו",
    "IT": "איטליה|italien|italy", "JO": "ירדן", "JP": "יפן", "KR": "דרום קוריאה",
    "LK": "סרי לנקה", "LT": "ליטא", "LU": "לוכסמבורג", "LV": "לטביה", "MA": "מרוקו",
    "MK": "מקדוניה", "MX": "מקסיקו", "MY": "מלזיה", "NL": "הולנד|niederlande|netherlands",
    "NO": "נורווגיה", "NZ": "ניו זילנד", "PE": "פרו", "PH": "פיליפינים", "PK": "פקיסטן",
    "PL": "פולין|polen|poland", "PT": "פורטוגל", "PY": "פרגוואי", "RO": "רומניה", "RS": "סרביה",
    "RU": "רוסיה", "SE": "שוודיה", "SG": "סינגפור", "SI": "סלובניה", "SK": "סלובקיה",
    "TH": "תאילנד", "TR": "תורכיה|טורקיה|türkei|turkey", "TW": "טאיוון", "UA": "אוקראינה",
    "US": "ארצות הברית|ארה\"ב|usa", "UY": "אורוגואי", "VN": "ויטנאם", "ZA": "דרום אפריקה",
}  # fmt: skip
_COUNTRIES: Final = {
    name: code for code, names in _COUNTRY_NAMES.items() for name in names.split("|")
}
"""Names in lower case to ISO 3166 codes. XX is the standard's own "unknown"."""

_FLAGS: Final = {
    **dict.fromkeys(("1", "true", "yes", "y", "ja", "כן"), True),
    **dict.fromkeys(("0", "false", "no", "n", "nein", "לא"), False),
}

_EARLIEST: Final = dt.date(1990, 1, 1)
"""Before it no shop had price files; what is older is a default of some database."""
_DAYS_AHEAD: Final = 2
"""A clock may be a zone ahead and a price may be set for tomorrow; more is a slip."""


def words(text: pl.Expr) -> pl.Expr:
    """Return the text in Unicode NFC, visible characters only, white space collapsed."""
    visible = text.str.replace_all(_INVISIBLE, "").str.replace_all(_WHITE_SPACE, " ")
    return visible.str.strip_chars().str.normalize("NFC")


def known(text: pl.Expr) -> pl.Expr:
    """Return the words of the text, null where it is blank or a word for "unknown"."""
    cleaned = words(text)
    return pl.when(~cleaned.str.contains(_UNKNOWN)).then(cleaned)


def country(text: pl.Expr) -> pl.Expr:
    """Return the ISO 3166 code of a country's name or code, else the words as they are.

    Codes are put in capitals and not looked up (``AX`` stays ``AX``); ``XX`` is null.
    """
    cleaned = known(text)
    lowered = cleaned.str.to_lowercase()
    named = lowered.replace_strict(_COUNTRIES, default=None, return_dtype=pl.String)
    code = pl.when(lowered.str.contains(r"^[a-z]{2}$")).then(cleaned.str.to_uppercase())
    return pl.when(lowered != "xx").then(pl.coalesce(named, code, cleaned))


def flag(text: pl.Expr) -> pl.Expr:
    """Return True for ``1``, ``true``, ``כן`` and their like, False for the opposite, else null."""
    lowered = words(text).str.to_lowercase()
    return lowered.replace_strict(_FLAGS, default=None, return_dtype=pl.Boolean)


def instant(text: pl.Expr, day: dt.date) -> pl.Expr:
    """Return when something was said to happen, as written: a zone in the text is left out.

    ``2026-08-09 14:05:00``, the ISO forms (``T``, fractions, ``Z`` or an offset, no seconds, a
    date alone) and ``09/08/2026 14:05`` (day first). Null for all else, before 1990, and after
    the second day after ``day``.

    Args:
        text: a text column.
        day: the day of the prices.
    """
    # Brought to one form first, so that each row is parsed once and not once for each form.
    written = (
        text.str.strip_chars()
        .str.replace(r"^(\d{2})/(\d{2})/(\d{4})", "$3-$2-$1")
        .str.replace(r"^(\d{4}-\d{2}-\d{2})[Tt]", "$1 ")
        .str.replace(r"(:\d{2}(?:\.\d+)?) ?(?:[Zz]|[+-]\d{2}:?\d{2})$", "$1")
        .str.replace(r"^([\d-]{10})$", "$1 00:00")
        .str.replace(r"^([\d-]{10} \d{2}:\d{2})$", "$1:00")
    )
    parsed = written.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", strict=False, time_unit="us")
    latest = day + dt.timedelta(days=_DAYS_AHEAD)
    return pl.when(parsed.dt.date().is_between(_EARLIEST, latest)).then(parsed)
