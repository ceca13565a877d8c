"""What Jira checks before it takes a field: the rules of the create and edit screens.

`fields` reads a request's fields into values for a `Ticket` or raises `JiraError` with a sentence
for every field that is wrong, as Jira does (all at once, not the first one alone).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sdk.testing.receivers.documents import is_document
from sdk.testing.receivers.tickets import JiraError, Project

MAX_SUMMARY = 255
MAX_LABEL = 255
MAX_BODY = 32_767
"""Jira's default limit of a description's or comment's characters."""

PRIORITIES = ("Highest", "High", "Medium", "Low", "Lowest")
DEFAULT_PRIORITY = "Medium"

_STANDARD = frozenset(
    {"summary", "description", "labels", "priority", "components", "project", "issuetype"}
)


def fields(
    given: Mapping[str, Any], project: Project, version: str, *, creating: bool
) -> dict[str, Any]:
    """Return the checked fields, by the names of `Ticket`'s attributes.

    Args:
        given: the request's ``fields``.
        project: whose screens hold.
        version: ``2`` or ``3``: which form a description has.
        creating: required fields must be there, and an issue type is chosen.

    Raises:
        JiraError: 400, with a sentence for each field that is wrong.
    """
    readers: dict[str, tuple[str, Callable[[Any], Any]]] = {
        "summary": ("summary", _summary),
        "description": ("description", lambda value: body(value, version)),
        "labels": ("labels", labels),
        "priority": ("priority", _priority),
        "components": ("components", lambda value: _components(value, project)),
    }
    if creating:
        readers["issuetype"] = ("issue_type", lambda value: _issue_type(value, project))
    wrong = _unfit(given, project, creating=creating)
    read: dict[str, Any] = {"custom": {n: given[n] for n in project.custom if n in given}}
    for name, (attribute, reader) in readers.items():
        # Nothing leaves a field as it is; only a summary cannot be nothing.
        if name not in given or (given[name] is None and name != "summary"):
            continue
        try:
            read[attribute] = reader(given[name])
        except ValueError as error:
            wrong[name] = str(error)
    if wrong:
        raise JiraError(400, **wrong)
    return read


def _unfit(given: Mapping[str, Any], project: Project, *, creating: bool) -> dict[str, str]:
    """Return what is wrong with the choice of fields: unknown ones, missing ones."""
    wrong = {
        name: f"Field '{name}' cannot be set. It is not on the appropriate screen, or unknown."
        for name in given
        if name not in _STANDARD and name not in project.custom
    }
    if creating:
        if "summary" not in given:
            wrong["summary"] = "You must specify a summary of the issue."
        if given.get("issuetype") is None:
            wrong["issuetype"] = "Specify an issue type"
        for identity, (label, required) in project.custom.items():
            if required and given.get(identity) in (None, "", []):
                wrong[identity] = f"{label} is required."
    return wrong


def body(value: Any, version: str) -> Any:
    """Check a description: a document in version 3, text in version 2."""
    if version == "3":
        if not is_document(value):
            raise ValueError(
                "Operation value must be an Atlassian Document (see the Atlassian Document Format)"
            )
        return value
    if not isinstance(value, str):
        raise ValueError("Operation value must be a string")
    if len(value) > MAX_BODY:
        raise ValueError(
            "The entered text is too long. "
            f"It exceeds the allowed limit of {MAX_BODY:,} characters."
        )
    return value


def comment(value: Any, version: str) -> Any:
    """Check a comment's body, in the words that comments are refused with."""
    if value in (None, ""):
        raise JiraError(400, comment="Comment body can not be empty!")
    try:
        return body(value, version)
    except ValueError as error:
        long = isinstance(value, str) and len(value) > MAX_BODY
        words = str(error) if long else "Comment body is not valid!"
        raise JiraError(400, comment=words) from error


def labels(value: Any) -> list[str]:
    """Check labels: texts without spaces, each once."""
    if not isinstance(value, list) or not all(isinstance(label, str) for label in value):
        raise ValueError("data was not an array")
    for label in value:
        if not label or any(character.isspace() for character in label):
            raise ValueError(f"The label '{label}' contains spaces which is invalid.")
        if len(label) > MAX_LABEL:
            raise ValueError(f"The label '{label}' exceeds {MAX_LABEL} characters.")
    return sorted(set(value))


def _summary(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("You must specify a summary of the issue.")
    if "\n" in value or "\r" in value:
        raise ValueError("The summary is invalid because it contains newline characters.")
    if len(value) > MAX_SUMMARY:
        raise ValueError(f"Summary must be less than {MAX_SUMMARY} characters.")
    return value


def _priority(value: Any) -> str:
    name = value.get("name") if isinstance(value, dict) else None
    identity = str(value.get("id", "")) if isinstance(value, dict) else ""
    if identity.isdigit() and 1 <= int(identity) <= len(PRIORITIES):
        return PRIORITIES[int(identity) - 1]
    if name not in PRIORITIES:
        raise ValueError("The priority selected is invalid.")
    return str(name)


def _components(value: Any, project: Project) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise ValueError("data was not an array")
    names = [str(item.get("name")) for item in value]
    for name in names:
        if name not in project.components:
            raise ValueError(f"Component name '{name}' is not valid")
    return names


def _issue_type(value: Any, project: Project) -> str:
    name = value.get("name") if isinstance(value, dict) else None
    identity = str(value.get("id", "")) if isinstance(value, dict) else ""
    if identity.isdigit() and 1 <= int(identity) <= len(project.issue_types):
        return project.issue_types[int(identity) - 1]
    if name not in project.issue_types:
        raise ValueError("The issue type selected is invalid.")
    return str(name)
