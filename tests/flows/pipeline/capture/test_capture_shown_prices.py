"""Prices that only the layout tells: pages without anything for machines, one kind each."""

from decimal import Decimal

import pytest

from flows.pipeline.capture import extract_product
from flows.pipeline.capture.discounts import percent_in
from flows.pipeline.capture.price_words import Role, role_in_text, role_of_label


def price(box, lang="en", url="https://shop.test/p/garden-chair-12345", **fields):
    page = (
        f'<html lang="{lang}"><title>Garden chair</title><body><div><h1>Garden chair</h1>{box}'
        "</div></body></html>"
    )
    product = extract_product(page.encode(), url)
    return tuple(getattr(product, field) for field in ("price", *fields.get("also", ())))


PRICE = '<span class="price">€ 20.00</span>'


@pytest.mark.parametrize(
    "beside",
    [
        '<div class="courier"><p><span class="price">€ 4.90</span></p></div>',
        '<div class="product-link-other-offers"><a href="#">€ 25.00</a></div>',
        '<div class="price hidden">€ 25.00</div>',
        '<div class="price"><span class="barred">€ 25.00</span></div>',
        '<span>Incl. shipping: </span><strong class="price">€ 24.90</strong>',
        "<span>Was:</span> <span class='price'>€ 25.00</span>",
        '<span class="price"><b class="tasso-zero">€ 2.00</b></span>',
        '<div class="warranty"><p><i><b><span class="price">€ 9.00</span></b></i></p></div>',
        '<span class="price">€ 0.99 / piece</span>',
        '<span class="price">€ 1.99 / kg</span>',
    ],
)
def test_amounts_beside_the_price_that_are_something_else(beside):
    assert price(PRICE + beside) == (Decimal("20.00"),)
    assert price(beside + PRICE) == (Decimal("20.00"),)


def test_a_price_for_one_piece_is_the_price_where_it_is_the_only_one():
    assert price('<span class="price">978,00 €/tk</span>', "et") == (Decimal("978.00"),)
    assert price('<span class="price">997 zł</span><span>/ szt.</span>', "pl") == (Decimal(997),)


@pytest.mark.parametrize(
    ("low", "high", "said"), [("41.30", "49.10", "16% off"), ("75.00", "100.00", "-25 %")]
)
def test_a_stated_discount_tells_the_price_from_the_old_one(low, high, said):
    for order in ((low, high), (high, low)):
        box = f"<p>{said}</p>" + "".join(f"<p><span>€{one}</span></p>" for one in order)
        found = price(box, also=["regular_price"])
        assert found == (Decimal(low), Decimal(high))


def test_two_prices_without_a_word_between_them_are_none():
    assert price("<p>€41.30</p><p>€49.10</p>") == (None,)
    assert price("<p>30% off</p><p>€41.30</p><p>€49.10</p>") == (None,)


@pytest.mark.parametrize(
    "box",
    [
        '<p class="x1">from €75.00</p><p class="x2">€100.00</p>',
        '<p class="price">€352 – 376.45</p>',
        '<p class="price">352 – 376.45 €</p>',
        '<p class="price">from €75.00</p>',
    ],
)
def test_what_starts_from_an_amount_has_no_price(box):
    assert price(box) == (None,)


def test_a_price_with_and_without_tax_leaves_open_which_one_is_paid():
    box = (
        '<div><span>bez DPH</span><span class="price">3,56 €</span></div>'
        '<div><span>s DPH</span><span class="price">4,27 €</span></div>'
    )
    assert price(box, "sk") == (None,)


def test_state_of_the_page_does_not_go_before_the_price_that_stands_out():
    script = '<script>window.p = {"name": "Garden chair", "price": 25.00}</script>'
    list_price = "<ul><li><span>Listino:</span><span>€ 25.00</span></li></ul>"
    assert price(PRICE + list_price + script) == (Decimal("20.00"),)


def test_names_for_tests_are_read_where_classes_are_hashes():
    box = (
        '<p class="a9x"><span class="b_1" data-auto="old-price">€1 529.00</span></p>'
        '<p class="a9x"><span class="b_2" data-auto="price">€899.00</span></p>'
    )
    assert price(box, also=["regular_price"]) == (Decimal("899.00"), Decimal("1529.00"))


def test_the_currency_says_how_thousands_are_grouped_where_the_page_does_not():
    page = '<title>Barn</title><h1>Barn <span class="price">£1,899</span></h1>'
    assert extract_product(page.encode(), "https://ads.test/1").price == 1899
    page = page.replace("£1,899", "NOK 1.899")
    assert extract_product(page.encode(), "https://ads.test/1").price == 1899


@pytest.mark.parametrize(
    ("label", "role"),
    [
        ("Was:", Role.STRUCK), ("bez DPH", Role.NET), ("excl. VAT", Role.NET), ("UVP", Role.STRUCK),
        ("Club price", Role.MEMBER), ("from", Role.FROM), ("Price", Role.PRICE),
        ("Regular price", Role.PRICE), ("Add to list", Role.PRICE), ("Our price:", Role.PRICE),
        ("", Role.PRICE), ("מחיר כולל משלוח:", Role.OTHER),
    ],
)  # fmt: skip
def test_labels_that_stand_by_themselves(label, role):
    assert role_of_label(label) is role


