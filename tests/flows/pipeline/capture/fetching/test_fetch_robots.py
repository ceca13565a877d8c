"""robots.txt as RFC 9309 reads it: rules, nothing, or nobody knows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.pipeline.capture.fetching.robots import LONGEST_DELAY, MOST_BYTES, read_robots

AGENT = "DataWeaveCapture"
RULES = b"""
User-agent: *
Disallow: /private
Crawl-delay: 2

User-agent: DataWeaveCapture
Disallow: /basket
Allow: /basket/help
Crawl-delay: 5
"""


def test_the_group_that_names_us_counts_and_no_other() -> None:
    robots = read_robots(200, RULES)
    assert robots.allows("https://shop.example/private", AGENT)
    assert not robots.allows("https://shop.example/basket/1", AGENT)
    assert robots.allows("https://shop.example/basket/help", AGENT)
    assert robots.delay(AGENT) == 5.0


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_no_robots_is_no_rule(status: int) -> None:
    assert read_robots(status, b"").allows("https://shop.example/x", AGENT)


@pytest.mark.parametrize("status", [0, 429, 500, 502, 503, 301])
def test_robots_that_cannot_be_had_forbid_everything(status: int) -> None:
    assert not read_robots(status, RULES).allows("https://shop.example/x", AGENT)


def test_a_request_rate_is_a_delay_and_a_senseless_delay_is_bounded() -> None:
    assert read_robots(200, b"User-agent: *\nRequest-rate: 1/30\n").delay(AGENT) == 30.0
    silly = read_robots(200, b"User-agent: *\nCrawl-delay: 1000000\n")
    assert silly.delay(AGENT) == LONGEST_DELAY
    assert read_robots(200, b"User-agent: *\nCrawl-delay: -3\n").delay(AGENT) is None


def test_what_is_beyond_the_limit_is_not_read() -> None:
    padding = b"# filler\n" * (MOST_BYTES // 9 + 1)
    body = b"User-agent: *\nDisallow: /early\n" + padding + b"Disallow: /late\n"
    robots = read_robots(200, body)
    assert not robots.allows("https://shop.example/early", AGENT)
    assert robots.allows("https://shop.example/late", AGENT)


@given(st.binary(max_size=2000))
def test_any_bytes_are_read(body: bytes) -> None:
    robots = read_robots(200, body)
    robots.allows("https://shop.example/some/page?x=1", AGENT)
    delay = robots.delay(AGENT)
    assert delay is None or 0 <= delay <= LONGEST_DELAY


@given(st.lists(st.from_regex(r"/[a-z]{1,8}", fullmatch=True), min_size=1, unique=True))
def test_every_forbidden_path_is_forbidden(paths: list[str]) -> None:
    text = "User-agent: *\n" + "".join(f"Disallow: {path}\n" for path in paths)
    robots = read_robots(200, text.encode())
    assert not any(robots.allows(f"https://shop.example{path}/x", AGENT) for path in paths)
