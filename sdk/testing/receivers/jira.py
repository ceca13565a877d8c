"""A stand-in for Jira: REST as Cloud (v2 and v3) and as Server or Data Center (v2) answer it.

Cloud takes documents in v3 and text in v2, has `/search/jql` with page tokens and no `/search`
(410); Server has v2 alone, `/search` with offsets, and no old createmeta from 9.0 on. Both know:
serverInfo, myself, field, priority, project, createmeta, issue (create, read, edit),
comment, transitions, remotelink, search. Everything else is 404.

`index_lag` makes a search miss a ticket for its first seconds, as the originals' index does.

Source: developer.atlassian.com/cloud/jira/platform/rest/v3 and the Data Center REST reference.
"""

from __future__ import annotations

import re
import time
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

from sdk.testing.receivers.faults import Faults
from sdk.testing.receivers.metadata import Metadata
from sdk.testing.receivers.server import Answer, Receiver, Request
from sdk.testing.receivers.tickets import (
    CATEGORIES,
    CLOUD,
    SERVER,
    JiraError,
    Project,
    Ticket,
    Transition,
)
from sdk.testing.receivers.tracker import Tracker

MOST_FOUND = 100
"""Tickets on a page of a search with fields: Cloud's own limit."""

_PATH = re.compile(r"/rest/api/(?P<version>2|3|latest)/(?P<rest>[^?]+)")


