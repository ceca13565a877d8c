"""The reviewer's routes: the task at hand, the answer to it, and undo."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Form, HTTPException, Request, Response
from fastapi.responses import HTMLResponse

from flows.pipeline.verification.errors import Refused
from flows.pipeline.verification.verdicts import BY_NAME
from flows.pipeline.verification.web.app import Office, changing, visitor
from flows.pipeline.verification.web.view import View, given

Id = Annotated[str, Form(min_length=8, max_length=64)]
Text = Annotated[str | None, Form(max_length=2000)]


def reviewing(office: Office, view: View) -> APIRouter:
    """Return the routes."""
    router = APIRouter()

    @router.get("/")
    def page(request: Request) -> HTMLResponse:
        person = visitor(office, request)
        return view.desk(person, office.desk.next_task(person), "desk_page.html.j2")

    @router.get("/desk")
    def part(request: Request) -> HTMLResponse:
        person = visitor(office, request)
        return view.desk(person, office.desk.next_task(person))

    @router.post("/decide")
    def decide(
        request: Request,
        after: BackgroundTasks,
        id: Id,
        task: Annotated[int, Form()],
        lease: Annotated[int, Form()],
        verdict: Annotated[str, Form(max_length=20)],
        sku: Text = None,
        factor: Text = None,
        csrf: Text = None,
    ) -> HTMLResponse:
        person = changing(office, request, csrf)
        try:
            decided = office.desk.decide(person, task, lease, given(id, verdict, sku, factor))
        except Refused as error:
            return view.desk(person, office.desk.next_task(person), notice=error)
        if not decided.again:
            after.add_task(view.tell, decided)
        return view.desk(person, office.desk.next_task(person), done=BY_NAME[verdict])

    @router.post("/undo")
    def undo(request: Request, id: Id, csrf: Text = None) -> HTMLResponse:
        person = changing(office, request, csrf)
        try:
            held = office.desk.undo(person, id)
        except Refused as error:
            return view.desk(person, office.desk.next_task(person), notice=error)
        return view.desk(person, held or office.desk.next_task(person))

    @router.get("/sample/{name}.svg")
    def picture(name: str) -> Response:
        if name not in office.pictures:
            raise HTTPException(404)
        return Response(office.pictures[name], media_type="image/svg+xml")

    return router
