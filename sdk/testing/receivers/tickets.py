"""What the Jira stand-in keeps: projects, their workflow, and tickets as they stand now.

Names of statuses and resolutions are those of a new Cloud project and of Jira Server's classic
workflow, since a sender has to find its way in both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from sdk.testing.receivers.documents import document, text_of
from sdk.testing.receivers.jql import Row

Category = Literal["new", "indeterminate", "done"]

CATEGORIES: dict[Category, tuple[int, str]] = {
    "new": (2, "To Do"),
    "indeterminate": (4, "In Progress"),
    "done": (3, "Done"),
}
"""Jira's own ids and names of the status categories."""


class JiraError(Exception):
    """A refusal: HTTP status, and what Jira says of the request and of its fields."""

    def __init__(self, status: int, *messages: str, **fields: str) -> None:
        super().__init__(status, *messages, fields)
        self.status = status
        self.messages = list(messages)
        self.fields = fields


@dataclass(frozen=True, slots=True)
class Transition:
    """A step of a workflow: its id and name, from which statuses, to which one."""

    id: str
    name: str
    to: str
    before: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Workflow:
    """Statuses with their categories, the first of them that of a new ticket; and the steps."""

    statuses: Mapping[str, Category]
    transitions: tuple[Transition, ...]
    resolutions: tuple[str, ...]
    resolution: str


CLOUD = Workflow(
    {"To Do": "new", "In Progress": "indeterminate", "Done": "done"},
    (
        Transition("11", "To Do", "To Do"),
        Transition("21", "In Progress", "In Progress"),
        Transition("31", "Done", "Done"),
    ),
    ("Done", "Won't Do", "Duplicate", "Cannot Reproduce"),
    "Done",
)
_UNFINISHED = frozenset({"Open", "In Progress", "Reopened"})
SERVER = Workflow(
    {
        "Open": "new",
        "In Progress": "indeterminate",
        "Reopened": "new",
        "Resolved": "done",
        "Closed": "done",
    },
    (
        Transition("4", "Start Progress", "In Progress", frozenset({"Open", "Reopened"})),
        Transition("5", "Resolve Issue", "Resolved", _UNFINISHED),
        Transition("2", "Close Issue", "Closed", _UNFINISHED | {"Resolved"}),
        Transition("3", "Reopen Issue", "Reopened", frozenset({"Resolved", "Closed"})),
    ),
    ("Fixed", "Won't Fix", "Duplicate", "Cannot Reproduce"),
    "Fixed",
)


@dataclass(slots=True)
class Project:
    """A project.

    Attributes:
        components: names of its components.
        issue_types: names of its issue types.
        custom: custom fields on its create screen: id to (name, required).
        readonly: the user sees it and may change nothing (403).
    """

    id: str
    key: str
    components: tuple[str, ...] = ()
    issue_types: tuple[str, ...] = ("Task", "Bug", "Incident")
    custom: Mapping[str, tuple[str, bool]] = field(default_factory=dict)
    readonly: bool = False
    made: int = 0


@dataclass(slots=True)
class Comment:
    """A comment; `body` is text or a document, as it was sent."""

    id: str
    body: Any
    created: float
    updated: float
    properties: list[dict[str, Any]] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The comment's words."""
        return text_of(self.body)

    def shown(self, version: str) -> dict[str, Any]:
        """Return the comment as REST shows it."""
        return {
            "id": self.id,
            "body": rendered(self.body, version),
            "created": stamp(self.created),
            "updated": stamp(self.updated),
            "properties": self.properties,
        }


@dataclass(slots=True)
class Ticket:
    """An issue as it stands now; `description` is text or a document, as it was sent."""

    id: str
    key: str
    project: Project
    issue_type: str
    summary: str
    description: Any
    priority: str
    status: str
    created: float
    updated: float
    labels: list[str] = field(default_factory=list)
    components: list[str] = field(default_factory=list)
    custom: dict[str, Any] = field(default_factory=dict)
    resolution: str | None = None
    resolved: float | None = None
    comments: list[Comment] = field(default_factory=list)
    links: list[dict[str, Any]] = field(default_factory=list)
    statuses: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The description's words."""
        return text_of(self.description)

    def row(self, workflow: Workflow) -> Row:
        """Return the ticket as a search sees it."""
        category = workflow.statuses[self.status]
        words = "\n".join([self.summary, self.text, *(c.text for c in self.comments)])
        return {
            "project": (self.project.key, self.project.id),
            "key": (self.key, self.id),
            "labels": tuple(self.labels),
            "status": (self.status,),
            "statuscategory": (CATEGORIES[category][1], category),
            "resolution": (self.resolution,) if self.resolution else (),
            "priority": (self.priority,),
            "issuetype": (self.issue_type,),
            "component": tuple(self.components),
            "summary": (self.summary,),
            "text": (words,),
            "created": self.created,
            "updated": self.updated,
            "resolved": self.resolved,
        }

    def shown(self, url: str, version: str, workflow: Workflow) -> dict[str, Any]:
        """Return the ticket as REST shows it, with every field."""
        number, name = CATEGORIES[workflow.statuses[self.status]]
        category = {"id": number, "key": workflow.statuses[self.status], "name": name}
        described = self.description
        return {
            "id": self.id,
            "key": self.key,
            "self": f"{url}/rest/api/{version}/issue/{self.id}",
            "fields": {
                "summary": self.summary,
                "description": None if described is None else rendered(described, version),
                "labels": list(self.labels),
                "components": [{"name": name} for name in self.components],
                "priority": {"name": self.priority},
                "status": {"name": self.status, "statusCategory": category},
                "resolution": {"name": self.resolution} if self.resolution else None,
                "resolutiondate": None if self.resolved is None else stamp(self.resolved),
                "created": stamp(self.created),
                "updated": stamp(self.updated),
                "issuetype": {"name": self.issue_type},
                "project": {"id": self.project.id, "key": self.project.key},
                "comment": {
                    "comments": [comment.shown(version) for comment in self.comments],
                    "total": len(self.comments),
                },
                **{name: self.custom.get(name) for name in self.project.custom},
            },
        }


def rendered(value: Any, version: str) -> Any:
    """Return a description or comment in the form of a version: a document in 3, text in 2."""
    if version == "3":
        return document(value) if isinstance(value, str) else value
    return text_of(value)


def stamp(moment: float) -> str:
    """Return a moment as Jira writes it: milliseconds, and the zone without a colon."""
    at = datetime.fromtimestamp(moment, UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}+0000"
