"""Links: which lead to pages of the site, and which is the next page of a listing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.pipeline.capture.fetching.discovery import looks_like_product
from flows.pipeline.capture.fetching.links import canonical, host_of, read_links, within

HOSTS = frozenset({"shop.example"})
URL = "https://shop.example/c/milk?page=2"


def test_links_of_the_site_are_pages_and_others_are_not() -> None:
    html = b"""<a href="/p/1">1</a><a href="p/2#top">2</a><a href="https://www.shop.example/p/3">3</a>
    <a href="https://elsewhere.example/p">x</a><a href="mailto:a@b.example">m</a>
    <a href="javascript:void(0)">j</a><a href="/cart">basket</a><a href="/logo.png">logo</a>
    <a href="/my-account/orders">me</a><a rel="nofollow" href="/sort">s</a><a href="/p/1">1</a>"""
    assert read_links(html, URL, HOSTS).pages == (
        "https://shop.example/p/1",
        "https://shop.example/c/p/2",
        "https://www.shop.example/p/3",
    )


@pytest.mark.parametrize(
    "html",
    [
        b'<a rel="next" href="/c/milk?page=3">x</a>',
        b'<link rel="next" href="/c/milk?page=3">',
        b'<a href="?page=9">9</a><a href="?page=3">3</a><a href="?page=1">1</a>',
        b'<a aria-label="Next page" href="?page=3"><svg/></a>',
    ],
)
def test_the_next_page_of_a_listing_is_found(html: bytes) -> None:
    links = read_links(html, URL, HOSTS)
    assert links.following == "https://shop.example/c/milk?page=3"
    assert links.pages == ()


def test_a_product_whose_address_has_a_number_is_no_next_page() -> None:
    links = read_links(b'<a href="/view?p=17">Milk</a>', URL, HOSTS)
    assert links.pages == ("https://shop.example/view?p=17",)
    assert links.following is None


def test_the_base_of_a_document_counts() -> None:
    links = read_links(b'<base href="https://shop.example/de/"><a href="p/1">1</a>', URL, HOSTS)
    assert links.pages == ("https://shop.example/de/p/1",)


def test_one_page_has_one_address() -> None:
    assert canonical("https://Shop.example/a?b=2&a=1&utm_source=x#top") == canonical(
        "https://shop.example/a?a=1&b=2"
    )
    assert canonical("ftp://shop.example/") is None
    assert canonical("https://") is None
    assert canonical("https://shop.example/" + "x" * 5000) is None


@given(st.text(max_size=100))
def test_an_address_has_a_form_that_stays(text: str) -> None:
    once = canonical(f"https://shop.example/{text}")
    assert once is None or canonical(once) == once


@given(st.text(max_size=60))
def test_hosts_of_any_text(text: str) -> None:
    host_of(text)
    host_of(f"https://{text}/")


def test_a_host_below_belongs_and_one_that_looks_alike_does_not() -> None:
    assert within("www.shop.example", HOSTS)
    assert within("shop.example", frozenset({"www.shop.example"}))
    assert within("m.shop.example", HOSTS)
    assert not within("evilshop.example", HOSTS)
    assert not within("shop.example.evil.example", HOSTS)


@given(st.binary(max_size=800))
def test_links_of_any_bytes(body: bytes) -> None:
    read_links(body, URL, HOSTS)


def test_a_page_says_that_it_is_a_product() -> None:
    assert looks_like_product(b'<script>{"@type": "Product", "name": "x"}</script>')
    assert looks_like_product(b'<meta property="og:type" content="product">')
    assert looks_like_product(b'<div itemscope itemtype="https://schema.org/Product">')
    assert not looks_like_product(b'{"@type":"ItemList","x":[{"@type":"Product"}]}')
    assert not looks_like_product(b'{"@type":"Product"}' * 12)
    assert not looks_like_product(b"<p>Product</p>")
