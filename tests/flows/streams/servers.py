"""Real queues on loopback for the tests of streams: redis-server, and moto over HTTP."""

from __future__ import annotations

import logging
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
import redis
from moto.server import ThreadedMotoServer

from sdk.testing.processes import Process, free_port, wait_until


class RedisServer:
    """A redis-server with its data in a folder; it can be stopped and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self._process: Process | None = None

    def start(self) -> None:
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1",
                   "--dir", str(self.folder), "--appendonly", "yes",
                   "--appendfsync", "always", "--save", ""]  # fmt: skip
        self._process = Process(command, self.folder / "redis.log", dict(os.environ))
        wait_until(self.answers, 120, "redis-server does not start", self._process)

    def answers(self) -> bool:
        try:
            with redis.Redis(port=self.port) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()

    def stop(self) -> None:
        if self._process is not None:
            self._process.stop()

    def address(self) -> str:
        """The address of a stream of its own."""
        return f"redis://127.0.0.1:{self.port}/0/prices-{uuid.uuid4().hex[:8]}"


@pytest.fixture(scope="module")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not installed: apt-get install redis-server")
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="module")
def aws() -> Iterator[str]:
    """A server that speaks SQS and S3; the AWS environment points to it."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
            patch.setenv("AWS_ACCESS_KEY_ID", "nobody")
            patch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
            patch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
            patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
            yield f"http://{host}:{port}"
    finally:
        server.stop()


def sqs_address(endpoint: str) -> str:
    """The address of a new queue with one for its dead letters."""
    name = f"prices-{uuid.uuid4().hex[:8]}"
    client = boto3.client("sqs", endpoint_url=endpoint)
    client.create_queue(QueueName=name)
    client.create_queue(QueueName=f"{name}-dead")
    return f"sqs://{name}"
