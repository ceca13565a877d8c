"""The command of a run on a work pool: heart, gate, flow.

    python -m sdk.running

1. What the process writes goes to its own file (``DATAWEAVE_LOGS``).
2. The heart beats, from before Prefect is imported until the process ends.
3. The gate: a deployment's run does not start while its previous one runs, as its tags say.
4. Prefect's engine runs the flow, patient with a server that is away (`sdk.prefect2_engine`).

Without ``DATAWEAVE_STORAGE`` there is neither heart nor gate: said, and run all the same.
"""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

from sdk.errors import PlatformError
from sdk.running.heart import SECONDS, Heart
from sdk.running.output import into_file

RUN_ID = "PREFECT__FLOW_RUN_ID"
GATE_PATIENCE = 600.0
"""Seconds for which the gate waits for a server that is away, as the flow itself would."""

log = logging.getLogger("sdk")


def main() -> int:
    """Run the flow run that the environment names; return the process's exit code."""
    run = os.environ.get(RUN_ID)
    if not run:
        sys.stderr.write(f"error: no flow run is named\nA worker starts this; set {RUN_ID}.\n")
        return 2
    logs = os.environ.get("DATAWEAVE_LOGS")
    if logs:
        into_file(Path(logs) / "application", run)
    root = os.environ.get("DATAWEAVE_STORAGE")
    if not root:
        log.warning("DATAWEAVE_STORAGE is not set: the run has no heart, and no gate")
        return _engine(run)
    from sdk.storage import storage

    heart = Heart(storage(root), run, float(os.environ.get("DATAWEAVE_HEARTBEAT", SECONDS)))
    heart.start()
    try:
        if not _may_go(run, root):
            return 0
        return _engine(run)
    finally:
        heart.stop()


def _may_go(run: str, root: str) -> bool:
    from sdk.api import Api
    from sdk.running.gate import Starting, pass_gate
    from sdk.storage import storage

    try:
        with Api.of_environment(patience=GATE_PATIENCE) as api:
            decision = pass_gate(api, storage(root), Starting.read(api, run))
    except PlatformError as error:
        # The rule is worth less than the run: the engine will say what is wrong with the server.
        log.warning("the gate was passed unasked: %s", error.problem)
        return True
    if decision.action != "go":
        log.warning("the run does not start: %s", decision.why)
    return decision.action == "go"


def _engine(run: str) -> int:
    from sdk.prefect2_engine import run_engine

    return run_engine(run)


if __name__ == "__main__":
    sys.exit(main())
