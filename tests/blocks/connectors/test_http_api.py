"""HTTP APIs: paging, pace, retries, OAuth and refusals, against a server on loopback."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import polars as pl
import pytest
from pydantic.v1 import ValidationError

from blocks.connectors import HttpApi, Paging, Refused, Unreachable
from sdk.errors import classify, retry_after
from sdk.testing.processes import free_port

TOKEN = "seeded-bearer-token"
SECRET = "seeded-client-secret"
RECORDS = [
    {"sku": f"{n:03d}", "price": 0.1 * n, "shop": {"name": "a"}, "tags": ["x"]} for n in range(25)
]


class Api:
    """A shop's API: pages in every style, and faults that a test asks for."""

    def __init__(self) -> None:  # noqa: C901 - one small server
        self.faults: list[tuple[int, dict[str, str]]] = []
        self.requests: list[tuple[float, str, dict[str, str]]] = []
        self.tokens_given = 0
        self.valid: set[str] = {TOKEN}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: Any) -> None:
                pass

            def do_GET(self) -> None:
                outer.requests.append((time.monotonic(), self.path, dict(self.headers)))
                if outer.faults:
                    status, headers = outer.faults.pop(0)
                    return self.answer(status, {"error": f"told {TOKEN}"}, headers)
                return self.page()

            def do_POST(self) -> None:
                form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                # client:secret as RFC 6749 has it.
                if self.headers["Authorization"] != "Basic Y2xpZW50OnNlZWRlZC1jbGllbnQtc2VjcmV0":
                    return self.answer(401, {"error": "invalid_client"})
                assert form["grant_type"] == ["client_credentials"]
                outer.tokens_given += 1
                token = f"oauth-{outer.tokens_given}"
                outer.valid = {token}
                return self.answer(200, {"access_token": token, "expires_in": 3600})

            def page(self) -> None:
                url, query = urlsplit(self.path), parse_qs(urlsplit(self.path).query)
                match url.path:
                    case "/v1/page":
                        number = int(query["page"][0]) - 1
                        self.answer(200, RECORDS[number * 10 : number * 10 + 10])
                    case "/v1/offset":
                        start, size = int(query["offset"][0]), int(query["limit"][0])
                        self.answer(200, {"data": {"items": RECORDS[start : start + size]}})
                    case "/v1/cursor":
                        start = int(query.get("after", ["0"])[0])
                        then = start + 10 if start + 10 < len(RECORDS) else None
                        self.answer(
                            200, {"items": RECORDS[start : start + 10], "meta": {"after": then}}
                        )
                    case "/v1/link":
                        start = int(query.get("from", ["0"])[0])
                        more = f'</v1/link?from={start + 10}>; rel="next"'
                        headers = {"Link": more} if start + 10 < len(RECORDS) else {}
                        self.answer(200, RECORDS[start : start + 10], headers)
                    case "/v1/circle":
                        self.answer(200, {"items": [], "next": "/v1/circle"})
                    case "/v1/away":
                        self.answer(200, {"items": [], "next": "https://evil.example/steal"})
                    case "/v1/private":
                        given = self.headers["Authorization"].removeprefix("Bearer ")
                        good = given in outer.valid
                        self.answer(200 if good else 401, RECORDS if good else {"error": "who?"})
                    case "/v1/html":
                        self.answer(200, None, {}, b"<html>log in</html>")
                    case _:
                        self.answer(404, {"error": "nothing here"})

            def answer(
                self,
                status: int,
                body: Any,
                headers: dict[str, str] | None = None,
                raw: bytes | None = None,
            ) -> None:
                data = raw if raw is not None else json.dumps(body).encode()
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.root = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Api:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def block(self, **changed: Any) -> HttpApi:
        return HttpApi(**{"base_url": f"{self.root}/v1", "timeout": 60, **changed})


@pytest.fixture
def api() -> Iterator[Api]:
    with Api() as running:
        yield running


@pytest.mark.parametrize(
    ("path", "paging", "at", "pages"),
    [
        ("page", Paging("page", "page", size=10), "", 3),
        ("offset", Paging("offset", "offset", size=10, size_parameter="limit"), "data.items", 3),
        ("cursor", Paging("cursor", "after", path="meta.after"), "items", 3),
        ("link", Paging("link"), "", 3),
    ],
)
def test_all_pages_of_every_style(
    api: Api, path: str, paging: Paging, at: str, pages: int, tmp_path: Path
) -> None:
    assert list(api.block().records(path, paging=paging, at=at)) == RECORDS
    assert len(api.requests) == pages
    schema = {"sku": "string", "price": "decimal(38,20)", "shop.name": "string", "tags": "string",
              "none": "int64"}  # fmt: skip
    done = api.block().export(path, tmp_path / "a.parquet", schema=schema, paging=paging, at=at)
    rows = pl.read_parquet(tmp_path / "a.parquet")
    assert done.rows == rows.height == 25
    assert rows.row(4) == ("004", Decimal("0.4"), "a", '["x"]', None)


def test_a_busy_api_is_asked_again_after_what_it_said(api: Api) -> None:
    api.faults = [(429, {"Retry-After": "1"}), (503, {}), (500, {})]
    assert len(list(api.block().records("page", paging=Paging("page", size=100)))) == 10
    moments = [moment for moment, _, _ in api.requests]
    assert len(moments) == 4
    assert moments[1] - moments[0] >= 1.0


