"""What an environment costs a month, counted from its templates and a file of list prices.

    python -m infra.stacks.cost out/cdk

What stands there all the time is counted from the template: a resource that is added shows in the
table. What depends on use (machines, bursts, stored data) comes from the environment's assumptions
and is marked so. Traffic, requests and support are not in it.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from infra.stacks.environments import SITES, Site
from infra.stacks.inspection import Template, read

PRICES: Final = Path(__file__).with_name("prices.yaml")
LOGGED_GIB: Final = 0.5
"""Of logs a run-hour and month, assumed."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the table.

    Attributes:
        what: in words.
        count: how many, or how much.
        dollars: a month.
        assumed: whether `count` is an assumption and not counted from a template.
    """

    what: str
    count: float
    dollars: float
    assumed: bool = False


def prices(path: Path = PRICES) -> dict[str, Any]:
    """Read the price file."""
    loaded: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return loaded


def table(site: Site, templates: Sequence[Template], price: Mapping[str, Any]) -> list[Line]:
    """Return an environment's lines, dearest first.

    Args:
        site: the environment.
        templates: of all its stacks; others' are left out.
        price: see `prices`.

    Raises:
        KeyError: a machine or a database of a kind that has no price.
    """
    own = [template for template in templates if template.environment == site.name]
    hours = float(price["hours_a_month"])

    def every(kind: str) -> list[Mapping[str, Any]]:
        return [properties for one in own for _, _, properties in one.resources(kind)]

    lines = [
        _counted("NAT gateways", every("AWS::EC2::NatGateway"), price["nat_gateway_hour"] * hours),
        _counted("firewalls", every("AWS::WAFv2::WebACL"), price["firewall_month"]),
        _counted("keys", every("AWS::KMS::Key"), price["key_month"]),
        _counted("secrets", every("AWS::SecretsManager::Secret"), price["secret_month"]),
        _counted("alarms", every("AWS::CloudWatch::Alarm"), price["alarm_month"]),
        _counted(
            "load balancers, two units each",
            every("AWS::ElasticLoadBalancingV2::LoadBalancer"),
            (price["balancer_hour"] + 2 * price["balancer_unit_hour"]) * hours,
        ),
        _endpoints(every("AWS::EC2::VPCEndpoint"), price["endpoint_hour"] * hours),
    ]
    for database in every("AWS::RDS::DBInstance"):
        kind, twice = database["DBInstanceClass"], 2 if database["MultiAZ"] else 1
        hourly = float(price["database_hour"][kind]) * twice
        gib = float(database["AllocatedStorage"]) * twice
        dollars = hourly * hours + gib * price["database_gib_month"]
        lines.append(Line(f"database {kind}, {gib:.0f} GiB", twice, dollars))
    lines += _tasks(own, price, hours)
    lines += _assumed(site, price, hours)
    return sorted(lines, key=lambda line: -line.dollars)


def _counted(what: str, found: Sequence[object], each: float) -> Line:
    return Line(what, len(found), len(found) * each)


def _endpoints(found: Sequence[Mapping[str, Any]], each: float) -> Line:
    zones = sum(len(one.get("SubnetIds", ())) for one in found)
    return Line("endpoints, by zone", zones, zones * each)


def _tasks(own: Sequence[Template], price: Mapping[str, Any], hours: float) -> list[Line]:
    lines = []
    for template in own:
        # CodeDeploy's service names its definition by the family alone.
        tasks = {}
        for id, _, found in template.resources("AWS::ECS::TaskDefinition"):
            tasks[id] = tasks[found["Family"]] = found
        for _, _, service in template.resources("AWS::ECS::Service"):
            named = service["TaskDefinition"]
            task = tasks[named if isinstance(named, str) else named["Ref"]]
            cores, gib = float(task["Cpu"]) / 1024, float(task["Memory"]) / 1024
            hourly = cores * price["fargate_vcpu_hour"] + gib * price["fargate_gib_hour"]
            count = float(service["DesiredCount"])
            what = f"tasks of {service['ServiceName'].rpartition('-')[2]}"
            lines.append(Line(what, count, count * hourly * hours))
    return lines


def _assumed(site: Site, price: Mapping[str, Any], hours: float) -> list[Line]:
    machine = price["machine_hour"]
    light, heavy = site.fleet_hours
    disk = price["disk_gib_month"] * 60
    warm = site.coordinate.warm + site.work.warm
    busy = light * site.coordinate.slots + heavy * site.work.slots
    burst = price["fargate_vcpu_hour"] + 4 * price["fargate_gib_hour"]
    return [
        Line(
            f"coordinate machines, {site.coordinate.machine}, on average",
            light,
            light * (machine[site.coordinate.machine] * hours + disk),
            assumed=True,
        ),
        Line(
            f"work machines, {site.work.machine}, on average",
            heavy,
            heavy * (machine[site.work.machine] * hours + disk),
            assumed=True,
        ),
        Line("warm machines' disks", warm, warm * disk, assumed=True),
        Line("vCPU-hours of bursts", site.burst_hours, site.burst_hours * burst, assumed=True),
        Line(
            "GiB in buckets",
            site.stored_gib,
            site.stored_gib * price["stored_gib_month"],
            assumed=True,
        ),
        Line("GiB of logs", busy * LOGGED_GIB, busy * LOGGED_GIB * price["log_gib"], assumed=True),
    ]


def markdown(tables: Mapping[str, Sequence[Line]]) -> str:
    """Write the tables as one, a column for each environment."""
    names = list(tables)
    rows: dict[str, dict[str, Line]] = {}
    for name, lines in tables.items():
        for line in lines:
            rows.setdefault(_kind(line.what), {})[name] = line
    ordered = sorted(rows, key=lambda kind: -max(line.dollars for line in rows[kind].values()))
    out = [f"| $ a month | {' | '.join(names)} |", f"|---|{'---:|' * len(names)}"]
    for kind in ordered:
        cells = []
        for name in names:
            found = rows[kind].get(name)
            cells.append("" if found is None else f"{found.dollars:,.0f} ({found.count:g})")
        mark = " *" if any(line.assumed for line in rows[kind].values()) else ""
        out.append(f"| {kind}{mark} | {' | '.join(cells)} |")
    totals = [f"**{sum(line.dollars for line in tables[name]):,.0f}**" for name in names]
    out.append(f"| **together** | {' | '.join(totals)} |")
    return "\n".join(out) + "\n"


def _kind(what: str) -> str:
    return "database" if what.startswith("database") else what.partition(",")[0]


def main(arguments: Sequence[str]) -> int:
    """Print the table of the environments in a cloud assembly."""
    if len(arguments) != 1:
        sys.stderr.write(
            "error: say where the templates are: python -m infra.stacks.cost out/cdk\n"
        )
        return 2
    templates = read(Path(arguments[0]))
    if not templates:
        sys.stderr.write(f"error: no templates in {arguments[0]}; run make synth\n")
        return 2
    price = prices()
    sys.stdout.write(markdown({site.name: table(site, templates, price) for site in SITES}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
