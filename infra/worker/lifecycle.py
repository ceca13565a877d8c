"""Auto Scaling's side of a launch or a termination: heartbeats while runs finish, completion.

An answer that there is no such action any more is as good as success: it was completed, or timed
out, before. Everything else is tried again at the agent's next look.
"""

from __future__ import annotations

from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

GONE: Final = "ValidationError"
"""The service's code for an action that is not, or no longer, active."""


class Lifecycle:
    """A lifecycle hook of this machine.

    Args:
        client: boto3 client of Auto Scaling.
        group: the group's name.
        hook: the lifecycle hook's name.
        instance: this machine's id.
    """

    def __init__(self, client: Any, group: str, hook: str, instance: str) -> None:
        self._client = client
        self._action = {
            "AutoScalingGroupName": group,
            "LifecycleHookName": hook,
            "InstanceId": instance,
        }

    def heartbeat(self) -> bool:
        """Renew the action's timeout; say whether that is settled."""
        return self._settled(self._client.record_lifecycle_action_heartbeat, {})

    def complete(self) -> bool:
        """Let the launch or termination proceed; say whether that is settled."""
        result = {"LifecycleActionResult": "CONTINUE"}
        return self._settled(self._client.complete_lifecycle_action, result)

    def _settled(self, request: Any, more: dict[str, str]) -> bool:
        try:
            request(**self._action, **more)
        except ClientError as error:
            return error.response.get("Error", {}).get("Code") == GONE
        except BotoCoreError:
            return False
        return True
