"""Names of an environment, as its stacks give them, and the clients that speak to it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import boto3
from botocore.config import Config
from pydantic import BaseModel, ConfigDict, Field

from infra.release.model import Colour

PATIENT: Final = Config(
    connect_timeout=5, read_timeout=20, retries={"mode": "standard", "total_max_attempts": 4}
)
"""All tries of a request end well within the lease."""


class Account(BaseModel):
    """An environment.

    Attributes:
        region: of it.
        table: DynamoDB's, of releases.
        groups: auto-scaling groups by colour.
        parameters: of Systems Manager, by colour: which release machines boot.
        application: CodeDeploy's.
        deployment_group: CodeDeploy's.
        task: name of the server's task definition family.
        container: the server's in it.
        port: it listens on.
        hooks: names of the functions that CodeDeploy calls, by event.
        api: address of the API, through the machines' door.
        test_api: the same by the test listener.
        token_secret: Secrets Manager's name of the machines' token.
        database_secret: of the database's address, as RDS keeps it.
        pool: the work pool.
        canary: the deployment that is the canary.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    region: str
    table: str
    groups: Mapping[Colour, Annotated[list[str], Field(min_length=1)]]
    parameters: Mapping[Colour, str]
    application: str
    deployment_group: str
    task: str
    container: str = "server"
    port: int = 4200
    hooks: Mapping[str, str]
    api: str
    test_api: str
    token_secret: str
    database_secret: str
    pool: str = "ec2"
    canary: str = "release-canary"

    @classmethod
    def read(cls, path: Path) -> Account:
        """Return the environment that a file names.

        Raises:
            ValueError: it is not one (`pydantic.ValidationError` says what is wrong).
        """
        return cls.model_validate_json(path.read_text(encoding="utf-8"))

    def client(self, service: str) -> Any:
        """Return a client of a service."""
        return boto3.client(service, region_name=self.region, config=PATIENT)  # type: ignore[call-overload]
