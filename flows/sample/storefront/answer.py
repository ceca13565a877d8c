"""What a shop answers to a request: a pure function of the day, the script and the request.

An ``Answer`` is a status, a body and headers, and how it reaches the one who asked: after a wait,
whole or not. The server does as it says.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from email.utils import format_datetime, parsedate_to_datetime
from functools import lru_cache
from hashlib import blake2b
from urllib.parse import parse_qs, urlsplit

from flows.sample.storefront.articles import Article, Standing, converted
from flows.sample.storefront.lists import (
    FEED_PATHS,
    Listed,
    feed,
    home_page,
    list_page,
    robots,
    sitemap,
)
from flows.sample.storefront.misbehaviour import CONTENTS, Misbehaviour, Script
from flows.sample.storefront.page import frame, product_page
from flows.sample.storefront.reply import Answer, Asked
from flows.sample.storefront.shops import Shop
from flows.sample.storefront.wrong import spoil, strikes

NEIGHBOURS = 6
"""Related products on a page."""
LOOPED = re.compile(r"[?&]again=1(?:&again=1)*$")
FEW = 10
"""One product in so many is left in the lists of a shop that lists few."""


class Street:
    """The shops on a day, with a script of what they do wrong.

    Args:
        shops: all of them.
        bases: name → address, such as ``http://127.77.0.1:8080``.
        day: the first day to answer for.
        script: what goes wrong.
    """

    def __init__(
        self, shops: list[Shop], bases: Mapping[str, str], day: date, script: Script = ()
    ) -> None:
        self.shops = {shop.name: shop for shop in shops}
        self.bases = bases
        self.day = day
        self.script: list[Misbehaviour] = []
        self.scripts = 0
        self.set_script(script)
        self._listed = lru_cache(maxsize=4 * len(shops))(self._listed_of)

    def set_script(self, script: Script) -> None:
        """Replace what goes wrong; what was struck before is forgotten."""
        self.script = list(script)
        self.scripts += 1

    def misbehaviours(self, shop: Shop, day: date) -> list[Misbehaviour]:
        """Return what a shop does wrong on a day."""
        return [one for one in self.script if one.shop == shop.name and one.on(day)]

    def standing(self, shop: Shop, article: Article, day: date) -> Standing:
        """Return what the shop's pages say of an article on a day, right or wrong."""
        now = shop.standing(article, day)
        for wrong in self.misbehaviours(shop, day):
            if wrong.kind == "frozen" and wrong.first is not None:
                now = shop.standing(article, wrong.first)
        for wrong in self.misbehaviours(shop, day):
            changed = _spoilt(now, wrong)
            if changed is not now:
                since = max(now.changed, wrong.first or date.min)
                now = replace(changed, changed=since)
        return now

    def listed(self, shop: Shop, day: date) -> Listed:
        """Return the articles that a shop's lists show on a day."""
        few = any(one.kind == "few_products" for one in self.misbehaviours(shop, day))
        every = self._listed(shop.name, day, tuple(self.script))
        return [one for one in every if one[0].number % FEW == 0] if few else every

    def _listed_of(self, name: str, day: date, _: tuple[Misbehaviour, ...]) -> Listed:
        shop = self.shops[name]
        every = ((article, self.standing(shop, article, day)) for article in shop.articles)
        return [(article, now) for article, now in every if now.listed]

    def answer(self, shop: Shop, asked: Asked) -> Answer:
        """Return what a shop answers on the street's day."""
        wrongs = self.misbehaviours(shop, self.day)
        kinds = frozenset(one.kind for one in wrongs)
        path = urlsplit(asked.target).path
        if path == "/robots.txt":
            return _robots(shop, self.bases[shop.name], kinds)
        # What loops comes back with more in its address.
        article = shop.by_path.get(asked.target) or shop.by_path.get(LOOPED.sub("", asked.target))
        is_feed = shop.is_feed and path == FEED_PATHS[shop.way]
        number = article.number if article is not None else 0 if is_feed else None

        def whole() -> Answer:
            if article is None:
                return self._other(shop, asked, path, kinds)
            return self._product(shop, article, asked, kinds)

        for wrong in wrongs:
            if strikes(wrong, number, asked):
                return spoil(wrong, asked, number or 0, whole, gone_page(shop))
        return whole()

    def _product(self, shop: Shop, article: Article, asked: Asked, kinds: frozenset[str]) -> Answer:
        now = self.standing(shop, article, self.day)
        if not now.listed:
            return self._page(shop, gone_page(shop), asked, kinds, status=404)
        places = range(article.number + 1, article.number + 1 + NEIGHBOURS)
        every = shop.articles
        near = {one.sku: one for one in (every[place % len(every)] for place in places)}
        near.pop(article.sku, None)
        neighbours = [(one, self.standing(shop, one, self.day)) for one in near.values()]
        new, base = "layout_change" in kinds, self.bases[shop.name]
        text = product_page(shop, article, now, neighbours, base, new=new)
        wrong_since = [
            one.first
            for one in self.misbehaviours(shop, self.day)
            if one.kind in CONTENTS and one.kind != "frozen" and one.first is not None
        ]
        changed = max([now.changed, *(one.changed for _, one in neighbours), *wrong_since])
        return self._page(shop, text, asked, kinds, changed=changed)

    def _other(self, shop: Shop, asked: Asked, path: str, kinds: frozenset[str]) -> Answer:
        base, listed = self.bases[shop.name], self.listed(shop, self.day)
        if path == "/":
            return self._page(shop, home_page(shop), asked, kinds)
        if path.startswith("/c/"):
            query = parse_qs(urlsplit(asked.target).query)
            number = (query.get("page") or ["1"])[0]
            if number.isascii() and number.isdigit() and 0 < int(number) < 10**9:
                endless = "endless_pages" in kinds
                page = list_page(shop, path.removeprefix("/c/"), listed, int(number), endless)
                if page is not None:
                    return self._page(shop, page, asked, kinds)
        data = sitemap(shop, path, listed, base)
        if data is not None:
            kind = "application/gzip" if path.endswith(".gz") else "application/xml"
            return Answer(200, data, (("Content-Type", kind),))
        if shop.is_feed and path == FEED_PATHS[shop.way]:
            data, kind = feed(shop, listed, base, self.day)
            return _encoded(shop, asked, Answer(200, data, (("Content-Type", kind),)))
        return self._page(shop, gone_page(shop), asked, kinds, status=404)

    def _page(
        self,
        shop: Shop,
        text: str,
        asked: Asked,
        kinds: frozenset[str],
        *,
        status: int = 200,
        changed: date | None = None,
    ) -> Answer:
        charset, said = shop.charset, shop.charset if shop.declared in ("header", "both") else ""
        if "wrong_charset" in kinds:
            said = "utf-8" if charset != "utf-8" else "windows-1252"
        body = text.encode(charset, "xmlcharrefreplace")
        headers = [("Content-Type", "text/html" + (f"; charset={said}" if said else ""))]
        if changed is not None and shop.conditional:
            tag = f'"{blake2b(body + said.encode(), digest_size=9).hexdigest()}"'
            moment = datetime.combine(changed, time(5), UTC)
            headers += [("ETag", tag), ("Last-Modified", format_datetime(moment, usegmt=True))]
            if _unchanged(asked.headers, tag, moment):
                return Answer(304, b"", tuple(headers[1:]))
        return _encoded(shop, asked, Answer(status, body, tuple(headers)))


