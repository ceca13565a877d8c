"""Signing in by token, and out."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from flows.pipeline.verification.errors import NotAllowed
from flows.pipeline.verification.web.app import Office, asked_host, changing
from flows.pipeline.verification.web.pages import render
from flows.pipeline.verification.web.people import COOKIE, SESSION_SECONDS, same_site


def signing(office: Office) -> APIRouter:
    """Return the routes."""
    router = APIRouter()

    @router.get("/sign-in")
    def ask() -> HTMLResponse:
        return HTMLResponse(render("sign_in.html.j2", wrong=False))

    @router.post("/sign-in")
    def sign_in(request: Request, token: Annotated[str, Form(max_length=500)] = "") -> Response:
        if not same_site(request.headers, asked_host(office, request)):
            raise NotAllowed("this form comes from another site", "Open the page itself.")
        cookie = office.people.sign_in(token)
        if cookie is None:
            return HTMLResponse(render("sign_in.html.j2", wrong=True), status_code=401)
        answer = RedirectResponse("/", status_code=303)
        peer = request.client.host if request.client else None
        forwarded = request.headers.get("x-forwarded-proto") if office.people.is_proxy(peer) else ""
        answer.set_cookie(
            COOKIE,
            cookie,
            max_age=SESSION_SECONDS,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https" or forwarded == "https",
        )
        return answer

    @router.post("/sign-out")
    def sign_out(request: Request, csrf: Annotated[str | None, Form()] = None) -> Response:
        office.desk.release(changing(office, request, csrf))
        answer = RedirectResponse("/sign-in", status_code=303)
        answer.delete_cookie(COOKIE)
        return answer

    return router
