"""The watch's one file of configuration, in YAML; secrets are named, not written in it.

    server: http://127.0.0.1:4200/api
    key_variable: PREFECT_API_KEY       # of machines
    storage: s3://dataweave-data
    expected: {canary_every: 1800, canary_queued: 120}
    alerts:
      webhook_variable: WATCH_WEBHOOK   # Slack's incoming webhook, or anything that takes its JSON
    heartbeat:
      file: /run/dataweave/watch
      cloudwatch: {namespace: DataWeave, environment: production}

Without a file it watches what the environment names, and tells its log alone.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from canary.watch.findings import Expected
from sdk.errors import ConfigurationError


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Alerts(_Strict):
    """Where findings are told, beside the log; `webhook_variable` holds the address."""

    webhook_variable: str | None = None


class CloudWatch(_Strict):
    """The metric of the heartbeat; its alarm treats missing data as breaching."""

    namespace: str = "DataWeave"
    environment: str


class Heartbeat(_Strict):
    """How the watch says that it is alive."""

    file: Path | None = None
    cloudwatch: CloudWatch | None = None


class WatchSettings(_Strict):
    """What the watch watches, what is normal, and whom it tells.

    Attributes:
        server: of the API.
        key_variable: environment variable that holds the machines' token.
        storage: the storage root.
        environment: part of every alert.
        seconds: between looks.
        page: folder of the canary's page; none is made without.
    """

    server: str
    key_variable: str = "PREFECT_API_KEY"
    storage: str
    environment: str = "development"
    seconds: float = Field(30.0, gt=0)
    expected: Expected = Expected()
    alerts: Alerts = Alerts()
    heartbeat: Heartbeat = Heartbeat()
    page: Path | None = None

    def key(self, given: Mapping[str, str]) -> str | None:
        """Return the machines' token."""
        return given.get(self.key_variable) or None

    def webhook(self, given: Mapping[str, str]) -> SecretStr | None:
        """Return where alerts go.

        Raises:
            ConfigurationError: the variable that should hold it is not set.
        """
        name = self.alerts.webhook_variable
        if name is None:
            return None
        if not given.get(name):
            raise ConfigurationError(
                f"{name}, where alerts go, is not set", "Set it, or leave webhook_variable out."
            )
        return SecretStr(given[name])


def read(path: Path | None, given: Mapping[str, str] = os.environ) -> WatchSettings:
    """Return the settings of a file, or of the environment.

    Raises:
        ConfigurationError: naming the field.
    """
    if path is not None:
        try:
            found = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, yaml.YAMLError) as error:
            raise ConfigurationError(f"{path} cannot be read: {error}", "Correct it.") from error
    else:
        folder = given.get("DATAWEAVE_CANARY")
        found = {
            "server": given.get("PREFECT_API_URL", ""),
            "storage": given.get("DATAWEAVE_STORAGE", ""),
            "environment": given.get("DATAWEAVE_ENVIRONMENT", "development"),
            "page": folder or None,
            "heartbeat": {"file": f"{folder}/heartbeat"} if folder else {},
            "alerts": {"webhook_variable": "WATCH_WEBHOOK"} if given.get("WATCH_WEBHOOK") else {},
        }
        for name in ("PREFECT_API_URL", "DATAWEAVE_STORAGE"):
            if not given.get(name):
                raise ConfigurationError(f"{name} is not set", "Set it, or name a file: --config.")
    try:
        return WatchSettings.model_validate(found)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ConfigurationError(
            f"{path or 'environment'}, {where}: {first['msg']}",
            "See canary/watch/settings.py for what is known.",
        ) from error