def gone_page(shop: Shop) -> str:
    """Return what a shop shows for an address that leads nowhere."""
    words = shop.locale.words
    text = (
        f'<div class="{shop.theme}apology"><h1>{words.gone}</h1><a href="/">{words.home}</a></div>'
    )
    return frame(shop, words.gone, "", text + "\n")


def _spoilt(now: Standing, wrong: Misbehaviour) -> Standing:
    """Return a standing as a misbehaviour of content shows it; itself where it does not."""
    if now.price is None:
        return now
    if wrong.kind == "sold_out":
        return replace(now, availability="out_of_stock")
    if wrong.kind == "currency_change":
        return converted(now, "en-GB" if now.locale.currency == "USD" else "en-US")
    one = Decimal(1).scaleb(-now.locale.digits)
    if wrong.kind == "all_equal":
        same = (Decimal(str(20 * now.locale.rate))).quantize(one)
        return replace(now, price=max(one, same), regular=None)
    if wrong.kind == "all_zero":
        return replace(now, price=0 * one, regular=None)
    if wrong.kind == "no_discounts" and now.regular is not None:
        return replace(now, price=now.regular, regular=None)
    if wrong.kind == "ten_times":
        regular = None if now.regular is None else 10 * now.regular
        return replace(now, price=10 * now.price, regular=regular)
    return now


def _robots(shop: Shop, base: str, kinds: frozenset[str]) -> Answer:
    if "robots_error" in kinds:
        return Answer(503, b"busy", (("Content-Type", "text/plain"),))
    if "robots_hangs" in kinds:
        return Answer(200, delivery="never")
    text = robots(shop, base, kinds)
    if text is None:
        return Answer(404, b"no such file", (("Content-Type", "text/plain"),))
    return Answer(200, text.encode(), (("Content-Type", "text/plain; charset=utf-8"),))


def _unchanged(headers: Mapping[str, str], tag: str, moment: datetime) -> bool:
    """Whether the one who asks has the page already (RFC 9110, section 13.2.2: the tag wins)."""
    if (known := headers.get("if-none-match")) is not None:
        return tag in known or known.strip() == "*"
    since = headers.get("if-modified-since")
    if since is None:
        return False
    try:
        return parsedate_to_datetime(since) >= moment
    except (TypeError, ValueError):
        return False


def _encoded(shop: Shop, asked: Asked, answer: Answer) -> Answer:
    """Return an answer in the encoding that was asked for, where the shop knows it."""
    accepted = asked.headers.get("accept-encoding", "")
    if not shop.compresses or not answer.body:
        return answer
    if "gzip" in accepted:
        body, name = gzip.compress(answer.body, 1, mtime=0), "gzip"
    elif "deflate" in accepted:
        body, name = zlib.compress(answer.body, 1), "deflate"
    else:
        return answer
    headers = (*answer.headers, ("Content-Encoding", name), ("Vary", "Accept-Encoding"))
    return replace(answer, body=body, headers=headers)
