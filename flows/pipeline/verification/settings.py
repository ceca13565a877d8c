"""The desk's settings, from ``DATAWEAVE_*`` environment variables; secrets are never shown."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from flows.pipeline.verification.errors import DatabaseUnusable
from flows.pipeline.verification.sampling import GOLD_HIGH, GOLD_SHARE, TWICE_SHARE

Network = IPv4Network | IPv6Network


class ReviewSettings(BaseSettings):
    """What the desk is told.

    Attributes:
        storage: the store's root; a local one holds the database where no other is named.
        review_database: address of the database, SQLAlchemy's way.
        review_tokens: who may sign in by token: ``name:role:token``, several separated by commas
            or new lines; role is reviewer or lead.
        review_secret: signs sessions; needed as soon as there is more than one server.
        review_proxies: addresses or networks of the proxies that sign people in.
        review_user_header: in which such a proxy names the person.
        review_groups_header: in which it names the person's groups.
        review_reviewers: the group whose members are reviewers; empty for everyone signed in.
        review_leads: the group whose members are leads.
        review_gold_share: known pairs among what a reviewer is handed.
        review_twice_share: tasks that two reviewers are asked.
    """

    model_config = SettingsConfigDict(env_prefix="DATAWEAVE_", frozen=True, extra="ignore")

    storage: str = str(Path(".dataweave") / "store")
    review_database: SecretStr | None = None
    review_tokens: SecretStr | None = None
    review_secret: SecretStr | None = None
    review_proxies: Annotated[tuple[Network, ...], NoDecode] = ()
    review_user_header: str = "X-Auth-Request-Email"
    review_groups_header: str = "X-Auth-Request-Groups"
    review_reviewers: str = ""
    review_leads: str = "review-leads"
    review_gold_share: float = Field(default=GOLD_SHARE, ge=0, le=GOLD_HIGH)
    review_twice_share: float = Field(default=TWICE_SHARE, ge=0, le=1)

    @field_validator("review_proxies", mode="before")
    @classmethod
    def _networks(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(ip_network(part.strip()) for part in value.split(",") if part.strip())
        return value

    @property
    def database(self) -> str:
        """The database's address: the one named, or a file in a local store.

        Raises:
            DatabaseUnusable: none is named, and the store is not a local folder.
        """
        if self.review_database is not None:
            return self.review_database.get_secret_value()
        root = self.storage.removeprefix("file://")
        if "://" in root:
            raise DatabaseUnusable(
                f"the store {self.storage} is remote, and no review database is named",
                "Set DATAWEAVE_REVIEW_DATABASE, such as postgresql://review@host/review.",
            )
        return f"sqlite:///{Path(root).resolve() / '_review' / 'review.db'}"
