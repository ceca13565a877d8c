"""The lead's routes: batches and their gate, the team, the audits, known pairs, the blacklist."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from flows.pipeline.verification import forbidden, gates, history, known_pairs, measures
from flows.pipeline.verification.errors import BadAnswer
from flows.pipeline.verification.rows import Person
from flows.pipeline.verification.web.app import Office, changing, require_lead, visitor
from flows.pipeline.verification.web.pages import render
from flows.pipeline.verification.web.view import View


def leading(office: Office, view: View) -> APIRouter:
    """Return the routes."""
    router = APIRouter()
    database = office.database

    def lead(request: Request, csrf: str | None = None, *, changes: bool = False) -> Person:
        person = changing(office, request, csrf) if changes else visitor(office, request)
        require_lead(person)
        return person

    def back() -> Response:
        return RedirectResponse("/lead", status_code=303)

    @router.get("/lead")
    def overview(request: Request) -> HTMLResponse:
        person, now = lead(request), office.clock()
        values: dict[str, Any] = {
            **view.head(person),
            "batches": gates.read_batches(database),
            "team": measures.team(database, now),
            "agreement": measures.agreement(database, now),
            "audits": measures.audits(database),
            "entries": history.settled(database),
            "blacklist": forbidden.listed(database),
        }
        return HTMLResponse(render("lead.html.j2", **values))

    @router.post("/lead/gate")
    def gate(
        request: Request,
        batch: Annotated[str, Form()],
        choice: Annotated[str, Form()],
        csrf: Annotated[str | None, Form()] = None,
    ) -> Response:
        person = lead(request, csrf, changes=True)
        if choice == "release":
            gates.set_gate(database, batch, "released", person.name, clock=office.clock)
        elif choice == "hold":
            gates.set_gate(database, batch, "held", person.name, clock=office.clock)
        else:
            raise BadAnswer(f"{choice!r} is no choice", "Release a batch, or hold it.")
        return back()

    @router.post("/lead/gold")
    def gold(
        request: Request,
        decision: Annotated[str, Form()],
        csrf: Annotated[str | None, Form()] = None,
    ) -> Response:
        lead(request, csrf, changes=True)
        known_pairs.keep(database, decision, clock=office.clock)
        return back()

    @router.post("/lead/blacklist")
    def forbid(
        request: Request,
        task: Annotated[int, Form()],
        sku: Annotated[str, Form()],
        reason: Annotated[str, Form(max_length=1000)] = "",
        csrf: Annotated[str | None, Form()] = None,
    ) -> Response:
        person = lead(request, csrf, changes=True)
        forbidden.forbid(database, task, sku, reason, person.name, clock=office.clock)
        return back()

    @router.post("/lead/blacklist/{number}/lift")
    def lift(request: Request, number: int, csrf: Annotated[str | None, Form()] = None) -> Response:
        person = lead(request, csrf, changes=True)
        forbidden.lift(database, number, person.name, clock=office.clock)
        return back()

    return router
