"""What the tests of streams share."""

from tests.flows.streams.servers import aws, redis_server

__all__ = ["aws", "redis_server"]
