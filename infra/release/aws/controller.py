"""The server by CodeDeploy: which starts the new one, moves the listener, and ends the old one.

What CodeDeploy does is told by its deployment's state and by the hooks at which it waits; both are
in one document of the store, which the hooks' function and the driver write on condition. A
deployment that was made and not noted, because its driver was killed, is found by its description,
which is the release's name.
"""

from __future__ import annotations

from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from infra.release.aws.account import Account
from infra.release.aws.appspec import OVER, UP, appspec
from infra.release.aws.hooks import DOCUMENT
from infra.release.model import Colour, Version
from infra.release.parts import Unanswered
from infra.release.seen import Look
from infra.release.store import ReleaseProblemError, Store, change

ACTIVE: Final = ["Created", "Queued", "InProgress", "Ready"]
ENDED: Final = frozenset({"Stopped", "Failed"})


class CodeDeployController:
    """An environment's servers and the listener in front of them.

    Args:
        account: names.
        store: of releases.
        codedeploy: boto3's client.
        ecs: boto3's client.
    """

    def __init__(self, account: Account, store: Store, codedeploy: Any, ecs: Any) -> None:
        self._account, self._store = account, store
        self._codedeploy, self._ecs = codedeploy, ecs

    def look(self, colour: Colour, version: Version) -> tuple[Look, str]:
        """Say whether a server of a version answers, on the listener or the test listener."""
        document = self._document()
        if document.get("serving") == version.digest:
            return Look.DONE, "it is behind the listener"
        if document.get("version") != version.digest:
            return Look.ABSENT, ""
        status = self._status(document)
        if status in ENDED:
            return Look.FAILED, f"deployment {document['deployment']} is {status}"
        if UP in document.get("hooks", {}) or status == "Succeeded":
            return Look.DONE, f"deployment {document['deployment']}"
        return Look.WAITING, f"deployment {document['deployment']} is {status}"

    def start(self, colour: Colour, version: Version, release: str) -> None:
        """Have CodeDeploy deploy it; a deployment of this release is made once."""
        if not version.image:
            raise ReleaseProblemError(f"version {version.short} names no image for the server")
        found = self._adopted(release) or self._created(version, release)
        document = self._document()
        if document.get("deployment") == found:
            return
        # Its first event may have been noted before the deployment was.
        early = document.get("early", {}).get(found, {})
        change(self._store, DOCUMENT, deployment=found, version=version.digest,
               colour=str(colour), release=release, hooks=early, answered=[], early={})  # fmt: skip

    def gone(self, colour: Colour) -> Look:
        """Say whether a colour's server is ended, or CodeDeploy's to end."""
        document = self._document()
        deployed = document.get("colour") == str(colour)
        status = self._status(document)
        if deployed:  # the new one, on the way back
            return Look.DONE if status in ENDED else Look.ABSENT
        answered = OVER in document.get("answered", []) or status == "Succeeded"
        return Look.DONE if answered else Look.ABSENT

    def stop(self, colour: Colour) -> None:
        """End a colour's server: let CodeDeploy finish, or stop what it does."""
        document = self._document()
        if document.get("colour") == str(colour):
            self._stop(document)
        else:
            self._answer(document, OVER)

    def url(self, colour: Colour) -> str:
        """Return the API's address; CodeDeploy has the test listener for the new one."""
        document = self._document()
        is_new = document.get("colour") == str(colour) and not self._is_over(document)
        return self._account.test_api if is_new else self._account.api

    # The listener.

    def points_at(self) -> Colour | None:
        """Return the colour behind the listener; None while CodeDeploy is moving it."""
        document = self._document()
        if "colour" not in document:
            return None
        new = Colour(document["colour"])
        status = self._status(document)
        if status in ENDED:
            return new.other
        if self._is_over(document) or status == "Succeeded":
            change(self._store, DOCUMENT, serving=document["version"])
            return new
        return None if UP in document.get("answered", []) else new.other

    def point(self, colour: Colour) -> None:
        """Let CodeDeploy move the listener, or have it moved back."""
        document = self._document()
        if document.get("colour") == str(colour):
            self._answer(document, UP)
        else:
            self._stop(document)

    def _is_over(self, document: dict[str, Any]) -> bool:
        return OVER in document.get("hooks", {})

    def _answer(self, document: dict[str, Any], event: str) -> None:
        if event in document.get("answered", []):
            return
        execution = document.get("hooks", {}).get(event)
        if execution is None:
            raise Unanswered(f"CodeDeploy is not at {event} yet")
        try:
            self._codedeploy.put_lifecycle_event_hook_execution_status(
                deploymentId=document["deployment"],
                lifecycleEventHookExecutionId=execution,
                status="Succeeded",
            )
        except ClientError as error:
            # Answered by a driver that was killed before it noted that.
            if _code(error) != "LifecycleEventAlreadyCompletedException":
                raise
        answered = [*self._document().get("answered", []), event]
        change(self._store, DOCUMENT, answered=answered)

    def _stop(self, document: dict[str, Any]) -> None:
        if "deployment" not in document:
            return
        try:
            self._codedeploy.stop_deployment(
                deploymentId=document["deployment"], autoRollbackEnabled=True
            )
        except ClientError as error:
            if _code(error) != "DeploymentAlreadyCompletedException":
                raise

    def _created(self, version: Version, release: str) -> str:
        task = self._task(version)
        names = self._account
        content = appspec(task, names.container, names.port, names.hooks)
        made = self._codedeploy.create_deployment(
            applicationName=self._account.application,
            deploymentGroupName=self._account.deployment_group,
            description=release,
            revision={"revisionType": "AppSpecContent", "appSpecContent": {"content": content}},
        )
        return str(made["deploymentId"])

    def _adopted(self, release: str) -> str | None:
        """Return the deployment of a release that is under way."""
        found = self._codedeploy.list_deployments(
            applicationName=self._account.application,
            deploymentGroupName=self._account.deployment_group,
            includeOnlyStatuses=ACTIVE,
        )
        for one in found["deployments"]:
            about = self._codedeploy.get_deployment(deploymentId=one)["deploymentInfo"]
            if about.get("description") == release:
                return str(one)
        return None

    def _task(self, version: Version) -> str:
        """Register the server's task with a version's image; the same one is the same revision."""
        kept = self._ecs.describe_task_definition(taskDefinition=self._account.task)
        task = kept["taskDefinition"]
        containers = [
            {**one, "image": version.image} if one["name"] == self._account.container else one
            for one in task["containerDefinitions"]
        ]
        if containers == task["containerDefinitions"]:
            return str(task["taskDefinitionArn"])
        names = ("family", "taskRoleArn", "executionRoleArn", "networkMode", "volumes",
                 "requiresCompatibilities", "cpu", "memory", "runtimePlatform")  # fmt: skip
        asked = {name: task[name] for name in names if name in task}
        made = self._ecs.register_task_definition(**asked, containerDefinitions=containers)
        return str(made["taskDefinition"]["taskDefinitionArn"])

    def _document(self) -> dict[str, Any]:
        return self._store.read(DOCUMENT).value

    def _status(self, document: dict[str, Any]) -> str:
        if "deployment" not in document:
            return ""
        try:
            found = self._codedeploy.get_deployment(deploymentId=document["deployment"])
        except (ClientError, BotoCoreError) as error:
            raise Unanswered(str(error)) from None
        return str(found["deploymentInfo"]["status"])


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
