"""What the operator says about capture, as opposed to what a site file says.

Read once, at the edge (the step, the command line), from ``DATAWEAVE_CAPTURE_*``. Site files name
proxies and tokens; what they are stands here, as secrets. Private networks are allowed here, by
network: a site file alone opens nothing.
"""

from __future__ import annotations

from ipaddress import ip_network
from typing import Final

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from flows.pipeline.capture.errors import CaptureError
from flows.pipeline.capture.fetching.addresses import Network

ROBOT: Final = "DataWeaveCapture"
"""The name under which robots.txt addresses us; it stays the same for good."""


class MissingSetting(CaptureError):
    """A site needs something that the settings do not have."""


class CaptureSettings(BaseSettings):
    """The settings of capture.

    Attributes:
        contact: an address or page where a site's owner reaches us; part of the user agent.
        private_networks: networks such as ``127.0.0.0/8`` that sites with ``allow_private`` may
            be in; none by default.
        proxies: by name, each as a URL with its credentials.
        tokens: by name.
        reroute: host name to ``address:port`` to which its connections go; for tests and
            rehearsals, where names of a fictitious shop have no address.
        any_day: fetch also for a day that is not today: a rehearsal. Pages are as of now, and a
            backfill must not call them those of last week.
        connect_seconds: that making a connection may take.
        read_seconds: between two pieces of an answer.
        total_seconds: for one request and its answer.
        site_hours: that one site may take, and that another run of it is waited for.
        turn_seconds: after which a worker that captures a host, and says nothing, is dead.
    """

    model_config = SettingsConfigDict(
        env_prefix="DATAWEAVE_CAPTURE_", frozen=True, extra="ignore", hide_input_in_errors=True
    )

    contact: str = ""
    private_networks: tuple[str, ...] = ()
    proxies: dict[str, SecretStr] = Field(default_factory=dict)
    tokens: dict[str, SecretStr] = Field(default_factory=dict)
    reroute: dict[str, str] = Field(default_factory=dict)
    any_day: bool = False
    connect_seconds: float = Field(default=10.0, gt=0)
    read_seconds: float = Field(default=20.0, gt=0)
    total_seconds: float = Field(default=60.0, gt=0)
    site_hours: float = Field(default=6.0, gt=0)
    turn_seconds: float = Field(default=60.0, gt=0)

    @field_validator("private_networks")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            ip_network(text)
        return value

    @property
    def networks(self) -> tuple[Network, ...]:
        """The private networks that may be connected to."""
        return tuple(ip_network(text) for text in self.private_networks)

    @property
    def agent(self) -> str:
        """The user agent: stable, and it says whom to write to."""
        contact = f" (+{self.contact})" if self.contact else ""
        return f"{ROBOT}/1.0{contact}"

    def secret(self, kind: str, name: str, site: str) -> SecretStr:
        """Return a proxy or token by its name.

        Raises:
            MissingSetting: there is none of that name.
        """
        known = {"proxy": self.proxies, "token": self.tokens}[kind]
        if name not in known:
            setting = {"proxy": "PROXIES", "token": "TOKENS"}[kind]
            raise MissingSetting(
                f"site {site}: the settings have no {kind} {name!r}",
                f"Add it to DATAWEAVE_CAPTURE_{setting}, or correct the site file.",
                field=kind,
            )
        return known[name]
