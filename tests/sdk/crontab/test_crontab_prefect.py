"""The deployments in Prefect's own hands: prefect.yaml read, deployed, and its times."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pendulum
import pytest
from croniter import croniter
from prefect.cli.deploy import (
    _load_deploy_configs_and_actions,
    _run_single_deploy,
    _schedule_config_to_deployment_schedule,
)
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.server.schemas import schedules as server
from prefect.variables import Variable

from sdk.crontab import Refusal, parse, translate
from sdk.crontab.__main__ import as_yaml
from sdk.crontab.zones import check_zone
from tests.conftest import SHARED

CRONTAB = r"""
SHELL=/bin/bash
CRON_TZ=Asia/Jerusalem
# Sends the first Monday's figures
0 8 */100,1-7 * Mon  send "\%d" %Dear all,%%figures
*/20 6-22 1,15 jan-Jun *  refresh '{"a": {"b": 1}}'
@weekly  sweep
"""


def deployments(text: str, folder: Path) -> list[dict[str, Any]]:
    """Return the deployments as Prefect reads them from prefect.yaml."""
    done = translate(parse(text), source="tab", timezone="UTC", check_zone=check_zone)
    file = folder / "prefect.yaml"
    file.write_text(as_yaml(done), encoding="utf-8")
    loaded, _ = _load_deploy_configs_and_actions(file)
    assert len(loaded) == len(done.deployments)
    return loaded


def served(config: dict[str, Any]) -> server.CronSchedule | server.RRuleSchedule:
    """Return the schedule that the server would have from a deployment of prefect.yaml."""
    schedule = _schedule_config_to_deployment_schedule(config).schedule
    kind = getattr(server, type(schedule).__name__)
    loaded = kind(**schedule.dict())
    assert isinstance(loaded, server.CronSchedule | server.RRuleSchedule)
    return loaded


def times(config: dict[str, Any], start: datetime, count: int) -> list[datetime]:
    begin = pendulum.instance(start, tz=config["timezone"])
    return [
        datetime.fromtimestamp(moment.timestamp(), ZoneInfo(config["timezone"]))
        for moment in asyncio.run(served(config).get_dates(n=count, start=begin))
    ]


def test_deployed_times_obey_crons_rule_of_two_days(tmp_path: Path) -> None:
    lines = ["0 8 */100,1-7 * Mon", "0 8 1,15 * Mon", "0 8 */2 * *", "0 8 * * */3", "5 4 */3 2 */2"]
    loaded = deployments("\n".join(f"{line} x" for line in lines), tmp_path)
    start = datetime(2026, 1, 1)
    for line, config in zip(lines, loaded, strict=True):
        oracle = croniter(line, start - timedelta(seconds=1), implement_cron_bug=True)
        if "100" in line:  # croniter takes no such step: the days are meant, and the star
            oracle = croniter("0 8 1-7 * 1", start - timedelta(seconds=1), day_or=False)
        expected = [oracle.get_next(datetime) for _ in range(30)]
        found = times(config["schedules"][0], start, 30)
        assert [moment.replace(tzinfo=None) for moment in found] == expected


def test_schedules_of_production_come_when_cron_would_run_them(tmp_path: Path) -> None:
    path = SHARED / "crons" / "telemetry_airflow_crons.json"
    if not path.exists():
        pytest.skip(f"no real data at {path}")
    crons = [cron for cron in json.loads(path.read_text()) if cron != "@once"]
    loaded = deployments("\n".join(f"{cron} x" for cron in crons), tmp_path)
    start = datetime(2026, 1, 1)
    for cron, config in zip(crons, loaded, strict=True):
        oracle = croniter(cron, start - timedelta(seconds=1), implement_cron_bug=True)
        expected = [oracle.get_next(datetime) for _ in range(20)]
        found = times(config["schedules"][0], start, 20)
        assert [moment.replace(tzinfo=None) for moment in found] == expected


FLOW = """
from prefect import flow


@flow
def run_script(command: str, environment: dict = {}, stdin: str = "", user: str = ""):
    pass
