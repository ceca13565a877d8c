"""Loads: what arrives when, how long it takes, and what of it the scheduler announces.

A trace is a CSV file with the columns ``arrival_s``, ``duration_s`` and, optionally, ``flow``; a
schedule is a CSV file with the columns ``arrival_s`` and, optionally, ``flow``. A run of the trace
is announced if the schedule has an entry for its flow at its arrival; each entry announces one
run. Rows may stand in any order.
"""

from __future__ import annotations

import csv
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

SAME_TIME: Final = 1.0
"""Seconds; an entry of the schedule and its run may differ by rounding to whole seconds."""


class TraceError(ValueError):
    """A trace or schedule cannot be read; the message names file, line, column and remedy."""


@dataclass(frozen=True, slots=True)
class Job:
    """A run of the load.

    Attributes:
        arrival: seconds from the beginning.
        duration: seconds.
        flow: the flow's name; "" where there is none.
        announced: whether the scheduler knew of it before.
    """

    arrival: float
    duration: float
    flow: str = ""
    announced: bool = False


def read_trace(path: Path, schedule: Path | None = None) -> list[Job]:
    """Read a load, sorted by arrival, its first arrival kept where it is.

    Raises:
        TraceError: a file is missing, empty, lacks a column, or has a value that is no number,
            not finite, or negative.
    """
    jobs = [
        Job(_number(row, "arrival_s", path, line), _number(row, "duration_s", path, line), flow)
        for line, row in _rows(path, ("arrival_s", "duration_s"))
        for flow in [(row.get("flow") or "").strip()]
    ]
    jobs.sort(key=lambda job: (job.arrival, job.flow, job.duration))
    if schedule is None:
        return jobs
    return announce(
        jobs,
        [
            ((row.get("flow") or "").strip(), _number(row, "arrival_s", schedule, line))
            for line, row in _rows(schedule, ("arrival_s",))
        ],
    )


def announce(jobs: Sequence[Job], entries: Sequence[tuple[str, float]]) -> list[Job]:
    """Mark the runs that the entries (flow, arrival) announce, one run an entry."""
    left = Counter((flow, round(at / SAME_TIME)) for flow, at in entries)
    marked = []
    for job in jobs:
        key = (job.flow, round(job.arrival / SAME_TIME))
        marked.append(replace(job, announced=left[key] > 0))
        left[key] -= 1
    return marked


def _rows(path: Path, needed: tuple[str, ...]) -> Iterator[tuple[int, Mapping[str, str]]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            missing = [name for name in needed if name not in (reader.fieldnames or ())]
            if missing:
                raise TraceError(f"{path}: no column {', '.join(missing)}; the header must name it")
            count = 0
            for row in reader:
                count += 1
                yield reader.line_num, row
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise TraceError(f"{path}: cannot be read as CSV: {error}") from error
    if count == 0:
        raise TraceError(f"{path}: has a header and no row; give at least one run")


def _number(row: Mapping[str, str], column: str, path: Path, line: int) -> float:
    try:
        value = float(row[column])
    except (TypeError, ValueError):
        value = math.nan
    if not math.isfinite(value) or value < 0:
        raise TraceError(
            f"{path}:{line}: {column} is {row[column]!r}; write seconds, finite and not negative"
        )
    return value
