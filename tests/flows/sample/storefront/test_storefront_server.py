"""The shops over HTTP: what they do on purpose, and what they note."""

import gzip
import io
import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin

import httpx
import pytest

from flows.sample.storefront import FIRST_DAY, Misbehaviour, serve
from flows.sample.storefront.shops import open_shops


@pytest.fixture(scope="module")
def front():
    with serve(shops=26, products=12) as opened:
        yield opened


@pytest.fixture(autouse=True)
def in_order(front):
    front.set_script(())
    front.set_day(FIRST_DAY)
    front.log.clear()


@pytest.fixture
def client():
    with httpx.Client(trust_env=False, timeout=1.5) as one:
        yield one


def a_shop(front, wanted=lambda shop: True):
    return next(shop for shop in front.shops if wanted(shop))


def page_of(front, shop, number=0):
    rows = front.truth().filter(shop=shop.name)
    return rows["url"][number]


def answers(front, client, kind, count=3, **options):
    shop = a_shop(front, lambda shop: not shop.is_feed)
    front.misbehave(shop.name, kind, **options)
    url = page_of(front, shop)
    found = []
    for _ in range(count):
        try:
            found.append(client.get(url))
        except httpx.HTTPError as error:
            found.append(error)
    return found


@pytest.mark.parametrize(
    ("kind", "statuses"),
    [
        ("busy", [429, 200, 200]),
        ("unavailable", [503, 503, 200]),
        ("error", [500, 200, 200]),
        ("forbidden", [403, 200, 200]),
        ("block_page", [200, 200, 200]),
        ("soft_404", [200, 200, 200]),
        ("redirect_elsewhere", [302, 302, 302]),
    ],
)
def test_statuses_come_as_often_as_the_kind_says(front, client, kind, statuses):
    assert [one.status_code for one in answers(front, client, kind)] == statuses
    assert [one.status for one in front.log] == statuses


def test_busy_says_when_to_come_back_in_seconds_as_a_date_or_not(front, client):
    assert answers(front, client, "busy")[0].headers["retry-after"] == "1"
    front.set_script(())
    front.set_day(FIRST_DAY + timedelta(days=1))
    then = parsedate_to_datetime(answers(front, client, "busy_date")[0].headers["retry-after"])
    assert abs(then - datetime.now(UTC)) < timedelta(seconds=60)
    front.set_script(())
    front.set_day(FIRST_DAY + timedelta(days=2))
    assert "retry-after" not in answers(front, client, "busy_silent")[0].headers


def test_a_shop_with_a_limit_refuses_what_is_beyond_it(front, client):
    shop = a_shop(front)
    front.set_script([Misbehaviour(shop.name, "busy", limit=5)])
    statuses = [client.get(front.urls[shop.name]).status_code for _ in range(8)]
    assert statuses == [200] * 5 + [429] * 3


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("hanging", httpx.ReadTimeout),
        ("reset", httpx.ReadError),
        ("reset_midway", httpx.TransportError),
        ("cut_short", httpx.RemoteProtocolError),
    ],
)
def test_broken_connections_break_and_the_shop_lives_on(front, client, kind, error):
    first, *rest = answers(front, client, kind, count=1 if kind == "hanging" else 2)
    assert isinstance(first, error)
    assert all(one.status_code == 200 for one in rest)
    assert front.log[0].status == (200 if kind in ("cut_short", "reset_midway") else 0)


def test_a_trickle_comes_in_pieces(front):
    shop = a_shop(front, lambda shop: not shop.is_feed)
    front.misbehave(shop.name, "trickle")
    with (
        httpx.Client(trust_env=False, timeout=3) as client,
        client.stream(
            "GET", page_of(front, shop), headers={"Accept-Encoding": "identity"}
        ) as answer,
    ):
        assert len(next(answer.iter_raw())) < 100
        assert int(answer.headers["content-length"]) > 5_000


def test_redirects_lead_to_private_addresses_and_in_circles(front, client):
    for one in answers(front, client, "redirect_loop"):
        assert one.status_code == 302
        second = client.get(urljoin(str(one.url), one.headers["location"]))
        assert second.status_code == 302
    front.set_script(())
    shop = a_shop(front, lambda shop: not shop.is_feed)
    front.misbehave(shop.name, "redirect_private")
    targets = {
        client.get(url).headers["location"] for url in front.truth().filter(shop=shop.name)["url"]
    }
    assert {"http://169.254.169.254/latest/meta-data/", "file:///etc/passwd"} <= targets


def test_a_bomb_is_small_and_a_huge_page_is_not(front):
    shop = a_shop(front, lambda shop: not shop.is_feed)
    front.misbehave(shop.name, "bomb")
    with (
        httpx.Client(trust_env=False) as client,
        client.stream("GET", page_of(front, shop)) as answer,
    ):
        raw = b"".join(answer.iter_raw())
    assert len(raw) < 1 << 20
    with gzip.GzipFile(fileobj=io.BytesIO(raw)) as packed:
        size = 0
        while piece := packed.read(1 << 22):
            size += len(piece)
    assert size == 256 << 20
    front.set_script(())
    front.misbehave(shop.name, "huge_page")
    with (
        httpx.Client(trust_env=False) as client,
        client.stream("GET", page_of(front, shop)) as answer,
    ):
        assert int(answer.headers["content-length"]) > 39 << 20


