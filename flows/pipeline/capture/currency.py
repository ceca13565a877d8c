"""Which currency a sign or a code means, given where the page comes from.

``$`` is a dozen currencies. The sign beside a price says which ones it can be; the country of the
page (the domain's ending, the region of its language) says which of these it is. The country
alone never makes a currency: a price without any sign has none, unless the site file says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from flows.pipeline.normalise.price import ISO_4217, SYMBOLS

_RENAMED: Final = {"RUR": "RUB", "BYR": "BYN", "NIS": "ILS", "RMB": "CNY", "NTD": "TWD"}
"""Codes that ISO 4217 withdrew, or never had, and shops still write."""

_EURO: Final = "at be cy de ee es fi fr gr hr ie it lt lu lv mt nl pt si sk"
_OWN: Final = (
    "ae:AED ar:ARS au:AUD bg:BGN br:BRL by:BYN ca:CAD ch:CHF cl:CLP cn:CNY co:COP cz:CZK dk:DKK "
    "eg:EGP gb:GBP ge:GEL hk:HKD hu:HUF id:IDR il:ILS in:INR is:ISK jp:JPY ke:KES kr:KRW kw:KWD "
    "kz:KZT lk:LKR ma:MAD md:MDL mk:MKD mu:MUR mx:MXN my:MYR ng:NGN no:NOK np:NPR nz:NZD pe:PEN "
    "ph:PHP pk:PKR pl:PLN py:PYG qa:QAR ro:RON rs:RSD ru:RUB sa:SAR se:SEK sg:SGD th:THB tn:TND "
    "tr:TRY tw:TWD ua:UAH uk:GBP us:USD uy:UYU uz:UZS vn:VND za:ZAR"
)
BY_COUNTRY: Final = {
    **dict.fromkeys(_EURO.split(), "EUR"),
    **dict(pair.split(":") for pair in _OWN.split()),
}
"""ISO 3166 country (and the ending ``uk``) to its currency. ``co`` and ``in`` are endings that the
whole world uses; they only ever decide between the currencies that a sign can mean."""


_POINT: Final = (
    "ae au bd ca ch cn eg gb hk ie il in jp ke kr kw lk mt mu mx my ng np nz pe ph pk qa sa sg th "
    "tw uk us"
)
_POINT_SPOKEN: Final = "en he iw hi ja ko ms ta th ur zh"
_COMMA_SPOKEN: Final = (
    "be bg bs ca cs da de el es et eu fi fr gl hr hu id is it ka kk lt lv mk nb nl nn no pl pt ro "
    "ru sk sl sq sr sv tr uk vi"
)
_POINTS: Final = (
    "AED AUD CNY EGP GBP HKD ILS INR JPY KRW KWD LKR MYR NGN NPR NZD PHP PKR QAR SAR SGD THB TWD "
    "USD"
)
_COMMAS: Final = (
    "ARS BGN BRL BYN CLP COP CZK DKK HUF IDR ISK NOK PLN RON RSD RUB SEK TRY UAH UYU VND"
)
_BY_MONEY: Final = {
    **dict.fromkeys(_POINTS.split(), "."),
    **dict.fromkeys(_COMMAS.split(), ","),
}
"""Currencies of one habit wherever they are written; the euro and the franc have none."""
_POINT_COUNTRIES: Final = frozenset(_POINT.split())
_POINT_LANGUAGES: Final = frozenset(_POINT_SPOKEN.split())
_COMMA_LANGUAGES: Final = frozenset(_COMMA_SPOKEN.split())
"""Decimal signs by CLDR. Arabic is in neither list: its countries differ."""


@dataclass(frozen=True)
class Place:
    """Where a page comes from, as far as money is concerned.

    Attributes:
        country_currency: the currency of the page's country, None where that is not known.
        site_currency: the one that the site file names.
        decimal: the decimal sign, where the site file or the page settles it.
        customary: the decimal sign of the country or the language. It settles less: the other
            sign before three digits then groups, and nothing else follows from it.
    """

    country_currency: str | None = None
    site_currency: str | None = None
    decimal: str | None = None
    customary: str | None = None

    def resolve(self, markers: tuple[str, ...]) -> str | None:
        """Return the one currency that signs mean here, None if they mean several or disagree.

        Args:
            markers: signs and codes as they stand beside one amount; none at all leaves it to
                the site file.
        """
        if not markers:
            return self.site_currency
        candidates = set(_meanings(markers[0]))
        for marker in markers[1:]:
            candidates &= set(_meanings(marker))
        if len(candidates) == 1:
            return candidates.pop()
        for known in (self.site_currency, self.country_currency):
            if known in candidates:
                return known
        return None


def _meanings(marker: str) -> tuple[str, ...]:
    marker = marker.upper()
    if marker in _RENAMED:
        return (_RENAMED[marker],)
    return SYMBOLS.get(marker) or ((marker,) if marker in ISO_4217 else ())


def currency_code(text: object, place: Place) -> str | None:
    """Return the ISO 4217 code that a field called "currency" means, None for anything else."""
    if not isinstance(text, str) or not text.strip():
        return None
    return place.resolve((text.strip(),))


def customary_of(currency: str | None) -> str | None:
    """Return the decimal sign that is usual for a currency, None where habits differ."""
    return _BY_MONEY.get(currency or "")


def country_currency(url: str, language: str | None) -> str | None:
    """Return the currency of the country that an address and a language tag point to."""
    return BY_COUNTRY.get(_country(url, language))


def customary_decimal(url: str, language: str | None) -> str | None:
    """Return the decimal sign that is usual where an address and a language tag point to."""
    country = _country(url, language)
    if country in BY_COUNTRY:
        return "." if country in _POINT_COUNTRIES else ","
    spoken = (language or "").replace("_", "-").partition("-")[0].strip().lower()
    if spoken in _POINT_LANGUAGES:
        return "."
    return "," if spoken in _COMMA_LANGUAGES else None


def _country(url: str, language: str | None) -> str:
    """Return the country of an address, else of a language tag, "" if neither names one.

    The domain's ending goes first: ``en-US`` stands on many pages that are not American.
    """
    try:
        ending = (urlsplit(url).hostname or "").rpartition(".")[2]
    except ValueError:
        ending = ""
    if ending in BY_COUNTRY:
        return ending
    return (language or "").replace("_", "-").partition("-")[2].rpartition("-")[2].lower()
