"""Loading marts into PostgreSQL, as a flow: what is new in the store, for every customer."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from flows.operations.catalogue import customers
from flows.operations.marts.postgres import load
from flows.operations.marts.postgres_plan import SCHEMA
from flows.operations.marts.published import published
from sdk import NETWORK, Settings, Store, flow, task
from sdk.dataset import Dataset
from sdk.errors import ConfigurationError


class MartsSettings(BaseSettings):
    """Where marts are loaded to, from ``DATAWEAVE_*`` environment variables.

    Attributes:
        marts_database: address of the database.
        marts_schema: of its tables.
    """

    model_config = SettingsConfigDict(env_prefix="DATAWEAVE_", frozen=True, extra="ignore")

    marts_database: SecretStr | None = None
    marts_schema: str = SCHEMA


@flow(name="marts-load")
def load_marts(
    customer: str | None = None, first: date | None = None, days: int = 7
) -> dict[str, int]:
    """Load the marts of the days that are in the store; schedule it after the customers' runs.

    A day that is there in the same version is loaded again all the same: it costs seconds, and
    mends what somebody deleted.

    Args:
        customer: whose; all if it is left out.
        first: the earliest day.
        days: by default the days from so many days ago.

    Returns:
        Rows loaded, by customer.
    """
    settings = MartsSettings()
    if settings.marts_database is None:
        raise ConfigurationError(
            "no database is named for the marts",
            "Set DATAWEAVE_MARTS_DATABASE to postgresql://user:password@host/database.",
        )
    store = Store(Settings().storage)
    first = first or datetime.now(UTC).date() - timedelta(days=days)
    loaded: dict[str, int] = {}
    for name in [customer] if customer else customers():
        for dataset in published(store, name, first=first):
            rows = load_day(dataset, settings.marts_database, schema=settings.marts_schema)
            loaded[name] = loaded.get(name, 0) + rows
    return loaded


@task(retry=NETWORK)
def load_day(dataset: Dataset, database: SecretStr, *, schema: str = SCHEMA) -> int:
    """Load the marts of a customer's day; return how many rows they have."""
    done = asyncio.run(load(database.get_secret_value(), schema, dataset))
    return sum(done.rows.values())
