"""Amounts of money in text, read exactly or not at all.

A price that is wrong by a factor of a thousand looks like a price. So this module never
guesses: where a text allows two readings (``1.299`` is one and a bit, or well over a thousand),
the answer is None and the caller says which locale it is. Amounts are Decimal throughout; no
binary fraction ever touches them.

Two ways in: ``parse_money`` for text as people write it, one at a time, and ``money`` for whole
columns of plain numbers with a decimal point, which is what ingest hands over. Not done: words
("free", "from 9.99"), two prices in one text, prices per unit ("12.99 €/kg"), conversion.

How separators are read when no locale is given:

- blanks and apostrophes can only group thousands (SI brochure; Swiss usage);
- of a point and a comma in one text, the last is the decimal sign;
- the same sign twice groups;
- one sign before one, two, or more than three digits is the decimal sign;
- one sign before exactly three digits is undecided, unless the digits before it cannot be a
  group of thousands (``0,750``, ``1299.000``) or the currency decides: with no minor unit (JPY)
  the sign groups; with three decimals (KWD) a point is the decimal sign. A comma there stays
  undecided: Tunis writes it as decimal sign, Kuwait as a group sign. A currency with two
  decimals decides nothing: fuel is sold at three.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

import polars as pl

from flows.pipeline.schema import MONEY

_DEFAULT_EXPONENT: Final = 2
_NO_MINOR_UNIT: Final = (
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX",
    "VND", "VUV", "XAF", "XOF", "XPF",
)  # fmt: skip
_THREE_DECIMALS: Final = ("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND")
_EXPONENTS: Final = {**dict.fromkeys(_NO_MINOR_UNIT, 0), **dict.fromkeys(_THREE_DECIMALS, 3)}
"""ISO 4217: decimals of the currencies that do not have two."""

CODES: Final = frozenset(_EXPONENTS) | {
    "AED", "ARS", "AUD", "BAM", "BGN", "BRL", "BYN", "CAD", "CHF", "CNY", "COP", "CZK",
    "DKK", "EGP", "EUR", "GBP", "GEL", "HKD", "HUF", "IDR", "ILS", "INR", "KES", "KZT",
    "LBP", "LKR", "MAD", "MDL", "MKD", "MUR", "MXN", "MYR", "NGN", "NOK", "NPR", "NZD",
    "PEN", "PHP", "PKR", "PLN", "QAR", "RON", "RSD", "RUB", "SAR", "SEK", "SGD", "THB",
    "TRY", "TWD", "UAH", "USD", "UYU", "UZS", "ZAR",
}  # fmt: skip
"""The codes that are read as a currency in a text; other letters are words, and a text with words
is no amount. Codes that are words (ALL, TOP) or stand on no price in a shop are left out."""

ISO_4217: Final = CODES | {
    "AFN", "ALL", "AMD", "ANG", "AOA", "AWG", "AZN", "BBD", "BDT", "BMD", "BND", "BOB", "BSD",
    "BTN", "BWP", "BZD", "CDF", "CRC", "CUP", "CVE", "DOP", "DZD", "ERN", "ETB", "FJD", "FKP",
    "GHS", "GIP", "GMD", "GTQ", "GYD", "HNL", "HTG", "IRR", "JMD", "KGS", "KHR", "KPW", "KYD",
    "LAK", "LRD", "LSL", "MGA", "MMK", "MNT", "MOP", "MRU", "MVR", "MWK", "MZN", "NAD", "NIO",
    "PAB", "PGK", "SBD", "SCR", "SDG", "SHP", "SLE", "SOS", "SRD", "SSP", "STN", "SVC", "SYP",
    "SZL", "TJS", "TMT", "TOP", "TTD", "TWD", "TZS", "VES", "WST", "XCD", "YER", "ZMW",
}  # fmt: skip
"""All currencies in use: what a field that holds a code and nothing else may say."""

SYMBOLS: Final = {
    "€": ("EUR",), "₪": ("ILS",), 'ש"ח': ("ILS",), "ש״ח": ("ILS",), "שח": ("ILS",), "NIS": ("ILS",),
    "£": ("GBP",), "US$": ("USD",), "₺": ("TRY",), "₩": ("KRW",), "₹": ("INR",),
    "ZŁ": ("PLN",), "KČ": ("CZK",), "FT": ("HUF",), "FR.": ("CHF",), "SFR.": ("CHF",),
    "₽": ("RUB",), "RUR": ("RUB",), "РУБ": ("BYN", "RUB"), "РУБ.": ("BYN", "RUB"),
    "Р.": ("BYN", "RUB"), "₸": ("KZT",), "ТГ": ("KZT",), "ТГ.": ("KZT",), "₴": ("UAH",),
    "ГРН": ("UAH",), "ГРН.": ("UAH",), "ЛВ": ("BGN",), "ЛВ.": ("BGN",), "₾": ("GEL",),
    "LEI": ("MDL", "RON"), "DIN": ("RSD",), "DIN.": ("RSD",), "TL": ("TRY",), "EURO": ("EUR",),
    "원": ("KRW",), "円": ("JPY",), "元": ("CNY", "TWD"), "NT$": ("TWD",), "HK$": ("HKD",),
    "R$": ("BRL",), "A$": ("AUD",), "AU$": ("AUD",), "C$": ("CAD",), "CA$": ("CAD",),
    "S$": ("SGD",), "NZ$": ("NZD",), "S/": ("PEN",), "S/.": ("PEN",), "₫": ("VND",),
    "Б.Р.": ("BYN",), "Б.Р": ("BYN",), "KD": ("KWD",), "K.D.": ("KWD",), "K.D": ("KWD",),
    "SR": ("SAR",), "QR": ("QAR",), "DHS": ("AED", "MAD"), "￦": ("KRW",), "₲": ("PYG",),
    "₡": ("CRC",), "৳": ("BDT",), "₼": ("AZN",), "֏": ("AMD",), "د.ك.": ("KWD",), "ZL": ("PLN",),
    "฿": ("THB",), "₱": ("PHP",), "₦": ("NGN",), "RP": ("IDR",), "RM": ("MYR",),
    "RS": ("INR", "LKR", "MUR", "NPR", "PKR"), "RS.": ("INR", "LKR", "MUR", "NPR", "PKR"),
    "ر.س": ("SAR",), "ر.س.": ("SAR",), "د.إ": ("AED",), "ج.م": ("EGP",), "د.ك": ("KWD",),
    "¥": ("CNY", "JPY"), "￥": ("CNY", "JPY"), "KR": ("DKK", "ISK", "NOK", "SEK"),
    "KR.": ("DKK", "ISK", "NOK", "SEK"),
    "$": ("ARS", "AUD", "CAD", "CLP", "COP", "HKD", "MXN", "NZD", "SGD", "TWD", "USD", "UYU"),
}  # fmt: skip
"""Signs in use besides the ISO codes, in capitals, with the currencies that they can mean."""

_MARKER: Final = "|".join(map(re.escape, sorted({*SYMBOLS, *CODES}, key=len, reverse=True)))
_MONEY_TEXT: Final = re.compile(
    rf"(?P<sign>[-+−]?)\s*(?P<before>{_MARKER})?\s*(?P<inner>[-+−]?)\s*"
    rf"(?P<amount>[0-9.,][0-9.,'’\s]*?)(?P<dash>[.,]\s?[-–—]{{1,2}})?\s*(?P<after>{_MARKER})?"
)
_INVISIBLE: Final = re.compile(r"[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_GROUPED: Final = re.compile(r"[0-9]{1,3}(?:(?P<sign>[.,'’ ])[0-9]{3})(?:(?P=sign)[0-9]{3})*")

_INDIAN: Final = re.compile(r"[0-9]{1,2}(?:,[0-9]{2})+,[0-9]{3}")
"""Lakhs and crores: 1,24,999 is a hundred and twenty-four thousand odd."""


def _digits(whole: str, forbidden: str = "") -> str | None:
    """Return the digits of a whole number, its groups of three taken together."""
    grouped = _GROUPED.fullmatch(whole)
    if grouped is not None and grouped["sign"] != forbidden:
        return re.sub(r"[^0-9]", "", whole)
    if forbidden != "," and _INDIAN.fullmatch(whole):
        return whole.replace(",", "")
    return whole if re.fullmatch(r"[0-9]+", whole) else None


def _is_group_sign(text: str, sign: str, exponent: int | None) -> bool | None:
    """Say whether a sign that is the only one of its text groups; None when undecided."""
    whole, _, fraction = text.partition(sign)
    if len(fraction) != 3 or not re.fullmatch(r"[1-9][0-9]{0,2}", whole):
        return False
    if exponent == 0:
        return True
    return False if exponent == 3 and sign == "." else None


def parse_number(
    text: str, *, decimal: str | None = None, exponent: int | None = None
) -> Decimal | None:
    """Return the number that a text of digits and separators stands for, None if undecided.

    Args:
        text: without sign, unit or currency, such as ``1 299,00``.
        decimal: the decimal sign of the locale, ``.`` or ``,``; None when it is not known.
        exponent: decimals of the currency by ISO 4217, where there is one.
    """
    text = " ".join(text.split())
    if decimal is None:
        signs = re.sub(r"[^.,]", "", text)
        if len(signs) == 1 and not re.search(r"['’ ]", text):
            groups = _is_group_sign(text, signs, exponent)
            if groups is None:
                return None
            decimal = "" if groups else signs
        elif signs and (len(signs) == 1 or len(set(signs)) == 2):
            decimal = signs[-1]
        else:
            decimal = ""
    whole, point, fraction = text.rpartition(decimal) if decimal else (text, "", "")
    if not point:
        whole, fraction = text, ""
    digits = "0" if point and not whole else _digits(whole, forbidden=decimal)
    if digits is None or (point and not re.fullmatch(r"[0-9]+", fraction)):
        return None
    return Decimal(f"{digits}.{fraction}" if fraction else digits)


def decimals_of(currency: str) -> int:
    """Return the decimals that ISO 4217 gives a currency: 2 for all that have no other."""
    return _EXPONENTS.get(currency, _DEFAULT_EXPONENT)


def _exponent(markers: list[str], currency: str | None) -> tuple[bool, int | None]:
    """Return whether the markers and the currency agree, and the decimals if that is settled."""
    candidates = {currency.upper()} if currency else set()
    for marker in markers:
        meant = set(SYMBOLS.get(marker, (marker,)))
        candidates = candidates & meant if candidates else meant
        if not candidates:
            return False, None
    exponents = {_EXPONENTS.get(code, _DEFAULT_EXPONENT) for code in candidates}
    return True, exponents.pop() if len(exponents) == 1 else None


def parse_money(
    text: str, *, decimal: str | None = None, currency: str | None = None
) -> Decimal | None:
    """Return the amount in a text as people write it, or None if it is not exactly one amount.

    ``1.299,00 €``, ``1,299.00``, ``1 299,00`` and ``1'299.00`` are all 1299.00; ``12,90`` and
    ``₪ 12.90`` are 12.90; ``12,-`` is 12; ``KWD 1.250`` is 1.250; ``JPY 1,299`` is 1299. The
    currency may stand on either side, as a sign or an ISO code. ``1.299`` alone is None.

    Args:
        text: the text; direction marks and blanks around it do not count.
        decimal: the decimal sign of the locale, ``.`` or ``,``; the other sign then groups.
        currency: the ISO 4217 code that is expected. A text that names another one is None.

    Raises:
        ValueError: ``decimal`` is neither a point nor a comma.
    """
    if decimal not in (None, ".", ","):
        raise ValueError(f"decimal is {decimal!r}; give '.' or ',', or None if it is not known")
    found = _MONEY_TEXT.fullmatch(" ".join(_INVISIBLE.sub("", text).split()).upper())
    if found is None or (found["sign"] and found["inner"]):
        return None
    markers = [marker for marker in (found["before"], found["after"]) if marker]
    agrees, exponent = _exponent(markers, currency)
    if not agrees:
        return None
    if found["dash"]:
        whole = _digits(found["amount"].strip(), forbidden=decimal or "")
        amount = None if whole is None else Decimal(whole)
    else:
        amount = parse_number(found["amount"], decimal=decimal, exponent=exponent)
    negative = (found["sign"] or found["inner"]) in ("-", "−")
    return -amount if amount is not None and negative else amount


def money(text: pl.Expr) -> pl.Expr:
    """Return ``Decimal(18, 4)`` for plain numbers with a decimal point, null for all else.

    ``12.9``, ``-4.9`` and ``1e9`` are numbers (the last so that a bounds check sees it); ``abc``,
    the empty text, ``NaN``, ``inf`` and ``1,5`` are null, and so is what has more than 14 digits
    before the point. More than four decimals are rounded, half to even.

    Args:
        text: an expression of type String.
    """
    return text.str.strip_chars().cast(MONEY, strict=False)


def money_of(text: pl.Expr, currency: str) -> pl.Expr:
    """Return `money` of amounts that may name their currency and group thousands by spaces.

    ``1 299.00 zł``, ``PLN 1299`` and ``1299.00`` are the same where the currency is PLN. The sign
    of another currency stays, and what it stands on is null: it is no amount of this one.

    Args:
        text: an expression of type String, white space collapsed.
        currency: ISO 4217, of the customer.
    """
    signs = {currency, *(sign for sign, codes in SYMBOLS.items() if currency in codes)}
    marker = "|".join(re.escape(sign) for sign in sorted(signs, key=len, reverse=True))
    bare = text.str.replace(rf"(?i)^(?:{marker}) ?([-0-9].*)$", "$1")
    bare = bare.str.replace(rf"(?i)^(.*[0-9]) ?(?:{marker})$", "$1")
    grouped = bare.str.contains(r"^-?[0-9]{1,3}(?: [0-9]{3})+(?:\.[0-9]+)?$")
    return money(pl.when(grouped).then(bare.str.replace_all(" ", "", literal=True)).otherwise(bare))