def test_an_api_that_stays_busy_is_left_to_the_step(api: Api) -> None:
    api.faults = [(429, {"Retry-After": "0"})] * 2 + [(429, {"Retry-After": "7"})]
    with pytest.raises(Unreachable, match="answered 429") as caught:
        api.block(attempts=3).get("page")
    assert classify(caught.value) == "transient"
    assert retry_after(caught.value) == 7.0


def test_a_wait_longer_than_the_limit_is_not_begun(api: Api) -> None:
    api.faults = [(503, {"Retry-After": "7200"})]
    with pytest.raises(Unreachable, match="asks to wait 7200 s") as caught:
        api.block(time_limit=60).get("page")
    assert retry_after(caught.value) == 7200.0


def test_an_api_that_does_not_answer(api: Api) -> None:
    block = api.block(base_url=f"http://127.0.0.1:{free_port()}", attempts=2)
    with pytest.raises(Unreachable, match="does not answer"):
        block.get("x")
    assert block.check().reachable is False


def test_a_refusal_is_final_and_shows_no_secret(api: Api) -> None:
    api.faults = [(403, {})]
    with pytest.raises(Refused, match="answered 403") as caught:
        api.block(auth="bearer", token=TOKEN).get("page")
    assert TOKEN not in str(caught.value), "not even where the other side says it"
    assert classify(caught.value) == "permanent"
    with pytest.raises(Refused, match="answered 404"):
        api.block().get("nowhere")
    assert len(api.requests) == 2


def test_no_more_requests_than_the_rate(api: Api) -> None:
    begun = time.monotonic()
    list(api.block(rate=5).records("page", paging=Paging("page", size=10)))
    assert len(api.requests) == 3
    assert time.monotonic() - begun >= 0.4, (
        "the third begins two fifths of a second after the first"
    )


def test_oauth_tokens_are_fetched_once_and_renewed(api: Api) -> None:
    block = api.block(
        auth="oauth", token_url=f"{api.root}/token", client_id="client", client_secret=SECRET
    )
    assert block.get("private") == RECORDS
    assert api.tokens_given == 1
    records = block.records("private")
    assert len(list(records)) == 25
    # A token that is revoked before its time is replaced once.
    original = api.valid

    def revoke() -> None:
        api.valid = set()

    assert original
    api.faults = [(401, {})]
    revoke()
    assert block.get("private") == RECORDS


def test_a_wrong_client_secret_is_refused_and_not_shown(api: Api) -> None:
    wrong = "wrong-but-secret-all-the-same"
    block = api.block(
        auth="oauth", token_url=f"{api.root}/token", client_id="client", client_secret=wrong
    )
    with pytest.raises(Refused, match="gave no token") as caught:
        block.get("private")
    assert wrong not in f"{caught.value}{caught.value!r}{block!r}"
    access = block.check()
    assert (access.reachable, access.permitted) == (True, False)


def test_other_credentials(api: Api) -> None:
    api.block(auth="header", token=TOKEN, header="X-Shop-Key").get("page?page=1")
    api.block(auth="basic", user="u", password="p-seeded").get("page?page=1")
    headers = [headers for _, _, headers in api.requests]
    assert headers[0]["X-Shop-Key"] == TOKEN
    assert headers[1]["Authorization"].startswith("Basic ")
    with pytest.raises(ValidationError, match="auth oauth needs token_url, client_id"):
        api.block(auth="oauth")


def test_credentials_go_to_no_other_host(api: Api) -> None:
    block = api.block(auth="bearer", token=TOKEN)
    with pytest.raises(Refused, match="leads to another host"):
        list(block.records("away", paging=Paging("next", path="next"), at="items"))
    with pytest.raises(Refused, match="leads to another host"):
        block.get("//evil.example/x".replace("//", "https://"))
    api.faults = [(302, {"Location": "https://evil.example/"})]
    with pytest.raises(Refused, match="answered 302"):
        block.get("page")


def test_pages_in_a_circle_are_noticed(api: Api) -> None:
    with pytest.raises(Refused, match="in a circle"):
        list(api.block().records("circle", paging=Paging("next", path="next"), at="items"))


def test_what_is_no_json_or_no_list_is_said(api: Api) -> None:
    with pytest.raises(Refused, match="no JSON"):
        api.block().get("html")
    with pytest.raises(Refused, match=r"no list of records at data\.items"):
        list(api.block().records("cursor", at="data.items"))


def test_an_extraction_that_fails_late_leaves_no_file(api: Api, tmp_path: Path) -> None:
    block = api.block(attempts=1)
    records = block.records("page", paging=Paging("page", size=10))
    next(records)
    api.faults = [(200, {}), (500, {})]
    with pytest.raises((Unreachable, Refused)):
        block.export("page", tmp_path / "a.parquet", schema={"sku": "string"},
                     paging=Paging("page", size=10))  # fmt: skip
    api.faults = []
    with pytest.raises(Refused, match="column price does not fit int64"):
        block.export("page", tmp_path / "a.parquet", schema={"price": "int64"},
                     paging=Paging("page", size=10))  # fmt: skip
    assert list(tmp_path.iterdir()) == []


def test_the_check_asks_for_the_probe(api: Api) -> None:
    access = api.block(auth="bearer", token=TOKEN, probe="private").check()
    assert access
    assert "/v1/private" in access.reason
    assert api.block(auth="bearer", token="old-token", probe="private").check().permitted is False
