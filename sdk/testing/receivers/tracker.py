"""A Jira site in memory: what can be done to its tickets, without HTTP.

Operations take what a request's body holds and raise `JiraError`. Nothing locks: a receiver
answers one request at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sdk.testing.receivers import screens
from sdk.testing.receivers.jql import JqlError, parse
from sdk.testing.receivers.tickets import (
    Comment,
    JiraError,
    Project,
    Ticket,
    Transition,
    Workflow,
)

UNSEEN = "Issue does not exist or you do not have permission to see it."


class Tracker:
    """Projects and their tickets.

    Args:
        workflow: statuses and steps of every project.
        clock: seconds since the epoch.
        index_lag: seconds for which a search does not find a new ticket.
    """

    def __init__(self, workflow: Workflow, clock: Callable[[], float], index_lag: float) -> None:
        self.workflow = workflow
        self.clock = clock
        self.index_lag = index_lag
        self.projects: dict[str, Project] = {}
        self.tickets: dict[str, Ticket] = {}
        self._comments = 10_000

    def project(self, given: object) -> Project:
        """Return a project by key or id, given as text or as REST's object."""
        wanted = (given.get("key") or given.get("id")) if isinstance(given, dict) else given
        for project in self.projects.values():
            if str(wanted) in (project.key, project.id):
                return project
        raise JiraError(404, f"No project could be found with key '{wanted}'.")

    def ticket(self, name: str) -> Ticket:
        """Return a ticket by key or id."""
        for ticket in self.tickets.values():
            if name.upper() == ticket.key or name == ticket.id:
                return ticket
        raise JiraError(404, UNSEEN)

    def create(self, body: Mapping[str, Any], version: str) -> Ticket:
        """Open a ticket."""
        given = body.get("fields")
        if not isinstance(given, dict):
            raise JiraError(400, "fields is required")
        try:
            project = self.project(given.get("project"))
        except JiraError as error:
            raise JiraError(400, project="Specify a valid project ID or key") from error
        _allow(project)
        read = screens.fields(given, project, version, creating=True)
        project.made += 1
        now = self.clock()
        status = next(iter(self.workflow.statuses))
        ticket = Ticket(
            id=str(10_000 + len(self.tickets)),
            key=f"{project.key}-{project.made}",
            project=project,
            issue_type=read["issue_type"],
            summary=read["summary"],
            description=read.get("description"),
            priority=read.get("priority", screens.DEFAULT_PRIORITY),
            status=status,
            created=now,
            updated=now,
            labels=read.get("labels", []),
            components=read.get("components", []),
            custom=read["custom"],
            statuses=[status],
        )
        self.tickets[ticket.key] = ticket
        return ticket

    def edit(self, ticket: Ticket, body: Mapping[str, Any], version: str) -> None:
        """Set fields, and carry out ``update`` on labels and comments."""
        _allow(ticket.project)
        read = screens.fields(body.get("fields") or {}, ticket.project, version, creating=False)
        update = body.get("update") or {}
        changed = list(read.get("labels", ticket.labels))
        for operation in update.get("labels", []):
            changed = _relabelled(changed, operation)
        try:
            read["labels"] = screens.labels(changed)
        except ValueError as error:
            raise JiraError(400, labels=str(error)) from error
        remarks = [
            screens.comment(operation["add"].get("body"), version)
            for operation in update.get("comment", [])
            if "add" in operation
        ]
        ticket.custom.update(read.pop("custom"))
        for name, value in read.items():
            setattr(ticket, name, value)
        for remark in remarks:
            self._add(ticket, remark, [])
        ticket.updated = self.clock()

    def comment(self, ticket: Ticket, body: Mapping[str, Any], version: str) -> Comment:
        """Add a comment."""
        _allow(ticket.project)
        said = screens.comment(body.get("body"), version)
        return self._add(ticket, said, list(body.get("properties") or []))

    def _add(self, ticket: Ticket, said: Any, properties: list[dict[str, Any]]) -> Comment:
        self._comments += 1
        now = self.clock()
        comment = Comment(str(self._comments), said, now, now, properties)
        ticket.comments.append(comment)
        ticket.updated = now
        return comment

    def transitions(self, ticket: Ticket) -> list[Transition]:
        """Return the steps that a ticket can take now."""
        return [
            step
            for step in self.workflow.transitions
            if step.before is None or ticket.status in step.before
        ]

    def move(self, ticket: Ticket, body: Mapping[str, Any], version: str) -> None:
        """Take a step of the workflow, with a resolution and a comment if given."""
        _allow(ticket.project)
        wanted = str((body.get("transition") or {}).get("id", ""))
        step = next((s for s in self.transitions(ticket) if s.id == wanted), None)
        if step is None:
            raise JiraError(
                400,
                "It seems that you have tried to perform an operation which you are not "
                "permitted to perform.",
            )
        chosen = (body.get("fields") or {}).get("resolution")
        resolution = chosen.get("name") if isinstance(chosen, dict) else None
        if chosen is not None and resolution not in self.workflow.resolutions:
            raise JiraError(400, resolution="The resolution selected is invalid.")
        self.edit(ticket, {"update": body.get("update") or {}}, version)
        self.settle(ticket, step.to, resolution)

    def settle(self, ticket: Ticket, status: str, resolution: str | None = None) -> None:
        """Put a ticket into a status, as its workflow's step into it does."""
        done = self.workflow.statuses[status] == "done"
        ticket.status = status
        ticket.statuses.append(status)
        ticket.resolution = (resolution or self.workflow.resolution) if done else None
        ticket.resolved = self.clock() if done else None
        ticket.updated = self.clock()

    def link(self, ticket: Ticket, body: Mapping[str, Any]) -> dict[str, Any]:
        """Add a remote link, or replace the one with the same ``globalId``."""
        _allow(ticket.project)
        if not (body.get("object") or {}).get("url"):
            raise JiraError(400, url="'url' is required.")
        same = body.get("globalId")
        kept = [link for link in ticket.links if same is None or link.get("globalId") != same]
        link = {**body, "id": 10_000 + len(ticket.links)}
        ticket.links = [*kept, link]
        return link

    def search(self, jql: str, *, seen: frozenset[str], bounded: bool) -> list[Ticket]:
        """Return the tickets that a query finds, in its order.

        Args:
            jql: the query.
            seen: ids that the index is made to know (``reconcileIssues``).
            bounded: refuse a query without a restriction, as Cloud does.
        """
        try:
            query = parse(jql, self.clock())
        except JqlError as error:
            raise JiraError(400, str(error)) from error
        if bounded and not query.bounded:
            raise JiraError(
                400,
                "Unbounded JQL queries are not allowed here. "
                "Please add a search restriction to your query.",
            )
        known = self.clock() - self.index_lag
        rows = [
            (ticket, ticket.row(self.workflow))
            for ticket in self.tickets.values()
            if ticket.created <= known or ticket.id in seen
        ]
        found = [(ticket, row) for ticket, row in rows if query.test(row)]
        # Jira's own order where none is asked for: the newest first.
        found.sort(key=lambda pair: int(pair[0].id), reverse=True)
        for name, descending in reversed(query.order):
            found.sort(key=lambda pair, n=name: _rank(pair[1][n]), reverse=descending)  # type: ignore[misc]
        return [ticket for ticket, _ in found]


def _rank(value: tuple[str, ...] | float | None) -> tuple[float, tuple[str, ...]]:
    return (value, ()) if isinstance(value, float) else (0.0, value or ())


def _relabelled(labels: list[str], operation: Mapping[str, Any]) -> list[str]:
    if "set" in operation:
        return list(operation["set"])
    if "remove" in operation:
        return [label for label in labels if label != operation["remove"]]
    return [*labels, operation["add"]] if "add" in operation else labels


def _allow(project: Project) -> None:
    if project.readonly:
        raise JiraError(403, "You do not have the permission to change this project.")