@pytest.mark.parametrize(
    ("after", "role"),
    [
        ("/ szt.", Role.PIECE), (" / St", Role.PIECE), ("/tk", Role.PIECE),
        (" per piece", Role.PIECE), ("/ 100 St", Role.UNIT), ("/kg", Role.UNIT),
        (" / 100 g", Role.UNIT), ("/ 10 pcs", Role.UNIT),
        (" ohne MwSt", Role.NET), (" + VAT", Role.NET),
    ],
)  # fmt: skip
def test_what_stands_behind_an_amount(after, role):
    assert role_in_text("", after) is role


def test_percentages_in_short_texts():
    assert percent_in("-16 %") == 16 and percent_in("Save 25% today") == 25
    assert percent_in("10% off 2, 20% off 3") is None
    assert percent_in("contains 3.5% fat") is None
    assert percent_in("x" * 60 + " 10%") is None


def test_a_brand_stands_beside_its_label():
    box = PRICE + "<table><tr><td>Kaubamärk</td><td><a href='/b'>Bosch</a></td></tr></table>"
    assert price(box, also=["brand"]) == (Decimal("20.00"), "Bosch")
    two = box + "<p>Brand</p><p>Other</p>"
    assert price(two, also=["brand"]) == (Decimal("20.00"), None)


@pytest.mark.parametrize(
    "title",
    ["Copper Pot Toilet Gel 4 L", "Pen 3 pieces", "Try 2 of them", "Mad 5", "Shower gel 250"],
)
def test_words_that_are_currency_codes_too_make_no_price(title):
    page = f"<title>{title}</title><h1>{title}</h1><p class='price'>11,90 €</p>"
    assert extract_product(page.encode(), "https://shop.test/1").price == Decimal("11.90")
    page = f"<title>{title}</title><h1>{title}</h1><p>Sold out</p>"
    assert extract_product(page.encode(), "https://shop.test/1").price is None


def test_what_can_be_ordered_before_it_is_there_is_not_sold_out():
    box = (
        f"{PRICE}<p>Pre-order</p><script type='application/ld+json'>"
        '{"@type": "Product", "name": "Garden chair", "offers": {"@type": "Offer", "price": 20, '
        '"priceCurrency": "EUR", "availability": "OutOfStock"}}</script>'
    )
    assert price(box, also=["availability"]) == (Decimal(20), "preorder")


@pytest.mark.parametrize(
    "box",
    [
        '<p class="price"><span>Only </span><span>€41.63</span><span> per month</span></p>',
        '<p class="price"><b>€41.63</b> <i>/ month</i></p>',
        '<p class="price"><b>€9.16</b><i>/ kg</i></p>',
        '<p class="price">4 payments of €15.00</p>',
        '<p class="price">€100.00 <small>ex VAT</small></p>',
        '<p class="price">Najniższa cena z 30 dni przed obniżką: 1 199,00 zł</p>',
        "<p>Price on request</p><p>Hook</p><p>€19.00</p>",
        '<section><h2>Customers also bought</h2><div><b class="price">€19.00</b></div></section>',
        '<div><div><h3>Ähnliche Artikel</h3></div><div><i class="price">€19.00</i></div></div>',
    ],
)
def test_an_amount_that_is_not_the_product_s_leaves_no_price(box):
    assert price(box) == (None,)


def test_other_products_hide_no_price_of_the_product_s_own():
    others = '<section><h2>Related products</h2><p><b class="price">€ 19.00</b></p></section>'
    assert price(PRICE + others) == (Decimal("20.00"),)
    assert price(others + PRICE) == (Decimal("20.00"),)


@pytest.mark.parametrize(
    ("text", "stated"),
    [
        ("Available on backorder", "backorder"),
        ("Dieser Artikel ist derzeit nicht verfügbar", "out_of_stock"),
        ("המלאי אזל", "out_of_stock"),
        ("Vorrätig", "in_stock"),
    ],
)
def test_lines_that_state_an_availability(text, stated):
    assert price(f"{PRICE}<p>{text}</p>", also=["availability"]) == (Decimal("20.00"), stated)


def test_other_products_buttons_sell_nothing_of_the_page_s():
    others = "<section><h2>Recommended</h2><p>€5.00</p><button>Add to cart</button></section>"
    found = price(f"{PRICE}<p>Sold out</p>{others}", also=["availability"])
    assert found == (Decimal("20.00"), "out_of_stock")


def test_thousands_are_grouped_as_in_india():
    assert price('<p class="price">₹1,24,999.00</p>', "en-IN") == (Decimal("124999.00"),)


def test_a_label_may_have_a_digit_in_it():
    box = PRICE + "<table><tr><td>ISBN-13</td><td>978-3-16-148410-0</td></tr></table>"
    assert price(box, also=["gtin"]) == (Decimal("20.00"), "09783161484100")


def test_an_address_that_names_a_variant_asks_for_its_stock():
    variants = ",".join(
        f'''{{"@type": "Product", "name": "Garden chair {n}", "offers": {{"price": "{p}",
        "priceCurrency": "EUR", "availability": "{a}", "url": "?variant={n}"}}}}'''
        for n, p, a in ((1, "12.00", "InStock"), (2, "14.00", "OutOfStock"))
    )
    group = f'{{"@type": "ProductGroup", "name": "Garden chair", "hasVariant": [{variants}]}}'
    box = f'<script type="application/ld+json">{group}</script>'
    for asked, expected in ((1, ("12.00", "in_stock")), (2, ("14.00", "out_of_stock"))):
        url = f"https://shop.test/p/garden-chair?variant={asked}"
        assert price(box, url=url, also=["availability"]) == (Decimal(expected[0]), expected[1])
