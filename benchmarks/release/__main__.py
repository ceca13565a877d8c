"""Releases under a steady load of real runs: good ones, failing ones, killed drivers.

    python -m benchmarks.release [--good 20] [--failing 40] [--write] [--picture FILE]
    python -m benchmarks.release --good 1 --failing 1 --kinds controller      # the demonstration

Failing ones take the kinds in turn: a bad image, a canary that fails, a controller that does not
come up, a migration that fails, a worker killed while it drains, a locked table, a proxy that
refuses its configuration, a driver killed at each step before and after its act (and started
again). Exits with 1 if a run was lost, doubled, mixed or crashed, or an error reached a client.
"""

from __future__ import annotations

import argparse
import itertools
import json
import logging
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.measuring import DOCS
from benchmarks.release.load import Account, Load, account, p95
from benchmarks.release.stand import DEPLOYMENTS, Stand, stand
from benchmarks.release.timeline import picture
from benchmarks.release.trouble import (
    BROKEN,
    MEDDLED,
    carried,
    kill_points,
    killed,
    meddling,
    prepared,
)
from infra.release import history, plan
from infra.release.driver import active
from infra.release.plan import Way

KINDS = (*BROKEN, *MEDDLED, "killed")
GOES_BACK = frozenset({*BROKEN, "database", "proxy"})
"""Kinds after which all is as it was; the others are got over."""


class Bench:
    """Releases, one after the other.

    Args:
        here: the stand.
    """

    def __init__(self, here: Stand) -> None:
        self.here = here
        self.numbers = itertools.count(1)
        self.done: list[dict[str, Any]] = []
        self.points = itertools.cycle(
            kill_points(plan.forward(prepared_like(here)))
        )  # fmt: skip

    def release(self, kind: str = "") -> None:
        """Make a release of a kind; "" is a good one."""
        here, number = self.here, next(self.numbers)
        before = active(here.site.store)
        if kind not in BROKEN:
            here.migrations += 1
        version = here.version(number, kind if kind in BROKEN else "")
        begun, told = time.time(), kind
        if kind == "killed":
            release = prepared(here, version)
            step, when = next(self.points)
            told = f"killed {when} {plan.forward(release)[step]}"
            assert killed(here, release, step, when), told
            progress = carried(here, None)
        elif kind in MEDDLED:
            with meddling(here, kind):
                progress = carried(here, prepared(here, version))
        else:
            progress = carried(here, prepared(here, version))
        if progress.way is Way.STUCK:  # what was in the way is gone now
            progress = carried(here, None)
        wanted = Way.TURNED_BACK if kind in GOES_BACK else Way.RELEASED
        after = active(here.site.store)
        assert before is not None and after is not None
        works = after.version.digest
        alive = {role.partition("-")[0]: found for role, found in here.alive().items()}
        is_right = (
            progress.way is wanted
            and works == (before.version if kind in GOES_BACK else version).digest
            and alive == {"worker": [works], "server": [works]}
        )
        if kind in GOES_BACK and kind not in BROKEN:
            here.migrations -= 1
        self.done.append({"kind": told or "good", "ended": str(progress.way), "right": is_right,
                          "reason": progress.reason, "begun": begun,
                          "seconds": time.time() - begun})  # fmt: skip
        print(f"{len(self.done):3}  {told or 'good':40}  {progress.way:12}  "
              f"{'' if is_right else 'WRONG '}{time.time() - begun:5.0f} s  {progress.reason[:90]}",
              flush=True)  # fmt: skip


def prepared_like(here: Stand) -> Any:
    """Return a release like those that come, for its steps."""
    from infra.release.model import release_of

    return release_of(here.version(0), active(here.site.store), 0.0)


