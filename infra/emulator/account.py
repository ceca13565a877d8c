"""An account on the emulator: clients that talk to it over HTTP, and what a deployer finds there.

moto gives every account that a role is assumed in a world of its own, so that three environments
stand beside each other on one server as they do on AWS.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import boto3
from botocore.config import Config as BotoConfig

CLIENT: Final = BotoConfig(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
"""Nothing on loopback is worth a second try, and names of buckets resolve nowhere."""

ASSETS: Final = "cdk-hnb659fds-assets-{account}-{region}"
"""The bucket of the CDK's bootstrap stack, which is there before any stack of ours."""


@contextmanager
def server() -> Iterator[str]:
    """Run an emulator on a free port of loopback; yield its address."""
    from moto.server import ThreadedMotoServer

    running = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    try:
        host, port = running.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        running.stop()


class Account:
    """Clients of one account in one region.

    Args:
        url: the emulator's.
        account: twelve digits.
        region: of all clients.
    """

    def __init__(self, url: str, account: str, region: str) -> None:
        self.url, self.number, self.region = url, account, region
        self._clients: dict[str, Any] = {}
        sts = boto3.client(
            "sts",
            endpoint_url=url,
            region_name=region,
            aws_access_key_id="emulated",
            aws_secret_access_key="emulated",  # noqa: S106
            config=CLIENT,
        )
        given = sts.assume_role(
            RoleArn=f"arn:aws:iam::{account}:role/deployer", RoleSessionName="emulator"
        )["Credentials"]
        self._session: Any = boto3.Session(
            given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"], region
        )

    def client(self, service: str) -> Any:
        """Return the client of a service, such as ``s3``."""
        if service not in self._clients:
            self._clients[service] = self._session.client(
                service, endpoint_url=self.url, config=CLIENT
            )
        return self._clients[service]

    def bootstrap(self, assets: list[str]) -> None:
        """Make what the CDK's bootstrap leaves in an account: its bucket, with the assets in it.

        Args:
            assets: keys; what they hold does not matter here, since nothing is run.
        """
        bucket = ASSETS.format(account=self.number, region=self.region)
        s3 = self.client("s3")
        s3.create_bucket(
            Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": self.region}
        )
        empty = io.BytesIO()
        with zipfile.ZipFile(empty, "w") as archive:
            archive.writestr("handler.py", "")
        for key in assets:
            s3.put_object(Bucket=bucket, Key=key, Body=empty.getvalue())

    def zone(self, name: str) -> str:
        """Return the id of a hosted zone for a name, as a deployer has it before; made at need."""
        domain = name.rstrip(".").partition(".")[2]
        route53 = self.client("route53")
        for zone in route53.list_hosted_zones()["HostedZones"]:
            if zone["Name"].rstrip(".") == domain:
                return str(zone["Id"]).rpartition("/")[2]
        made = route53.create_hosted_zone(Name=domain, CallerReference=domain)["HostedZone"]
        return str(made["Id"]).rpartition("/")[2]

    def image(self) -> str:
        """Return some machine image of the emulator's."""
        return str(self.client("ec2").describe_images()["Images"][0]["ImageId"])
