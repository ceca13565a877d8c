"""A product page as a shop's template makes it.

Around the price stands what is not the price: the struck price, the price of a kilogram, for
members, of an instalment, of free delivery, and those of other products, each in the words of the
shop's language. The changed layout is what a shop's relaunch leaves: other classes, another
order, the price in parts, and nothing for machines.
"""

from __future__ import annotations

from decimal import Decimal
from html import escape

from flows.sample.storefront.articles import DEPARTMENTS, Article, Standing, slug_of
from flows.sample.storefront.locales import Locale
from flows.sample.storefront.markup import Neighbours, head_of
from flows.sample.storefront.shops import Shop

_FILLER = (
    "Carefully chosen, packed close to where it grows and brought to you within days. Store in a "
    "cool and dry place; once opened, keep closed and use soon. Information on this page may "
    "change; the label on the pack is what counts. "
)
_UNITS = {"g": ("kg", 1000), "ml": ("l", 1000), "piece": ("pc", 1)}


def frame(
    shop: Shop, title: str, head: str, main: str, tail: str = "", *, new: bool = False
) -> str:
    """Return a page of the shop: its head, header and footer around a main part.

    Args:
        shop: whose page it is.
        title: of the page.
        head: more for the head.
        main: HTML of the main part.
        tail: scripts at the end.
        new: in the layout after a relaunch.
    """
    words, theme = shop.locale.words, "neo__" if new else shop.theme
    meta = f'<meta charset="{shop.charset}">\n' if shop.declared in ("meta", "both") else ""
    direction = ' dir="rtl"' if shop.locale.language in ("he", "ar") else ""
    menu = "".join(
        f'<li class="{theme}menu-entry"><a href="/c/{slug_of(shelf)}">{escape(shelf)}</a></li>\n'
        for _, shelf in DEPARTMENTS
    )
    legal = "".join(f'<p class="{theme}legal">{_FILLER}</p>\n' for _ in range(24))
    return (
        f'<!doctype html>\n<html lang="{shop.locale.tag}"{direction}>\n<head>\n{meta}'
        f"<title>{escape(title)} | {shop.title}</title>\n"
        '<meta name="viewport" content="width=device-width">\n'
        f"{head}</head>\n<body>\n"
        f'<header class="{theme}header"><a class="{theme}logo" href="/">{shop.title}</a>\n'
        f'<form class="{theme}search" action="/search"><input name="q"></form>\n'
        f'<nav class="{theme}menu"><ul>\n{menu}</ul></nav></header>\n'
        f'<main class="{theme}main">\n{main}</main>\n'
        f'<footer class="{theme}footer">\n{legal}'
        f'<p class="{theme}delivery">'
        f"{words.free_delivery.format(amount=shop.locale.write(_round(50, shop.locale)))}</p>\n"
        f"</footer>\n{tail}</body>\n</html>\n"
    )


def product_page(
    shop: Shop,
    article: Article,
    now: Standing,
    neighbours: Neighbours,
    base: str,
    *,
    new: bool = False,
) -> str:
    """Return the page of a product.

    Args:
        shop: whose page it is.
        article: the product.
        now: what the shop says of it.
        neighbours: related products, shown below.
        base: the shop's address.
        new: in the layout after a relaunch.
    """
    head, tail = ("", "") if new else head_of(shop, article, now, neighbours, base)
    head += f'<link rel="canonical" href="{escape(base + article.path)}">\n'
    crumbs = "".join(f'<li><a href="/c/{slug_of(name)}">{escape(name)}</a></li>' for name in
                     article.shelf)  # fmt: skip
    theme, words = "neo__" if new else shop.theme, shop.locale.words
    box = _new_box(article, now) if new else _box(shop, article, now)
    carousel = "".join(_card(theme, other, standing) for other, standing in neighbours)
    main = (
        f'<ol class="{theme}crumbs"><li><a href="/">{words.home}</a></li>{crumbs}</ol>\n{box}'
        f'<section class="{theme}description"><p>{_FILLER * 3}</p></section>\n'
        f'<section class="{theme}related carousel"><h2>{words.related}</h2>\n{carousel}</section>\n'
        f'<section class="{theme}reviews"><h2>{words.reviews}</h2>\n'
        + "".join(f'<p class="{theme}review">{_FILLER}</p>\n' for _ in range(8))
        + "</section>\n"
    )
    return frame(shop, article.name, head, main, tail, new=new)


def _round(ils: float, locale: Locale) -> Decimal:
    return Decimal(round(ils * locale.rate)).quantize(Decimal(1).scaleb(-locale.digits))


def _stock_line(shop: Shop, now: Standing) -> tuple[str, str]:
    """Return the line that says whether it can be bought, and the button."""
    words = shop.locale.words
    if now.availability == "out_of_stock":
        return words.sold_out, ""
    if now.availability == "preorder":
        return words.preorder, f'<button type="submit">{words.preorder}</button>'
    return words.in_stock, f'<button type="submit">{words.cart}</button>'


