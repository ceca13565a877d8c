"""CodeDeploy's appspec for the server: what is deployed, and at which events the driver is asked.

CodeDeploy waits at an event until its hook is answered. ``AfterAllowTestTraffic``: the new server
answers on the test listener, and the driver tries it before it lets traffic over.
``AfterAllowTraffic``: traffic is over, and the driver looks again before the old server may end.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

UP: Final = "AfterAllowTestTraffic"
OVER: Final = "AfterAllowTraffic"


def appspec(task_definition: str, container: str, port: int, hooks: Mapping[str, str]) -> str:
    """Return the appspec as JSON.

    Args:
        task_definition: ARN of the new server's.
        container: its name in it.
        port: it listens on.
        hooks: names of the functions that CodeDeploy calls, by event (`infra.release.aws.hooks`).
    """
    service: dict[str, Any] = {
        "Type": "AWS::ECS::Service",
        "Properties": {
            "TaskDefinition": task_definition,
            "LoadBalancerInfo": {"ContainerName": container, "ContainerPort": port},
        },
    }
    made = {
        "version": 0.0,
        "Resources": [{"TargetService": service}],
        "Hooks": [{event: hooks[event]} for event in (UP, OVER)],
    }
    return json.dumps(made, sort_keys=True)
