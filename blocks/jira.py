"""A Jira project as a block: where it is, who we are there, what its tickets look like.

Cloud is spoken to in REST version 3, Server and Data Center in version 2. `tickets` connects;
`notify`, which Prefect's automations call, opens a ticket for a subject, or comments on the one
that is open for it, so that a hundred crashes of one kind are one ticket.
"""

from __future__ import annotations

import hashlib
from typing import Any, Literal

from jira import JIRA
from prefect.blocks.abstract import NotificationBlock
from prefect.utilities.asyncutils import sync_compatible
from pydantic.v1 import Field, SecretStr, root_validator

from blocks.errors import Rejected
from blocks.jira_answers import checked
from blocks.notifying import deliver
from blocks.tickets import Rules, Tickets
from blocks.wording import one_line


class JiraProject(NotificationBlock):
    """A Jira project in which tickets are opened.

    Args:
        server: address of the site, such as https://example.atlassian.net.
        deployment: ``cloud``, or ``server`` (also Data Center).
        user: the account's address (Cloud) or name; none to use a personal access token.
        token: API token, password, or personal access token.
        project: key of the project.
        issue_type: of the tickets opened.
        priorities: severity to the name of a priority.
        components: names of components that every ticket gets.
        labels: labels that every ticket gets.
        custom_fields: id of a field to the value it gets, in REST's form.
        resolve_to: name of the status, or step, that resolves; by default any that is done.
        reopen_to: name of the status, or step, that reopens; by default any that is open.
        resolution: set when resolving, where the workflow's screen asks for one.
        timeout: seconds to wait for Jira.
    """

    _block_type_name = "Jira Project"
    _block_type_slug = "jira-project"
    _events_excluded_methods = [  # noqa: RUF012 - as Prefect declares it
        *NotificationBlock._events_excluded_methods,
        "tickets",
        "check",
    ]

    server: str = Field(default=..., description="Address of the site.")
    deployment: Literal["cloud", "server"] = Field(default="cloud", description="Cloud or server.")
    user: str | None = Field(default=None, description="Account; none for an access token.")
    token: SecretStr = Field(default=..., description="API token or personal access token.")
    project: str = Field(default=..., description="Key of the project.")
    issue_type: str = Field(default="Task", description="Type of the tickets opened.")
    priorities: dict[str, str] = Field(
        default_factory=dict, description="Severity to the name of a priority."
    )
    components: list[str] = Field(default_factory=list, description="Components of every ticket.")
    labels: list[str] = Field(default_factory=list, description="Labels of every ticket.")
    custom_fields: dict[str, Any] = Field(
        default_factory=dict, description="Id of a field to its value, in REST's form."
    )
    resolve_to: str | None = Field(default=None, description="Status or step that resolves.")
    reopen_to: str | None = Field(default=None, description="Status or step that reopens.")
    resolution: str | None = Field(default=None, description="Resolution set when resolving.")
    timeout: float = Field(default=15.0, description="Seconds to wait for Jira.")

    @root_validator(skip_on_failure=True)
    def _cloud_has_a_user(cls, values: dict[str, Any]) -> dict[str, Any]:  # noqa: N805 - pydantic 1
        if values["deployment"] == "cloud" and not values["user"]:
            raise ValueError("user: Jira Cloud takes an API token with its account's address only")
        return values

    def tickets(self) -> Tickets:
        """Connect, for one thread; the first request goes out with the first operation."""
        cloud = self.deployment == "cloud"
        secret = self.token.get_secret_value()
        client = JIRA(
            server=self.server,
            options={"rest_api_version": "3" if cloud else "2"},
            basic_auth=(self.user, secret) if self.user else None,
            token_auth=None if self.user else secret,
            timeout=self.timeout,
            max_retries=0,
            get_server_info=False,
            logging=False,
        )
        # What serverInfo would have said, without a request that can fail.
        client.deploymentType = "Cloud" if cloud else "Server"
        rules = Rules(
            project=self.project,
            issue_type=self.issue_type,
            priorities=self.priorities,
            components=self.components,
            labels=self.labels,
            custom_fields=self.custom_fields,
            resolve_to=self.resolve_to,
            reopen_to=self.reopen_to,
            resolution=self.resolution,
        )
        return Tickets(client, rules, cloud=cloud)

    def check(self) -> None:
        """Ask Jira whether tickets can be opened as the block says, without opening one.

        Raises:
            Rejected: the account, project, issue type, a priority or a field does not do.
            DeliveryError: Jira could not be asked.
        """
        client, cloud = self.tickets().client, self.deployment == "cloud"
        required = checked(self.project, lambda: _required(client, self, cloud=cloud))
        given = {"project", "issuetype", "summary", "description", "labels", "reporter"}
        given |= set(self.custom_fields) | ({"components"} if self.components else set())
        missing = sorted(
            f"{name} ({identity})" for identity, name in required.items() if identity not in given
        )
        if missing:
            raise Rejected(
                f"{self.project} asks for fields that the block lacks: {', '.join(missing)}",
                "Add them to the block's custom_fields.",
                code="fields",
            )
        known = {p.name for p in checked("priorities", client.priorities)}
        unknown = sorted(set(self.priorities.values()) - known)
        if unknown:
            raise Rejected(
                f"Jira knows no priority {', '.join(unknown)}",
                f"Use some of: {', '.join(sorted(known))}.",
                code="priorities",
            )

    @sync_compatible
    async def notify(self, body: str, subject: str | None = None) -> None:
        """Open a ticket for the subject, or comment on the one that is open for it.

        A resolved ticket is not reopened: a new fault gets a new one.
        """
        heading = one_line(subject or body, 200) or "Notification"
        await deliver(lambda: self._say(heading, body), as_notification=self._raise_on_failure)

    def _say(self, heading: str, body: str) -> None:
        tickets = self.tickets()
        named = hashlib.sha256(f"{self.project}\n{heading}".encode()).hexdigest()[:16]
        mark = f"notify-{named}"
        unfinished = [t for t in tickets.find([mark]) if t.category != "done"]
        if unfinished:
            tickets.comment(unfinished[0].key, body)
        else:
            tickets.open(heading, body, labels=[mark])


def _required(client: JIRA, block: JiraProject, *, cloud: bool) -> dict[str, str]:
    """Return the fields that a new ticket needs and Jira does not fill: id to name."""
    key, kind = block.project, block.issue_type
    if cloud:
        answer = client.createmeta(
            projectKeys=key, issuetypeNames=kind, expand="projects.issuetypes.fields"
        )
        found = [t for p in answer["projects"] for t in p["issuetypes"] if t["name"] == kind]
        fields = found[0]["fields"] if found else {}
    else:
        url = f"issue/createmeta/{key}/issuetypes"
        found = [t for t in client._get_json(url)["values"] if t["name"] == kind]
        page = client._get_json(f"{url}/{found[0]['id']}") if found else {"values": []}
        fields = {field["fieldId"]: field for field in page["values"]}
    if not found:
        raise Rejected(
            f"{key} has no issue type {kind}, or {block.user or 'the token'} may not open one",
            "Correct the block's project and issue_type, or grant the right to create.",
            code="issue_type",
        )
    return {
        name: str(field["name"])
        for name, field in fields.items()
        if field["required"] and not field.get("hasDefaultValue")
    }
