"""The web application: who may ask what, and what every answer carries.

Made by a function, from settings and a database; nothing is read when this is imported. Requests
are plain functions in threads, since a database call is what each of them waits for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from flows.pipeline.verification.database import Clock, Database, utc_now
from flows.pipeline.verification.desk import Desk
from flows.pipeline.verification.errors import (
    BadAnswer,
    DatabaseUnavailable,
    NotAllowed,
    Refused,
    ReviewError,
    Unknown,
)
from flows.pipeline.verification.rows import Decided, Person
from flows.pipeline.verification.settings import ReviewSettings
from flows.pipeline.verification.web.pages import STATIC, render, static_file
from flows.pipeline.verification.web.people import COOKIE, People, same_site
from flows.pipeline.verification.web.security import CACHED, HEADERS, UNCACHED

Announce = Callable[[Decided], None]

_STATUS = {
    BadAnswer: 422,
    Refused: 409,
    Unknown: 404,
    NotAllowed: 403,
    DatabaseUnavailable: 503,
}


@dataclass(frozen=True)
class Office:
    """What the routes share.

    Attributes:
        announce: told of each decision after it was answered; whatever it raises is its own.
        pictures: of the sample, by name; empty outside it.
    """

    database: Database
    desk: Desk
    people: People
    clock: Clock
    announce: Announce
    pictures: dict[str, bytes] = field(default_factory=dict)


def create_app(
    settings: ReviewSettings,
    database: Database,
    *,
    announce: Announce = lambda decided: None,
    pictures: dict[str, bytes] | None = None,
    clock: Clock = utc_now,
) -> FastAPI:
    """Return the application.

    Args:
        settings: of the desk.
        database: of the desk.
        announce: told of each decision.
        pictures: SVG pictures to serve, for the sample.
        clock: UTC, without zone.

    Raises:
        BadSettings: nobody could sign in, or a token or secret cannot be used.
    """
    from flows.pipeline.verification.web.leading import leading
    from flows.pipeline.verification.web.looking_back import looking_back
    from flows.pipeline.verification.web.reviewing import reviewing
    from flows.pipeline.verification.web.signing import signing
    from flows.pipeline.verification.web.view import View

    desk = Desk(database, gold_share=settings.review_gold_share, clock=clock)
    kept = {} if pictures is None else pictures
    office = Office(database, desk, People(settings), clock, announce, kept)
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    @app.middleware("http")
    async def _protected(request: Request, call_next: Any) -> Response:
        response: Response = await call_next(request)
        response.headers.update(HEADERS)
        response.headers.setdefault("Cache-Control", UNCACHED)
        return response

    @app.exception_handler(ReviewError)
    def _said(request: Request, error: ReviewError) -> Response:
        status = next((code for kind, code in _STATUS.items() if isinstance(error, kind)), 500)
        return _problem(request, status, error.problem, error.action)

    @app.exception_handler(NotSignedIn)
    def _sign_in(request: Request, error: NotSignedIn) -> Response:
        if not office.people.take_tokens:
            return _problem(
                request, 401, "you are not signed in", "Open this page through the company's proxy."
            )
        if "hx-request" in request.headers:
            return Response(status_code=401, headers={"HX-Redirect": "/sign-in"})
        return RedirectResponse("/sign-in", status_code=303)

    @app.get("/static/{digest}/{name}")
    def _static(digest: str, name: str) -> Response:
        if name not in STATIC:
            raise HTTPException(404)
        return Response(
            static_file(name), media_type=STATIC[name], headers={"Cache-Control": CACHED}
        )

    @app.get("/healthz")
    def _healthy() -> Response:
        with database.reading() as connection:
            connection.exec_driver_sql("SELECT 1")
        return Response("ok", media_type="text/plain")

    app.include_router(signing(office))
    view = View(office)
    app.include_router(reviewing(office, view))
    app.include_router(looking_back(office, view))
    app.include_router(leading(office, view))
    return app


class NotSignedIn(Exception):
    """Nobody that we know is asking."""


def visitor(office: Office, request: Request) -> Person:
    """Return who is asking.

    Raises:
        NotSignedIn: nobody that we know.
    """
    peer = request.client.host if request.client else None
    found = office.people.identify(peer, request.headers, request.cookies.get(COOKIE))
    if found is None:
        raise NotSignedIn
    return found


def changing(office: Office, request: Request, given: str | None) -> Person:
    """Return who is asking for a change, once it is clear that the person asks for it.

    Args:
        office: shared.
        request: at hand.
        given: the form's token; else it is looked for in the header.

    Raises:
        NotSignedIn: nobody that we know.
        NotAllowed: the form is not ours, or comes from another site.
    """
    person = visitor(office, request)
    token = request.headers.get("x-csrf-token") or given
    if not same_site(request.headers, asked_host(office, request)) or not office.people.is_ours(
        person, token
    ):
        raise NotAllowed("this form is not one of ours, or is too old", "Load the page again.")
    return person


def asked_host(office: Office, request: Request) -> str:
    """Return the host under which we were asked: a proxy of ours may have asked under another."""
    peer = request.client.host if request.client else None
    if office.people.is_proxy(peer) and "x-forwarded-host" in request.headers:
        return request.headers["x-forwarded-host"].split(",")[0].strip()
    return request.headers.get("host", "")


def require_lead(person: Person) -> None:
    """Make sure that a person is a lead.

    Raises:
        NotAllowed: it is none.
    """
    if not person.lead:
        raise NotAllowed("this page is for leads", "Ask a lead, or to be made one.")


def _problem(request: Request, status: int, problem: str, action: str) -> Response:
    part = "hx-request" in request.headers
    template = "notice.html.j2" if part else "problem.html.j2"
    return HTMLResponse(render(template, problem=problem, action=action), status_code=status)
