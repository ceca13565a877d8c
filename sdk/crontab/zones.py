"""Which time zones Prefect times correctly.

Prefect 2 computes a schedule's times with pendulum 2, whose zone data are of 2020. Zones whose
rules have changed since (Mexico, Jordan and Iran stopped changing their clocks) are an hour off
for a part of the year, and newer names (Europe/Kyiv) are not known. cron used the machine's own
data. So a zone is accepted when Prefect knows it and both agree.

It does not mend the zone data: once the scheduler's are current, the check passes by itself.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from sdk.crontab.problem import Refusal, excerpt

COMPARED = (datetime(2021, 1, 4, 12, tzinfo=UTC), datetime(2037, 12, 28, 12, tzinfo=UTC))
"""From the year after the edition of pendulum's data to the last year that it lists."""

STEP = timedelta(days=7)
"""A change of clocks moved by a week is still seen."""


def check_zone(name: str) -> None:
    """Refuse a zone whose schedules would be wrong.

    Args:
        name: an IANA name, such as Europe/Berlin.

    Raises:
        Refusal: the zone is unknown here or to Prefect, or the two disagree on its clock.
    """
    refusal = _judge(name)
    if refusal is not None:
        raise Refusal(*refusal)


@cache
def _judge(name: str) -> tuple[str, str, str] | None:
    from pendulum.tz import timezone
    from prefect.client.schemas.schedules import CronSchedule

    shown = excerpt(name, 60)
    try:
        CronSchedule(cron="0 0 * * *", timezone=name)
    except ValueError:
        return (
            "time zone",
            f"{shown!r} is no time zone that Prefect knows",
            "Name a zone of the IANA list, such as Europe/Berlin; the older name of a renamed one.",
        )
    if name == "UTC":
        return None
    try:
        current = ZoneInfo(name)
    except (ValueError, OSError):
        return (
            "time zone",
            f"{shown!r} is not in this machine's time-zone data",
            "Install the tzdata package, or correct the name.",
        )
    prefects = timezone(name)
    moment, last = COMPARED
    while moment <= last:
        if moment.astimezone(current).utcoffset() != prefects.convert(moment).utcoffset():
            return (
                "time zone",
                f"Prefect's rules for {shown} are out of date (they differ on {moment:%Y-%m-%d}), "
                "so that its runs would be off",
                "Name a zone with the same clock whose rules are older; Etc/GMT+6 is UTC-6.",
            )
        moment += STEP
    return None