def main() -> int:
    """Do what the command line says; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--good", type=int, default=20)
    parser.add_argument("--failing", type=int, default=40)
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--every", type=float, default=2.0, help="seconds between two runs")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks/release.*")
    parser.add_argument("--picture", type=Path, help="write the first good and failing release")
    parser.add_argument("--verbose", action="store_true")
    given = parser.parse_args()
    logging.basicConfig(format="%(asctime)s %(message)s",
                        level=logging.INFO if given.verbose else logging.WARNING)  # fmt: skip
    for noisy in ("httpx", "httpcore", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    kinds = itertools.cycle(given.kinds.split(","))
    order = ["" for _ in range(given.good)] + [next(kinds) for _ in range(given.failing)]
    with stand() as here, tempfile.TemporaryDirectory() as rows:
        first = carried(here, prepared(here, here.version(0)))
        assert first.way is Way.RELEASED, first
        bench = Bench(here)
        with Load(here, Path(rows), every=given.every, deployments=DEPLOYMENTS) as load:
            load.settle(90)
            quiet_until = time.time()
            for kind in order:
                bench.release(kind)
        load.wait()
        found = account(load)
        records = list(history.records(here.site.store))
        for record in reversed(records):
            print(history.line(record))
    result = _result(bench.done, found, quiet_until)
    print(json.dumps({name: value for name, value in result.items() if name != "releases"},
                     indent=1))  # fmt: skip
    if given.picture:
        _draw(given.picture, records)
    if given.write:
        (DOCS / "release.json").write_text(json.dumps(result, indent=1) + "\n")
        (DOCS / "release.md").write_text(_page(result))
    return 0 if found.clean and all(one["right"] for one in bench.done) else 1


def _result(done: list[dict[str, Any]], found: Account, quiet_until: float) -> dict[str, Any]:
    quiet = [wait for at, wait in found.waits.values() if at < quiet_until]
    during = [wait for at, wait in found.waits.values()
              if any(r["begun"] <= at <= r["begun"] + r["seconds"] for r in done)]  # fmt: skip
    return {
        "good": sum(one["kind"] == "good" for one in done),
        "failing": sum(one["kind"] != "good" for one in done),
        "not as expected": [one for one in done if not one["right"]],
        **{name: value for name, value in asdict(found).items() if name not in ("waits",)},
        "p95 wait without releases, s": round(p95(quiet), 2),
        "p95 wait during releases, s": round(p95(during), 2),
        "releases": done,
    }


def _page(result: dict[str, Any]) -> str:
    rows = [
        ("good releases", result["good"]),
        ("releases that were disturbed", result["failing"]),
        ("of them not ended as they must", len(result["not as expected"])),
        ("runs started", result["runs"]),
        ("runs lost", len(result["lost"])),
        ("runs doubled", len(result["doubled"])),
        ("runs of mixed version", len(result["mixed"])),
        ("runs failed or crashed", len(result["bad"])),
        ("requests that were tried again", result["retried"]),
        ("errors that a client's retries did not hide", len(result["errors"])),
        ("p95 wait without releases, s", result["p95 wait without releases, s"]),
        ("p95 wait during releases, s", result["p95 wait during releases, s"]),
    ]
    table = "\n".join(f"| {name} | {value} |" for name, value in rows)
    kinds: dict[str, list[dict[str, Any]]] = {}
    for one in result["releases"]:
        kinds.setdefault(one["kind"], []).append(one)
    told = "\n".join(
        f"| {kind} | {len(ones)} | {', '.join(sorted({one['ended'] for one in ones}))} | "
        f"{sum(one['seconds'] for one in ones) / len(ones):.0f} |"
        for kind, ones in kinds.items()
    )
    return (
        "# Releases under load\n\nMade by `make bench-release`; a run begins every two seconds at "
        "most, every fourth has a child.\n\n| what | |\n|---|---:|\n"
        f"{table}\n\n| kind | times | ended | seconds each |\n|---|---:|---|---:|\n{told}\n"
    )


def _draw(path: Path, records: list[Any]) -> None:
    replaced = [record for record in reversed(records) if record.release.replaces]
    chosen = [
        (title, next((one for one in replaced if one.outcome == outcome), None))
        for title, outcome in (("A release", "released"), ("One that goes back", "turned back"))
    ]
    path.write_text(picture([(title, one) for title, one in chosen if one is not None]))


if __name__ == "__main__":
    raise SystemExit(main())
