"""A platform comes up, a run's process is killed, and the run is started again to its end.

The least of it; `make soak` kills everybody a hundred times during two hundred runs
(`python -m benchmarks.running killed`).
"""

from __future__ import annotations

import pytest

from benchmarks.running.killed import run
from infra.controller.layout import PlatformProblemError, program


def installed() -> bool:
    try:
        return bool(program("initdb") and program("nginx"))
    except PlatformProblemError:
        return False


@pytest.mark.timeout(1800)
@pytest.mark.skipif(not installed(), reason="PostgreSQL and nginx are not installed")
def test_no_run_is_lost_and_none_is_done_twice() -> None:
    made = run(kills=1, runs=2)
    assert made.problems == []
    assert made.kills == {"flow": 1}
    assert (made.completed, made.rows) == (2, 2)
    assert made.relaunched == 1