def test_wrong_type_and_wrong_charset_are_said(front, client):
    assert answers(front, client, "wrong_type")[0].headers["content-type"] == "image/png"
    front.set_script(())
    for charset, wrong in (("utf-8", "windows-1252"), ("windows-1255", "utf-8")):
        shop = next(one for one in front.shops if not one.is_feed and one.charset == charset)
        front.misbehave(shop.name, "wrong_charset")
        said = client.get(page_of(front, shop)).headers["content-type"]
        assert said == f"text/html; charset={wrong}"


@pytest.mark.parametrize(
    ("kind", "holds"),
    [
        ("robots_forbids", lambda one: "Disallow: /\n" in one.text),
        ("robots_delays", lambda one: "Crawl-delay: 2" in one.text),
        ("robots_error", lambda one: one.status_code == 503),
    ],
)
def test_robots(front, client, kind, holds):
    shop = a_shop(front)
    address = f"{front.urls[shop.name]}/robots.txt"
    assert not holds(client.get(address))
    front.misbehave(shop.name, kind)
    assert holds(client.get(address))


def test_a_page_that_did_not_change_is_not_sent_again(front, client):
    shop = a_shop(front, lambda shop: shop.conditional and not shop.is_feed)
    url = page_of(front, shop)
    first = client.get(url)
    tag, moment = first.headers["etag"], first.headers["last-modified"]
    assert client.get(url, headers={"If-None-Match": tag}).status_code == 304
    assert client.get(url, headers={"If-Modified-Since": moment}).status_code == 304
    front.set_day(FIRST_DAY + timedelta(days=70))
    assert client.get(url, headers={"If-None-Match": tag}).status_code == 200
    assert client.get(url, headers={"If-Modified-Since": moment}).status_code == 200


@pytest.mark.parametrize("way", ["sitemap", "sitemap_index", "sitemap_gz", "categories"])
def test_every_product_is_found_by_the_shops_way(front, client, way):
    shop = a_shop(front, lambda shop: shop.way == way)
    base, truth = front.urls[shop.name], set(front.truth().filter(shop=shop.name)["url"])
    found: set[str] = set()
    waiting = {
        "sitemap": ["/sitemap.xml"],
        "sitemap_index": ["/sitemap_index.xml"],
        "sitemap_gz": ["/sitemap.xml.gz"],
        "categories": ["/"],
    }[way]
    waiting = [base + path for path in waiting]
    seen = set()
    while waiting:
        address = waiting.pop()
        if address in seen:
            continue
        seen.add(address)
        body = client.get(address).content
        text = (gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body).decode("latin-1")
        pairs = re.findall(r'<loc>(.*?)</loc>|href="(.*?)"', text)
        links = [urljoin(address, location or link) for location, link in pairs]
        found |= truth & set(links)
        waiting += [link for link in links if "sitemaps/" in link or "/c/" in link]
    assert found == truth


def test_pages_of_a_list_end_unless_they_are_endless(front, client):
    shop = a_shop(front, lambda shop: shop.way == "categories")
    far = f"{front.urls[shop.name]}/c/snacks?page=5000"
    assert client.get(far).status_code == 404
    front.misbehave(shop.name, "endless_pages")
    answer = client.get(far)
    assert answer.status_code == 200 and "page=5001" in answer.text


def test_the_log_has_every_request_and_counts_the_busiest_span(front, client):
    shop = a_shop(front)
    for _ in range(5):
        client.get(front.urls[shop.name], headers={"User-Agent": "tester/1"})
    assert [(one.shop, one.path, one.status, one.agent) for one in front.log] == [
        (shop.name, "/", 200, "tester/1")
    ] * 5
    assert f"http://{front.log[0].host}" == front.urls[shop.name]
    instants = [one.instant for one in front.log]
    assert instants == sorted(instants)
    assert front.log.most_within(3600) == {shop.name: 5}
    assert front.log.most_within(0) == {shop.name: 1}


def test_apart_the_shops_are_the_same_and_can_be_steered():
    with (
        serve(shops=3, products=4, own_process=True) as front,
        httpx.Client(trust_env=False) as client,
    ):
        url = front.truth()["url"][0]
        first = client.get(url)
        assert first.status_code == 200 and len(front.log) == 1
        front.misbehave(front.shops[0].name, "unavailable", times=5)
        assert client.get(url).status_code == 503
        front.set_script(())
        front.set_day(FIRST_DAY + timedelta(days=90))
        assert client.get(url).content != first.content
        assert [one.status for one in front.log][:2] == [200, 503]
        front.log.clear()
        assert len(front.log) == 0


def test_what_cannot_be_opened_is_said():
    with pytest.raises(ValueError, match="1 to 130 shops, not 131"):
        open_shops(7, 131, 5)
    with pytest.raises(ValueError, match="products, not 0"):
        open_shops(7, 1, 0)
    with serve(shops=1, products=1) as front:
        with pytest.raises(ValueError, match="no shop is called 'nobody'"):
            front.misbehave("nobody", "slow")
        port = int(front.url.rpartition(":")[2])
        with pytest.raises(OSError, match=f"port {port} is taken"), serve(shops=1, port=port):
            pass
