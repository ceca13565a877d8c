"""Words that say what an amount beside them is, when it is not the price.

A page shows many amounts: per kilogram, per month, before, from, for members, for postage. What
an amount is stands in the words around it and in the class names of its elements. The lists are
plain vocabulary of the languages in which shops write; a missing word costs an unknown or a
wrong price on pages of that language, so the place to mend such a page is here.
"""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache
from typing import Final


class Role(StrEnum):
    """What an amount on a page is."""

    PRICE = "price"
    STRUCK = "struck"
    UNIT = "unit"
    INSTALMENT = "instalment"
    FROM = "from"
    RANGE = "range"
    MEMBER = "member"
    NET = "net"  # without the tax that a consumer pays
    PIECE = "piece"  # of one piece: the price, unless another amount is it
    OTHER = "other"  # postage, savings, totals, vouchers


_NET_PHRASES: Final = (
    "bez dph|bez daně|bez pdv|bez vat|без ндс|excl. vat|excl vat|exc vat|ex vat|ex. vat|exc. vat|"
    "plus vat|+ vat|+vat|excl. gst|ex gst|ohne mwst|exkl. mwst|zzgl. mwst|netto|nettó|exkl. moms|"
    "ekskl. moms|ex. moms|eks. mva|ekskl. mva|alv 0|hors taxe|hors taxes|ht|iva esclusa|sin iva|"
    "+ iva|iva excluida|sem iva|fără tva|fara tva|excl. btw|excl btw|ex. btw|áfa nélkül|+ áfa|"
    '税抜|税別|未稅|לפני מע"מ|+ מע"מ|ללא מע"מ'
)
_NET: Final = _NET_PHRASES.replace(" ", "\u00a0").replace("|", " ")
_BEFORE: Final = {
    Role.STRUCK: "was statt uvp rrp mrp msrp rrp: before regular list antes avant prima anstelle "
    "instead originally original listino copertina normalpreis streichpreis bisher vorher "
    "listenpreis adviesprijs "
    "barré ordinarie tidigare före førpris før ennen norm pôvodne původně pôvodná "
    "původní běžná bežná "
    "cena\u00a0przed stara starsza regularna eredeti régi vechi prp staro prvotna раньше "
    "было старая eski önce 原價 原价 定價 定价 市價 参考价 メーカー希望 정가 كان قبل "
    "מחיר\u00a0מלא במקום",
    Role.INSTALMENT: "cuotas cuota rate rata rat raten monatlich mtl installment installments "
    "instalment instalments parcelas finance klarna clearpay afterpay tasso tan taeg zinsen apr "
    "interest emi payments\u00a0of meses\u00a0sin\u00a0intereses mensualidades mensualités "
    "taksit splátka splátky splátek תשלומים\u00a0של 分期",
    Role.MEMBER: "member members club mitglied mitglieder card karte kártya tarjeta carta "
    "plus prime loyalty fidelity klub pix boleto transferencia 會員 会员 회원",
    Role.OTHER: "save saving savings you\u00a0save spare sparen ersparnis risparmi ahorra ahorro "
    "économisez rabatt zľava sleva oszczędzasz economisești экономия скидка 現省 省 折扣 할인 "
    "shipping delivery postage versand lieferung spedizione envío livraison transport dostava "
    "doručenie dopravné doprava dostawa доставка доставки 運費 运费 送料 배송 משלוח חיסכון "
    "sepette deposit pfand deposito cashback points voucher gutschein coupon total subtotal summe "
    "over above ab\u00a0einem orders minimum incl.\u00a0shipping including\u00a0shipping "
    "inkl.\u00a0versand כולל\u00a0משלוח "
    # the lowest price of thirty days, which the Union's Directive 2019/2161 has shops show
    "lowest\u00a0price\u00a0in lowest\u00a0price\u00a0of lowest\u00a030-day "
    "last\u00a030\u00a0days "
    "najniższa\u00a0cena letzten\u00a030\u00a0tage 30-tage-bestpreis "
    "prix\u00a0le\u00a0plus\u00a0bas prezzo\u00a0più\u00a0basso "
    "precio\u00a0más\u00a0bajo nejnižší\u00a0cena najnižšia\u00a0cena "
    "lägsta\u00a0pris laveste\u00a0pris laagste\u00a0prijs legalacsonyabb\u00a0ár "
    "cel\u00a0mai\u00a0mic\u00a0preț alin\u00a030\u00a0päivän",
    Role.NET: _NET,
    Role.FROM: "from ab da desde od от fra från vanaf alkaen "
    "starting başlayan mula bắt\u00a0đầu من החל\u00a0מ 最低價 最低价",
}
_AFTER: Final = {
    Role.NET: _NET,
    Role.FROM: "~ + up 起 から 〜 부터 より",
    Role.INSTALMENT: "/mo /month /mth /mån /mt /mies /mies. /měs /mes. /monat /mes /mois /mese "
    "/week monthly monatlich mtl. pm p/m miesięcznie měsíčně per\u00a0month a\u00a0month "
    "per\u00a0week i\u00a0månaden al\u00a0mes par\u00a0mois al\u00a0mese im\u00a0monat "
    "pro\u00a0monat 月",
    Role.OTHER: "off rabatt discount sparen gespart versand shipping cashback pfand deposit",
}


