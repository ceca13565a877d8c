"""Pages and texts that nobody would write, made from ones that somebody did.

Shared by the long fuzz run and by its sample in the tests. Everything comes from a seeded source,
so that a failure can be had again from its number.
"""

from __future__ import annotations

import html
import random
import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Final

_SNIPPETS: Final = (
    b"<div>" * 3_000,
    b"<script type='application/ld+json'>{\"@type\":\"Product\",\"offers\":{\"price\":</script>",
    b'<script type="application/ld+json">' + b"[" * 5_000 + b"</script>",
    b'<script type="application/ld+json">{"@type":"Product","offers":' + b'{"offers":' * 300,
    b"<script>window.__STATE__ = {" + b'"price":{' * 2_000 + b"</script>",
    b'<span itemprop="price" content="' + b"9" * 5_000 + b'">',
    b'<span class="price">' + b"1 " * 3_000 + b"</span>",
    b'<span class="price">' + b"1.1," * 2_000 + b"\xe2\x82\xac</span>",
    b"<h1>" + b"a " * 20_000 + b"</h1>",
    b"<b>EAN: " + b"- " * 3_000 + b"4006381333931</b>",
    b"\x00\xff\xfe\xed\xa0\x80",
    b"<meta charset=utf-7>", b"<meta charset=no-such-charset>",
    b"<!--", b"<![CDATA[", b"</html>", b"<template>", b"<textarea>", b"<svg><style>",
    b'<p style="' + b"display:none;" * 500 + b'">', b"<a href='http://[::1'>1 \xe2\x82\xac</a>",
    b'<link rel="canonical" href="http://[bad">', b'<span class="price">NaN \xe2\x82\xac</span>',
    b'<meta property="product:price:amount" content="1e400">',
    b'<meta property="og:price:amount" content="-5">',
)  # fmt: skip
ALPHABET: Final = (
    "0123456789.,'’ -–€$£₪₽złKčRs原價ab UVP/kg~x×%\u00a0\u202f\u0660\u06f5\uff11\u200f\ufeff\x1f"
)


def mutated(body: bytes, number: int) -> bytes:
    """Return a page with one to four things done to it."""
    chance = random.Random(number)
    for _ in range(chance.randint(1, 4)):
        body = chance.choice(_CHANGES)(body, chance)
    return body


def hostile_text(number: int) -> str:
    """Return a text of the signs that prices are made of, of one to a few thousand characters."""
    chance = random.Random(number)
    if number % 50 == 0:
        return chance.choice(ALPHABET) * chance.randint(1, 100_000)
    if number % 10 == 0:
        unit = "".join(chance.choices(ALPHABET, k=chance.randint(1, 6)))
        return unit * chance.randint(1, 5_000)
    return "".join(chance.choices(ALPHABET, k=chance.randint(1, 60)))


def _cut(body: bytes, chance: random.Random) -> bytes:
    return body[: chance.randint(0, len(body))]


def _flip(body: bytes, chance: random.Random) -> bytes:
    changed = bytearray(body)
    for _ in range(chance.randint(1, 200)):
        if changed:
            changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def _drop(body: bytes, chance: random.Random) -> bytes:
    start = chance.randint(0, len(body))
    return body[:start] + body[start + chance.randint(0, 20_000) :]


def _repeat(body: bytes, chance: random.Random) -> bytes:
    start = chance.randint(0, len(body))
    piece = body[start : start + chance.randint(0, 2_000)]
    return body[:start] + piece * chance.randint(2, 20) + body[start:]


def _move(body: bytes, chance: random.Random) -> bytes:
    first, second, third = sorted(chance.randint(0, len(body)) for _ in range(3))
    return body[:first] + body[second:third] + body[first:second] + body[third:]


def _insert(body: bytes, chance: random.Random) -> bytes:
    places = [found.end() for found in re.finditer(rb">", body[:200_000])] or [0]
    place = chance.choice(places)
    return body[:place] + chance.choice(_SNIPPETS) + body[place:]


def _renumber(body: bytes, chance: random.Random) -> bytes:
    digits = bytes.maketrans(b"0123456789", bytes(chance.choices(b"0123456789.,", k=10)))
    start = chance.randint(0, len(body))
    end = start + chance.randint(0, 50_000)
    return body[:start] + body[start:end].translate(digits) + body[end:]


def _unquote(body: bytes, chance: random.Random) -> bytes:
    return body.replace(
        chance.choice((b'"', b"}", b"]", b">", b"/", b",")), b"", chance.randint(1, 50)
    )


_CHANGES: Final[tuple[Callable[[bytes, random.Random], bytes], ...]] = (
    _cut, _flip, _drop, _repeat, _move, _insert, _insert, _renumber, _unquote,
)  # fmt: skip

_GAP: Final = r"(?:[\s.,'’\u00a0\u202f\u2009]|&nbsp;)?"
_BETWEEN: Final = r"(?:[\s.,\x00-\x1f]|&nbsp;|<[^<>]{0,400}>|<!--.{0,200}?-->){1,12}"
_LITERAL: Final = re.compile(r"\d+(?:\.\d+)?(?:[eE][+-]?\d{1,3})?")
_DIGITS: Final = {ord(sign): str(value) for start in (0x660, 0x6F0, 0xFF10)
                  for value, sign in enumerate(map(chr, range(start, start + 10)))}  # fmt: skip


def is_on_page(price: Decimal, text: str) -> bool:
    """Say whether the digits of a price stand on a page, in any way of writing them.

    Signs may group the digits, and cents may stand in an element of their own or, in a program's
    state, be the last two digits of a whole number.
    """
    text = html.unescape(text.translate(_DIGITS)).replace("\\u00", "%u00")
    whole, _, cents = f"{price:f}".partition(".")
    kept = cents.rstrip("0")
    digits = _GAP.join(whole)
    forms = [digits] if not kept else []
    forms += [rf"{digits}{_BETWEEN}{kept}0*" if kept else rf"{digits}{_BETWEEN}0+"]
    if len(cents) == 2:
        forms.append(f"{whole}{cents}")
    if whole == "0" and kept:
        forms.append(rf"[.,]{kept}0*")
    if any(re.search(rf"(?<!\d)0*{form}(?!\d)", text, re.DOTALL) for form in forms):
        return True
    return any(_equals(found[0], price) for found in _LITERAL.finditer(text))


def _equals(literal: str, price: Decimal) -> bool:
    try:
        value = Decimal(literal)
    except InvalidOperation:
        return False
    return value == price or value == price * 100 or Decimal(repr(float(value))) == price
