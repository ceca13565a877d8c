"""How the environments differ: sizes, addresses and accounts. Everything else is the same code.

Accounts, domains and hosted zones are a deployer's own: `load` reads them from a YAML file beside
these defaults (``python -m infra.app --sites FILE``). The defaults are fictitious and let the
templates be synthesised and checked anywhere.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Final

import yaml


class SiteError(ValueError):
    """An environment's description is wrong; the message names environment, field and remedy."""


@dataclass(frozen=True, slots=True)
class Site:
    """One environment.

    Attributes:
        name: part of every name that it owns.
        prefect: what work pools and deployments call it.
        account: AWS account; one for each environment, in the best case.
        region: AWS region.
        zones: availability zones, named, so that synthesis never guesses.
        cidr: the VPC's addresses; no two environments share any.
        domain: people's door is ``flows.DOMAIN``, the machines' ``machines.DOMAIN``.
        hosted_zone: id of the domain's public Route 53 zone.
        mail: who gets the alarms.
        people: addresses from which people reach the door; everywhere if empty.
        nat_gateways: how many; one a zone where an outage must not stop capture.
        database: RDS instance class.
        database_gib: its storage, growing by itself to four times as much.
        standby: whether the database has one in another zone.
        backup_days: of the database.
        controller_cpu: CPU units of the controller's task; 1024 is a core.
        controller_memory: MiB.
        coordinate: machine type, least, most and warm machines of the light fleet.
        work: the same of the heavy fleet.
        fleet_hours: machines on average, light and heavy, for the cost table alone.
        burst_hours: vCPU-hours a month on Fargate, for the cost table alone.
        stored_gib: in S3 after a year, for the cost table alone.
        log_days: retention of logs in CloudWatch.
        keep: whether buckets, tables and the database outlive their stack.
        budget: dollars a month at which the mail warns.
    """

    name: str
    prefect: str
    account: str
    region: str
    zones: tuple[str, ...]
    cidr: str
    domain: str
    hosted_zone: str
    mail: str
    people: tuple[str, ...]
    nat_gateways: int
    database: str
    database_gib: int
    standby: bool
    backup_days: int
    controller_cpu: int
    controller_memory: int
    coordinate: Fleet
    work: Fleet
    fleet_hours: tuple[float, float]
    burst_hours: float
    stored_gib: int
    log_days: int
    keep: bool
    budget: int

    def __post_init__(self) -> None:
        network = ipaddress.ip_network(self.cidr)
        if network.prefixlen != 16:
            raise SiteError(f"{self.name}: cidr {self.cidr} must be a /16")
        if len(self.zones) < 2:
            raise SiteError(f"{self.name}: zones must name two or more")
        if not all(zone.startswith(self.region) for zone in self.zones):
            raise SiteError(f"{self.name}: zones must lie in {self.region}")
        if not (self.account.isdigit() and len(self.account) == 12):
            raise SiteError(f"{self.name}: account must be twelve digits, quoted")

    def named(self, what: str) -> str:
        """Return a name of this environment's own."""
        return f"dataweave-{self.name}-{what}"


@dataclass(frozen=True, slots=True)
class Fleet:
    """A fleet of machines: how large each is, and how many there may be.

    Attributes:
        machine: EC2 instance type.
        slots: runs that one machine runs at once.
        least: machines that are always there.
        most: machines that are never exceeded.
        warm: machines that stand stopped, a start away.
    """

    machine: str
    slots: int
    least: int
    most: int
    warm: int


DEV: Final = Site(
    name="dev",
    prefect="development",
    account="111111111111",
    region="eu-central-1",
    zones=("eu-central-1a", "eu-central-1b"),
    cidr="10.64.0.0/16",
    domain="dev.dataweave.example",
    hosted_zone="Z0000000000000000DEV",
    mail="platform-dev@dataweave.example",
    people=(),
    nat_gateways=1,
    database="db.t4g.medium",
    database_gib=20,
    standby=False,
    backup_days=7,
    controller_cpu=1024,
    controller_memory=2048,
    coordinate=Fleet("t3.medium", 8, 0, 2, 0),
    work=Fleet("m6i.large", 2, 0, 4, 0),
    fleet_hours=(0.3, 0.5),
    burst_hours=50.0,
    stored_gib=100,
    log_days=30,
    keep=False,
    budget=900,
)

STAGING: Final = replace(
    DEV,
    name="staging",
    prefect="staging",
    account="222222222222",
    zones=("eu-central-1a", "eu-central-1b"),
    cidr="10.65.0.0/16",
    domain="staging.dataweave.example",
    hosted_zone="Z0000000000000STAGING",
    mail="platform-staging@dataweave.example",
    database="db.m6g.large",
    database_gib=50,
    controller_cpu=2048,
    controller_memory=4096,
    coordinate=Fleet("m6i.large", 16, 1, 4, 1),
    work=Fleet("m6i.xlarge", 4, 0, 10, 2),
    fleet_hours=(1.0, 1.5),
    burst_hours=300.0,
    stored_gib=2000,
    log_days=90,
    keep=True,
    budget=2000,
)

PROD: Final = replace(
    STAGING,
    name="prod",
    prefect="production",
    account="333333333333",
    zones=("eu-central-1a", "eu-central-1b", "eu-central-1c"),
    cidr="10.66.0.0/16",
    domain="dataweave.example",
    hosted_zone="Z0000000000000000PROD",
    mail="platform@dataweave.example",
    nat_gateways=3,
    database="db.m6g.xlarge",
    database_gib=200,
    standby=True,
    backup_days=35,
    controller_cpu=4096,
    controller_memory=8192,
    coordinate=Fleet("m6i.large", 16, 2, 10, 2),
    work=Fleet("m6i.xlarge", 4, 0, 60, 6),
    fleet_hours=(2.5, 14.0),
    burst_hours=3000.0,
    stored_gib=30000,
    log_days=365,
    budget=9000,
)

SITES: Final = (DEV, STAGING, PROD)


def load(path: Path | None) -> tuple[Site, ...]:
    """Return the environments, with what a deployer's file says in place of the defaults.

    Args:
        path: YAML, a mapping of environment to fields of `Site`; None for the defaults.

    Raises:
        SiteError: the file names what is not there, or a value is wrong.
    """
    if path is None:
        return SITES
    given = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    if not isinstance(given, Mapping):
        raise SiteError(f"{path}: must be a mapping of environments")
    known = {site.name: site for site in SITES}
    unknown = sorted(given.keys() - known.keys())
    if unknown:
        raise SiteError(f"{path}: no environment {', '.join(unknown)}; {', '.join(known)}")
    sites = tuple(_changed(site, given.get(site.name) or {}, path) for site in SITES)
    networks = [ipaddress.ip_network(site.cidr) for site in sites]
    for number, one in enumerate(networks):
        if any(one.overlaps(other) for other in networks[:number]):
            raise SiteError(f"{path}: {one} is used by two environments")
    return sites


def _changed(site: Site, given: Mapping[str, Any], path: Path) -> Site:
    names = {field.name for field in fields(Site)} - {"name"}
    unknown = sorted(given.keys() - names)
    if unknown:
        raise SiteError(f"{path}: {site.name}: no field {', '.join(unknown)}")
    values: dict[str, Any] = {}
    for key, value in given.items():
        if key in ("coordinate", "work"):
            value = Fleet(**value)
        elif isinstance(value, list):
            value = tuple(value)
        values[key] = value
    return replace(site, **values)
