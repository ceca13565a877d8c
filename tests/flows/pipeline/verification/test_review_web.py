"""The page over HTTP: who may do what, forms of others, hostile text, and what answers carry."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa
from pydantic import SecretStr
from selectolax.lexbor import LexborHTMLParser

from flows.pipeline.verification.content import Candidate, Content
from flows.pipeline.verification.database import Database
from flows.pipeline.verification.drafting import Draft
from flows.pipeline.verification.errors import BadSettings
from flows.pipeline.verification.intake import Intake
from flows.pipeline.verification.rows import Decided
from flows.pipeline.verification.settings import ReviewSettings
from flows.pipeline.verification.tables import decisions
from flows.pipeline.verification.web.app import create_app
from flows.pipeline.verification.web.people import read_tokens
from flows.pipeline.verification.web.security import CONTENT_SECURITY_POLICY
from tests.flows.pipeline.verification.conftest import DAY, made
from tests.flows.pipeline.verification.serving import TOKENS, fields, served, settings, signed_in

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</textarea><svg/onload=alert(1)>",
    "' onmouseover='alert(1)",
    "{{ 7 * 7 }}",
    "\u202egnp.exe",
    "&lt;b&gt;\x00\x0b",
]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """One database is enough here: what differs between two is below the page."""
    with closing(Database(f"sqlite:///{tmp_path / 'review.db'}")) as opened:
        yield opened


@pytest.fixture
def told() -> list[Decided]:
    return []


@pytest.fixture
def base(database: Database, told: list[Decided]) -> Iterator[str]:
    Intake(database, twice_share=0).open_batch("acme", DAY, "h", [made(n) for n in range(5)])
    app = create_app(settings(review_gold_share=0), database, announce=told.append)
    with served(app) as url:
        yield url


def _decisions(database: Database) -> int:
    with database.reading() as connection:
        return connection.execute(sa.select(sa.func.count(decisions.c.id))).scalar_one()


def test_nobody_sees_anything_without_signing_in(base: str) -> None:
    for path in ("/", "/desk", "/history", "/history/x", "/lead"):
        answer = httpx.get(base + path)
        assert (answer.status_code, answer.headers.get("location")) == (303, "/sign-in"), path
    assert httpx.post(base + "/decide", data={}).status_code == 422
    part = httpx.get(base + "/desk", headers={"HX-Request": "true"})
    assert (part.status_code, part.headers["hx-redirect"]) == (401, "/sign-in")
    assert httpx.post(base + "/sign-in", data={"token": "wrong" * 4}).status_code == 401


def test_answer_brings_the_next_task_and_is_announced(
    base: str, database: Database, told: list[Decided]
) -> None:
    with signed_in(base, "ada") as client:
        page = client.get("/").text
        sent = fields(page) | {"verdict": "exact"}
        answer = client.post("/decide", data=sent)
        assert answer.status_code == 200
        assert fields(answer.text)["task"] != sent["task"]
        assert "Exact" in answer.text and "<html" not in answer.text
        again = client.post("/decide", data=sent)
        assert again.status_code == 200
        assert client.get("/history").text.count(">Correct<") == 1
    assert _decisions(database) == 1
    assert [item.state for item in told] == ["settled"], "an answer sent twice is told once"


def test_two_reviewers_never_have_the_same_task(base: str) -> None:
    with signed_in(base, "ada") as ada, signed_in(base, "ben") as ben:
        for _ in range(2):
            one, other = ada.get("/").text, ben.get("/").text
            assert fields(one)["task"] != fields(other)["task"]
            ada.post("/decide", data=fields(one) | {"verdict": "no_match"})
            ben.post("/decide", data=fields(other) | {"verdict": "no_match"})


def test_answer_to_a_task_that_another_has_is_said_and_the_next_one_given(base: str) -> None:
    with signed_in(base, "ada") as ada, signed_in(base, "ben") as ben:
        theirs = fields(ben.get("/").text)
        mine = fields(ada.get("/").text)
        stolen = mine | {name: theirs[name] for name in ("task", "lease")}
        answer = ada.post("/decide", data=stolen | {"verdict": "no_match"})
        assert answer.status_code == 200
        assert "given to somebody else" in answer.text
        assert fields(answer.text)["task"] == mine["task"]


@pytest.mark.parametrize(
    ("change", "headers"),
    [
        ({"csrf": ""}, {}),
        ({"csrf": "0" * 64}, {}),
        ({"csrf": "ü\x00"}, {}),
        ({}, {"Origin": "https://evil.example"}),
        ({}, {"Origin": "null"}),
        ({}, {"Sec-Fetch-Site": "cross-site"}),
        ({}, {"Sec-Fetch-Site": "same-site"}),
    ],
)
def test_forms_of_others_change_nothing(
    base: str, database: Database, change: dict[str, str], headers: dict[str, str]
) -> None:
    with signed_in(base, "ada") as client:
        sent = fields(client.get("/").text) | {"verdict": "no_match"} | change
        assert client.post("/decide", data=sent, headers=headers).status_code == 403
    assert _decisions(database) == 0


def test_another_s_form_token_is_not_one_s_own(base: str, database: Database) -> None:
    with signed_in(base, "ada") as ada, signed_in(base, "ben") as ben:
        token = fields(ben.get("/").text)["csrf"]
        sent = fields(ada.get("/").text) | {"verdict": "no_match", "csrf": token}
        assert ada.post("/decide", data=sent).status_code == 403
    assert _decisions(database) == 0


def test_sign_in_from_another_site_is_refused(base: str) -> None:
    evil = {"Origin": "https://evil.example"}
    answer = httpx.post(base + "/sign-in", data={"token": TOKENS["ada"]}, headers=evil)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_leads_pages_are_for_leads(base: str, database: Database) -> None:
    with signed_in(base, "ada") as client:
        csrf = fields(client.get("/").text)["csrf"]
        assert client.get("/lead").status_code == 403
        for path in ("gate", "gold", "blacklist", "blacklist/1/lift"):
            data = {"csrf": csrf, "batch": "acme/2026-08-15", "choice": "hold", "decision": "x"}
            data |= {"task": "1", "sku": "x", "reason": "x"}
            assert client.post(f"/lead/{path}", data=data).status_code == 403, path
    with signed_in(base, "lea") as lead:
        page = lead.get("/lead")
        assert page.status_code == 200
        csrf = re.findall(r'name="csrf" value="(\w+)"', page.text)[0]
        data = {"csrf": csrf, "batch": f"acme/{DAY}", "choice": "hold"}
        assert "held" in lead.post("/lead/gate", data=data).text
        assert lead.post("/lead/gate", data=data | {"csrf": ""}).status_code == 403
        assert lead.post("/lead/gate", data=data | {"batch": "none"}).status_code == 404


def test_a_lead_forbids_keeps_and_corrects(base: str, database: Database) -> None:
    with signed_in(base, "ada") as ada:
        sent = fields(ada.get("/").text) | {"verdict": "exact"}
        ada.post("/decide", data=sent)
    with signed_in(base, "lea") as lead:
        csrf = re.findall(r'name="csrf" value="(\w+)"', lead.get("/lead").text)[0]
        gold = {"csrf": csrf, "decision": sent["id"]}
        assert lead.post("/lead/gold", data=gold).status_code == 200
        ban = {"csrf": csrf, "task": sent["task"], "sku": sent["sku"], "reason": ""}
        assert lead.post("/lead/blacklist", data=ban).status_code == 422
        page = lead.post("/lead/blacklist", data=ban | {"reason": "an old <b>label</b>"}).text
        assert "an old &lt;b&gt;label&lt;/b&gt;" in page
        number = re.findall(r"/lead/blacklist/(\d+)/lift", page)[0]
        assert lead.post(f"/lead/blacklist/{number}/lift", data={"csrf": csrf}).status_code == 200
        form = fields(lead.get(f"/history/{sent['id']}").text) | {"verdict": "no_match"}
        done = lead.post(f"/history/{sent['id']}", data=form)
        assert (done.status_code, done.headers["hx-redirect"]) == (204, "/history")
        twice = fields(lead.get(f"/history/{sent['id']}").text) | {"verdict": "unsure"}
        assert lead.post(f"/history/{sent['id']}", data=twice).status_code == 409
    with signed_in(base, "ben") as ben:
        assert ben.get(f"/history/{sent['id']}").status_code == 403


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(database: Database, text: str) -> None:
    plain = made(1).content
    own = plain.own.model_copy(
        update=dict.fromkeys(("name", "brand", "category", "gtin", "country", "currency"), text)
        | {"image": "javascript:alert(1)", "url": f"javascript:{text}"}
    )
    other = plain.candidates[0].product.model_copy(
        update={"name": text + "x", "sku": text, "seller": text, "image": f"http://a/{text}"}
    )
    candidate = Candidate(product=other, probability=0.5, reasons=(text,))
    content = Content(day=DAY, own=own, candidates=(candidate, *plain.candidates))
    Intake(database).open_batch(text[:20], DAY, "h", [Draft("k" * 64, content, 1.0)])
    app = create_app(settings(review_gold_share=0), database)
    with served(app) as base, signed_in(base, "lea") as client:
        page = client.get("/")
        sent = dict(fields(page.text)) | {"verdict": "no_match"}
        pages = [page.text, client.post("/decide", data=sent).text]
        later = ("/history", "/lead", f"/history/{sent['id']}")
        pages += [client.get(path).text for path in later]
    for html in pages:
        tree = LexborHTMLParser(html)
        assert {node.attributes.get("src", "") for node in tree.css("script")} <= {
            node.attributes["src"] for node in tree.css("script[src^='/static/']")
        }
        assert not tree.css("iframe, object, embed, svg, style, b > script, textarea")
        for node in tree.css("*"):
            assert not [name for name in node.attributes if name.startswith("on")]
            assert "style" not in node.attributes
            for name in ("href", "src", "action"):
                assert (
                    not (node.attributes.get(name) or "")
                    .lower()
                    .startswith(("javascript:", "data:"))
                )
        for image in tree.css("img"):
            assert (image.attributes.get("src") or "").startswith(("http://", "https://"))
    shown = LexborHTMLParser(pages[0]).css_first("#c1")
    assert shown is not None


def test_every_answer_forbids_what_is_not_ours(base: str) -> None:
    with signed_in(base, "ada") as client:
        page = client.get("/")
        static = re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text)
        assert len(static) == 4
        for path in ("/", "/sign-in", "/lead", "/nothing", *static):
            headers = client.get(path).headers
            policy = headers["content-security-policy"]
            assert policy == CONTENT_SECURITY_POLICY
            assert "unsafe" not in policy and "script-src 'self'" in policy
            assert headers["x-content-type-options"] == "nosniff"
        assert "no-store" in client.get("/").headers["cache-control"]
        assert "immutable" in client.get(static[0]).headers["cache-control"]
        assert client.get("/static/x/htmx-LICENSE.txt").status_code == 404
        assert client.get("/static/x/..%2f..%2fpeople.py").status_code == 404
        cookie = client.post("/sign-in", data={"token": TOKENS["ada"]}, follow_redirects=False)
        assert {"httponly", "samesite=strict"} <= {
            part.strip().lower() for part in cookie.headers["set-cookie"].split(";")
        }


def test_a_proxy_is_believed_and_nobody_else(database: Database) -> None:
    Intake(database).open_batch("acme", DAY, "h", [made(1)])
    header = {
        "X-Auth-Request-Email": "dana@shop.example",
        "X-Auth-Request-Groups": "a,review-leads",
    }
    app = create_app(
        ReviewSettings(review_proxies="127.0.0.2", review_tokens=None),  # type: ignore[arg-type]
        database,
    )
    with served(app) as base:
        stranger = httpx.get(base + "/lead", headers=header)
        assert stranger.status_code == 401
        assert "dana" not in stranger.text
        proxy = httpx.HTTPTransport(local_address="127.0.0.2")
        with httpx.Client(transport=proxy, base_url=base) as client:
            assert client.get("/").status_code == 401, "the proxy itself is nobody"
            assert "dana@shop.example" in client.get("/lead", headers=header).text
            reviewer = {"X-Auth-Request-Email": "eli@shop.example"}
            assert client.get("/", headers=reviewer).status_code == 200
            assert client.get("/lead", headers=reviewer).status_code == 403
            forwarded = httpx.get(base + "/", headers=header | {"X-Forwarded-For": "127.0.0.2"})
            assert forwarded.status_code == 401


def test_only_a_group_s_members_are_let_in(database: Database) -> None:
    app = create_app(
        ReviewSettings(
            review_proxies="127.0.0.0/8",  # type: ignore[arg-type]
            review_reviewers="reviewers",
            review_tokens=None,
        ),
        database,
    )
    who = {"X-Auth-Request-Email": "eli@shop.example"}
    with served(app) as base:
        assert httpx.get(base, headers=who).status_code == 401
        member = who | {"X-Auth-Request-Groups": "kitchen, reviewers"}
        assert httpx.get(base, headers=member).status_code == 200


def test_session_ends_with_its_token_and_cannot_be_made(database: Database) -> None:
    secret = SecretStr("s" * 40)
    app = create_app(settings(review_secret=secret), database)
    with served(app) as base, signed_in(base, "ada") as client:
        cookie = client.cookies["review_session"]
    fewer = ReviewSettings(
        review_tokens=SecretStr(f"ben:reviewer:{TOKENS['ben']}"), review_secret=secret
    )
    with served(create_app(fewer, database)) as base:
        for value in (cookie, cookie[:-2] + "xx", "", "a.b.c"):
            answer = httpx.get(base + "/", cookies={"review_session": value})
            assert answer.status_code == 303, value


@pytest.mark.parametrize(
    "text",
    [
        "ada",
        "ada:reviewer",
        "ada:boss:secret-secret-secret",
        "ada:lead:s-secret",
        ":lead:secretsecret",
    ],
)
def test_token_list_that_cannot_be_read_is_said_without_tokens(text: str) -> None:
    with pytest.raises(BadSettings) as caught:
        read_tokens(f"ben:reviewer:{'b' * 20},{text}")
    assert "entry 2" in caught.value.problem
    assert "secret" not in str(caught.value)


def test_secrets_are_in_no_log_and_no_answer(
    base: str, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with signed_in(base, "lea") as client:
        pages = [client.get(path).text for path in ("/", "/lead", "/history", "/history/none")]
        pages.append(client.post("/decide", data={"id": "x"}).text)
        pages.append(client.post("/sign-in", data={"token": TOKENS["ada"] + "x"}).text)
    for token in TOKENS.values():
        assert not any(token in page for page in pages)
        assert not [entry for entry in caplog.messages if token in entry]
        assert token not in repr(settings())


def test_database_that_goes_away_is_said(database: Database, base: str) -> None:
    with signed_in(base, "ada") as client:
        assert client.get("/healthz").text == "ok"
        with database.writing() as connection:
            connection.exec_driver_sql("ALTER TABLE review_tasks RENAME TO gone")
        answer = client.get("/")
        assert answer.status_code == 503
        assert "See that it runs" in answer.text


@pytest.mark.parametrize("bad", ["1e400", "abc", "", "0", "-3", "1"])
def test_factor_that_is_none_is_said_and_the_task_stays(base: str, bad: str) -> None:
    with signed_in(base, "ada") as client:
        sent = fields(client.get("/").text)
        given = sent | {"verdict": "different_pack", "factor": bad}
        answer = client.post("/decide", data=given, headers={"HX-Request": "true"})
        assert answer.status_code == 422
        assert "factor" in answer.text and "<html" not in answer.text
        right = client.post("/decide", data=given | {"factor": "0,5"})
        assert right.status_code == 200
        assert "Other pack" in right.text
