"""Pages, written here, of which one thing each is hard; and what must come out of them."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.pipeline.capture import Availability, Product, Site, extract_product

URL = "https://shop.example.de/p/lamp-4711"


def page(body: str = "", head: str = "", title: str = "Desk lamp") -> bytes:
    return (
        f'<!doctype html><html lang="en-GB"><head><meta charset="utf-8"><title>{title}</title>'
        f"{head}</head><body>{body}</body></html>"
    ).encode()


def ld(*values: object) -> str:
    return "".join(
        f'<script type="application/ld+json">{v if isinstance(v, str) else json.dumps(v)}</script>'
        for v in values
    )


def product(**properties: object) -> dict[str, object]:
    return {"@context": "https://schema.org", "@type": "Product", "name": "Desk lamp", **properties}


def offer(price: object, **properties: object) -> dict[str, object]:
    return {"@type": "Offer", "price": price, "priceCurrency": "EUR", **properties}


def extract(body: bytes, url: str = URL, **arguments: object) -> Product:
    return extract_product(body, url, **arguments)  # type: ignore[arg-type]


def test_every_field_of_a_plain_product_with_its_evidence() -> None:
    node = product(
        sku="L-4711", gtin13="4006381333931", mpn="X1", brand={"@type": "Brand", "name": "Lux"},
        description="A &amp; B", image=["/a.jpg", {"@type": "ImageObject", "url": "/b.jpg"}],
        offers=offer("12.90", availability="https://schema.org/InStock"),
    )  # fmt: skip
    crumbs = {
        "@type": "BreadcrumbList",
        "itemListElement": [
            {"position": 2, "item": {"name": "Lamps"}},
            {"position": 1, "name": "Home"},
        ],
    }
    found = extract(page("<h1>Desk lamp</h1>", ld(node, crumbs)))
    assert (found.name, found.sku, found.mpn, found.brand) == ("Desk lamp", "L-4711", "X1", "Lux")
    assert (found.price, found.currency) == (Decimal("12.90"), "EUR")
    assert found.gtin == "04006381333931"
    assert found.availability is Availability.IN_STOCK
    assert found.description == "A & B"
    assert found.images == ("https://shop.example.de/a.jpg", "https://shop.example.de/b.jpg")
    assert found.breadcrumbs == ("Home", "Lamps")
    for name, evidence in found.evidence.items():
        assert evidence.source and 0 < evidence.confidence <= 1, name
    assert found.source("price") == found.source("currency") == "json-ld[0]:product.offers[0]"


@pytest.mark.parametrize(
    "script",
    [
        '{"@type":"Product","name":"Desk lamp","offers":{"price":"12.90","priceCurrency":"EUR",},}',
        '{"@type":"Product","name":"Desk\tlamp\n","offers":{"price":12.9,"priceCurrency":"EUR"}}',
        '/*<![CDATA[*/{"@type":"Product","name":"Desk lamp","offers":{"price":12.9,'
        '"priceCurrency":"EUR"}}/*]]>*/',
        '<!-- {"@type":"Product","name":"Desk lamp","offers":{"price":12.9,'
        '"priceCurrency":"EUR"}} -->',
        '{"@type":"WebSite"}{"@type":"Product","name":"Desk lamp","offers":{"price":12.9,'
        '"priceCurrency":"EUR"}}',
        "{&quot;@type&quot;:&quot;Product&quot;,&quot;name&quot;:&quot;Desk lamp&quot;,&quot;offers"
        "&quot;:{&quot;price&quot;:12.9,&quot;priceCurrency&quot;:&quot;EUR&quot;}}",
        '{"@graph":[{"@type":"WebPage","mainEntity":{"@type":["Thing","http://schema.org/Product"],'
        '"name":"Desk lamp","offers":[{"price":12.9,"priceCurrency":"EUR"}]}}]}',
        '{"@type":"product","Name":"Desk lamp","Offers":{"Price":12.9,"PriceCurrency":"EUR"}}',
        '{"@type":"Product","name":"Desk lamp","offers":{"@type":"Offer","priceSpecification":'
        '[{"price":2.15,"priceCurrency":"EUR","referenceQuantity":{"value":1}},'
        '{"price":12.9,"priceCurrency":"EUR"}]}}',
    ],
)
def test_json_ld_as_shops_write_it(script: str) -> None:
    found = extract(page("<h1>Desk lamp</h1>", ld(script)))
    assert (found.price, found.currency) == (Decimal("12.9"), "EUR")


def test_related_products_of_json_ld_are_not_the_product() -> None:
    other = product(name="Chair", offers=offer("99.00"))
    found = extract(page("<h1>Desk lamp</h1>", ld(product(isRelatedTo=[other], offers=offer("5")))))
    assert found.price == 5
    listing = {"@type": "ItemList", "itemListElement": [{"item": other}]}
    assert extract(page("<h1>Desk lamp</h1>", ld(listing))).price is None


def test_of_several_products_the_one_of_the_heading_or_the_address() -> None:
    others = [product(name=f"Chair {n}", offers=offer(50 + n)) for n in range(3)]
    mine = product(offers=offer("12.90"))
    assert extract(page("<h1>Desk lamp</h1>", ld(*others, mine))).price == Decimal("12.90")
    here = product(name="Whatever", url="/p/lamp-4711", offers=offer("7"))
    assert extract(page("<h1>Nothing</h1>", ld(*others, here), title="Shop")).price == 7
    assert extract(page("<h1>Our range</h1>", ld(*others), title="Shop")).price is None


def test_several_prices_the_address_of_the_variant_decides() -> None:
    offers = [
        offer("10", url="/p/lamp-4711?size=s", sku="s"),
        offer("20", url="/p/lamp-4711?size=l", sku="l"),
    ]
    body = page("<h1>Desk lamp</h1>", ld(product(offers=offers)))
    found = extract(body, URL + "?size=l&ref=mail")
    assert found.price == 20
    assert [variant.sku for variant in found.variants] == ["s", "l"]


def test_sizes_that_are_sold_out_do_not_set_the_price() -> None:
    offers = [offer("10", availability="OutOfStock"), offer("20", availability="InStock")]
    found = extract(page("<h1>Desk lamp</h1>", ld(product(offers=offers))))
    assert (found.price, found.availability) == (20, Availability.IN_STOCK)


def test_the_lowest_of_a_range_is_less_sure() -> None:
    low = {"@type": "AggregateOffer", "lowPrice": "10", "highPrice": "20", "priceCurrency": "EUR"}
    same = {**low, "highPrice": "10"}
    wide, narrow = (extract(page("", ld(product(offers=o)))) for o in (low, same))
    assert wide.price == narrow.price == 10
    assert wide.confidence("price") < narrow.confidence("price")


@pytest.mark.parametrize(
    ("price", "currency", "amount"),
    [
        ("24.990", "CLP", "24990"),  # pesos have no cents
        ("24.990", "EUR", None),  # two readings
        ("24.990", "KWD", "24.990"),
        ("1299.000", "EUR", "1299.000"),
        ("67.8400", "EUR", "67.8400"),
        ("1.299,00 €", "EUR", "1299.00"),
        ("12.90 USD", "EUR", None),  # the node disagrees with itself
        ("0", "EUR", None),
        ("-5", "EUR", None),
        ("1e400", "EUR", None),
        ("NaN", "EUR", None),
        ("12,90 €/kg", "EUR", None),
        ("ab 12,90 €", "EUR", None),
    ],
)
def test_prices_as_fields_hold_them(price: str, currency: str, amount: str | None) -> None:
    node = product(offers={"@type": "Offer", "price": price, "priceCurrency": currency})
    found = extract(page("<h1>Desk lamp</h1>", ld(node)), "https://shop.example/p/1")
    assert found.price == (None if amount is None else Decimal(amount))


def test_currency_is_never_taken_from_another_node() -> None:
    node = product(offers={"@type": "Offer", "price": "12.90"})
    meta = '<meta property="product:price:currency" content="SEK">'
    found = extract(page("<h1>Desk lamp</h1>", ld(node) + meta), "https://shop.example/p/1")
    assert (found.price, found.currency) == (Decimal("12.90"), None)
    shown = page('<h1>Desk lamp</h1><p class="price">12,90 €</p>', ld(node) + meta)
    assert extract(shown).currency == "EUR"


def test_microdata_with_a_carousel_of_others() -> None:
    def item(name: str, price: str) -> str:
        return (
            f'<div itemscope itemtype="http://schema.org/Product"><b itemprop="name">{name}</b>'
            f'<div itemprop="offers" itemscope itemtype="http://schema.org/Offer">'
            f'<meta itemprop="priceCurrency" content="EUR"><span itemprop="price" '
            f'content="{price}">{price}</span><link itemprop="availability" '
            f'href="http://schema.org/OutOfStock"></div></div>'
        )

    body = item("Chair", "50.00") + "<h1>Desk lamp</h1>" + item("Desk lamp", "12.90")
    found = extract(page(body + item("Table", "80.00")))
    assert (found.price, found.currency) == (Decimal("12.90"), "EUR")
    assert found.availability is Availability.OUT_OF_STOCK


def test_a_sale_price_of_meta_tags_with_the_regular_one() -> None:
    head = (
        '<meta property="og:title" content="Desk lamp">'
        '<meta property="product:price:amount" content="20.00">'
        '<meta property="product:price:currency" content="EUR">'
        '<meta property="product:sale_price:amount" content="15.00">'
    )
    found = extract(page("<h1>Desk lamp</h1>", head))
    assert (found.price, found.regular_price, found.currency) == (15, 20, "EUR")


def test_a_price_before_tax_in_meta_tags_loses_against_the_shown_one() -> None:
    head = (
        '<meta property="product:price:amount" content="10.14">'
        '<meta property="product:price:currency" content="EUR">'
    )
    body = '<h1>Desk lamp</h1><div class="product-price">10,75 €</div>'
    assert extract(page(body, head)).price == Decimal("10.75")


def test_structured_data_that_states_the_struck_price_is_corrected() -> None:
    body = (
        '<h1>Desk lamp</h1><del class="price-old">18,00 €</del>'
        '<span class="price-now">17,10 €</span>'
    )
    found = extract(page(body, ld(product(offers=offer("18.00")))))
    assert (found.price, found.regular_price) == (Decimal("17.10"), Decimal("18.00"))


@pytest.mark.parametrize(
    "box",
    [
        '<p class="price">12,90 €</p><p>(2,15 €/100 g)</p>',
        '<p class="price"><del>19,90 €</del> <ins>12,90 €</ins></p>',
        '<p class="price"><span style="text-decoration: line-through">19,90 €</span> 12,90 €</p>',
        '<p class="price">UVP 19,90 € 12,90 €</p>',
        '<p class="price">12,90 €</p><p class="rate">3 x 4,30 €</p>',
        '<p class="price">12,90 €</p><p>oder 4,30 € pro Monat</p>',
        '<p class="price">12,90 €</p><p class="club-price">9,90 €</p>',
        '<p class="price">12,90 €</p><p>Mitglieder: 9,90 €</p>',
        '<p class="price">12,90 €</p><p>zzgl. Versand 4,90 €</p>',
        '<p class="price">12,90 €</p><p>Sie sparen 7,00 €</p>',
        '<p class="price">12<sup>90</sup> <i>€</i></p>',
        '<p class="price"><span>12,</span><span>90</span><span>€</span></p>',
        '<p class="price"><b><i>€</i><span>12</span></b><span><i>,</i>90</span></p>',
        '<p class="price">12,90 €</p><p class="price" data-strike="1">19,90 €</p>',
        '<p class="price">12,90 €</p><div class="related"><p class="price">5,00 €</p></div>',
        '<p class="price">12,90 €</p><a href="/p/other"><p class="price">5,00 €</p></a>',
        '<p class="price">12,90 €</p><div hidden><p class="price">5,00 €</p></div>',
        '<p class="price">12,90 €</p><select><option>5,00 €</option></select>',
        '<p class="price">12,90 €</p>'
        + "".join(f'<ul><li><b class="price">{n},50 €</b></li></ul>' for n in range(20, 26)),
    ],
)
def test_what_is_shown_beside_the_price_is_not_the_price(box: str) -> None:
    found = extract(page(f"<h1>Desk lamp</h1>{box}<button>In den Warenkorb</button>"))
    assert (found.price, found.currency) == (Decimal("12.90"), "EUR")


@pytest.mark.parametrize(
    "box",
    [
        "",
        "<p>ab 12,90 €</p>",
        '<p class="price">ab 12,90 €</p>',
        '<p class="price">10,00 € - 20,00 €</p>',
        '<p class="price">0,00 €</p>',
        '<p class="price">1.299 €</p>',  # of a page in English: fuel, or a thousand
        '<p class="price">12,90 €</p><p class="price">15,35 €</p>',
        "<p>Over 500 € free delivery</p>",
        '<div class="similar-products"><p class="price">12,90 €</p></div>',
        "".join(f'<div><b class="price">{n},50 €</b></div>' for n in range(20, 26)),
    ],
)
def test_where_it_cannot_tell_it_says_unknown(box: str) -> None:
    found = extract(page(f"<h1>Desk lamp</h1>{box}"), "https://shop.example/p/lamp")
    assert (found.price, found.currency, found.regular_price) == (None, None, None)


def test_other_amounts_settle_how_the_page_writes_thousands() -> None:
    body = '<h1>Desk lamp</h1><p class="price">1.299 €</p><p>Versand 4,90 €</p>'
    assert extract(page(body)).price == 1299


@pytest.mark.parametrize(
    ("url", "text", "price"),
    [
        ("https://shop.example.de/p", "1.299 €", 1299),
        ("https://shop.example.de/p", "1,299 €", None),
        ("https://shop.example/p", "$1,299", 1299),  # the page says en-GB
        ("https://shop.example/p", "$1.299", None),
    ],
)
def test_the_sign_that_is_not_the_decimal_sign_of_the_place_groups(
    url: str, text: str, price: int | None
) -> None:
    assert extract(page(f'<h1>Desk lamp</h1><p class="price">{text}</p>'), url).price == price


def test_a_site_file_settles_currency_and_decimal_sign() -> None:
    site = Site(name="x", start_urls=("https://x.example/",), currency="EUR", decimal=",")
    body = page('<h1>Desk lamp</h1><p class="product-price">1.299</p>')
    found = extract(body, "https://x.example/p/1", site=site)
    assert (found.price, found.currency) == (1299, "EUR")


@pytest.mark.parametrize(
    "script",
    [
        '<script id="__NEXT_DATA__" type="application/json">{"props":{"pageProps":{"product":'
        '{"name":"Desk lamp","sku":"L-1","price":{"value":12.9,"currency":"EUR"}}}}}</script>',
        '<script>window.__INITIAL_STATE__ = {"p":{"title":"Desk lamp","salePrice":"12.90",'
        '"listPrice":"19.90","currencyCode":"EUR"}};</script>',
        "<script>dataLayer.push({ecommerce:{detail:{products:[{name:'Desk lamp',price:'12.90',"
        "currency:'EUR'}]}}});</script>",
        '<script>var s = JSON.parse("{\\"name\\":\\"Desk lamp\\",\\"price\\":12.9,'
        '\\"currency\\":\\"EUR\\"}");</script>',
    ],
)
def test_embedded_state(script: str) -> None:
    found = extract(page(f"<h1>Desk lamp</h1>{script}"))
    assert (found.price, found.currency) == (Decimal("12.9"), "EUR")


def test_state_in_cents_is_confirmed_by_the_page_or_unknown() -> None:
    script = '<script>window.p = {"name":"Desk lamp","price":1290,"currency":"EUR"}</script>'
    assert extract(page(f"<h1>Desk lamp</h1>{script}")).price is None
    shown = page(f"<h1>Desk lamp</h1><b>12,90 €</b>{script}")
    assert extract(shown).price == Decimal("12.90")


def test_site_rules_go_first() -> None:
    site = Site.model_validate(
        {
            "name": "x",
            "start_urls": ["https://x.example/"],
            "currency": "EUR",
            "rules": {
                "price": {"css": ".real"},
                "sku": {"css": "[data-sku]", "attribute": "data-sku"},
                "brand": {"json": "a.0.brand", "script": "#s"},
            },
        }
    )
    body = page(
        '<h1>Desk lamp</h1><p class="real" data-sku="S9">9,90 €</p>'
        '<script id="s" type="application/json">{"a":[{"brand":"Lux"}]}</script>',
        ld(product(sku="other", offers=offer("12.90"))),
    )
    found = extract(body, site=site)
    assert (found.price, found.sku, found.brand) == (Decimal("9.90"), "S9", "Lux")
    assert found.source("price") == "site-rules:price"


def test_a_line_that_says_sold_out_goes_before_a_template_that_says_in_stock() -> None:
    node = ld(product(offers=offer("12.90", availability="http://schema.org/InStock")))
    sold = page("<h1>Desk lamp</h1><p>12,90 €</p><p>Ausverkauft</p>", node)
    assert extract(sold).availability is Availability.OUT_OF_STOCK
    size = page("<h1>Desk lamp</h1><i>Sold out</i><button>Add to cart</button>", node)
    assert extract(size).availability is Availability.IN_STOCK
    review = page("<h1>Desk lamp</h1><p>It was sold out everywhere else!</p>", node)
    assert extract(review).availability is Availability.IN_STOCK


def test_nothing_stated_is_unknown() -> None:
    found = extract(page("<h1>Desk lamp</h1>", ld(product(offers=offer("12.90")))))
    assert found.availability is Availability.UNKNOWN


def test_labelled_codes_near_the_heading() -> None:
    body = (
        '<h1>Desk lamp</h1><p class="price">12,90 €</p>'
        "<table><tr><th>EAN:</th><td>4006381333931</td></tr>"
        "<tr><th>Art.-Nr.</th><td>AB-77</td></tr></table>"
    )
    found = extract(page(body))
    assert (found.gtin, found.sku) == ("04006381333931", "AB-77")
    wrong = extract(page(body.replace("3931", "3932")))
    assert wrong.gtin is None


@pytest.mark.parametrize("charset", ["windows-1252", "iso-8859-15", "utf-16", "utf-8"])
def test_charsets(charset: str) -> None:
    text = "<html><head><title>Bügel für Möbel</title></head><body><h1>Bügel für Möbel</h1>"
    text += '<p class="price">12,90 €</p></body></html>'
    body = text.encode(charset)
    found = extract(body, content_type=f"text/html; charset={charset}")
    assert (found.name, found.price) == ("Bügel für Möbel", Decimal("12.90"))


def test_no_page_at_all() -> None:
    for body in (b"", b"\x00" * 10, b"%PDF-1.7 12,90 EUR", b"\x89PNG\r\n", b"\xff\xfe"):
        assert extract(body) == Product(url=URL)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300), st.text(max_size=40))
def test_any_bytes_and_any_address_give_a_product(body: bytes, url: str) -> None:
    found = extract_product(body, url)
    assert found.url == url
    assert set(found.evidence) <= set(Product.__dataclass_fields__)


@settings(max_examples=150, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["@type", "@graph", "name", "offers", "price", "priceCurrency", "brand", "url",
                     "hasVariant", "lowPrice", "highPrice", "priceSpecification", "image", "sku",
                     "availability", "seller", "itemListElement", "position"]
                ),
                inner | st.sampled_from(["Product", "Offer", "12.90", "EUR", "BreadcrumbList"]),
                max_size=5,
            )
        ),
        max_leaves=12,
    )
)  # fmt: skip
def test_any_json_ld_gives_a_product_and_never_a_currency_without_a_price(value: object) -> None:
    found = extract(page("<h1>Desk lamp</h1>", ld(json.dumps(value))))
    assert found.price is None or found.price > 0
    assert found.currency is None or found.price is not None


def test_the_same_page_gives_the_same_product() -> None:
    body = page('<h1>Desk lamp</h1><p class="price">12,90 €</p>', ld(product(offers=offer(5))))
    assert extract(body) == extract(body)


def test_sources_that_disagree_are_less_sure_and_the_page_decides_between_them() -> None:
    node = ld(product(offers=offer("12.90")))
    item = (
        '<div itemscope itemtype="http://schema.org/Product"><b itemprop="name">Desk lamp</b>'
        '<i itemprop="offers" itemscope><meta itemprop="price" content="{}">'
        '<meta itemprop="priceCurrency" content="EUR"></i></div>'
    )
    agreed = extract(page(item.format("12.90"), node))
    disputed = extract(page(item.format("15.00"), node))
    assert disputed.confidence("price") < agreed.confidence("price")
    shown = '<h1>Desk lamp</h1><p class="price">15,00 €</p>'
    decided = extract(page(shown + item.format("15.00"), node))
    assert (decided.price, decided.source("price")) == (15, "microdata[0]:product.offers[0]")


@pytest.mark.parametrize(
    ("stated", "found"),
    [
        (["OutOfStock", "InStock"], Availability.IN_STOCK),
        (["OutOfStock", "PreOrder"], Availability.PREORDER),
        (["OutOfStock", "http://schema.org/BackOrder"], Availability.BACKORDER),
        (["Discontinued", "SoldOut"], Availability.OUT_OF_STOCK),
        (["Discontinued"], Availability.DISCONTINUED),
        (["in stock"], Availability.IN_STOCK),
        (["perhaps"], Availability.UNKNOWN),
        ([], Availability.UNKNOWN),
    ],
)
def test_availability_of_several_offers(stated: list[str], found: Availability) -> None:
    offers = [offer("5", availability=one) for one in stated] or offer("5")
    assert extract(page("", ld(product(offers=offers)))).availability is found
