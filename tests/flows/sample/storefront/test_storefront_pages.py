"""What the shops' pages say, and that it is what they say is true."""

from collections import defaultdict
from datetime import date, timedelta

import httpx
import pytest

from flows.pipeline.capture import extract_product, load_sites, read_feed
from flows.sample.market import OWN, simulate
from flows.sample.storefront import CONTENTS, FIRST_DAY, Misbehaviour, serve, standard_script
from flows.sample.storefront.answer import Street
from flows.sample.storefront.reply import Asked
from flows.sample.storefront.shops import open_shops

BASE = "http://shop.test"


def street(shops=13, products=12, script=(), day=FIRST_DAY, seed=7):
    every = open_shops(seed, shops, products)
    return Street(every, {shop.name: BASE for shop in every}, day, script)


def bodies(one):
    return [
        one.answer(shop, Asked(article.path)).body
        for shop in one.shops.values()
        for article in shop.articles
    ]


def test_the_same_seed_and_day_give_the_same_bytes_and_others_other_ones():
    first = bodies(street())
    assert bodies(street()) == first
    assert bodies(street(seed=8)) != first
    assert bodies(street(day=FIRST_DAY + timedelta(days=30))) != first


def test_a_day_does_not_depend_on_days_that_were_asked_for_before():
    later = FIRST_DAY + timedelta(days=100)
    moved = street()
    bodies(moved)
    moved.day = later
    assert bodies(moved) == bodies(street(day=later))


def test_130_shops_differ_in_all_that_matters():
    shops = open_shops(7, 130, 5)
    assert len({shop.name for shop in shops}) == 130
    assert len({shop.markup for shop in shops}) == 10
    assert len({shop.way for shop in shops}) == 8
    assert {"EUR", "ILS", "JPY", "KWD"} <= {shop.locale.currency for shop in shops}
    assert {"windows-1252", "windows-1255", "utf-8"} <= {shop.charset for shop in shops}
    undeclared = {shop.charset for shop in shops if shop.declared == "nowhere"}
    assert {"windows-1252", "windows-1255"} <= undeclared


def test_a_customer_of_the_sample_finds_its_articles_in_the_shops():
    own = {line.product.gtin for line in simulate(7, [FIRST_DAY], 3000)[OWN.name, FIRST_DAY]}
    shops = open_shops(7, 130, 40)
    for shop in shops:
        shared = [article for article in shop.articles if article.product.gtin in own]
        assert len(shared) == 28
    assert sum(shop.locale.currency == "ILS" for shop in shops) >= 30


def test_prices_have_the_decimals_of_their_currency():
    one = street(130, 5)
    decimals = {"JPY": 0, "HUF": 0, "KWD": 3}
    for shop in one.shops.values():
        for article in shop.articles:
            now = one.standing(shop, article, FIRST_DAY)
            assert now.price > 0
            assert -now.price.as_tuple().exponent == decimals.get(now.locale.currency, 2)
            assert now.regular is None or now.regular > now.price


def test_last_modified_is_the_day_on_which_something_changed():
    shop = open_shops(7, 1, 30)[0]
    for article in shop.articles:
        for back in range(30):
            day = FIRST_DAY - timedelta(days=back)
            now = shop.standing(article, day)
            for earlier in (now.changed, now.changed + (day - now.changed) / 2):
                assert shop.standing(article, earlier) == now


@pytest.fixture(scope="module")
def captured(tmp_path_factory):
    """Every shop's product pages and feeds, read by the extraction, beside the truth."""
    folder = tmp_path_factory.mktemp("sites")
    with serve(shops=130, products=5) as front, httpx.Client(trust_env=False) as client:
        front.site_files(folder)
        sites = {site.name: site for site in load_sites(folder)}
        wanted = defaultdict(list)
        for row in front.truth().iter_rows(named=True):
            wanted[row["shop"]].append(row)
        pairs = []
        for shop in front.shops:
            site, fed = sites[shop.name], {}
            if shop.is_feed:
                answer = client.get(site.feed.url)
                read = read_feed(answer.content, site.feed, site, answer.headers["content-type"])
                assert not read.faults
                fed = {product.url: product for product in read.products}
                assert set(fed) == {row["url"] for row in wanted[shop.name]}
            for row in wanted[shop.name]:
                answer = client.get(row["url"])
                assert answer.status_code == 200
                kind = answer.headers["content-type"]
                page = extract_product(answer.content, row["url"], kind, site)
                pairs.append((shop, fed.get(row["url"], page), row))
    return pairs


@pytest.mark.parametrize(
    "field", ["price", "regular_price", "currency", "availability", "gtin", "sku", "name", "brand"]
)
def test_nothing_that_is_extracted_contradicts_the_truth(captured, field):
    wrong, missing = [], 0
    for shop, product, row in captured:
        value = getattr(product, field)
        value = None if value == "unknown" else value
        if value is None and row[field] is not None:
            missing += 1
        elif value != row[field]:
            wrong.append((shop.name, shop.markup, value, row[field]))
    assert not wrong
    assert missing <= 0.08 * len(captured)


@pytest.mark.parametrize("kind", CONTENTS)
def test_each_fault_of_content_shows_on_its_days_and_only_on_them(kind):
    first, last = FIRST_DAY + timedelta(days=40), FIRST_DAY + timedelta(days=60)
    name = next(shop.name for shop in open_shops(7, 13, 12) if shop.markup == "json_ld")
    sound, spoilt = street(), street(script=[Misbehaviour(name, kind, first, last)])
    different = {}
    for day in (FIRST_DAY, first - timedelta(days=1), first, last, last + timedelta(days=1)):
        sound.day = spoilt.day = day
        shop = sound.shops[name]
        targets = [article.path for article in shop.articles]
        targets += ["/sitemap.xml", "/c/snacks"]
        answers = [(sound.answer(shop, Asked(t)), spoilt.answer(shop, Asked(t))) for t in targets]
        different[day] = any(a.body != b.body or a.headers != b.headers for a, b in answers)
    assert different.pop(last)
    # What is frozen says on the first day what is true.
    assert different.pop(first) == (kind != "frozen")
    assert not any(different.values())


def test_the_standard_script_has_every_kind_once_and_leaves_most_shops_alone():
    names = [shop.name for shop in open_shops(7, 130, 1)]
    script = standard_script(names, date(2026, 8, 15))
    assert len({one.kind for one in script}) == len(script) >= 34
    assert len({one.shop for one in script}) == len(script)
