"""A sample of the chaos of benchmarks/notices: senders killed, a third of all requests failing."""

from __future__ import annotations

from pathlib import Path

from benchmarks.notices.chaos import run


def test_killed_senders_and_failing_targets_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    outcome = run(tmp_path, faults=90, fingerprints=4, kills=3, senders=1, lives=(0.1, 0.7), seed=3)
    assert outcome.problems == []
    assert (outcome.tickets, outcome.threads, outcome.counted) == (4, 4, 94)
    assert outcome.kills >= 3
    assert all(outcome.went_wrong.values())
