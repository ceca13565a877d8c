"""What a page says in its head and scripts, for machines, by the shop's platform.

The traps of real platforms are here on purpose: related products inside the product's own block,
prices for a unit beside the price, amounts in cents, struck prices, JSON that is none.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from html import escape
from typing import Any

from flows.sample.storefront.articles import Article, Standing
from flows.sample.storefront.shops import Shop

_SCHEMA_STOCK = {
    "in_stock": "https://schema.org/InStock",
    "out_of_stock": "http://schema.org/OutOfStock",
    "preorder": "PreOrder",
}
_FOR_MERCHANTS = {
    "in_stock": "in stock",
    "out_of_stock": "out of stock",
    "preorder": "preorder",
}
Neighbours = list[tuple[Article, Standing]]


def head_of(
    shop: Shop, article: Article, now: Standing, neighbours: Neighbours, base: str
) -> tuple[str, str]:
    """Return what stands in the head, and what stands at the end of the body.

    Args:
        shop: whose page it is.
        article: of the page.
        now: what the shop says of it.
        neighbours: the related products that the page shows too.
        base: the shop's address, such as ``http://127.77.0.1:8080``.
    """
    if shop.markup in ("json_ld", "json_ld_graph", "json_ld_broken"):
        return _json_ld(shop, article, now, neighbours, base), ""
    if shop.markup == "open_graph":
        return _open_graph(article, now, base), ""
    if shop.markup == "next":
        return "", _next(article, now, neighbours)
    if shop.markup == "nuxt":
        return "", _nuxt(article, now)
    if shop.markup == "apollo":
        return "", _apollo(article, now, neighbours)
    if shop.markup == "data_layer":
        return _data_layer(article, now), ""
    return "", ""


def _product(shop: Shop, article: Article, now: Standing, base: str) -> dict[str, Any]:
    offer: dict[str, Any] = {
        "@type": "Offer",
        "url": base + article.path,
        "availability": _SCHEMA_STOCK[now.availability],
        "itemCondition": "https://schema.org/NewCondition",
    }
    if now.price is not None:
        as_number = shop.number % 2 == 0
        offer["price"] = float(now.price) if as_number else str(now.price)
        offer["priceCurrency"] = now.locale.currency
    if now.regular is not None and now.price is not None:
        offer["priceSpecification"] = [
            _specification(now, now.price, None),
            _specification(now, now.regular, "https://schema.org/StrikethroughPrice"),
        ]
    product: dict[str, Any] = {
        "@type": "Product",
        "name": article.name,
        "sku": article.sku,
        "brand": {"@type": "Brand", "name": article.brand},
        "image": [f"{base}/images/{article.sku}-1.jpg"],
        "category": " > ".join(article.shelf),
        "offers": [offer] if shop.number % 3 == 0 else offer,
    }
    if article.gtin:
        product["gtin13"] = article.gtin
    return product


def _specification(now: Standing, amount: Decimal, kind: str | None) -> dict[str, Any]:
    specification = {
        "@type": "UnitPriceSpecification",
        "price": float(amount),
        "priceCurrency": now.locale.currency,
    }
    return specification if kind is None else {**specification, "priceType": kind}


def _json_ld(shop: Shop, article: Article, now: Standing, neighbours: Neighbours, base: str) -> str:
    product = _product(shop, article, now, base)
    crumbs = {
        "@type": "BreadcrumbList",
        "itemListElement": [
            {"@type": "ListItem", "position": place, "name": name}
            for place, name in enumerate((*article.shelf, article.name), 1)
        ],
    }
    if shop.markup == "json_ld_graph":
        product["@id"] = f"{base}{article.path}#product"
        product["isRelatedTo"] = [
            _product(shop, other, standing, base) for other, standing in neighbours[:3]
        ]
        shop_itself = {"@type": "Organization", "name": shop.title, "url": base}
        value: Any = {"@context": "https://schema.org", "@graph": [shop_itself, crumbs, product]}
        return _script(value)
    product = {"@context": "https://schema.org/", **product}
    if shop.markup == "json_ld":
        return _script({"@context": "https://schema.org/", **crumbs}) + _script(product)
    # As hand-written templates break it: a line break in a text, a comma too many, a comment.
    product["description"] = "A line\nand another"
    text = json.dumps(product, ensure_ascii=False, indent=1).replace("\\n", "\n")
    text = re.sub(r"\n\}$", ",\n}", text)
    return f'<script type="application/ld+json">\n/*<![CDATA[*/\n{text}\n/*]]>*/\n</script>\n'


def _script(value: Any, kind: str = "application/ld+json", name: str = "") -> str:
    text = json.dumps(value, ensure_ascii=False).replace("</", "<\\/")
    named = f' id="{name}"' if name else ""
    return f'<script{named} type="{kind}">{text}</script>\n'


def _open_graph(article: Article, now: Standing, base: str) -> str:
    tags = {
        "og:type": "product",
        "og:title": article.name,
        "og:url": base + article.path,
        "og:image": f"{base}/images/{article.sku}-1.jpg",
        "product:brand": article.brand,
        "product:retailer_item_id": article.sku,
        "product:availability": _FOR_MERCHANTS[now.availability],
    }
    if now.price is not None:
        tags["product:price:amount"] = str(now.price)
        tags["product:price:currency"] = now.locale.currency
    if now.regular is not None:
        tags["product:original_price:amount"] = str(now.regular)
        tags["product:original_price:currency"] = now.locale.currency
    if article.gtin:
        tags["product:ean"] = article.gtin
    return "".join(
        f'<meta property="{name}" content="{escape(value)}">\n' for name, value in tags.items()
    )


def _state(article: Article, now: Standing) -> dict[str, Any]:
    return {
        "id": article.sku,
        "sku": article.sku,
        "name": article.name,
        "brand": article.brand,
        "ean": article.gtin or None,
        "price": None if now.price is None else float(now.price),
        "listPrice": None if now.regular is None else float(now.regular),
        "currency": now.locale.currency,
        "inStock": now.availability == "in_stock",
    }


def _next(article: Article, now: Standing, neighbours: Neighbours) -> str:
    related = [_state(other, standing) for other, standing in neighbours]
    page = {"product": _state(article, now), "recommendations": related}
    value = {
        "props": {"pageProps": {"initialData": page}, "__N_SSP": True},
        "page": "/product/[slug]",
        "query": {"slug": article.slug},
        "buildId": "dw7",
    }
    return _script(value, "application/json", "__NEXT_DATA__")


def _nuxt(article: Article, now: Standing) -> str:
    """As Nuxt 2 writes it: a function whose arguments are the values that come more than once."""
    state = json.dumps(_state(article, now), ensure_ascii=False)
    state = state.replace("null", "a").replace("true", "b").replace("false", "c")
    return (
        "<script>window.__NUXT__=(function(a,b,c){return "
        f'{{layout:"default",data:[{{product:{state}}}],error:a,serverRendered:b}}'
        "}(null,true,false));</script>\n"
    ).replace("</p", "<\\/p")


def _apollo(article: Article, now: Standing, neighbours: Neighbours) -> str:
    state = {
        f"Product:{one.sku}": {"__typename": "Product", **_state(one, standing)}
        for one, standing in [(article, now), *neighbours]
    }
    text = json.dumps(state, ensure_ascii=False)
    return f"<script>window.__APOLLO_STATE__ = {text};</script>\n"


def _data_layer(article: Article, now: Standing) -> str:
    product = {
        "name": article.name,
        "id": article.sku,
        "price": None if now.price is None else str(now.price),
        "brand": article.brand,
        "category": "/".join(article.shelf),
    }
    detail = {"currencyCode": now.locale.currency, "detail": {"products": [product]}}
    text = json.dumps({"event": "view_item", "ecommerce": detail}, ensure_ascii=False)
    return f"<script>window.dataLayer=window.dataLayer||[];dataLayer.push({text});</script>\n"
