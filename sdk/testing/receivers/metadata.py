"""What the Jira stand-in says of itself: server, fields, priorities, projects, createmeta.

Create metadata comes in both forms: the old one in a single answer (Cloud, and servers before
9.0), and the one by project and issue type (Cloud, and servers from 8.4 on).
"""

from __future__ import annotations

from typing import Any

from sdk.testing.receivers.screens import PRIORITIES
from sdk.testing.receivers.server import Request
from sdk.testing.receivers.tickets import JiraError, Project
from sdk.testing.receivers.tracker import Tracker

FIELDS = {
    "summary": "Summary",
    "description": "Description",
    "labels": "Labels",
    "priority": "Priority",
    "components": "Components",
    "issuetype": "Issue Type",
    "project": "Project",
    "status": "Status",
    "resolution": "Resolution",
    "created": "Created",
    "updated": "Updated",
}
ON_SCREEN = ("summary", "description", "labels", "priority", "components", "issuetype", "project")
REQUIRED = frozenset({"summary", "issuetype", "project"})


class Metadata:
    """Answers about a site, none of which changes it."""

    def __init__(self, tracker: Tracker, *, cloud: bool, version: tuple[int, int, int]) -> None:
        self.tracker = tracker
        self.cloud = cloud
        self.version = (1001, 0, 0) if cloud else version

    def server_info(self, url: str) -> dict[str, Any]:
        """Return what a client asks first: version and kind of deployment."""
        return {
            "baseUrl": url,
            "version": ".".join(map(str, self.version)),
            "versionNumbers": list(self.version),
            "deploymentType": "Cloud" if self.cloud else "Server",
            "serverTitle": "receiver",
        }

    def read(self, request: Request, parts: list[str]) -> dict[str, Any] | list[Any]:
        """Return the answer to a question about the site."""
        match parts:
            case ["field"]:
                return [self._field(name, label) for name, label in self._labels().items()]
            case ["priority"]:
                return [{"id": str(i), "name": name} for i, name in enumerate(PRIORITIES, 1)]
            case ["resolution"]:
                return [{"name": name} for name in self.tracker.workflow.resolutions]
            case ["project"]:
                return [self._project(project) for project in self.tracker.projects.values()]
            case ["project", key]:
                return self._project(self.tracker.project(key))
            case ["issue", "createmeta"]:
                return self._old(request)
            case ["issue", "createmeta", key, "issuetypes"]:
                types = self._types(self.tracker.project(key))
                return self._page("issueTypes", types)
            case ["issue", "createmeta", key, "issuetypes", kind]:
                project = self.tracker.project(key)
                if kind not in {entry["id"] for entry in self._types(project)}:
                    raise JiraError(400, "The issue type is not part of the project.")
                return self._page("fields", list(self._screen(project).values()))
        raise JiraError(404, "null for uri")

    def _page(self, cloud_name: str, values: list[Any]) -> dict[str, Any]:
        told = {"startAt": 0, "maxResults": 50, "total": len(values)}
        return {**told, cloud_name if self.cloud else "values": values, "isLast": True}

    def _old(self, request: Request) -> dict[str, Any]:
        if not self.cloud and self.version >= (9, 0, 0):
            raise JiraError(404, "Issue Does Not Exist")
        keys = [key for text in request.query.get("projectKeys", []) for key in text.split(",")]
        names = [n for text in request.query.get("issuetypeNames", []) for n in text.split(",")]
        deep = "projects.issuetypes.fields" in request.parameter("expand")
        projects = []
        for project in self.tracker.projects.values():
            if keys and project.key not in keys:
                continue
            types = [entry for entry in self._types(project) if not names or entry["name"] in names]
            if deep:
                types = [{**entry, "fields": self._screen(project)} for entry in types]
            projects.append({"id": project.id, "key": project.key, "issuetypes": types})
        return {"projects": projects}

    def _project(self, project: Project) -> dict[str, Any]:
        return {
            "id": project.id,
            "key": project.key,
            "name": project.key,
            "issueTypes": self._types(project),
            "components": [{"name": name} for name in project.components],
        }

    def _types(self, project: Project) -> list[dict[str, Any]]:
        names = enumerate(project.issue_types, 1)
        return [{"id": str(i), "name": name, "subtask": False} for i, name in names]

    def _screen(self, project: Project) -> dict[str, dict[str, Any]]:
        standard = {name: (FIELDS[name], name in REQUIRED) for name in ON_SCREEN}
        fields = {**standard, **project.custom}
        return {
            name: {"fieldId": name, "key": name, "name": label, "required": required}
            for name, (label, required) in fields.items()
        }

    def _labels(self) -> dict[str, str]:
        custom = [p.custom.items() for p in self.tracker.projects.values()]
        return {**FIELDS, **{name: label for items in custom for name, (label, _) in items}}

    def _field(self, name: str, label: str) -> dict[str, Any]:
        custom = name.startswith("customfield_")
        return {"id": name, "name": label, "custom": custom, "clauseNames": [name]}
