"""Feeds of four formats become products; bad rows are faults and lose nothing else."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.pipeline.capture import Availability, Site, read_feed
from flows.pipeline.capture.errors import BadFeed
from flows.pipeline.capture.site import Feed

URL = "https://shop.example/feed"


def site(**properties: object) -> Site:
    return Site.model_validate(
        {"name": "shop", "currency": "EUR", "driver": "feed",
         "feed": {"url": URL, "format": "csv"}, **properties}
    )  # fmt: skip


def feed(form: str, **properties: object) -> Feed:
    return Feed.model_validate({"url": URL, "format": form, **properties})


def test_csv_with_semicolons_and_a_decimal_comma() -> None:
    text = (
        "id;title;link;price;availability;ean\r\n"
        '7;"Lamp; green";https://shop.example/7;1.299,90;in stock;4006381333931\r\n'
        "8;Chair;https://shop.example/8;;out of stock;123\r\n"
        ";;;5,00;;\r\n"
    )
    read = read_feed(text.encode("windows-1252"), feed("csv"), site(decimal=","))
    lamp, chair = read.products
    assert (lamp.sku, lamp.name, lamp.price) == ("7", "Lamp; green", Decimal("1299.90"))
    assert (lamp.currency, lamp.gtin) == ("EUR", "04006381333931")
    assert lamp.source("price") == "feed[1]"
    assert (chair.price, chair.currency, chair.gtin) == (None, None, None)
    assert chair.availability is Availability.OUT_OF_STOCK
    assert [fault.line for fault in read.faults] == [3]
    assert "names no product" in read.faults[0].problem


def test_own_names_of_columns() -> None:
    own = feed("csv", columns={"name": "Bezeichnung", "price": "VK"}, delimiter="|")
    (only,) = read_feed(b"Bezeichnung|VK\nLamp|12.90\n", own, site()).products
    assert (only.name, only.price) == ("Lamp", Decimal("12.90"))


MERCHANT = """<?xml version="1.0"?>
<rss xmlns:g="http://base.google.com/ns/1.0" version="2.0"><channel>
<item><g:id>7</g:id><g:title>Lamp</g:title><g:link>https://shop.example/7</g:link>
<g:price>20.00 EUR</g:price><g:sale_price>15.00 EUR</g:sale_price>
<g:availability>in_stock</g:availability><g:gtin>4006381333931</g:gtin>
<g:product_type>Home &gt; Lamps</g:product_type></item>
<item><g:id>8</g:id><title>Chair</title><g:price>50.00 USD</g:price></item>
</channel></rss>"""


def test_google_merchant_as_xml() -> None:
    lamp, chair = read_feed(MERCHANT.encode(), feed("google_merchant"), site()).products
    assert (lamp.price, lamp.regular_price, lamp.currency) == (15, 20, "EUR")
    assert lamp.breadcrumbs == ("Home", "Lamps")
    assert (chair.name, chair.price, chair.currency) == ("Chair", 50, "USD")


def test_google_merchant_as_text() -> None:
    text = "id\ttitle\tprice\tsale price\n7\tLamp\t20.00 EUR\t15.00 EUR\n"
    (lamp,) = read_feed(text.encode(), feed("google_merchant"), site()).products
    assert (lamp.price, lamp.regular_price) == (15, 20)


def test_json_with_a_path_and_as_lines() -> None:
    rows = [{"sku": "7", "name": "Lamp", "price": 12.9, "in_stock": True}, 5]
    nested = json.dumps({"data": {"items": rows}}).encode()
    read = read_feed(nested, feed("json", items="data.items"), site())
    assert (read.products[0].price, read.products[0].currency) == (Decimal("12.9"), "EUR")
    assert read.products[0].availability is Availability.IN_STOCK
    assert [fault.line for fault in read.faults] == [2]
    lines = "\n".join(json.dumps(row) for row in rows).encode()
    assert read_feed(lines, feed("json"), site()).products == read.products


def test_a_text_that_names_another_currency_than_its_column_has_no_price() -> None:
    body = b"name,price,currency\nLamp,12.90 USD,EUR\nChair,5.00 EUR,EUR\n"
    lamp, chair = read_feed(body, feed("csv"), site()).products
    assert (lamp.price, lamp.currency) == (None, None)
    assert (chair.price, chair.currency) == (5, "EUR")


@pytest.mark.parametrize(
    ("form", "body", "says"),
    [
        ("csv", b"", "no header"),
        ("csv", b"just text\n", "no header"),
        ("json", b"{", "no JSON"),
        ("json", b"3", "no list of products"),
        ("xml", b"<a><b/></a>", "no elements"),
        ("xml", b"<a><item></a>", "no XML from line 1"),
        ("xml", b"not xml", "no XML"),
        ("xml", b'<!DOCTYPE a [<!ENTITY b "c">]><a><item>&b;</item></a>', "document type"),
        ("google_merchant", b"<rss></rss>", "no elements"),
    ],
)
def test_what_is_no_feed(form: str, body: bytes, says: str) -> None:
    with pytest.raises(BadFeed, match=says) as caught:
        read_feed(body, feed(form), site())
    assert "shop" in caught.value.problem and caught.value.action


@given(st.sampled_from(["csv", "json", "xml", "google_merchant"]), st.binary(max_size=200))
def test_any_bytes_are_a_feed_or_a_bad_feed(form: str, body: bytes) -> None:
    try:
        read = read_feed(body, feed(form), site())
    except BadFeed:
        return
    assert all(product.price is None or product.price > 0 for product in read.products)
