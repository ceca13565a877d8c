"""The function's settings, read once from the environment that the stack gives it.

``AUTOSCALER_FLEETS`` is a JSON list, one object a fleet: ``group``, ``pool``, ``queues`` (none for
all), and any of `Config`'s attributes by name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields

from infra.autoscaler.config import Config


class SettingsError(ValueError):
    """A setting is missing or wrong; the message names it and the remedy."""


@dataclass(frozen=True, slots=True)
class FleetSettings:
    """A fleet: its Auto Scaling group, the pool and queues it serves, its configuration."""

    group: str
    pool: str
    queues: tuple[str, ...]
    config: Config


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings.

    Attributes:
        api: Prefect's API, such as ``https://machines.example/api``.
        table: DynamoDB table of the memory.
        secret: id of the secret that holds the API's token; "" for none.
        rounds: decisions in one invocation.
        pause: seconds between them.
        fleets: in the order in which they are decided.
    """

    api: str
    table: str
    secret: str
    rounds: int
    pause: float
    fleets: tuple[FleetSettings, ...]

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Read the settings.

        Raises:
            SettingsError: one is missing or wrong.
        """
        try:
            raw = json.loads(environment["AUTOSCALER_FLEETS"])
            fleets = tuple(_fleet(one) for one in raw)
            return cls(
                api=environment["PREFECT_API_URL"],
                table=environment["AUTOSCALER_TABLE"],
                secret=environment.get("AUTOSCALER_SECRET", ""),
                rounds=int(environment.get("AUTOSCALER_ROUNDS", "2")),
                pause=float(environment.get("AUTOSCALER_PAUSE", "30")),
                fleets=fleets,
            )
        except KeyError as error:
            raise SettingsError(f"{error.args[0]} is not set; the stack must give it") from error
        except (TypeError, ValueError) as error:
            raise SettingsError(f"the autoscaler's settings cannot be read: {error}") from error


def _fleet(raw: Mapping[str, object]) -> FleetSettings:
    known = {field.name for field in fields(Config)}
    given = {key: value for key, value in raw.items() if key not in ("group", "pool", "queues")}
    unknown = sorted(given.keys() - known)
    if unknown:
        raise ValueError(f"fleet {raw.get('group')}: no setting {', '.join(unknown)}")
    queues = raw.get("queues", ())
    if not isinstance(queues, list | tuple):
        raise ValueError(f"fleet {raw.get('group')}: queues must be a list")
    return FleetSettings(
        group=str(raw["group"]),
        pool=str(raw["pool"]),
        queues=tuple(str(queue) for queue in queues),
        config=Config(**given),  # type: ignore[arg-type]
    )
