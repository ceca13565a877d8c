"""The frontier: nothing twice, nothing lost, and it stands where the visits say."""

import random

from hypothesis import given
from hypothesis import strategies as st

from flows.pipeline.capture.fetching.frontier import (
    LONGEST_CHAIN,
    MOST_BARREN,
    Bounds,
    Frontier,
)
from flows.pipeline.capture.fetching.visit import Found, Visit, read_visit

PLACES = 40
SITES = st.dictionaries(
    st.integers(0, PLACES - 1), st.lists(st.integers(0, PLACES - 1), max_size=5), max_size=PLACES
)
"""A site: place → the places that it links to."""


def _url(place: int) -> str:
    return f"https://shop.example/{place}"


def _visit(frontier: Frontier, found: Found, site: dict[int, list[int]]) -> Visit:
    place = int(found.url.rsplit("/", 1)[1])
    links = [Found(_url(other), "page") for other in site.get(place, [])]
    return Visit(found.url, found.kind, 200, found=frontier.add(links))


def _crawl(frontier: Frontier, site: dict[int, list[int]], visits: list[Visit]) -> None:
    while (found := frontier.take()) is not None:
        visit = _visit(frontier, found, site)
        visits.append(visit)
        frontier.record(visit)


def _reachable(site: dict[int, list[int]]) -> set[str]:
    seen, waiting = {0}, [0]
    while waiting:
        for other in site.get(waiting.pop(), []):
            if other not in seen:
                seen.add(other)
                waiting.append(other)
    return {_url(place) for place in seen}


@given(SITES, st.integers(0, PLACES), st.integers(1, 5), st.randoms(use_true_random=False))
def test_a_crawl_that_is_killed_anywhere_visits_everything_once(
    site: dict[int, list[int]], after: int, hands: int, draw: random.Random
) -> None:
    seeds = [Found(_url(0), "listing")]
    first, journal = Frontier(), []
    first.add(seeds)
    lost: list[Found] = []
    for _ in range(after):
        under_way = [found for _ in range(hands) if (found := first.take()) is not None]
        draw.shuffle(under_way)
        # Of those under way some come back, the others are lost with the worker.
        for found in under_way[: max(1, len(under_way) - 1)]:
            visit = _visit(first, found, site)
            journal.append(visit)
            first.record(visit)
        lost = under_way[max(1, len(under_way) - 1) :]
        if lost:
            break
    draw.shuffle(journal)
    second = Frontier()
    second.add(seeds)
    second.replay([read for visit in journal if (read := read_visit(visit.line())) is not None])
    before = {visit.url for visit in journal}
    again: list[Visit] = []
    _crawl(second, site, again)
    after_kill = [visit.url for visit in again]
    assert len(after_kill) == len(set(after_kill))
    assert not before & set(after_kill)
    assert before | set(after_kill) == _reachable(site)
    assert {found.url for found in lost} <= set(after_kill)
    assert second.is_done()


@given(SITES, st.integers(1, 20))
def test_the_bound_of_pages_is_kept_and_said(site: dict[int, list[int]], most: int) -> None:
    frontier, visits = Frontier(Bounds(most)), []
    frontier.add([Found(_url(0), "listing")])
    _crawl(frontier, site, visits)
    reachable = len(_reachable(site))
    assert len(visits) == min(most, reachable)
    assert frontier.bounded == (reachable > most)


def test_a_listing_that_never_ends_ends() -> None:
    frontier = Frontier()
    assert not frontier.add([Found("https://a.example/?page=900", "listing", 0, LONGEST_CHAIN + 1)])
    assert frontier.bounded
    tired = Found("https://a.example/?page=4", "listing", 0, 4, MOST_BARREN)
    assert not frontier.add([tired])


def test_passing_problems_are_tried_again_by_a_later_run_only() -> None:
    failed = Visit("https://a.example/1", "page", problem="timeout")
    wrong = Visit("https://a.example/2", "page", problem="too_large")
    seeds = [Found(visit.url, "page") for visit in (failed, wrong)]
    same, later = Frontier(), Frontier()
    for frontier, again in ((same, False), (later, True)):
        frontier.add(seeds)
        frontier.replay([failed, wrong], again=again)
    assert same.take() is None
    assert later.take() == seeds[0]
    assert later.take() is None


def test_what_is_given_back_comes_after_the_others() -> None:
    frontier = Frontier()
    frontier.add([Found("https://a.example/1", "page"), Found("https://a.example/2", "page")])
    first = frontier.take()
    assert first is not None
    frontier.give_back(first)
    second = frontier.take()
    assert second is not None
    assert second.url.endswith("/2")
    assert frontier.take() == first


@given(st.binary(max_size=300))
def test_lines_that_were_cut_short_are_no_visits(tail: bytes) -> None:
    line = Visit(
        "https://a.example/1", "page", 200, found=(Found("https://a.example/2", "page"),)
    ).line()
    assert read_visit(line) is not None
    for end in range(0, len(line) - 2, 7):
        assert read_visit(line[:end]) is None
    read_visit(tail)
