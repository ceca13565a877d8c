"""What the reconciler tells: runs that it started again, and runs that it ended for their time.

It tells by the platform's notices: it puts them into the outbox, and `notices-deliver` tells them.
A run that crashed for good is not told of here: the watch of deadlines does (or, of flows that it
does not know, Prefect's automation), as it does of those that crashed without the reconciler.
"""

from __future__ import annotations

import logging
import uuid
from datetime import UTC, datetime
from typing import Any

from blocks.automations.events import said
from canary.reconciler.seen import Decision
from sdk.api import Api
from sdk.errors import PlatformError
from sdk.notices.fault import fingerprint
from sdk.notices.notice import Kind, Notice, event_id
from sdk.notices.outbox import Outbox
from sdk.storage import Storage

log = logging.getLogger("canary")

CUSTOMER = "platform"
"""For whom it broke: a run's tags and state do not say which customer is served late."""


class Teller:
    """Tells of decisions.

    Args:
        api: the server's.
        root: the storage root.
        environment: part of every notice.
    """

    def __init__(self, api: Api, root: Storage, environment: str) -> None:
        self.api, self.environment = api, environment
        self.outbox = Outbox(root)
        self._flows: dict[str, str] = {}

    def tell(self, decision: Decision) -> None:
        """Tell of a decision that was carried out; telling may fail, and that is logged."""
        try:
            run = self.api.get(f"/flow_runs/{decision.run.id}")
            made = notice(decision, self._flow(run["flow_id"]), self.environment, datetime.now(UTC))
            if made is None:
                return
            self.outbox.put(made)
            if decision.action == "relaunch" and run.get("deployment_id"):
                self._say(run)
        except PlatformError as error:
            log.warning("it is not told what became of %s: %s", decision.run.name, error.problem)

    def _flow(self, flow: str) -> str:
        if flow not in self._flows:
            self._flows[flow] = str(self.api.get(f"/flows/{flow}")["name"])
        return self._flows[flow]

    def _say(self, run: dict[str, Any]) -> None:
        """Tell Prefect's automations that the crash was announced, so that they keep still."""
        event = said(run["id"], run["deployment_id"], run["flow_id"])
        now = datetime.now(UTC).isoformat()
        self.api.post("/events", [{**event, "id": str(uuid.uuid4()), "occurred": now}])


def notice(decision: Decision, flow: str, environment: str, now: datetime) -> Notice | None:
    """Return the notice of a decision; None where others tell, or there is nothing to tell."""
    run, what = decision.run, _what(decision)
    if what is None:
        return None
    kind, error_class, headline, did, action = what
    return Notice(
        event=event_id("reconciler", decision.action, run.id, run.state),
        fault=fingerprint(environment, flow, "", error_class),
        kind=kind,
        severity="warning",
        environment=environment,
        flow=flow,
        error_class=error_class,
        customer=CUSTOMER,
        headline=headline,
        action=action,
        did=(did,),
        root_flow=flow,
        run_id=run.id,
        happened=now,
    )


def _what(decision: Decision) -> tuple[Kind, str, str, str, str] | None:
    run = decision.run
    if decision.action == "relaunch":
        return (
            "crashed", "Relaunched", f"the process of {run.name} died",
            f"it was started again: {decision.why}",
            "Nothing, if it is a lost machine; if it comes again, read the end of the run's log.",
        )  # fmt: skip
    if decision.action == "cancel" and run.kind == "SCHEDULED" and run.rules.lateness is not None:
        return (
            "late", "Stale", f"{run.name} was {decision.why}", "it was cancelled",
            "See why its queue does not move; a day that is missing is made up for by a backfill.",
        )  # fmt: skip
    if decision.action == "cancelled" and run.deployed and run.heart == "beats":
        return (
            "stuck", "Cancelling", f"{run.name} did not end when it was cancelled",
            f"it was stopped: {decision.why}", "",
        )  # fmt: skip
    return None
