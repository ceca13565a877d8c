"""What the code here declares to deploy, checked: every flow is there and takes its parameters.

    python -m sdk.declared [--file prefect.yaml] [NAME=ENTRYPOINT …]

Prints the deployments as JSON, or each problem on a line of its own and exits with 1. A
NAME=ENTRYPOINT is one that another version deployed: it must be here too, since runs of the other
version are loaded by it while both work.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from prefect import Flow
from prefect.flows import load_flow_from_entrypoint


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; return the exit code."""
    parser = argparse.ArgumentParser(description="Check and print the deployments.")
    parser.add_argument("--file", type=Path, default=Path("prefect.yaml"))
    parser.add_argument("also", nargs="*", metavar="NAME=ENTRYPOINT")
    given = parser.parse_args(arguments)
    declared = yaml.safe_load(given.file.read_text(encoding="utf-8"))
    before = dict(item.split("=", 1) for item in given.also)
    os.chdir(given.file.resolve().parent)
    sys.path.insert(0, str(Path.cwd()))
    # Flows that print when they are imported do not get between the JSON.
    out, sys.stdout = sys.stdout, sys.stderr
    found, problems = check(declared, before)
    sys.stdout = out
    if problems:
        sys.stderr.write("".join(f"{problem}\n" for problem in problems))
        return 1
    sys.stdout.write(json.dumps(found, default=str))
    return 0


def check(
    declared: Mapping[str, Any], before: Mapping[str, str]
) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the deployments, and what is wrong with them.

    Args:
        declared: what prefect.yaml says.
        before: entrypoints of the version before, by deployment.
    """
    found: list[dict[str, Any]] = []
    problems: list[str] = []
    pull = declared.get("pull") or []
    for item in declared.get("deployments") or []:
        name, entrypoint = item.get("name"), item.get("entrypoint") or ""
        flow = _flow(f"deployment {name}", entrypoint, problems)
        if flow is None:
            continue
        parameters = item.get("parameters") or {}
        problems += _parameter_problems(name, entrypoint, flow, parameters, item)
        earlier = before.get(name, entrypoint)
        if earlier != entrypoint:
            who = f"deployment {name}, still loaded by its former entrypoint during the release"
            _flow(who, earlier, problems)
        found.append(_deployment(item, flow, parameters, item.get("pull") or pull))
    return found, problems


def _flow(who: str, entrypoint: str, problems: list[str]) -> Flow[..., Any] | None:
    try:
        return load_flow_from_entrypoint(entrypoint)
    except Exception as error:
        said = " ".join(str(error).split())[:200]
        problems.append(f"{who}: entrypoint {entrypoint!r} is not there: "
                        f"{type(error).__name__}: {said}")  # fmt: skip
        return None


def _parameter_problems(
    name: str, entrypoint: str, flow: Flow[..., Any], given: Mapping[str, Any], item: Any
) -> list[str]:
    known = set(flow.parameters.properties)
    required = set(flow.parameters.required or [])
    told = [
        f"deployment {name}: {entrypoint} takes no parameter {unknown!r}; "
        f"it takes {', '.join(sorted(known)) or 'none'}"
        for unknown in sorted(set(given) - known)
    ]
    if item.get("schedules"):  # what others start is told the rest by them
        told += [
            f"deployment {name}: it has a schedule, and parameter {missing!r} has no value"
            for missing in sorted(required - set(given))
        ]
    return told


def _deployment(
    item: Mapping[str, Any], flow: Flow[..., Any], parameters: Mapping[str, Any], pull: Any
) -> dict[str, Any]:
    pool = item.get("work_pool") or {}
    schema: dict[str, Any] = json.loads(flow.parameters.json())
    return {
        "name": item["name"],
        "flow": flow.name,
        "entrypoint": item["entrypoint"],
        "queue": pool.get("work_queue_name") or "default",
        "parameters": dict(parameters),
        "schema": {key: value for key, value in schema.items() if value is not None},
        "tags": list(item.get("tags") or []),
        "schedules": [_schedule(one) for one in item.get("schedules") or []],
        "enforce": bool(item.get("enforce_parameter_schema", True)),
        "description": item.get("description") or "",
        "pull_steps": pull,
        "job_variables": dict(pool.get("job_variables") or {}),
    }


def _schedule(entry: Mapping[str, Any]) -> dict[str, Any]:
    keys = ("cron", "interval", "rrule", "timezone", "anchor_date", "day_or")
    return {
        "active": entry.get("active", True),
        "schedule": {key: entry[key] for key in keys if key in entry},
    }


if __name__ == "__main__":
    raise SystemExit(main())
