"""Amounts of money in a short text, each with what it is: a price, per kilogram, struck, from.

``parse_money`` of the normalise stage reads a text that is one amount and nothing else; a page's
texts have words around the amount, two amounts, or a sign that stands in the next element. This
module cuts the amounts out, leaves the reading of the digits to ``parse_number``, and says for
each which role the words give it.

Where digits have two readings (``24.990``) both are kept and neither is chosen: what else stands
on the page may settle it (see ``displayed``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from flows.pipeline.capture.currency import Place, customary_of
from flows.pipeline.capture.price_words import Role, role_in_text
from flows.pipeline.normalise.price import CODES, SYMBOLS, decimals_of, parse_number

LONGEST: Final = 160
"""Characters of a text in which a price is looked for: beyond it is prose."""
MOST_AMOUNT: Final = Decimal(10) ** 11
"""A million million of the smallest currency buys nothing that a shop sells."""

_ALSO_WORDS: Final = {
    "FT": "HUF", "RM": "MYR", "DIN": "RSD", "RP": "IDR", "TL": "TRY", "KR": "", "GEL": "GEL",
    "PEN": "PEN", "BAM": "BAM", "MAD": "MAD", "SR": "SAR", "KD": "KWD", "QR": "QAR",
}  # fmt: skip
"""Signs that are also common words or units: money only in their own country."""
_ALSO_SMALL: Final = frozenset(
    ("EUR", "USD", "GBP", "CHF", "PLN", "SEK", "NOK", "DKK", "CZK", "HUF", "RON", "ILS")
)
"""Codes that shops write in small letters too; of the others "Gel 4 L" and "Try 2" are words."""
_MEASURE: Final = re.compile(r"\s?(?:[kmcd]?[lgm]|oz|lbs?|pcs|stk)\b(?!\.)", re.IGNORECASE)
"""Behind a number it makes an amount of goods of it, whatever stands before."""
_ALSO_COUNTRY: Final = frozenset(_ALSO_WORDS) - {"KR"}

_DIGITS: Final = str.maketrans(
    "٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹０１２３４５６７８９，．٫٬\u00a0\u202f\u2009",
    "012345678901234567890123456789,.." + "," + "   ",
)


_SIGNS: Final = "".join(sorted({m for m in SYMBOLS if len(m) == 1 and not m.isascii()} | {"$"}))
_MARKER: Final = re.compile(
    rf"(?:(?<![^\W\d_])(?:[A-Za-z]{{1,2}}|(?:US|AU|CA|NZ|HK|NT)\s))?\$|[{_SIGNS}]"
    r"|(?<![^\W\d_])[^\W\d_]{1,4}(?![^\W\d_])(?:[.\"״][^\W\d_]{1,2}(?![^\W\d_]))?[./]{0,2}"
)
"""What can be a currency sign: a dollar with its country, a sign, or a short word by itself."""
_KNOWN: Final = {marker: marker for marker in (*SYMBOLS, *CODES)}


_SIGN_SET: Final = frozenset(_SIGNS)
_LETTERS: Final = re.compile(r"[^\W\d_]+")
_WORDS: Final = frozenset(marker.rstrip("./") for marker in _KNOWN if marker[0].isalpha())
_PIECES: Final = frozenset('."״')


def _may_have_marker(text: str) -> bool:
    """Say whether it is worth looking for a currency sign: a cheap test that misses none."""
    if not _SIGN_SET.isdisjoint(text):
        return True
    words = _LETTERS.findall(text)
    if not words:
        return False
    return not _PIECES.isdisjoint(text) or any(
        len(word) <= 4 and word.upper() in _WORDS for word in words
    )


def _markers(text: str) -> list[tuple[int, int, str]]:
    """Return the currency signs and codes in a text, each with its start and end."""
    found = []
    for one in _MARKER.finditer(text):
        written = one[0].upper().replace(" ", "")
        start = one.start()
        if written not in _KNOWN:
            bare = written.rstrip("./")
            if bare not in _KNOWN:
                if not written.endswith("$"):
                    continue
                bare, start = "$", one.end() - 1
            written = bare
        if written in CODES and written not in _ALSO_SMALL and not one[0].isupper():
            continue
        found.append((start, one.end(), written))
    return found


_AMOUNT: Final = re.compile(
    r"(?<![\d.,\w])(?:\d{1,3}(?:[ '’]\d{3})+(?:[.,]\d{1,2})?|\d[\d.,]*\d|\d)(?![\d\w]|[.,]\d)"
    r"|(?<![\d\w])\d[\d.,]*\d(?=[A-Za-zÀ-ɏ؀-ۿЀ-ӿ가-힣一-鿿])"
    r"|(?<![\d\w])\d(?=[A-Za-zÀ-ɏЀ-ӿ가-힣一-鿿])"
    r"|(?<=[A-Za-z])\d[\d.,]*(?!\w)"
)
_WIDE: Final = re.compile(r"\s{2,}|[\t-\r\x1c-\x1f]")
_DASH: Final = re.compile(r"[.,]?\s?[-–—]{1,2}(?!\s?\d)")


@dataclass(frozen=True)
class PriceText:
    """One amount in a text.

    Attributes:
        raw: the digits with their signs, as written.
        readings: the amounts that they can mean: one, or two where a sign is undecided.
        markers: the currency signs beside it.
        currency: what the signs mean at this place, None where that is open.
        role: what the words around it say.
    """

    raw: str
    readings: tuple[Decimal, ...]
    markers: tuple[str, ...]
    currency: str | None
    role: Role

    @property
    def amount(self) -> Decimal | None:
        """The amount, None where the digits have two readings."""
        return self.readings[0] if len(self.readings) == 1 else None


def plain(text: str) -> str:
    """Return the text with western digits, and two blanks for all that is more than one.

    One blank can group thousands; a line break, a tab or several blanks divide two numbers.
    """
    if text.isascii() and "  " not in text and text.isprintable():
        return text.strip()  # most texts, in a quarter of the time
    return _WIDE.sub("  ", text).strip().translate(_DIGITS)


def readings(
    raw: str, currency: str | None, decimal: str | None, customary: str | None = None
) -> tuple[Decimal, ...]:
    """Return what digits with separators can mean: nothing, one amount, or two.

    Args:
        raw: digits with separators.
        currency: ISO 4217, where it is known.
        decimal: the decimal sign, where it is settled.
        customary: the usual one: ``1,299`` in a country of points is over a thousand, while
            ``1.299`` there stays open (fuel is sold so).
    """
    exponent = decimals_of(currency) if currency else None
    found = parse_number(raw, decimal=decimal, exponent=exponent)
    if found is None and decimal is not None:
        # The page's convention need not hold for a number with two decimals behind the other
        # sign: 12.90 is twelve ninety wherever it stands.
        found = parse_number(raw, exponent=exponent)
    if found is not None:
        return (found,) if found < MOST_AMOUNT else ()
    if customary is not None and customary not in raw:
        found = parse_number(raw, decimal=customary, exponent=exponent)
        if found is not None:
            return (found,) if found < MOST_AMOUNT else ()
    both = {parse_number(raw, decimal=sign, exponent=exponent) for sign in ".,"}
    return tuple(sorted(value for value in both if value is not None and value < MOST_AMOUNT))


def _meant(raw: str, currency: str | None, place: Place) -> tuple[Decimal, ...]:
    return readings(raw, currency, place.decimal, place.customary or customary_of(currency))


def has_marker(text: str) -> bool:
    """Say whether a currency sign or code stands in a text."""
    return _may_have_marker(text) and bool(_markers(text))


def price_texts(text: str, place: Place, *, bare: bool = True) -> list[PriceText]:
    """Return the amounts of money in a text, in their order.

    Args:
        text: one line of a page; longer than ``LONGEST`` gives nothing.
        place: what is known of the page's country and conventions.
        bare: also amounts without any sign (their ``markers`` are empty): whether those are money
            is for the caller to say, who knows where the text stands.
    """
    if len(text) > LONGEST:
        return []
    marked = _may_have_marker(text)
    if not (bare or marked):
        return []
    text = plain(text)
    signs = [
        sign
        for sign in (_markers(text) if marked else ())
        if sign[2] not in _ALSO_COUNTRY
        or _ALSO_WORDS[sign[2]] in (place.country_currency, place.site_currency)
    ]
    amounts = list(_AMOUNT.finditer(text))
    found: list[PriceText] = []
    read_up_to = 0
    for number, amount in enumerate(amounts):
        dash = _DASH.match(text, amount.end())
        end = dash.end() if dash else amount.end()
        right = amounts[number + 1].start() if number + 1 < len(amounts) else len(text)
        before = [
            sign
            for sign in signs
            if read_up_to <= sign[0] and _touch(text, sign[1], amount.start())
        ]
        after = [sign for sign in signs if sign[1] <= right and _touch(text, end, sign[0])]
        if before and _MEASURE.match(text, amount.end()) and not text[amount.end()].isupper():
            before = []
        beside = before[-1:] or after[:1]
        start = before[-1][0] if before else amount.start()
        end = max(end, after[0][1]) if after and not before else end
        markers = tuple(sign[2] for sign in beside)
        currency = place.resolve(markers)
        whole = re.sub(r"\D", "", amount[0]) if dash and dash[0][0] in ".,-–—" else ""
        meant = _meant(whole or amount[0], currency, place) if bare or markers else ()
        if meant:
            role = role_in_text(text[read_up_to:start], text[end:])
            if role is Role.PRICE and text[read_up_to:start].rstrip().endswith(("-", "−")):
                role = Role.OTHER  # a discount: "-10 €"
            found.append(PriceText(amount[0], meant, markers, currency, role))
        if markers:
            read_up_to = end
    return _ranges(text, found, amounts)


def _touch(text: str, end: int, start: int) -> bool:
    return 0 <= start - end <= 2 and not text[end:start].strip()


def _ranges(text: str, found: list[PriceText], amounts: list[re.Match[str]]) -> list[PriceText]:
    """Return the amounts, those of ``10 - 20 €`` marked as a range."""
    if len(found) not in (1, 2) or len(amounts) != 2:
        return found  # where only the second has a sign, the first is money by it alone
    between = text[amounts[0].end() : amounts[1].start()]
    for start, end, _ in reversed(_markers(between)):
        between = between[:start] + between[end:]
    between = between.strip()
    if between not in ("-", "–", "—", "~", "to", "bis", "a", "до", "至"):
        return found
    return [
        PriceText(one.raw, one.readings, one.markers, one.currency, Role.RANGE) for one in found
    ]
