"""A fake group on a port, real boto3 clients for it, a moto server for the memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from botocore.config import Config as BotoConfig

from infra.testing.group import AutoScalingGroup, Boot, Hooks
from infra.testing.server import GroupServer

GROUP = "work-dev"


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    now: float = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


def client(service: str, url: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=url,
        region_name="eu-central-1",
        aws_access_key_id="x",
        aws_secret_access_key="x",
        config=BotoConfig(retries={"mode": "standard", "total_max_attempts": 1}),
    )


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def group_server(clock: Clock) -> Iterator[GroupServer]:
    group = AutoScalingGroup(
        GROUP, minimum=0, maximum=10, boot=lambda _: Boot(120.0), hooks=Hooks(420.0, 900.0)
    )
    with GroupServer(group, clock) as server:
        yield server


@pytest.fixture(scope="session")
def moto_url() -> Iterator[str]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def boto() -> Callable[[str, str], Any]:
    return client
