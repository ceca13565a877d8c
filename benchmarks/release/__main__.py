"""Releases under a steady load of real runs: good ones, failing ones, killed drivers.

    python -m benchmarks.release [--good 20] [--failing 40] [--time MINUTES] [--write]
    python -m benchmarks.release --good 1 --failing 1 --kinds controller      # the demonstration

Of the failing ones every second has its driver killed, at one step after the other, before its act
or after it, and another started. The others take the kinds in turn: a bad image, a canary that
fails, a controller that does not come up, a migration that fails, a worker killed while it drains,
a locked table, a proxy that refuses its configuration, a database that stands still, a second
driver, a rollback after the end, a driver killed on the way back.

What was found so far is written after each release. With ``--time`` no release begins that would
not end in time. Exits with 1 if a run was lost, doubled, mixed or crashed, or an error reached a
client, or a release ended as it must not.
"""

from __future__ import annotations

import argparse
import json
import logging
import signal
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.measuring import DOCS
from benchmarks.release.bench import KILLED, KINDS, Bench, order
from benchmarks.release.load import Load, account
from benchmarks.release.page import result, write
from benchmarks.release.stand import DEPLOYMENTS, stand
from benchmarks.release.timeline import picture
from benchmarks.release.trouble import carried, prepared
from infra.release import history
from infra.release.progress import Way

EACH = 120.0
"""Seconds that a release takes about on two cores, load and drain included; until some are made."""
ENDS = 60.0
"""Seconds for the last runs to end, and the stand."""


def main() -> int:
    """Do what the command line says; return the exit code."""
    given = _arguments().parse_args()
    logging.basicConfig(format="%(asctime)s %(message)s",
                        level=logging.INFO if given.verbose else logging.WARNING)  # fmt: skip
    for noisy in ("httpx", "httpcore", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    signal.signal(signal.SIGTERM, _end)  # as an error: what the stand started ends with it
    kinds = tuple(given.kinds.split(",")) if given.kinds else ()
    if unknown := set(kinds) - {*KINDS, KILLED}:
        raise SystemExit(f"no such kinds: {', '.join(sorted(unknown))}")
    asked = order(given.good, given.failing, kinds)
    until = time.time() + 60 * given.time if given.time else float("inf")
    print(f"{len(asked)} releases, about {(len(asked) * EACH + 3 * ENDS) / 60:.0f} minutes"
          f"{f', {given.time:.0f} at most' if given.time else ''}", flush=True)  # fmt: skip
    with stand() as here, tempfile.TemporaryDirectory() as rows:
        first = carried(here, prepared(here, here.version(0)))
        assert first.way is Way.RELEASED, first
        with Load(here, Path(rows), every=given.every, deployments=DEPLOYMENTS) as load:
            made = _releases(Bench(here), load, asked, until, DOCS if given.write else None)
        records = list(history.records(here.site.store))
        for record in reversed(records):
            print(history.line(record))
    print(json.dumps({name: value for name, value in made.items() if name != "releases"},
                     indent=1))  # fmt: skip
    if given.picture:
        _draw(given.picture, records)
    kinds_of_harm = ("lost", "doubled", "mixed", "bad", "errors", "not as expected")
    return 1 if any(made[name] for name in kinds_of_harm) else 0


def _releases(
    bench: Bench, load: Load, asked: list[str], until: float, folder: Path | None
) -> dict[str, Any]:
    """Make the releases, writing what was found after each; return it."""
    load.settle(90)
    quiet_until = time.time()
    for number, kind in enumerate(asked):
        each = (time.time() - quiet_until) / number if number else EACH
        if time.time() + max([each, *(one.seconds for one in bench.done)]) + ENDS > until:
            print(f"the time is over after {number} of {len(asked)} releases", flush=True)
            break
        try:
            one = bench.release(kind)
        except Exception as error:
            print(f"{kind}: no release is possible after this: {error}", flush=True)
            break
        left = (len(asked) - number - 1) * (time.time() - quiet_until) / (number + 1)
        print(f"{number + 1:3}  {one}  ({left / 60:.0f} minutes left)", flush=True)
        if folder is not None:
            write(folder, result(bench.done, account(load), quiet_until, len(asked)))
    load.stop()
    load.wait()
    made = result(bench.done, account(load, ended=True), quiet_until, len(asked))
    if folder is not None:
        write(folder, made)
    return made


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--good", type=int, default=20)
    parser.add_argument("--failing", type=int, default=40)
    parser.add_argument("--kinds", default="", help=f"of {', '.join((*KINDS, KILLED))}")
    parser.add_argument("--every", type=float, default=2.0, help="seconds between two runs")
    parser.add_argument("--time", type=float, default=0.0, help="minutes; 0 for no bound")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks/release.*")
    parser.add_argument("--picture", type=Path, help="draw the first good and failing release")
    parser.add_argument("--verbose", action="store_true")
    return parser


def _draw(path: Path, records: list[Any]) -> None:
    """Draw the first release that went through and the first that went back."""
    chosen = []
    for outcome, title in (("released", "A release"), ("turned back", "One that goes back")):
        found = (r for r in reversed(records) if r.release.replaces and r.outcome == outcome)
        if (record := next(found, None)) is not None:
            why = record.reason.partition(";")[0]  # behind it, where to look on this machine
            chosen.append((f"{title}: {why}" if why else title, record))
    path.write_text(picture(chosen), encoding="utf-8")


def _end(number: int, _frame: object) -> None:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    raise SystemExit(main())
