"""Handing runs back: stopped here, scheduled again there.

The order matters. The worker is stopped before its runs, or it would report them as crashed after
they have been rescheduled; the runs are stopped before their state is set, or they would set it
themselves. The new state is AwaitingRetry, due now: any other worker takes it, and the reason
stands in its message.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol

import httpx


class Rescue(Protocol):
    """Whatever can put a run back in the queue."""

    def hand_back(self, run: str, reason: str) -> bool:
        """Schedule a stopped run again; say whether that was accepted."""
        ...


class PrefectRescue:
    """Hands runs back to a Prefect server.

    Args:
        client: with the API's base URL, authorisation and timeout set.
    """

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def hand_back(self, run: str, reason: str) -> bool:
        """Schedule a stopped run again; say whether the server accepted it."""
        state = {
            "type": "SCHEDULED",
            "name": "AwaitingRetry",
            "message": reason,
            "state_details": {"scheduled_time": datetime.now(UTC).isoformat()},
        }
        try:
            answer = self._client.post(
                f"/flow_runs/{run}/set_state", json={"state": state, "force": True}
            )
            answer.raise_for_status()
            return bool(answer.json().get("status") == "ACCEPT")
        except (httpx.HTTPError, ValueError):
            return False