"""


async def test_prefect_deploys_them_unchanged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flow = tmp_path / "flows" / "operations" / "crontab.py"
    flow.parent.mkdir(parents=True)
    flow.write_text(FLOW)
    loaded = deployments(CRONTAB, tmp_path)
    monkeypatch.chdir(tmp_path)
    async with get_client() as client:
        await client.create_work_pool(
            WorkPoolCreate(name="from-crontab", type="process", description=None)
        )
        await Variable.set("work_pool", "from-crontab", overwrite=True)
        for config in loaded:
            await _run_single_deploy(config, {"build": [], "push": [], "pull": []})
            there = await client.read_deployment_by_name(f"run-script/{config['name']}")
            assert there.parameters == config["parameters"]
            assert there.description == config["description"]
            assert there.work_pool_name == "from-crontab"
            assert there.work_queue_name == "work"
            [schedule] = there.schedules
            want = served(config["schedules"][0])
            assert schedule.schedule.dict() == want.dict()
    assert {config["name"] for config in loaded} == {"send", "refresh", "sweep"}


def test_a_zone_is_accepted_if_its_times_are_right() -> None:
    accepted = refused = 0
    for zone in sorted(available_timezones())[::12]:
        try:
            check_zone(zone)
        except Refusal as refusal:
            assert refusal.field == "time zone"
            refused += 1
            continue
        accepted += 1
        config = {"cron": "0 12 1 * *", "timezone": zone}
        found = times(config, datetime(2026, 1, 1), 24)
        assert [moment.hour for moment in found] == [12] * 24, zone
    assert accepted > 10 * max(refused, 1)


@pytest.mark.parametrize(
    "zone", ["Nowhere/City", "", "../../etc/passwd", "x" * 5000, "a\0b", "\x1b"]
)
def test_a_zone_that_there_is_not(zone: str) -> None:
    with pytest.raises(Refusal) as caught:
        check_zone(zone)
    assert len(caught.value.reason) < 200
    assert caught.value.reason.isprintable()


def test_a_zone_whose_rules_prefect_has_wrong_is_refused() -> None:
    """Whichever zone it is: where Prefect's noon is not the zone's, the zone is refused."""
    wrong = []
    for zone in ("America/Mexico_City", "Asia/Amman", "Asia/Tehran", "Europe/Berlin", "UTC"):
        config = {"cron": "0 12 1 * *", "timezone": zone}
        if {moment.hour for moment in times(config, datetime(2026, 1, 1), 24)} != {12}:
            wrong.append(zone)
            with pytest.raises(Refusal, match="out of date"):
                check_zone(zone)
        else:
            check_zone(zone)
    assert "Europe/Berlin" not in wrong


def test_clock_changes_as_the_page_tells_them() -> None:
    """The table of docs/how-to/crontab.md, Prefect's column."""

    def told(cron: str, day: datetime, count: int) -> list[str]:
        config = {"cron": cron, "timezone": "Europe/Berlin"}
        return [f"{moment:%H:%M%z}" for moment in times(config, day, count)]

    spring, autumn = datetime(2026, 3, 29), datetime(2026, 10, 25)
    assert told("30 2 * * *", spring, 1) == ["03:30+0200"]
    assert told("30 2 * * *", autumn, 1) == ["02:30+0100"]
    rule = {
        "rrule": "FREQ=DAILY;BYMONTHDAY=25,29;BYDAY=SU;BYHOUR=2;BYMINUTE=30;BYSECOND=0",
        "timezone": "Europe/Berlin",
    }
    assert f"{times(rule, spring, 1)[0]:%H:%M%z}" == "01:30+0100"
    assert f"{times(rule, autumn, 1)[0]:%H:%M%z}" == "02:30+0200"
    assert told("30 * * * *", spring, 4) == ["00:30+0100", "01:30+0100", "03:30+0200", "04:30+0200"]
    assert told("30 * * * *", autumn, 4) == ["00:30+0200", "01:30+0200", "02:30+0100", "03:30+0100"]
