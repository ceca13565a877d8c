"""Article codes: which of them are Global Trade Item Numbers, and which only look like it.

Products are matched across sellers by GTIN, so a code that is wrongly held to be one makes a
wrong price comparison. Therefore nothing is repaired: a code is a GTIN when its length and its
check digit say so and its prefix is not set apart for use inside a shop; otherwise the status
says why not. Promised: the scalar ``classify`` and the vectorised ``with_gtin`` agree on every
text. Not done: asking a registry whether a number was ever issued.

Everything follows the GS1 General Specifications: section 1.4 (prefixes and restricted
circulation numbers), section 3 (GTIN-8, -12, -13 and -14 all stand right aligned in 14 digits,
filled with zeros) and section 7.9 (check digit).
"""

from __future__ import annotations

import re
from typing import Literal, TypeAlias

import polars as pl

GtinStatus: TypeAlias = Literal["valid", "in_store", "bad_check_digit", "not_a_gtin", "missing"]
GtinKind: TypeAlias = Literal["gtin_8", "gtin_12", "gtin_13", "gtin_14"]

PADDING = " \t\r\n\u00a0\u200e\u200f\u202a\u202b\u202c\ufeff"
"""What may surround a code in a file without being part of it: blanks, direction marks, a BOM."""

_CODE = r"^([0-9]+)(?:\.0+)?$"
"""Digits, or the same digits after a spreadsheet took them for a decimal number."""

_GTIN_LENGTHS = (8, 12, 13, 14)
_SHORTEST, _LONGEST = 8, 14
"""Below 8 digits a code is a seller's own; above 14 it is no GTIN in any notation."""

_WEIGHTS = (3, 1) * 7
"""Factors of the 14 places, left to right; the last place is the check digit itself."""

_NOT_A_TRADE_ITEM = (
    r"^(?:"
    r"9"  # indicator 9: variable measure, the price or weight is in the code
    r"|.(?:2|02|04)"  # restricted circulation within a region or a company
    r"|.05"  # coupons of the United States
    r"|.(?:98[0-4]|99)"  # refund receipts and coupons
    r"|.00000[02]"  # GTIN-8 of prefix 0 or 2: restricted circulation
    r")"
)
"""Of the 14 digits: the indicator, then the 13-digit form that holds the GS1 prefix."""


def check_digit(body: str) -> int:
    """Return the check digit for the digits before it.

    GS1 General Specifications, section 7.9: from the right, digits count 3, 1, 3, 1 and so on;
    the check digit fills the sum up to a multiple of ten.

    Args:
        body: the digits without the check digit, of any length.
    """
    total = sum(int(digit) * (3, 1)[place % 2] for place, digit in enumerate(reversed(body)))
    return -total % 10


def classify(text: str | None) -> tuple[str | None, GtinStatus]:
    """Return the 14 digits of a valid GTIN (else None) and the status of the code.

    The statuses:
        missing: nothing there, or nothing but zeros.
        not_a_gtin: other characters than digits (also ``7.29E+12``, whose digits are lost),
            fewer than 8 or more than 14 digits, or 9 to 11 digits without a fitting check digit.
            With a fitting one these are UPC-A codes that lost their leading zeros.
        in_store: restricted circulation (GTIN-13 prefixes 02, 04 and 20 to 29, GTIN-8 prefixes
            0 and 2), variable measure (GTIN-14 indicator 9), coupons and refund receipts (05,
            980 to 984, 99). The check digit is not asked: the number means nothing elsewhere.
        bad_check_digit: 8, 12, 13 or 14 digits, of which at least one is wrong.
        valid: all others. Books (978, 979) are products like any other.

    Args:
        text: a code as a file has it; surrounding blanks and a trailing ``.0`` do not count.
    """
    stripped = (text or "").strip(PADDING)
    if not stripped:
        return None, "missing"
    found = re.match(_CODE, stripped)
    if found is None:
        return None, "not_a_gtin"
    digits = found[1]
    padded = digits.zfill(_LONGEST)
    if not digits.strip("0"):
        return None, "missing"
    if not _SHORTEST <= len(digits) <= _LONGEST:
        return None, "not_a_gtin"
    if re.match(_NOT_A_TRADE_ITEM, padded):
        return None, "in_store"
    if check_digit(padded[:-1]) == int(padded[-1]):
        return padded, "valid"
    return None, "bad_check_digit" if len(digits) in _GTIN_LENGTHS else "not_a_gtin"


def kind_of(text: str | None) -> GtinKind | None:
    """Return which of the four forms a valid GTIN has, None for every other text.

    By its digits, however they are written: the 14 digits of a GTIN-8 begin with six zeros
    (GS1 General Specifications, section 3), and a GTIN-12 that lost its leading zero is one.
    """
    digits = gtin14(text)
    if digits is None:
        return None
    if digits.startswith("000000"):
        return "gtin_8"
    return "gtin_12" if digits[:2] == "00" else "gtin_13" if digits[0] == "0" else "gtin_14"


def gtin14(text: str | None) -> str | None:
    """Return the 14 digits of a valid GTIN, None for every other text."""
    return classify(text)[0]


def with_gtin(frame: pl.DataFrame, column: str) -> pl.DataFrame:
    """Return the frame with ``gtin`` (14 digits, null unless valid) and ``gtin_status``.

    Row by row the same as ``classify``, computed in columns.

    Args:
        frame: any frame; columns called ``gtin`` and ``gtin_status`` are replaced.
        column: the text column that holds the codes.
    """
    stripped = pl.col(column).fill_null("").str.strip_chars(PADDING)
    digits, length, padded = pl.col("digits"), pl.col("length"), pl.col("padded")
    number = pl.when(length <= _LONGEST).then(padded).cast(pl.Int64)
    weighted = pl.sum_horizontal(
        number // 10 ** (_LONGEST - 1 - place) % 10 * weight
        for place, weight in enumerate(_WEIGHTS)
    )
    status = (
        pl.when(pl.col("blank") | (digits.str.strip_chars("0") == ""))
        .then(pl.lit("missing"))
        .when(digits.is_null() | ~length.is_between(_SHORTEST, _LONGEST))
        .then(pl.lit("not_a_gtin"))
        .when(padded.str.contains(_NOT_A_TRADE_ITEM))
        .then(pl.lit("in_store"))
        .when(weighted % 10 == 0)
        .then(pl.lit("valid"))
        .when(length.is_in(_GTIN_LENGTHS))
        .then(pl.lit("bad_check_digit"))
        .otherwise(pl.lit("not_a_gtin"))
    )
    # One step for each intermediate column: nested in one expression they are computed anew at
    # each mention, which is ten times slower.
    codes = (
        frame.select(blank=stripped == "", digits=stripped.str.extract(_CODE, 1))
        .with_columns(length=digits.str.len_bytes(), padded=digits.str.zfill(_LONGEST))
        .with_columns(gtin_status=status)
        .with_columns(gtin=pl.when(pl.col("gtin_status") == "valid").then("padded"))
    )
    return frame.with_columns(codes["gtin"], codes["gtin_status"])
