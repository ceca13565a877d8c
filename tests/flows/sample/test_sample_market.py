"""Assortments, prices and their changes in the fictitious market."""

import math
from datetime import date, timedelta
from itertools import pairwise
from statistics import fmean

import pytest

from flows.sample.market import COMPETITORS, OWN, SELLERS, simulate
from flows.sample.products import check_digit

DAYS = [date(2026, 8, 12) + timedelta(days=day) for day in range(4)]
NAMES = [seller.name for seller in SELLERS]
COMPETITOR_NAMES = [seller.name for seller in COMPETITORS]


@pytest.fixture(scope="module")
def market():
    return simulate(7, DAYS, 3000)


def gtins(market, seller, day=DAYS[-1]):
    return {line.product.gtin for line in market[seller, day] if line.product.gtin}


def test_the_customer_has_the_number_of_products_asked_for(market):
    assert all(len(market[OWN.name, day]) == 3000 for day in DAYS)


@pytest.mark.parametrize("seller", COMPETITOR_NAMES)
def test_assortments_are_of_the_promised_size_and_overlap(market, seller):
    own, theirs = gtins(market, OWN.name), gtins(market, seller)
    assert 1400 <= len(theirs) <= 3500
    assert 0.29 <= len(own & theirs) / len(own) <= 0.61
    assert 0.29 <= len(own & theirs) / len(theirs) <= 0.61


@pytest.mark.parametrize("seller", COMPETITORS, ids=COMPETITOR_NAMES)
def test_price_levels_show_in_the_ratio_of_shared_products(market, seller):
    own = {line.code: line.agorot for line in market[OWN.name, DAYS[0]]}
    ratios = [
        math.log(line.agorot / own[line.product.gtin])
        for line in market[seller.name, DAYS[0]]
        if line.product.gtin in own
    ]
    # The mean of the logs: the median of ratios sticks at 1, where shelf endings make ties.
    assert math.exp(fmean(ratios)) == pytest.approx(seller.level / OWN.level, abs=0.02)


def test_some_prices_tie_and_some_differ_both_ways(market):
    own = {line.code: line.agorot for line in market[OWN.name, DAYS[0]]}
    gaps = [
        own[line.code] - line.agorot for line in market["Green Basket", DAYS[0]] if line.code in own
    ]
    for share in (gaps.count(0), sum(gap > 0 for gap in gaps), sum(gap < 0 for gap in gaps)):
        assert share / len(gaps) > 0.1


@pytest.mark.parametrize("seller", NAMES)
def test_one_to_three_per_cent_of_prices_change_a_day_and_say_when(market, seller):
    for before, day in pairwise(DAYS):
        pairs = list(zip(market[seller, before], market[seller, day], strict=True))
        assert all(old.code == new.code for old, new in pairs)
        changed = [(old, new) for old, new in pairs if old.agorot != new.agorot]
        assert 0.0099 <= len(changed) / len(pairs) <= 0.0301
        assert all(new.updated.date() == day for _, new in changed)
        assert all(old.updated == new.updated for old, new in pairs if old.agorot == new.agorot)


def test_prices_are_positive_and_mostly_end_in_ninety(market):
    prices = [line.agorot for lines in market.values() for line in lines]
    assert min(prices) > 0
    assert sum(price % 100 == 90 for price in prices) / len(prices) > 0.8


@pytest.mark.parametrize("seller", NAMES)
def test_codes_are_unique_and_a_few_have_a_bad_check_digit(market, seller):
    lines = market[seller, DAYS[0]]
    assert len({line.code for line in lines}) == len(lines)
    bad = [line for line in lines if line.product.gtin and line.code != line.product.gtin]
    assert 0 < len(bad) / len(lines) < 0.02
    assert all(line.code[-1] != check_digit(line.code[:-1]) for line in bad)


def test_produce_has_codes_of_the_seller_s_own(market):
    def codes(seller):
        return {
            line.product.name[0]: line.code
            for line in market[seller, DAYS[0]]
            if line.product.weighable
        }

    own, long, short = codes(OWN.name), codes("Green Basket"), codes("שוק טוב")
    assert all(code.startswith("20") and len(code) == 13 for code in [*own.values()])
    assert all(4 <= len(code) <= 6 for code in short.values())
    assert all(own[name] != code for name, code in long.items())


def test_a_longer_history_begins_with_the_shorter_one():
    long, short = simulate(7, DAYS, 200), simulate(7, DAYS[:2], 200)
    assert all(long[key] == lines for key, lines in short.items())
