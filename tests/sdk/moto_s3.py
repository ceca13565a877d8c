"""A real S3 protocol server on loopback for the tests of storage."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import boto3
import httpx
import pytest
from moto.server import ThreadedMotoServer
from s3fs import S3FileSystem

BUCKET = "warehouse"


@pytest.fixture(scope="module")
def s3_endpoint() -> Iterator[str]:
    """Start a server with one bucket; the AWS environment points to it."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", endpoint)
        patch.setenv("AWS_ACCESS_KEY_ID", "nobody")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
        patch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        S3FileSystem.clear_instance_cache()
        # What an earlier server of this process was told, the next one still knows.
        httpx.post(f"{endpoint}/moto-api/reset").raise_for_status()
        boto3.client("s3").create_bucket(
            Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
        )
        yield endpoint
    S3FileSystem.clear_instance_cache()
    server.stop()
