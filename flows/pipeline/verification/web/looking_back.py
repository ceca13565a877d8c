"""The reviewer's routes to what was decided: history, and correction."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Form, Request, Response
from fastapi.responses import HTMLResponse

from flows.pipeline.verification import history
from flows.pipeline.verification.errors import NotAllowed
from flows.pipeline.verification.rows import Held
from flows.pipeline.verification.web.app import Office, changing, visitor
from flows.pipeline.verification.web.pages import render
from flows.pipeline.verification.web.reviewing import Id, Text
from flows.pipeline.verification.web.view import View, given


def looking_back(office: Office, view: View) -> APIRouter:
    """Return the routes."""
    router = APIRouter()

    @router.get("/history")
    def past(request: Request) -> HTMLResponse:
        person = visitor(office, request)
        entries = history.of_reviewer(office.database, person.name)
        return HTMLResponse(render("history.html.j2", **view.head(person), entries=entries))

    @router.get("/history/{decision}")
    def look(request: Request, decision: str) -> HTMLResponse:
        person = visitor(office, request)
        entry = history.entry(office.database, decision)
        if entry.reviewer != person.name and not person.lead:
            raise NotAllowed(f"decision of {entry.reviewer}", "Ask a lead to look at it.")
        shown = Held(entry.task, 0, office.clock(), False, entry.content, entry.customer)
        return view.desk(person, shown, "desk_page.html.j2", corrects=entry)

    @router.post("/history/{decision}")
    def correct(
        request: Request,
        after: BackgroundTasks,
        decision: str,
        id: Id,
        verdict: Annotated[str, Form(max_length=20)],
        sku: Text = None,
        factor: Text = None,
        csrf: Text = None,
    ) -> Response:
        person = changing(office, request, csrf)
        decided = office.desk.correct(person, decision, given(id, verdict, sku, factor))
        if not decided.again:
            after.add_task(view.tell, decided)
        return Response(status_code=204, headers={"HX-Redirect": "/history"})

    return router
