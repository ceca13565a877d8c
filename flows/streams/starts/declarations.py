"""Starts as they are declared: one YAML file each.

    name: prices of orchard
    description: The daily run begins when the day's files are there.
    event: dataweave.object.arrived     # or any event, a custom one too
    match: {dataweave.url: "s3://orchard-in/prices/*"}   # labels of its resource
    deployment: orchard-daily/orchard-daily              # flow and deployment
    parameters: {source: "{{ event.resource['dataweave.folder'] }}"}
    once_in: 1d                         # per resource: no second start within it
    environments: [staging, production]

Parameters are Jinja, rendered by Prefect's server with ``event``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from sdk.errors import ConfigurationError
from sdk.fallback import duration

DECLARED = Path(__file__).parent / "declared"


class Start(BaseModel):
    """What starts a deployment.

    Attributes:
        name: unique.
        description: why it exists.
        event: name of the event, or a prefix that ends with ``*``.
        match: labels of its resource; a value may end with ``*``.
        deployment: ``flow/deployment``.
        parameters: of the run; texts are templates.
        once_in: for how long a resource starts nothing more.
        environments: in which it is on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, max_length=100)
    description: str = ""
    event: str = Field(min_length=1)
    match: dict[str, str | list[str]] = Field(default_factory=dict)
    deployment: str = Field(pattern=r"^[^/]+/[^/]+$")
    parameters: dict[str, Any] = Field(default_factory=dict)
    once_in: str = "1d"
    environments: tuple[str, ...] = ()

    @field_validator("once_in")
    @classmethod
    def _some_time(cls, value: str) -> str:
        if duration(value).total_seconds() < 10:
            raise ValueError("is shorter than ten seconds")
        return value

    def automation(self, deployment: str, environment: str) -> dict[str, Any]:
        """Return it as Prefect's automation.

        Args:
            deployment: its id on the server.
            environment: which.
        """
        return {
            "name": f"{prefix(environment)}{self.name}",
            "description": " ".join(self.description.split()),
            "enabled": True,
            "trigger": {
                "type": "event",
                "posture": "Reactive",
                "expect": [self.event],
                "match": self.match,
                "for_each": ["prefect.resource.id"],
                "threshold": 1,
                # The first event fires; until then no other of the same resource does.
                "within": duration(self.once_in).total_seconds(),
            },
            "actions": [
                {
                    "type": "run-deployment",
                    "source": "selected",
                    "deployment_id": deployment,
                    "parameters": {k: _templated(v) for k, v in self.parameters.items()},
                }
            ],
        }


def prefix(environment: str) -> str:
    """Return what the names of an environment's starts begin with."""
    return f"dataweave {environment} start: "


def read(environment: str, folder: Path = DECLARED) -> list[Start]:
    """Return the starts of an environment, by name.

    Raises:
        ConfigurationError: a file is no declaration, naming it and the field.
    """
    found: dict[str, Start] = {}
    for path in sorted(folder.glob("*.yaml")):
        try:
            start = Start.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{path.name} is not YAML: {error}", "Correct it.") from error
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(str(part) for part in first["loc"])
            raise ConfigurationError(
                f"{path.name}, {field}: {first['msg']}", "Correct it there."
            ) from error
        if start.name in found:
            raise ConfigurationError(
                f"{path.name}, name: {start.name!r} is declared twice", "Give each its own name."
            )
        if environment in start.environments:
            found[start.name] = start
    return [found[name] for name in sorted(found)]


def _templated(value: Any) -> Any:
    if isinstance(value, str) and "{{" in value:
        return {"__prefect_kind": "jinja", "template": value}
    return value
