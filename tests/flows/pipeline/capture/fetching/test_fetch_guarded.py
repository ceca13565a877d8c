"""What a site list may not make us do: private addresses, other hosts, secrets given away."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from pydantic import SecretStr

from flows.pipeline.capture.fetching.visit import Visit
from flows.pipeline.capture.settings import CaptureSettings
from flows.pipeline.capture.site import Site
from tests.flows.pipeline.capture.fetching.capturing import LOOPBACK, capture, visits
from tests.flows.pipeline.capture.fetching.small_servers import (
    NOTHING,
    Reply,
    answering,
    page,
    self_signed,
)

DAY = date(2026, 8, 15)
SECRET = "tok-5e0c1d9a7b"


def _site(*pages: str, **fields: object) -> Site:
    return Site.model_validate(
        {"name": "shop", "product_list": pages, "rate": 20, "allow_private": True, **fields}
    )


def _visits(site: Site, root: Path, settings: CaptureSettings = LOOPBACK) -> dict[str, Visit]:
    capture([site], root, DAY, settings)
    return {visit.url: visit for visit in visits(root, DAY, site.name, "page")}


def _everything(root: Path) -> bytes:
    return b"".join(path.read_bytes() for path in root.rglob("*") if path.is_file())


@pytest.mark.parametrize("allow", [True, False])
def test_loopback_needs_both_the_site_and_the_operator(tmp_path: Path, allow: bool) -> None:
    with answering(lambda path: page("hello")) as server:
        site = _site(f"{server.url}/1", allow_private=allow)
        neither = LOOPBACK.model_copy(update={"private_networks": ()})
        for place, settings in (("a", neither), ("b", LOOPBACK)):
            found = _visits(site, tmp_path / place, settings)
            reached = allow and settings is LOOPBACK
            assert [visit.status for visit in found.values()] == ([200] if reached else [0])
            assert bool(server.asked) == reached


@pytest.mark.parametrize(
    "host", ["localhost", "127.1", "0x7f.1", "2130706433", "[::ffff:127.0.0.1]"]
)
def test_an_address_is_checked_as_it_resolves(tmp_path: Path, host: str) -> None:
    with answering(lambda path: page("secret")) as server:
        site = _site(f"http://{host}:{server.port}/1", allow_private=False)
        found = _visits(site, tmp_path)
        assert all(visit.status == 0 for visit in found.values())
        assert server.asked == []


def test_a_name_that_leads_to_a_private_address_is_not_connected_to(tmp_path: Path) -> None:
    with answering(lambda path: page("secret")) as server:
        # As if DNS had said so: the target of a reroute is checked like any other.
        settings = CaptureSettings(reroute={"shop.example": f"127.0.0.1:{server.port}"})
        found = _visits(_site("http://shop.example/1"), tmp_path, settings)
        (visit,) = found.values()
        assert visit.problem == "unreachable"
        assert "not a public address" in visit.detail
        assert server.asked == []


def test_a_redirect_leaves_the_site_only_to_its_own_hosts(tmp_path: Path) -> None:
    with answering(lambda path: page("other")) as other:

        def reply(path: str) -> Reply:
            if path == "/robots.txt":
                return NOTHING
            return 302, {"Location": f"{other.url}{path}"}, b""

        with answering(reply) as server:
            away = _visits(_site(f"{server.url}/1"), tmp_path / "a")
            own = _site(f"{server.url}/1", hosts=(f"127.0.0.1:{other.port}",))
            home = _visits(own, tmp_path / "b")
    assert [visit.problem for visit in away.values()] == ["off_site"]
    assert [visit.status for visit in home.values()] == [200]
    assert other.paths[0] == "/robots.txt", "a redirect obeys the other host's robots.txt"
    assert other.paths[-1] == "/1"


def test_a_redirect_into_what_robots_forbids_is_not_followed(tmp_path: Path) -> None:
    def reply(path: str) -> Reply:
        if path == "/robots.txt":
            return 200, {"Content-Type": "text/plain"}, b"User-agent: *\nDisallow: /hidden\n"
        return 302, {"Location": "/hidden/page"}, b""

    with answering(reply) as server:
        (visit,) = _visits(_site(f"{server.url}/1"), tmp_path).values()
        assert visit.problem == "robots"
        assert "/hidden/page" not in server.paths


def test_a_token_goes_to_the_site_and_nowhere_else_and_is_written_nowhere(tmp_path: Path) -> None:
    settings = LOOPBACK.model_copy(update={"tokens": {"shop": SecretStr(SECRET)}})
    with answering(lambda path: page("x")) as other:

        def reply(path: str) -> Reply:
            if path == "/away":
                return 302, {"Location": f"{other.url}/"}, b""
            return NOTHING if path == "/robots.txt" else page(path)

        with answering(reply) as server:
            site = _site(f"{server.url}/1", f"{server.url}/away", token="shop")
            _visits(site, tmp_path, settings)
            sent = [headers.get("Authorization") for _, headers in server.asked]
            assert set(sent) == {f"Bearer {SECRET}"}
            assert other.asked == []
    assert SECRET.encode() not in _everything(tmp_path)
    assert SECRET not in repr(settings)


def test_a_missing_secret_is_told_with_its_name(tmp_path: Path) -> None:
    done = capture([_site("http://127.0.0.1:9/1", proxy="dc1")], tmp_path, DAY)
    assert "DATAWEAVE_CAPTURE_PROXIES" in str(done["shop"].error)


def test_a_site_is_fetched_through_its_proxy(tmp_path: Path) -> None:
    def reply(path: str) -> Reply:
        return NOTHING if path.endswith("/robots.txt") else page("through")

    with answering(reply) as proxy:
        address = f"http://buyer:{SECRET}@127.0.0.1:{proxy.port}"
        settings = CaptureSettings(proxies={"dc1": SecretStr(address)})
        pages = ("http://shop.example/1", "http://shop.example/2")
        found = _visits(_site(*pages, proxy="dc1", allow_private=False), tmp_path / "a", settings)
        assert [visit.status for visit in found.values()] == [200, 200]
        assert set(pages) <= set(proxy.paths), "whole addresses: it is asked as a proxy"
        assert all("Proxy-Authorization" in headers for _, headers in proxy.asked)
        before = len(proxy.asked)
        private = ("http://169.254.169.254/latest", "http://db.internal/", "http://localhost/")
        hidden = _visits(_site(*private, proxy="dc1"), tmp_path / "b", settings)
        assert all(visit.status == 0 for visit in hidden.values())
        assert len(proxy.asked) == before
    assert SECRET.encode() not in _everything(tmp_path)


def test_a_proxy_that_is_down_gives_nothing_away(tmp_path: Path) -> None:
    settings = CaptureSettings(
        proxies={"dc1": SecretStr(f"http://buyer:{SECRET}@127.0.0.1:9")}, connect_seconds=1
    )
    done = capture([_site("http://shop.example/1", proxy="dc1")], tmp_path, DAY, settings)
    ended = done["shop"].ended
    assert ended is not None
    assert ended.how == "closed"
    assert SECRET.encode() not in _everything(tmp_path)


def test_tls_is_verified(tmp_path: Path) -> None:
    with answering(lambda path: page("x"), self_signed(tmp_path, "shop.example")) as server:
        settings = LOOPBACK.model_copy(
            update={"reroute": {"shop.example": f"127.0.0.1:{server.port}"}}
        )
        site = _site("https://shop.example/1")
        done = capture([site], tmp_path / "store", DAY, settings)
        ended = done["shop"].ended
        assert ended is not None
        assert ended.how == "closed"
        assert "self-signed" in ended.reason
        assert server.asked == []
