"""Every fault of the storefront's script, each on a shop of its own, in one event loop.

One capture of all of them; then each test looks at one shop's journal. No fault may reach another
shop, and none may be more than its own kind.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from flows.pipeline.capture.fetching.batch import SiteCapture
from flows.pipeline.capture.fetching.page_archive import PageArchive
from flows.pipeline.capture.fetching.visit import Visit
from flows.sample.storefront import Front, Misbehaviour, serve
from tests.flows.pipeline.capture.fetching.capturing import (
    CUSTOMER,
    capture,
    sites_of,
    store,
    visits,
)

PRODUCTS = 4
PASSING = ("busy", "busy_date", "busy_silent", "unavailable", "error", "reset", "reset_midway",
           "cut_short", "slow")  # fmt: skip
LASTING = {
    "bomb": "too_large",
    "huge_page": "too_large",
    "wrong_type": "content_type",
    "redirect_loop": "redirects",
    "hanging": "timeout",
}
OTHERS = ("redirect_private", "redirect_elsewhere", "forbidden", "wrong_charset", "trickle")
STRUCTURES = ("endless_pages", "robots_forbids", "robots_delays", "robots_error", "robots_hangs")


@dataclass(frozen=True)
class Captured:
    """A street after its capture: who did what wrong, and what came of it."""

    front: Front
    root: Path
    shops: dict[str, str]
    done: dict[str, SiteCapture]
    grown: int
    """KiB of memory that capturing took at its peak, beyond what the process had."""

    def visits(self, kind: str) -> list[Visit]:
        return visits(self.root, self.front.day, self.shops[kind], "page")

    def ended(self, kind: str) -> tuple[str, str]:
        capture = self.done[self.shops[kind]]
        assert capture.error is None
        assert capture.ended is not None
        return capture.ended.how, capture.ended.reason


def _memory(field: str) -> int:
    """Return a figure of this process's memory, in KiB."""
    status = Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith(field)).split()[1])


@pytest.fixture(scope="module")
def captured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Captured]:
    folder = tmp_path_factory.mktemp("faults")
    with serve(shops=130, seed=7, products=PRODUCTS) as front:
        by_lists = [
            shop
            for shop in front.shops
            if shop.way.startswith("sitemap") and shop.crawl_delay is None
        ]
        listed = iter([shop.name for shop in by_lists])
        kinds = [*PASSING, *LASTING, *OTHERS, *STRUCTURES[1:]]
        shops = {kind: next(listed) for kind in kinds}
        shops["endless_pages"] = next(
            shop.name
            for shop in front.shops
            if shop.way == "categories" and shop.crawl_delay is None
        )
        shops["healthy"] = next(listed)
        front.set_script(
            [
                Misbehaviour(name, kind, times=1 if kind in PASSING else None)  # type: ignore[arg-type]
                for kind, name in shops.items()
                if kind != "healthy"
            ]
        )
        sites = sites_of(front, folder / "sites")
        # The peak of a process that ran other tests is theirs: it is begun anew (proc(5)).
        Path("/proc/self/clear_refs").write_text("5")
        before = _memory("VmRSS")
        done = capture([sites[name] for name in shops.values()], folder / "store", front.day)
        yield Captured(front, folder / "store", shops, done, _memory("VmHWM") - before)


def test_a_healthy_shop_among_them_is_whole(captured: Captured) -> None:
    assert captured.ended("healthy") == ("complete", "")
    assert {visit.status for visit in captured.visits("healthy")} <= {200, 404}
    assert all(visit.problem is None for visit in captured.visits("healthy"))


@pytest.mark.parametrize("kind", PASSING)
def test_what_passes_when_asked_again_costs_nothing(captured: Captured, kind: str) -> None:
    assert captured.ended(kind)[0] == "complete"
    found = captured.visits(kind)
    assert len(found) >= PRODUCTS - 1
    assert [visit.problem for visit in found] == [None] * len(found)