def _compiled(words: str, *, before: bool) -> re.Pattern[str]:
    alternatives = []
    for word in sorted(set(words.split(" ")), key=len, reverse=True):
        text = re.escape(word.replace("\u00a0", " "))
        edge = r"(?<!\w)" if word[0].isascii() and word[0].isalnum() else ""
        close = r"(?!\w)" if word[-1].isascii() and word[-1].isalnum() else ""
        alternatives.append(f"{edge}{text}{close}")
    joined = "|".join(alternatives)
    return re.compile(rf"(?:{joined})" if before else rf"\s{{0,2}}(?:{joined})", re.IGNORECASE)


_BEFORE_WORDS: Final = {role: _compiled(words, before=True) for role, words in _BEFORE.items()}
_AFTER_WORDS: Final = {role: _compiled(words, before=False) for role, words in _AFTER.items()}
_TIMES_BEFORE: Final = re.compile(r"\d{1,2}\s?[x×]\s?(?:de\s)?$", re.IGNORECASE)
_PER_UNIT: Final = re.compile(
    r"\s{0,2}[*)]?\s?(?:"
    # after a stroke anything is a unit: the words for "month" are asked before
    r"/\s{0,2}\d{0,4}\s{0,2}[^\W\d_]"
    r"|(?:per|pro|je|por|par|al|za|a)\s{1,2}\d{0,4}\s{0,2}"
    r"(?:k?g|kilos?|kilogram|gram|lbs?|pound|oz|ounce|l|litre|liter|lt|ml|cl|dl|m|m2|m²|m³|cm|mm"
    r"|stk|stück|st|ks|kpl|tk|pcs?|pieces?|unit|ud|item|count|szt|buc|pz|шт|кг|л|м)(?!\w)"
    r")",
    re.IGNORECASE,
)
_PER_PIECE: Final = re.compile(
    r"\s{0,2}[*)]?\s?(?:/\s{0,2}|(?:per|pro|je|por|par|al|za|a)\s{1,2})(?:1\s)?"
    r"(?:stk|stück|st|ks|kpl|tk|pcs?|piece|each|ea|unit|ud|unidad|item|szt|sztuka|buc|pz|pezzo|db"
    r"|шт|個|件|개|יח'|יחידה)(?!\w)",
    re.IGNORECASE,
)
"""One piece, and no number of pieces before it."""
_PER_MEASURE: Final = re.compile(
    r"\s?(?:/|(?:per|pro|je|por|par|al|za)\s)\s?(?:1\s)?"
    r"(?:kg|kilo|kilogram|g|lb|oz|l|litre|liter|litro|ml|cl|m2|m²|m³|кг|л)(?!\w)",
    re.IGNORECASE,
)
_BEHIND: Final = {
    Role.INSTALMENT: _AFTER_WORDS[Role.INSTALMENT],
    Role.NET: _AFTER_WORDS[Role.NET],
    Role.UNIT: _PER_MEASURE,
}
_STROKE: Final = re.compile(r"^\s*/\s*")
_EQUALS_UNIT: Final = re.compile(r"\d\s?(?:k?g|l|ml|m|stk|st|lb|oz)\.?\s?=\s?$", re.IGNORECASE)

