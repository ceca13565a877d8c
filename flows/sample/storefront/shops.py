"""The shops: who they are, what they sell, how their pages are made and found.

Shops differ in everything that a capture stumbles over, and each combination follows from the
seed and the shop's number. A quarter of them are Israeli, priced in ILS; all draw their articles
from the goods of the sample's market (the same seed gives the same barcodes), most from the
assortment of the sample's customer, so that captured offers find their matches.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Literal, TypeAlias

from flows.sample.chance import stream
from flows.sample.market import OUTSIDE_POOL
from flows.sample.products import Product, packaged_goods, produce
from flows.sample.storefront.articles import Article, Standing, shelf_of, slug_of, standing
from flows.sample.storefront.locales import LOCALES, Locale

Markup: TypeAlias = Literal[
    "json_ld", "json_ld_graph", "json_ld_broken", "microdata", "open_graph", "next", "nuxt",
    "apollo", "data_layer", "plain",
]  # fmt: skip
Way: TypeAlias = Literal[
    "sitemap", "sitemap_index", "sitemap_gz", "categories", "feed_csv", "feed_xml", "feed_json",
    "feed_merchant",
]  # fmt: skip
Declared: TypeAlias = Literal["header", "meta", "both", "nowhere"]

_MARKUPS: tuple[Markup, ...] = (
    "json_ld", "microdata", "next", "json_ld_graph", "open_graph", "plain", "json_ld_broken",
    "nuxt", "data_layer", "apollo", "json_ld", "plain", "microdata",
)  # fmt: skip
_WAYS: tuple[Way, ...] = (
    "sitemap", "categories", "sitemap_index", "sitemap_gz", "categories", "feed_csv", "sitemap",
    "feed_merchant", "categories", "feed_json", "sitemap_index", "feed_xml",
)  # fmt: skip
_TAGS = (
    "he-IL", "en-US", "de-DE", "en-IL", "fr-FR", "he-IL", "en-GB", "es-ES", "it-IT", "he-IL",
    "ja-JP", "ar-KW", "nl-NL", "de-AT", "sv-SE", "en-IL", "pl-PL", "cs-CZ", "pt-BR", "hu-HU",
    "de-CH", "en-IN", "he-IL",
)  # fmt: skip
"""The three lists are of lengths without a common divisor: all combinations come."""
_FIRST_WORDS = (
    "Amber", "Birch", "Cedar", "Dune", "Elder", "Fern", "Garnet", "Hazel", "Iris", "Juniper",
    "Kestrel", "Laurel", "Maple",
)  # fmt: skip
_SECOND_WORDS = (
    "Basket", "Corner", "Market", "Pantry", "Stores", "Trade", "Wharf", "Barn", "Cellar", "Depot",
)  # fmt: skip
OWN_SHARE = 0.7
"""Of a shop's articles that the sample's customer sells too."""


@dataclass(frozen=True)
class Shop:
    """One fictitious shop.

    Attributes:
        name: as in its site file, such as ``amber-basket``.
        title: as on its pages.
        theme: what its class names begin with.
        charset: that its bytes are in.
        declared: where the charset is said.
        level: its prices relative to the market's.
        addresses: the style of its product addresses, 0 to 4.
        conditional: it knows ETag and Last-Modified.
        compresses: it answers in gzip where asked to.
        crawl_delay: seconds that its robots.txt asks for; None where it names none.
        page_length: articles on a page of a list.
        articles: what it sells.
    """

    number: int
    name: str
    title: str
    seed: int
    markup: Markup
    way: Way
    locale: Locale
    theme: str
    charset: str
    declared: Declared
    level: float
    addresses: int
    conditional: bool
    compresses: bool
    crawl_delay: float | None
    page_length: int
    articles: tuple[Article, ...]
    by_path: dict[str, Article] = field(repr=False, compare=False)

    def standing(self, article: Article, day: date) -> Standing:
        """Return what the shop says of an article on a day when nothing is wrong with it."""
        return standing(self.seed, self.name, article, self.level, self.locale.tag, day)

    @property
    def is_feed(self) -> bool:
        """Whether a feed is the way to its products."""
        return self.way.startswith("feed")


def open_shops(seed: int, count: int, products: int, market_products: int = 3000) -> list[Shop]:
    """Return the shops.

    Args:
        seed: the same seed and counts give the same shops.
        count: of shops, 130 at the most.
        products: articles of each shop.
        market_products: the size of the sample's customer (``flows.sample.generate``): with its
            seed and size the barcodes are its own.

    Raises:
        ValueError: too many shops or products.
    """
    most = len(_FIRST_WORDS) * len(_SECOND_WORDS)
    if not 1 <= count <= most:
        raise ValueError(f"there are 1 to {most} shops, not {count}")
    own = market_products - len(produce(seed, market_products // 20))
    goods = packaged_goods(seed, own + round(OUTSIDE_POOL * own))
    if not 1 <= products <= own:
        raise ValueError(f"a shop sells 1 to {own} products, not {products}")
    return [_open(seed, number, products, goods[:own], goods[own:]) for number in range(count)]


def _open(seed: int, number: int, products: int, own: list[Product], other: list[Product]) -> Shop:
    first, second = divmod(number, len(_SECOND_WORDS))
    title = f"{_FIRST_WORDS[first]} {_SECOND_WORDS[second]}"
    name = slug_of(title)
    chance = stream(seed, "storefront", name)
    locale = LOCALES[_TAGS[number % len(_TAGS)]]
    legacy = bool(locale.legacy) and chance.random() < 0.3
    declared: Declared = chance.choice(("header", "meta", "both", "nowhere"))
    styles = chance.randrange(5)
    shared = round(OWN_SHARE * products)
    chosen = [*chance.sample(own, shared), *chance.sample(other, products - shared)]
    chance.shuffle(chosen)
    states_gtin = chance.random() < 0.7
    articles = tuple(
        _article(place, product, locale, styles, str(10_000 + 37 * place + number), states_gtin)
        for place, product in enumerate(chosen)
    )
    return Shop(
        number=number,
        name=name,
        title=title,
        seed=seed,
        markup=_MARKUPS[number % len(_MARKUPS)],
        way=_WAYS[number % len(_WAYS)],
        locale=locale,
        theme=chance.choice(("pdp-", "product__", "prd_", "item-", "shop-")),
        charset=locale.legacy if legacy else "utf-8",
        declared=declared if legacy or declared != "nowhere" else "meta",
        level=chance.uniform(0.85, 1.15),
        addresses=styles,
        conditional=chance.random() < 0.8,
        compresses=chance.random() < 0.5,
        crawl_delay=chance.choice((None, None, None, 0.2, 1)),
        page_length=chance.choice((6, 10, 12, 24)),
        articles=articles,
        by_path={article.path: article for article in articles},
    )


def _article(
    place: int, product: Product, locale: Locale, style: int, sku: str, states_gtin: bool
) -> Article:
    hebrew = locale.language == "he"
    name = product.name[1 if hebrew else 0]
    if locale.decimal == ",":
        name = name.replace(".", ",")
    slug, shelf = slug_of(product.name[0]), shelf_of(product)
    path = (
        f"/p/{slug}-{sku}.html",
        f"/product/{sku}",
        f"/item?id={sku}",
        f"/products/{slug}-{sku}",
        f"/{locale.language}/catalog/{slug_of(shelf[1])}/{slug}/{sku}/",
    )[style]
    gtin = product.gtin if states_gtin else ""
    brand = product.brand[1 if hebrew else 0]
    return Article(product, place, sku, slug, path, name, brand, gtin, shelf)