class JiraReceiver(Receiver):
    """Jira on loopback.

    Args:
        projects: keys of its projects; more, with details, by `add_project`.
        deployment: ``cloud`` or ``server``.
        user: who may log in by basic authentication.
        token: the API token (basic) or personal access token (bearer) that is accepted.
        version: of a server; from 9.0 on the old createmeta is gone.
        index_lag: seconds for which a search does not find a new ticket.
        faults: misbehaviour.
        clock: seconds since the epoch.
    """

    def __init__(
        self,
        projects: Iterable[str] = ("OPS",),
        *,
        deployment: Literal["cloud", "server"] = "cloud",
        user: str = "bot@example.com",
        token: str = "receiver-token",  # noqa: S107 - opens nothing but this stand-in
        version: tuple[int, int, int] = (9, 12, 0),
        index_lag: float = 0.0,
        faults: Faults | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(faults=faults, clock=clock)
        self.cloud = deployment == "cloud"
        self.user, self.token = user, token
        self.tracker = Tracker(CLOUD if self.cloud else SERVER, clock, index_lag)
        self._metadata = Metadata(self.tracker, cloud=self.cloud, version=version)
        for key in projects:
            self.add_project(key)

    def add_project(
        self,
        key: str,
        *,
        components: Iterable[str] = (),
        custom: Mapping[str, tuple[str, bool]] | None = None,
        readonly: bool = False,
    ) -> Project:
        """Make a project; `custom` maps a custom field's id to its name and whether it must be."""
        with self._lock:
            identity = str(10_000 + len(self.tracker.projects))
            project = Project(
                identity, key, tuple(components), custom=dict(custom or {}), readonly=readonly
            )
            self.tracker.projects[key] = project
            return project

    @property
    def tickets(self) -> list[Ticket]:
        """Every ticket, oldest first."""
        with self._lock:
            return list(self.tracker.tickets.values())

    def ticket(self, key: str) -> Ticket:
        """Return a ticket by its key."""
        return self.tracker.ticket(key)

    def settle(self, key: str, status: str, resolution: str | None = None) -> None:
        """Move a ticket as a person would, such as to Done with ``Won't Do``."""
        with self._lock:
            self.tracker.settle(self.tracker.ticket(key), status, resolution)

    def limited(self, request: Request, retry_after: int) -> Answer:
        """Return 429 with Retry-After."""
        body: dict[str, Any] = {"errorMessages": ["Rate limit exceeded."], "errors": {}}
        return Answer(429, body, {"Retry-After": str(retry_after)})

    def broken(self, request: Request, status: int) -> Answer:
        """Return a 5xx as a proxy before Jira does: a page, not JSON."""
        return Answer(status, "<html><body>upstream error</body></html>")

    def answer(self, request: Request) -> Answer:
        """Answer a REST call."""
        found = _PATH.fullmatch(request.path.rstrip("/"))
        if found is None or (found["version"] == "3" and not self.cloud):
            return Answer(404, "<html><body>Oops, you have found a dead link.</body></html>")
        version = found["version"] if found["version"] != "latest" else "2"
        try:
            return self._route(request, version, found["rest"].split("/"))
        except JiraError as error:
            return Answer(error.status, {"errorMessages": error.messages, "errors": error.fields})

    def _route(self, request: Request, version: str, parts: list[str]) -> Answer:
        if parts == ["serverInfo"]:
            return Answer(body=self._metadata.server_info(self.url))
        self._authenticate(request)
        if parts[0] == "search":
            return self._search(request, version, parts[1:])
        if parts[0] == "issue" and parts[1:2] != ["createmeta"]:
            return self._issue(request, version, parts[1:])
        if parts == ["myself"]:
            return Answer(body={"name": self.user, "emailAddress": self.user, "active": True})
        return Answer(body=self._metadata.read(request, parts))

    def _authenticate(self, request: Request) -> None:
        given = request.headers.get("authorization", "")
        basic = b64encode(f"{self.user}:{self.token}".encode()).decode()
        # Cloud's API tokens go with an address; a bearer token there is OAuth, not known here.
        accepted = {f"Basic {basic}"} | (set() if self.cloud else {f"Bearer {self.token}"})
        if given not in accepted:
            raise JiraError(401, "You are not authenticated. Authentication required.")

    def _issue(self, request: Request, version: str, parts: list[str]) -> Answer:
        body = request.json() if request.body else {}
        if not isinstance(body, dict):
            raise JiraError(400, "Unexpected character: the body is not a JSON object")
        if not parts:
            if request.method != "POST":
                raise JiraError(405, "Method not allowed")
            made = self.tracker.create(body, version)
            own = f"{self.url}/rest/api/{version}/issue/{made.id}"
            return Answer(201, {"id": made.id, "key": made.key, "self": own})
        ticket = self.tracker.ticket(parts[0])
        if len(parts) == 1:
            if request.method == "PUT":
                self.tracker.edit(ticket, body, version)
                return Answer(204)
            return Answer(body=self._shown(ticket, version, _names(request, body), "*all"))
        if parts[1:] == ["comment"]:
            if request.method == "POST":
                return Answer(201, self.tracker.comment(ticket, body, version).shown(version))
            return Answer(body=self._comments(request, ticket, version))
        if parts[1:] == ["transitions"]:
            if request.method == "POST":
                self.tracker.move(ticket, body, version)
                return Answer(204)
            steps = [self._step(step) for step in self.tracker.transitions(ticket)]
            return Answer(body={"transitions": steps})
        if parts[1:] == ["remotelink"]:
            if request.method == "POST":
                link = self.tracker.link(ticket, body)
                return Answer(201, {"id": link["id"], "self": f"{self.url}/link/{link['id']}"})
            return Answer(body=list(ticket.links))
        raise JiraError(404, "null for uri")

    def _search(self, request: Request, version: str, parts: list[str]) -> Answer:
        body = request.json() if request.body else {}
        given = {**{name: v[-1] for name, v in request.query.items()}, **(body or {})}
        known = {str(i) for i in (body or {}).get("reconcileIssues", [])}
        seen = frozenset({*request.query.get("reconcileIssues", []), *known})
        jql, size = str(given.get("jql", "")), min(int(given.get("maxResults", 50)), MOST_FOUND)
        if parts == ["jql"] and self.cloud:
            found = self.tracker.search(jql, seen=seen, bounded=True)
            token = str(given.get("nextPageToken") or "")
            start = int(token.removeprefix("page-")) if token.startswith("page-") else 0
        elif parts == [] and not self.cloud:
            found = self.tracker.search(jql, seen=frozenset(), bounded=False)
            start = int(given.get("startAt", 0))
        elif parts == []:
            raise JiraError(
                410, "The requested API has been removed. Please use /rest/api/3/search/jql."
            )
        else:
            raise JiraError(404, "null for uri")
        names, default = _names(request, body or {}), "id" if self.cloud else "*navigable"
        page = [self._shown(t, version, names, default) for t in found[start : start + size]]
        last = start + size >= len(found)
        if self.cloud:
            more = {} if last else {"nextPageToken": f"page-{start + size}"}
            return Answer(body={"issues": page, "isLast": last, **more})
        total = {"startAt": start, "maxResults": size, "total": len(found)}
        return Answer(body={"issues": page, **total})

    def _comments(self, request: Request, ticket: Ticket, version: str) -> dict[str, Any]:
        # Cloud gives a page where none is asked for, a server gives everything.
        most = "50" if self.cloud else str(len(ticket.comments))
        start = int(request.parameter("startAt", "0"))
        size = int(request.parameter("maxResults", most))
        backwards = request.parameter("orderBy").startswith("-")
        ordered = list(reversed(ticket.comments)) if backwards else ticket.comments
        page = [comment.shown(version) for comment in ordered[start : start + size]]
        return {"comments": page, "startAt": start, "maxResults": size, "total": len(ordered)}

    def _step(self, step: Transition) -> dict[str, Any]:
        category = self.tracker.workflow.statuses[step.to]
        number, name = CATEGORIES[category]
        told = {"id": number, "key": category, "name": name}
        return {"id": step.id, "name": step.name, "to": {"name": step.to, "statusCategory": told}}

    def _shown(
        self, ticket: Ticket, version: str, names: list[str], default: str
    ) -> dict[str, Any]:
        shown = ticket.shown(self.url, version, self.tracker.workflow)
        wanted = names or [default]
        if not {"*all", "*navigable"} & set(wanted):
            fields = {name: v for name, v in shown["fields"].items() if name in wanted}
            shown = {**shown, "fields": fields}
        return shown


def _names(request: Request, body: Mapping[str, Any]) -> list[str]:
    """Return the fields asked for: repeated, parted by commas, or a list in the body."""
    asked = body.get("fields") if isinstance(body.get("fields"), list) else None
    given: list[str] = list(asked or request.query.get("fields", []))
    return [name for text in given for name in text.split(",") if name]