_CLASS_WORDS: Final = {
    Role.STRUCK: "old was rrp uvp mrp msrp list strike striked striken strikethrough crossed cross "
    "before regular original compare previous normal standard reg del through disc antes stara "
    "retail srp strikeout barred barre barrato tachado gestrichen initial slashed",
    Role.UNIT: "unit unitprice perunit ppu base basic baseprice grundpreis measure kg",
    Role.INSTALMENT: "instal instalment installment installments monthly month finance financing "
    "loan credit cuotas cuota rate leasing klarna afterpay affirm tasso taeg",
    Role.MEMBER: "member members club loyalty card prime pix boleto",
    Role.OTHER: "shipping delivery saving savings save saved discount total subtotal "
    "minicart deposit voucher coupon filter facet range-slider points cashback accessory addon "
    "freight postage cheapest badge bundle warranty insurance",
}
_CLASS_ROLE: Final = {word: role for role, words in _CLASS_WORDS.items() for word in words.split()}
_LOWER_PARTS: Final = re.compile(r"[a-z]+")
_CLASS_PARTS: Final = re.compile(r"[A-Za-z][a-z]*|[A-Z]+")
_CURRENT: Final = (
    "current final sale sales special now selling actual our offer promo new reduced deal buy main "
    "product"
)
CURRENT_WORDS: Final = frozenset(_CURRENT.split())
"""Parts of class names that stand with the price that is asked now."""


def role_in_text(before: str, after: str) -> Role:
    """Return what the words before and after an amount make of it.

    Args:
        before: the text on the same line up to the amount and its sign.
        after: the text on the same line behind them.
    """
    if not after and not before:
        return Role.PRICE
    if _TIMES_BEFORE.search(before) or _AFTER_WORDS[Role.INSTALMENT].match(after):
        return Role.INSTALMENT
    if _PER_PIECE.match(after):
        return Role.PIECE
    if _PER_UNIT.match(after) or _EQUALS_UNIT.search(before):
        return Role.UNIT
    if after:
        for role, pattern in _AFTER_WORDS.items():
            if pattern.match(after):
                return role
    if before:
        for role, pattern in _BEFORE_WORDS.items():
            if pattern.search(before):
                return role
    return Role.PRICE


def role_behind(text: str) -> Role | None:
    """Return what a text in the next element makes of an amount, None if it says nothing.

    Asked is what is never the price, however its own element is called: what is paid every
    month, for a measure of goods, or without tax.
    """
    text = _STROKE.sub("/", text)
    for role, pattern in _BEHIND.items():
        found = pattern.match(text)
        if found is not None and not text[found.end() :].strip(" .,*)"):
            return role
    return None


@lru_cache(maxsize=8192)
def class_words(names: str) -> tuple[str, ...]:
    """Return the words that class names and ids are made of, in lower case."""
    if names.islower():
        return tuple(_LOWER_PARTS.findall(names))
    return tuple(part.lower() for part in _CLASS_PARTS.findall(names))


def role_in_classes(words: list[str]) -> Role | None:
    """Return what an element's class names say of the amount in it, None if nothing."""
    for word in words:
        role = _CLASS_ROLE.get(word)
        if role is not None:
            return role
    return None


_LABEL_NOISE: Final = re.compile(
    r"[:\s]+|\b(?:price|prices|preis|prix|precio|prezzo|cena|ceny|hinta|pris|preço|cijena|preț|ár|"
    r"fiyat|цена|מחיר|السعر)\b",
    re.IGNORECASE,
)
_LABEL_ROLES: Final = (Role.STRUCK, Role.MEMBER, Role.INSTALMENT, Role.OTHER, Role.NET, Role.FROM)
_UNDECIDED: Final = frozenset(("list", "regular", "normalpreis", "ordinarie", "norm"))
"""Labels of the only price of a shop as often as of a struck one."""
LONGEST_LABEL: Final = 30


def role_of_label(label: str) -> Role:
    """Return what a label that stands by itself makes of the amount behind it.

    Args:
        label: the short text before the amount, such as ``bez DPH`` or ``Was:``; words that say
            price do not count, and what is left must be one of the role's words and no more.
    """
    if not 1 < len(label) <= LONGEST_LABEL:
        return Role.PRICE
    rest = _LABEL_NOISE.sub(" ", label).strip().lower()
    if rest and rest not in _UNDECIDED:
        for role in _LABEL_ROLES:
            if _BEFORE_WORDS[role].fullmatch(rest):
                return role
    return Role.PRICE
