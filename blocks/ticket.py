"""A ticket as Jira tells of it, and the choice of a step of its workflow. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

FIELDS = ("summary", "status", "resolution", "labels", "created", "updated", "resolutiondate")
"""What a ticket is read from."""

Category = Literal["new", "indeterminate", "done"]


@dataclass(frozen=True, slots=True)
class Opened:
    """A ticket that was just opened: its number, its key, and where people find it."""

    id: str
    key: str
    url: str


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket as Jira told it.

    Attributes:
        id: its number, which stays when it is moved to another project.
        url: where people find it.
        category: ``new``, ``indeterminate`` (in progress) or ``done``.
        resolution: its name (``Won't Do``), none where it is unresolved.
        resolved: when it was resolved.
    """

    id: str
    key: str
    url: str
    summary: str
    status: str
    category: Category
    resolution: str | None
    labels: tuple[str, ...]
    created: datetime
    updated: datetime
    resolved: datetime | None


def ticket(raw: Mapping[str, Any], server: str) -> Ticket:
    """Read a ticket out of REST's answer; `server` is the site's address."""
    fields = raw["fields"]
    resolution, resolved = fields.get("resolution"), fields.get("resolutiondate")
    return Ticket(
        id=str(raw["id"]),
        key=str(raw["key"]),
        url=address(str(raw["key"]), server),
        summary=str(fields["summary"]),
        status=str(fields["status"]["name"]),
        category=category(str(fields["status"]["statusCategory"]["key"])),
        resolution=str(resolution["name"]) if resolution else None,
        labels=tuple(fields["labels"]),
        created=_moment(fields["created"]),
        updated=_moment(fields["updated"]),
        resolved=_moment(resolved) if resolved else None,
    )


def address(key: str, server: str) -> str:
    """Return where people find a ticket."""
    return f"{server.rstrip('/')}/browse/{key}"


def category(key: str) -> Category:
    """Read a status category."""
    # Jira knows a fourth, "undefined", for statuses without one: nobody works on it yet.
    return key if key in ("indeterminate", "done") else "new"  # type: ignore[return-value]


def step(steps: Iterable[Mapping[str, Any]], to: Category, status: str | None) -> str | None:
    """Return the id of the step to take, or nothing where none leads there.

    Args:
        steps: the transitions that Jira offers now.
        to: ``done`` to resolve, ``new`` to reopen.
        status: name of the status or step to take. Without it, any that resolves or reopens: the
            category itself before another one, then the lowest id.
    """

    def led_to(offered: Mapping[str, Any]) -> Category:
        return category(str(offered["to"]["statusCategory"]["key"]))

    if status is not None:
        named = [
            offered
            for offered in steps
            if status.lower() in (str(offered["to"]["name"]).lower(), str(offered["name"]).lower())
        ]
    else:
        named = [offered for offered in steps if (led_to(offered) == "done") == (to == "done")]
    named.sort(key=lambda offered: (led_to(offered) != to, int(offered["id"])))
    return str(named[0]["id"]) if named else None


def _moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z")
