"""The page of what was found."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
from typing import Any

_HEAD = """# Running: canary, watch and reconciler

What is found of faults, how soon, and what is invented. Each part says with which command it was
measured, on a machine of {cores} cores that also ran everything that was watched.
"""


FULL = {"minutes": 60, "kills": 100, "runs": 200}
"""What the platform promises is measured with; less is a trial."""


def page(results: Mapping[str, Any]) -> str:
    """Return the page of the parts that were carried out."""
    parts = [_HEAD.format(cores=results["machine"]["cores"])]
    for name, worded in (("faults", _faults), ("load", _load), ("killed", _killed)):
        if name in results:
            parts.append(worded(results[name]))
    return "\n".join(parts)


def _faults(found: Mapping[str, Any]) -> str:
    times = found["found"]
    rows = "\n".join(f"| `{fault}` | {seconds:.2f} |" for fault, seconds in times.items())
    return f"""## Seeded faults

`python -m benchmarks.running faults --cycles {found["cycles"]}`: each fault is made on a
real server (its database is killed, its worker's last sign is old, a canary's result is another…),
and the watch looks once. A cycle comes every 30 s: that is the longest until it is told.

{len(times)} kinds of faults found in the next cycle, {len(found["invented"])} findings invented
over {found["cycles"]} quiet cycles.

| fault | seconds that the cycle took |
|---|---:|
{rows}
{_problems(found["problems"])}"""


def _load(found: Mapping[str, Any]) -> str:
    pauses = ", ".join(f"{name} {count}" for name, count in sorted(found["pauses"].items()))
    deaths = found["deaths"] or [0.0]
    return f"""## Under load

`python -m benchmarks.running load --minutes {found["minutes"]:g} --deaths {
        len(found["deaths"])
    }`: runs
that tell events in bursts are kept under way, while processes are paused for up to 75 s. Then a
run's process and its worker are killed together.{_trial(minutes=found["minutes"])}

| | |
|---|---:|
| minutes under load | {found["minutes"]:g} |
| runs at a time, at most | {found["concurrent"]} |
| runs that ended well | {found["runs"]} |
| pauses ({pauses}) | {sum(found["pauses"].values())} |
| false alarms | {len(found["false_alarms"])} |
| deaths | {len(found["deaths"])} |
| seconds to a dead run's being settled: median, longest (wanted: 120) | {
        statistics.median(deaths):.0f}, {max(deaths):.0f} |
{_problems(found["problems"])}"""


def _killed(found: Mapping[str, Any]) -> str:
    kills = ", ".join(f"{name} {count}" for name, count in sorted(found["kills"].items()))
    return f"""## Everybody killed

`python -m benchmarks.running killed --kills {sum(found["kills"].values())} --runs {found["runs"]}`:
SIGKILL to {kills} (`both`: a worker and all its runs) while runs are under way. Each run writes a
row that can be written once.{_trial(kills=sum(found["kills"].values()), runs=found["runs"])}

| | |
|---|---:|
| runs | {found["runs"]} |
| completed | {found["completed"]} |
| reported as crashed or failed, their starts spent | {found["reported"]} |
| started again | {found["relaunched"]} |
| rows | {found["rows"]} |
| ends that the server did not hear, and that were made again | {found["again"]} |
| seconds | {found["seconds"]:g} |
{_problems(found["problems"])}"""


def _trial(**counts: float) -> str:
    """Say that a part was carried out in small, where it was."""
    if all(count >= FULL[name] for name, count in counts.items()):
        return ""
    full = ", ".join(f"{FULL[name]} {name}" for name in counts)
    return f"\n\nThis was a trial: in full it is {full}."


def _problems(problems: Iterable[str]) -> str:
    listed = "".join(f"\n- {problem}" for problem in problems)
    return f"\nWhat should not be:{listed or ' nothing.'}\n"
