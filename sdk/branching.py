"""Branches: decisions that a flow takes, with their reason, on the record."""

from __future__ import annotations

from datetime import UTC, datetime

from sdk import prefect2
from sdk.manifest import StepStatistics
from sdk.run import current_run
from sdk.statistics import StepRecord, write_record


def branch(condition: object, why: str, **inputs: object) -> bool:
    """Record a decision of the running flow and return it.

    Args:
        condition: what decides; its truth is the decision.
        why: in words, what it means when it holds: "enough sites answered".
        inputs: the values it rests on, shown with it.

    Example:
        ``if branch(offers.coverage >= 0.8, "enough sites answered", coverage=offers.coverage):``
    """
    taken = bool(condition)
    shown = {name: str(value) for name, value in inputs.items()}
    prefect2.run_logger().info(
        "branch: %s: %s %s", why, "yes" if taken else "no", shown if shown else ""
    )
    run = current_run()
    if run is not None:
        write_record(
            run,
            StepRecord(
                step=f"branch: {why}",
                flow=run.flow,
                customer=run.customer,
                day=run.day,
                run_id=run.run_id,
                path=run.path,
                outcome="yes" if taken else "no",
                statistics=StepStatistics(
                    step=why, started=datetime.now(UTC), attempts=1, recorded=shown
                ),
            ),
        )
    return taken