def _box(shop: Shop, article: Article, now: Standing) -> str:
    """Return the name, the price and what stands around it."""
    theme, words, locale = shop.theme, shop.locale.words, now.locale
    micro = shop.markup == "microdata"

    def prop(name: str, content: str = "") -> str:
        value = f' content="{escape(content)}"' if content else ""
        return f' itemprop="{name}"{value}' if micro else ""

    scope = ' itemscope itemtype="https://schema.org/Product"' if micro else ""
    offer = ' itemprop="offers" itemscope itemtype="https://schema.org/Offer"' if micro else ""
    stock, button = _stock_line(shop, now)
    lines = []
    if now.price is not None:
        if now.regular is not None:
            lines.append(
                f'<del class="{theme}price-old">{words.was} {locale.write(now.regular)}</del>'
            )
        lines.append(
            f'<span class="{theme}price-now"{prop("price", str(now.price))}>'
            f"{locale.write(now.price)}</span>"
        )
        if micro:
            lines.append(f'<meta itemprop="priceCurrency" content="{locale.currency}">')
        lines += _asides(theme, article, now)
    if micro:
        schema = {"in_stock": "InStock", "out_of_stock": "OutOfStock", "preorder": "PreOrder"}
        link = f"https://schema.org/{schema[now.availability]}"
        lines.append(f'<link itemprop="availability" href="{link}">')
    gtin = f"<tr><th>EAN</th><td{prop('gtin13')}>{article.gtin}</td></tr>" if article.gtin else ""
    return (
        f'<article class="{theme}detail"{scope}>\n'
        f'<h1 class="{theme}name"{prop("name")}>{escape(article.name)}</h1>\n'
        f'<img class="{theme}image"{prop("image")} src="/images/{article.sku}-1.jpg" alt="">\n'
        f'<div class="{theme}price-box"{offer}>\n' + "\n".join(lines) + "\n"
        f'<p class="{theme}stock">{stock}</p>\n</div>\n'
        f'<form class="{theme}buy">{button}</form>\n'
        f'<table class="{theme}facts">'
        f"<tr><th>{words.brand}</th><td>"
        f'<span{prop("brand")} class="{theme}brand">{escape(article.brand)}</span></td></tr>'
        f'<tr><th>{words.sku}</th><td{prop("sku")} class="{theme}sku">{article.sku}</td></tr>'
        f"{gtin}</table>\n</article>\n"
    )


def _asides(theme: str, article: Article, now: Standing) -> list[str]:
    """Return the amounts that are not the price."""
    if now.price is None:
        return []
    words, locale, size = now.locale.words, now.locale, article.product.size
    places = Decimal(1).scaleb(-locale.digits)
    unit, basis = _UNITS[size.unit]
    for_unit = (now.price * basis / size.total).quantize(places)
    lines = [f'<span class="{theme}unit-price">{locale.write(for_unit)} / {unit}</span>']
    if article.number % 4 == 0:
        members = max(places, (now.price * Decimal("0.95")).quantize(places))
        lines.append(
            f'<span class="{theme}member-price">{words.member}: {locale.write(members)}</span>'
        )
    if article.number % 5 == 0:
        part = locale.write((now.price / 3).quantize(places))
        lines.append(
            f'<span class="{theme}instalments">{words.instalments.format(n=3, amount=part)}</span>'
        )
    return lines


def _new_box(article: Article, now: Standing) -> str:
    words, locale = now.locale.words, now.locale
    stock = {"in_stock": words.in_stock, "out_of_stock": words.sold_out}
    price = ""
    if now.price is not None:
        number = locale.number(now.price)
        whole, mark, cents = number.rpartition(locale.decimal) if locale.digits else ("", "", "")
        inner = (
            f'<span class="neo__int">{whole}</span><span class="neo__mark">{mark}</span>'
            f'<sup class="neo__frac">{cents}</sup>'
            if mark
            else number
        )
        price = f'<p class="neo__tag">{locale.form.format(inner)}</p>\n'
    return (
        f'<section class="neo__hero">\n'
        f'<p class="neo__stock">{stock.get(now.availability, words.preorder)}</p>\n{price}'
        f'<h1 class="neo__title">{escape(article.name)}</h1>\n'
        f'<dl class="neo__facts"><dt>{words.sku}</dt><dd>{article.sku}</dd></dl>\n</section>\n'
    )


def _card(theme: str, article: Article, now: Standing) -> str:
    price = "" if now.price is None else now.locale.write(now.price)
    return (
        f'<div class="{theme}card"><a href="{escape(article.path)}">{escape(article.name)}</a>'
        f'<span class="{theme}card-price">{price}</span></div>\n'
    )