@pytest.mark.parametrize("kind", ["busy", "busy_date"])
def test_retry_after_is_waited_out(captured: Captured, kind: str) -> None:
    asked = captured.front.log.of(captured.shops[kind])
    refusals = [request.instant for request in asked if request.status == 429]
    assert len(refusals) >= PRODUCTS
    # A date has whole seconds: what is left of the one at hand is not waited.
    least = 1.0 if kind == "busy" else 0.0
    for refusal in refusals:
        soon = [one for one in asked if refusal < one.instant < refusal + least]
        assert len(soon) <= 1, "only what was under way when the refusal came"


@pytest.mark.parametrize(("kind", "problem"), LASTING.items())
def test_what_lasts_is_named_and_ends(captured: Captured, kind: str, problem: str) -> None:
    problems = Counter(visit.problem for visit in captured.visits(kind))
    how, _ = captured.ended(kind)
    if problem == "timeout":  # it stops asking a site that is silent
        assert how == "gave_up"
        assert not set(problems) - {problem}
    else:
        assert how == "complete"
        assert set(problems) == {problem}


def test_bombs_and_huge_pages_take_no_memory(captured: Captured) -> None:
    # A bomb unpacked is 256 MiB, and there are pages of 40.
    assert captured.grown < 250 * 1024


def test_redirects_to_private_addresses_are_not_followed(captured: Captured) -> None:
    problems = {visit.problem for visit in captured.visits("redirect_private")}
    assert problems <= {"off_site", "bad_address", "private_address"}
    assert problems


def test_a_redirect_within_the_site_is_followed(captured: Captured) -> None:
    for visit in captured.visits("redirect_elsewhere"):
        assert visit.status == 200
        assert visit.final_url.endswith("/")
        assert visit.final_url != visit.url


def test_a_forbidden_page_says_so(captured: Captured) -> None:
    assert {visit.status for visit in captured.visits("forbidden")} == {403}


def test_bytes_are_kept_as_they_came(captured: Captured) -> None:
    archive = PageArchive(store(captured.root), CUSTOMER)
    for visit in captured.visits("wrong_charset"):
        assert visit.page is not None
        body = archive.get(visit.page)
        assert body is not None
        assert len(body) == visit.size


def test_a_trickle_is_over_at_the_total_limit(captured: Captured) -> None:
    how, _ = captured.ended("trickle")
    assert how in ("complete", "gave_up")
    assert captured.done[captured.shops["trickle"]].ended is not None


def test_an_endless_listing_is_bounded(captured: Captured) -> None:
    how, reason = captured.ended("endless_pages")
    assert how in ("complete", "bounded"), reason
    asked = captured.front.log.of(captured.shops["endless_pages"])
    assert len(asked) < 200


@pytest.mark.parametrize("kind", ["robots_forbids", "robots_error", "robots_hangs"])
def test_a_site_that_does_not_let_us_is_let_be(captured: Captured, kind: str) -> None:
    how, reason = captured.ended(kind)
    assert how == "closed"
    assert "robots.txt" in reason
    paths = {request.path for request in captured.front.log.of(captured.shops[kind])}
    assert paths == {"/robots.txt"}


def test_a_delay_of_robots_is_kept(captured: Captured) -> None:
    from flows.sample.storefront.lists import ROBOTS_DELAY

    asked = captured.front.log.of(captured.shops["robots_delays"])[1:]
    assert len(asked) >= PRODUCTS
    # Over all of them: a single one may be noted late by a busy server.
    assert asked[-1].instant - asked[0].instant >= (len(asked) - 1) * ROBOTS_DELAY


def test_no_host_saw_more_than_its_rate(captured: Captured) -> None:
    assert max(captured.front.log.most_within(1.0).values()) <= 20


def test_every_request_said_who_it_was(captured: Captured) -> None:
    assert {request.agent for request in captured.front.log} == {"DataWeaveCapture/1.0"}
