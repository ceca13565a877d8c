"""The command, as somebody would use it: a kill in the middle, a day without files, dry runs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

from flows.sample import generate
from tests.e2e.platform_cli import Outcome, environment

DAYS = [date(2026, 3, 10) + timedelta(days=offset) for offset in range(3)]


def command(*arguments: str) -> list[str]:
    customer = ("--customer", "orchard", "--source", "market")
    return [sys.executable, "-m", "flows", "backfill", *customer, *arguments]


def run(folder: Path, *arguments: str) -> Outcome:
    done = subprocess.run(
        command(*arguments),
        cwd=folder,
        env=environment(folder / "prefect"),
        capture_output=True,
        text=True,
        timeout=240,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


def test_a_killed_backfill_is_taken_up_and_says_what_was_done(tmp_path: Path) -> None:
    generate(tmp_path / "market", seed=5, days=DAYS, products=100, faults=False)
    (tmp_path / "prefect").mkdir()
    before = DAYS[0] - timedelta(days=1)  # the source has no files for it
    span = ("--from", str(before), "--to", str(DAYS[-1]))
    process = subprocess.Popen(
        command(*span),
        cwd=tmp_path,
        env=environment(tmp_path / "prefect"),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    said = [process.stdout.readline() for _ in range(2)]
    assert said[1].strip() == "2 of 4 days, 1 failed"
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    store = tmp_path / ".dataweave" / "store"
    whole_days = {path.parent.name for path in (store / "orchard/report").rglob("manifest-*")}
    assert str(DAYS[0]) in whole_days

    whole = run(tmp_path, *span)
    assert whole.code == 1
    assert whole.err.splitlines() == [
        f"error: 1 of {4 - len(whole_days)} days failed: {before}",
        "See what each says; once that is mended, start the same backfill again.",
    ], whole.err
    assert whole.out.count("skipped") == len(whole_days)
    assert whole.out.count("fresh") == len(DAYS) - len(whole_days)
    assert f"source market has no files for {before}" in whole.out
    for day in DAYS:
        [manifest] = (store / "orchard" / "report" / str(day)).glob("manifest-*")
        assert manifest.name == "manifest-000001.json"


def test_mistakes_are_two_lines(tmp_path: Path) -> None:
    outcome = run(tmp_path, "--from", "2026-03-12", "--to", "2026-03-10")
    assert outcome.code == 1
    assert outcome.err.startswith("error: the range ends")
    assert len(outcome.err.splitlines()) == 2, outcome.err


def test_a_server_that_is_not_there_is_told_at_once(tmp_path: Path) -> None:
    done = subprocess.run(
        command("--from", "2026-03-10", "--to", "2026-03-10", "--dry-run"),
        cwd=tmp_path,
        env=environment(tmp_path / "prefect") | {"PREFECT_API_URL": "http://127.0.0.1:9/api"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 1
    assert "the Prefect server does not answer" in done.stderr
    assert len(done.stderr.splitlines()) == 2, done.stderr
