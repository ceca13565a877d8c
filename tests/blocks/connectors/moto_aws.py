"""AWS on loopback: one moto server over HTTP, reset for each file of tests."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import boto3
import httpx
import pytest
from moto.server import ThreadedMotoServer

REGION = "eu-central-1"
SECRET = "seeded-aws-secret-key-never-shown"
ACCOUNT = "123456789012"


class Aws:
    """The server, and a client of it for the tests' own use."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint

    @property
    def fields(self) -> dict[str, Any]:
        return {
            "region": REGION,
            "access_key_id": "seeded-key",
            "secret_access_key": SECRET,
            "endpoint_url": self.endpoint,
            "timeout": 60,
        }

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            region_name=REGION,
            endpoint_url=self.endpoint,
            aws_access_key_id="nobody",
            aws_secret_access_key="nothing",
        )

    def bucket(self, name: str) -> Any:
        client = self.client("s3")
        client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
        return client


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    httpx.post(f"http://{host}:{port}/moto-api/reset").raise_for_status()
    yield Aws(f"http://{host}:{port}")
    server.stop()
