"""A real Prefect server with events on, and commands run against it."""

from sdk.testing.server import prefect_server

__all__ = ["prefect_server"]
