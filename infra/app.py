"""The CDK app: three environments from the same code.

    make synth                                  # templates in out/cdk
    python -m infra.app --package out/autoscaler --hooks out/hooks --out out/cdk [--sites FILE]

Synthesis runs cdk-nag's AwsSolutions over every resource and ends with an error if it finds
anything that `infra.stacks` has not accepted with a reason. It needs no account and no network.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks

from infra.stacks.environments import SiteError, load
from infra.stacks.stage import Environment

FLAGS: Final = {
    # Access logs by bucket policy; the older way is an ACL, which the buckets refuse.
    "@aws-cdk/aws-s3:serverAccessLogsUseBucketPolicy": True,
    # Policies no larger than they must be.
    "@aws-cdk/aws-iam:minimizePolicies": True,
    "@aws-cdk/core:enablePartitionLiterals": True,
    "@aws-cdk/aws-ecs:reduceEc2FargateCloudWatchPermissions": True,
    "@aws-cdk/aws-ecs:disableExplicitDeploymentControllerForCircuitBreaker": True,
    "@aws-cdk/aws-codedeploy:removeAlarmsFromDeploymentGroup": True,
    "@aws-cdk/aws-kms:reduceCrossAccountRegionPolicyScope": True,
    "@aws-cdk/aws-autoscaling:generateLaunchTemplateInsteadOfLaunchConfig": True,
}
"""Where the CDK does better than it did, if it is told so."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Synthesise; return the exit code, 1 for findings, 2 for a description that is wrong."""
    parser = argparse.ArgumentParser(prog="python -m infra.app")
    parser.add_argument("--package", type=Path, default=Path("out/autoscaler"))
    parser.add_argument("--hooks", type=Path, default=Path("out/hooks"))
    parser.add_argument("--out", default=os.environ.get("CDK_OUTDIR", "out/cdk"))
    parser.add_argument("--sites", type=Path, help="YAML: what differs from the defaults")
    options = parser.parse_args(arguments)
    for folder in (options.package, options.hooks):
        if not (folder / "infra").is_dir():
            sys.stderr.write(f"error: no packed functions in {folder}; run make package\n")
            return 2
    try:
        sites = load(options.sites)
    except (SiteError, OSError, TypeError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    made = app(options.out)
    for site in sites:
        Environment(made, site, options.package, options.hooks)
    try:
        made.synth()
    except RuntimeError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


def app(out: str) -> cdk.App:
    """Return an app that cdk-nag looks at.

    Args:
        out: folder of the templates.
    """
    made = cdk.App(outdir=out, analytics_reporting=False, tree_metadata=False, context=dict(FLAGS))
    cdk.Validations.of(made).add_plugins(
        AwsSolutionsChecks(made, write_suppressions_to_cloud_formation=True)
    )
    return made


if __name__ == "__main__":
    raise SystemExit(main())
