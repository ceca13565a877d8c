"""The chaos at full numbers, and an outage's queue: ``python -m benchmarks.notices``.

Some minutes; it writes ``docs/benchmarks/notices``.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from benchmarks.measuring import machine, write
from benchmarks.notices.chaos import Outcome, run
from benchmarks.notices.queue import Queue, drain

FAULTS, FINGERPRINTS, KILLS, QUEUED = 1000, 40, 60, 5000


def main() -> int:
    """Carry both out, write what came of them."""
    with tempfile.TemporaryDirectory() as folder:
        outcome = run(
            Path(folder), faults=FAULTS, fingerprints=FINGERPRINTS, kills=KILLS, retry_after=1
        )
    with tempfile.TemporaryDirectory() as folder:
        queue = drain(Path(folder), notices=QUEUED, fingerprints=FINGERPRINTS)
    for name, value in (asdict(outcome) | asdict(queue)).items():
        print(f"{name:13} {value}")
    results = {"machine": machine(), "chaos": asdict(outcome), "queue": asdict(queue)}
    write("notices", results, _page(outcome, queue))
    return 1 if outcome.problems else 0


def _page(chaos: Outcome, queue: Queue) -> str:
    problems = "".join(f"\n- {problem}" for problem in chaos.problems) or " none."
    asked, wrong = sum(chaos.requests.values()), sum(chaos.went_wrong.values())
    return f"""# Notices under chaos

`make bench-notices`: {chaos.faults:,} faults of {chaos.fingerprints} fingerprints, put in once or
twice in any order, told by two competing senders to HTTP stand-ins of Slack and Jira through the
real clients. A third of all requests goes wrong (429, 5xx, connection ended before or after the
work was done), and senders are ended by SIGKILL at random. Then time passes, the faults go on, and
end.

| | wanted | found |
|---|---:|---:|
| tickets | {chaos.fingerprints} | {chaos.tickets} |
| threads | {chaos.fingerprints} | {chaos.threads} |
| notices counted, each once | {chaos.faults + chaos.fingerprints:,} | {chaos.counted:,} |
| senders killed | | {chaos.kills} |
| requests, and how many went wrong | | {asked:,}, {wrong:,} |
| seconds | | {chaos.seconds:g} |

Lost, doubled, miscounted or left over:{problems}

## A queue after an outage

{queue.notices:,} notices of {queue.fingerprints} fingerprints wait in the outbox, in a folder on
disk. One sender counted them in {queue.counting:g} s and {queue.writes:,} writes, and had told all
of it in {queue.telling:g} s and {queue.requests:,} requests.
"""


if __name__ == "__main__":
    sys.exit(main())
