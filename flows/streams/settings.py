"""The settings of streams, from ``DATAWEAVE_*`` environment variables; read once, at the edge."""

from __future__ import annotations

from pathlib import Path

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from sdk.errors import ConfigurationError


class StreamSettings(BaseSettings):
    """Where streams keep their ledger, and how they sign in.

    Attributes:
        stream_database: SQLAlchemy address of the ledgers' database; needed where consumers run
            on several machines. By default a SQLite file in a local store.
        queue_password: Redis'.
        queue_endpoint: AWS' service, for stand-ins.
        stream_visibility: seconds for which a message that was received is hidden from others.
        stream_lease: seconds without a sign of life after which a consumer counts as gone.
        stream_deliver: whether notices are also delivered from here, not only kept.
    """

    model_config = SettingsConfigDict(env_prefix="DATAWEAVE_", frozen=True, extra="ignore")

    stream_database: SecretStr | None = None
    queue_password: SecretStr | None = None
    queue_endpoint: str | None = None
    stream_visibility: float = 60.0
    stream_lease: float = 15.0
    stream_deliver: bool = True

    def database_of(self, store: str) -> str:
        """Return the address of the ledgers' database for a storage root.

        Raises:
            ConfigurationError: the root is no folder, and no database is named.
        """
        if self.stream_database is not None:
            return self.stream_database.get_secret_value()
        if "://" in store and not store.startswith("file://"):
            raise ConfigurationError(
                f"the store {store} can hold no database for the streams' ledger",
                "Set DATAWEAVE_STREAM_DATABASE to a PostgreSQL that all consumers reach.",
            )
        folder = Path(store.removeprefix("file://")).expanduser().resolve()
        return f"sqlite:///{folder / '_streams' / 'ledger.db'}"
