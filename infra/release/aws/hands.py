"""The hands of an account."""

from __future__ import annotations

import json

from sqlalchemy import URL

from infra.release.aws.account import Account
from infra.release.aws.controller import CodeDeployController
from infra.release.aws.fleet import GroupFleet
from infra.release.declared import kept
from infra.release.dynamo import DynamoStore
from infra.release.hands import Hands
from infra.release.runs import PrefectRuns
from infra.release.schema import AlembicSchema

__all__ = ["Account", "account_hands", "account_store"]


def account_store(account: Account) -> DynamoStore:
    """Return what an environment remembers."""
    return DynamoStore(account.client("dynamodb"), account.table)


def account_hands(account: Account) -> Hands:
    """Return the hands of an environment; secrets are read here, and kept in memory alone."""
    store = account_store(account)
    secrets = account.client("secretsmanager")

    def secret(name: str) -> str:
        return str(secrets.get_secret_value(SecretId=name)["SecretString"])

    deploys, ecs = account.client("codedeploy"), account.client("ecs")
    server = CodeDeployController(account, store, deploys, ecs)
    runs = PrefectRuns(
        lambda: [account.api],
        account.pool,
        lambda version: kept(store, version.digest),
        account.canary,
        {"Authorization": f"Bearer {secret(account.token_secret)}"},
    )
    fleet = GroupFleet(account, account.client("autoscaling"), account.client("ssm"))
    schema = AlembicSchema(address(secret(account.database_secret)))
    return Hands(fleet, server, server, schema, runs)


def address(secret: str) -> str:
    """Return a database's URL from its secret.

    Args:
        secret: as RDS keeps it, JSON with ``username``, ``password``, ``host``, ``port`` and
            ``dbname``; or the URL itself.
    """
    if not secret.lstrip().startswith("{"):
        return secret
    found = json.loads(secret)
    made = URL.create(
        "postgresql",
        found["username"],
        found["password"],
        found["host"],
        int(found["port"]),
        found.get("dbname") or "prefect",
    )
    return made.render_as_string(hide_password=False)
