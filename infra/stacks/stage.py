"""An environment put together: seven stacks, and nothing shared with another environment."""

from __future__ import annotations

from pathlib import Path

import aws_cdk as cdk
from constructs import Construct

from infra.stacks.controller import Controller
from infra.stacks.data import Data
from infra.stacks.doors import Doors
from infra.stacks.environments import Site
from infra.stacks.foundation import Foundation
from infra.stacks.release import Release
from infra.stacks.scaling import Scaling
from infra.stacks.workers import Workers


class Environment(cdk.Stage):
    """One environment.

    Args:
        scope: the app.
        site: which.
        package: folder of the packed autoscaler.
        hooks: folder of the packed functions of releases.
    """

    def __init__(self, scope: Construct, site: Site, package: Path, hooks: Path) -> None:
        env = cdk.Environment(account=site.account, region=site.region)
        super().__init__(scope, site.name, env=env)
        base = Foundation(self, site, env)
        data = Data(self, base, env)
        doors = Doors(self, base, data, env)
        controller = Controller(self, base, data, doors, env)
        workers = Workers(self, base, data, doors, env)
        scaling = Scaling(self, base, data, doors, workers, package, env)
        release = Release(self, base, data, doors, controller, workers, hooks, env)
        # CodeDeploy watches the alarms, which it knows by name.
        release.add_stack_dependency(scaling)
        for key, value in {
            "dataweave:environment": site.name,
            "dataweave:owner": "platform",
            "dataweave:source": "infra/stacks",
        }.items():
            cdk.Tags.of(self).add(key, value)
