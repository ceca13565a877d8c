"""Entries to deployments: the decisions between a parsed crontab and prefect.yaml.

One deployment for each entry, all of the flow that runs a script. What the deployment needs to
know beyond the line is given in: the time zone of the machine that ran the crontab, the file's
name, and which zones the scheduler times correctly.

Pure. It does not read the clock, the machine's zone or Prefect.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sdk.crontab.naming import Names
from sdk.crontab.parse import Crontab, Entry
from sdk.crontab.problem import CrontabProblem, Refusal, excerpt
from sdk.crontab.schedule import Schedule, read_schedule
from sdk.redaction import redacted

ENTRYPOINT = "flows/operations/crontab.py:run_script"
LONGEST_COMMENT = 500
"""Characters of a comment: what a description shows without being opened."""

_SECRET = re.compile(r"(?i)(?:^|_)(?:pass(?:word|wd)?|pwd|secret|token|key|credentials?)(?:_|$)")

_UNOBEYED = {
    "MAILTO": "its mail is not sent: a failed run gives notice as every flow's does",
    "RANDOM_DELAY": "the random delay is not applied: runs start at the minute",
}

Deployment = Mapping[str, Any]
"""One item of prefect.yaml's ``deployments``: plain strings, lists and mappings."""


@dataclass(frozen=True, slots=True)
class Note:
    """Something translated that whoever moves the crontab should know."""

    line: int
    text: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.text}"


@dataclass(frozen=True, slots=True)
class Translation:
    """What became of a crontab; deployments in the order of the file, the rest by line."""

    deployments: tuple[Deployment, ...]
    problems: tuple[CrontabProblem, ...]
    notes: tuple[Note, ...]


def translate(
    crontab: Crontab,
    *,
    source: str,
    timezone: str,
    check_zone: Callable[[str], None],
    prefix: str = "",
) -> Translation:
    """Make a deployment of every entry that can be one.

    Args:
        crontab: what `parse` returned.
        source: the file's name, for the descriptions.
        timezone: the zone of entries under no CRON_TZ.
        check_zone: raises `Refusal` for a zone whose times would be wrong.
        prefix: what every deployment's name begins with, such as the machine's name.

    Returns:
        Deployments, problems (those of parsing among them) and notes.
    """
    names = Names(prefix)
    deployments: list[Deployment] = []
    problems = list(crontab.problems)
    notes = _notes_on_settings(crontab)
    for entry in crontab.entries:
        try:
            zone = _zone(entry) or timezone
            check_zone(zone)
            schedule = read_schedule(entry.fields)
        except Refusal as refusal:
            problems.append(refusal.at(entry.line, entry.text))
            continue
        deployments.append(_deployment(entry, schedule, zone, names.take(entry.command), source))
        notes.extend(_notes_on(entry))
    return Translation(
        tuple(deployments),
        tuple(sorted(problems, key=lambda problem: problem.line)),
        tuple(sorted(notes, key=lambda note: (note.line, note.text))),
    )


def _zone(entry: Entry) -> str:
    # glibc reads ":Europe/Berlin" as "Europe/Berlin" (tzset(3)).
    return entry.environment.get("CRON_TZ", "").removeprefix(":")


def _deployment(entry: Entry, schedule: Schedule, zone: str, name: str, source: str) -> Deployment:
    parameters: dict[str, Any] = {"command": entry.command}
    # CRON_TZ speaks to cron alone, and is in the schedule.
    parameters["environment"] = {
        key: value for key, value in entry.environment.items() if key != "CRON_TZ"
    }
    if entry.stdin is not None:
        parameters["stdin"] = entry.stdin
    if entry.user is not None:
        parameters["user"] = entry.user
    timing: dict[str, Any] = {"cron": schedule.cron, "timezone": zone, "day_or": schedule.day_or}
    if schedule.rrule is not None:
        timing = {"rrule": schedule.rrule, "timezone": zone}
    return {
        "name": name,
        "description": _description(entry, source),
        "entrypoint": ENTRYPOINT,
        "tags": ["crontab"],
        "parameters": parameters,
        "schedules": [timing],
        "work_pool": {"name": "{{ prefect.variables.work_pool }}", "work_queue_name": "work"},
    }


def _description(entry: Entry, source: str) -> str:
    origin = f"Line {entry.line} of {excerpt(source)}."
    said = excerpt(entry.comment, LONGEST_COMMENT)
    # A comment is prose: pulling its braces apart loses nothing, and keeps templating away.
    return (f"{said}\n{origin}" if said else origin).replace("{{", "{ {")


def _notes_on_settings(crontab: Crontab) -> list[Note]:
    notes = [
        Note(crontab.settings[name], f"{name} is passed to the commands, but {what}")
        for name, what in _UNOBEYED.items()
        if name in crontab.settings
    ]
    if "TZ" in crontab.settings and "CRON_TZ" not in crontab.settings:
        notes.append(
            Note(
                crontab.settings["TZ"],
                "TZ is passed to the commands; cron does not read times by it (CRON_TZ does that)",
            )
        )
    return notes + [
        Note(line, f"the value of {excerpt(name, 40)} will stand in prefect.yaml for all to read")
        for name, line in crontab.settings.items()
        if _SECRET.search(name)
    ]


def _notes_on(entry: Entry) -> list[Note]:
    notes = []
    if redacted(entry.command) != entry.command:
        notes.append(Note(entry.line, "its credential will stand in prefect.yaml for all to read"))
    if entry.user is None and entry.command.startswith(("root ", "root\t")):
        notes.append(
            Note(entry.line, "the command begins with 'root': is this a system crontab (--system)?")
        )
    return notes
