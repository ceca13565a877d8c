"""Sitemaps: lists and lists of lists, gzip and text, and none of XML's traps."""

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.pipeline.capture.fetching.sitemap import MOST_ADDRESSES, read_sitemap

PAGES = b"""<?xml version="1.0" encoding="UTF-8"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"
        xmlns:image="http://www.google.com/schemas/sitemap-image/1.1">
  <url><loc> https://shop.example/p/1?a=1&amp;b=2 </loc><lastmod>2026-01-01</lastmod>
    <image:image><image:loc>https://shop.example/1.jpg</image:loc></image:image></url>
  <url><loc><![CDATA[https://shop.example/p/2]]></loc></url>
</urlset>"""
INDEX = b"""<sitemapindex><sitemap><loc>https://shop.example/a.xml.gz</loc></sitemap>
</sitemapindex>"""


@pytest.mark.parametrize("body", [PAGES, gzip.compress(PAGES), b"\xef\xbb\xbf" + PAGES])
def test_pages_are_read_and_images_are_none(body: bytes) -> None:
    found = read_sitemap(body)
    assert found.pages == ["https://shop.example/p/1?a=1&b=2", "https://shop.example/p/2"]
    assert found.problem is None


def test_an_index_lists_sitemaps() -> None:
    found = read_sitemap(INDEX)
    assert found.sitemaps == ["https://shop.example/a.xml.gz"]
    assert found.pages == []


def test_text_lists_an_address_on_each_line() -> None:
    found = read_sitemap(b"https://shop.example/1\r\nhttps://shop.example/2\nno address\n")
    assert found.pages == ["https://shop.example/1", "https://shop.example/2"]


@pytest.mark.parametrize(
    "body",
    [
        b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><urlset><url><loc>&e;</loc></url>'
        b"</urlset>",
        b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><urlset><url><loc>&b;</loc></url>'
        b"</urlset>",
        b"<!-- " + b"x" * 50_000 + b' --><!DOCTYPE x [<!ENTITY e "v">]><urlset/>',
    ],
)
def test_document_types_are_refused(body: bytes) -> None:
    found = read_sitemap(body)
    assert found.pages == []
    assert found.problem is not None
    assert "document type" in found.problem


def test_what_breaks_off_gives_what_stood_before() -> None:
    found = read_sitemap(PAGES[: PAGES.index(b"p/2")])
    assert found.pages == ["https://shop.example/p/1?a=1&b=2"]
    assert found.problem is not None


def test_a_bomb_and_an_endless_list_are_bounded() -> None:
    bomb = read_sitemap(gzip.compress(b"<urlset>" + b" " * 60_000_000))
    assert bomb.problem is not None
    entry = b"<url><loc>https://shop.example/x</loc></url>"
    long = read_sitemap(b"<urlset>" + entry * (MOST_ADDRESSES + 5) + b"</urlset>")
    assert len(long.pages) == MOST_ADDRESSES


@given(st.binary(max_size=500))
def test_any_bytes_are_read(body: bytes) -> None:
    read_sitemap(body)
    read_sitemap(b"<urlset>" + body)
