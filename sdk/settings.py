"""Settings: read once, at the edge of a run, and passed down.

Nothing below reads the environment by itself. Every setting has a default with which the
platform runs embedded: a folder as the store, Prefect's in-process API, no account.
"""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """The platform's settings, from ``DATAWEAVE_*`` environment variables.

    Attributes:
        storage: URL of the storage root: a folder, ``s3://…``, anything that fsspec opens.
        environment: development, staging or production; part of every notice.
        timezone: in which a run that is not told its day finds it.
        code_version: what to call the code (an image digest); by default a hash of the sources
            that a step can reach.
        refresh: make every dataset anew, also what is there already.
    """

    model_config = SettingsConfigDict(env_prefix="DATAWEAVE_", frozen=True, extra="ignore")

    storage: str = str(Path(".dataweave") / "store")
    environment: str = "development"
    timezone: str = "UTC"
    code_version: str | None = None
    refresh: bool = False

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(
                f"{value!r} is not an IANA time zone such as Asia/Jerusalem"
            ) from error
        return value
