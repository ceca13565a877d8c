"""Prefect's side: what waits, runs and is scheduled in one pool, over its REST API.

Read with httpx alone, so that the Lambda carries no Prefect. What the API does not say is settled
by two conventions of the machines: a machine's host name is its instance id (so a run's
``infrastructure_pid``, ``host:pid``, names its machine), and a worker's name begins with it.

Figures carry the time at which the *server* gave them, from its ``Date`` header: a cache or a
stopped clock in between shows as stale metrics. A run that says Running on a machine that is gone
is left out here; the reconciler of dead runs deals with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

import httpx

from infra.autoscaler.observation import Run, RunTime
from infra.autoscaler.runtime import estimate

PAGE: Final = 200
"""Prefect's largest page."""

PAGES_AT_MOST: Final = 25
"""Five thousand runs; a queue beyond it asks for the maximum anyway."""

HISTORY_PAGES: Final = 5
"""A thousand finished runs are enough to know how long flows take."""

ANNOUNCED_BEFORE: Final = 60.0
"""Seconds between a run's creation and its time from which it counts as announced."""


class PrefectError(Exception):
    """The API cannot be read; nothing can be decided."""


@dataclass(frozen=True, slots=True)
class PoolView:
    """A pool at one moment.

    Attributes:
        measured_at: the server's time.
        waiting: due and not claimed, oldest first.
        running: claimed or running; `worker` is the host, "" where none is known yet.
        announced: set for the coming minutes.
        arrived: how many became due since the given time without having been announced.
        seen: when each host's worker last polled.
    """

    measured_at: float
    waiting: tuple[Run, ...]
    running: tuple[Run, ...]
    announced: tuple[Run, ...]
    arrived: int
    seen: Mapping[str, float]


class PrefectApi:
    """Reads one Prefect server.

    Args:
        client: with the API's base URL, authorisation and timeout set.
    """

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        self._dates: list[float] = []
        self._flows: dict[str, str] = {}

    def read_pool(
        self, pool: str, queues: Sequence[str], *, now: float, since: float, ahead: float
    ) -> PoolView:
        """Read what a fleet has to know.

        Args:
            pool: the work pool.
            queues: the queues that the fleet serves; none means all of the pool's.
            now: the time of the decision, seconds since the epoch.
            since: count arrivals from here on.
            ahead: seconds for which scheduled runs are read.

        Raises:
            PrefectError: the API did not answer, or not as documented.
        """
        self._dates.clear()
        scope: dict[str, Any] = {"work_pools": {"name": {"any_": [pool]}}}
        if queues:
            scope["work_pool_queues"] = {"name": {"any_": list(queues)}}
        scheduled = self._runs(scope, ["SCHEDULED"], before=now + ahead)
        claimed = self._runs(scope, ["PENDING", "RUNNING", "CANCELLING"])
        recent = self._runs(scope, None, after=since, before=now)
        self._name_flows([*scheduled, *claimed])
        waiting = [self._run(raw) for raw in scheduled if _due(raw) <= now]
        coming = [self._run(raw) for raw in scheduled if _due(raw) > now]
        arrived = sum(not _announced(raw) and since < _due(raw) <= now for raw in recent)
        seen = self._polls(pool)
        return PoolView(
            measured_at=min(self._dates, default=now),
            waiting=tuple(sorted(waiting, key=_by_time)),
            running=tuple(sorted((self._run(raw) for raw in claimed), key=_by_time)),
            announced=tuple(sorted(coming, key=_by_time)),
            arrived=arrived,
            seen=seen,
        )

    def read_run_times(self, pool: str) -> dict[str, RunTime]:
        """Fit run times by flow to the pool's last finished runs.

        Raises:
            PrefectError: the API did not answer, or not as documented.
        """
        raws = self._runs(
            {"work_pools": {"name": {"any_": [pool]}}},
            ["COMPLETED"],
            sort="END_TIME_DESC",
            pages=HISTORY_PAGES,
        )
        self._name_flows(raws)
        seconds: dict[str, list[float]] = {}
        for raw in raws:
            flow = self._flows.get(raw["flow_id"], "")
            seconds.setdefault(flow, []).append(float(raw["total_run_time"]))
        fitted = {flow: estimate(values) for flow, values in sorted(seconds.items())}
        return {flow: found for flow, found in fitted.items() if found is not None}

    def _run(self, raw: Mapping[str, Any]) -> Run:
        host = (raw.get("infrastructure_pid") or "").partition(":")[0]
        running = raw["state_type"] != "SCHEDULED"
        began = raw.get("start_time") if running else None
        return Run(
            flow=self._flows.get(raw["flow_id"], ""),
            since=_seconds(began) if began else _due(raw),
            worker=host,
            queue=raw.get("work_queue_name") or "",
        )

    def _runs(
        self,
        scope: Mapping[str, Any],
        states: Sequence[str] | None,
        *,
        after: float | None = None,
        before: float | None = None,
        sort: str = "EXPECTED_START_TIME_ASC",
        pages: int = PAGES_AT_MOST,
    ) -> list[dict[str, Any]]:
        wanted: dict[str, Any] = {}
        if states is not None:
            wanted["state"] = {"type": {"any_": list(states)}}
        window = {
            key: datetime.fromtimestamp(at, UTC).isoformat()
            for key, at in (("after_", after), ("before_", before))
            if at is not None
        }
        if window:
            wanted["expected_start_time"] = window
        body = {**scope, "flow_runs": wanted, "sort": sort}
        return list(self._pages("/flow_runs/filter", body, pages))

    def _polls(self, pool: str) -> dict[str, float]:
        seen: dict[str, float] = {}
        for raw in self._pages(f"/work_pools/{pool}/workers/filter", {}, PAGES_AT_MOST):
            at = raw.get("last_heartbeat_time")
            if at:
                seen[raw["name"]] = max(seen.get(raw["name"], 0.0), _seconds(at))
        return seen

    def _name_flows(self, raws: Sequence[Mapping[str, Any]]) -> None:
        unknown = sorted({raw["flow_id"] for raw in raws} - self._flows.keys())
        for start in range(0, len(unknown), PAGE):
            body = {"flows": {"id": {"any_": unknown[start : start + PAGE]}}}
            for raw in self._pages("/flows/filter", body, 1):
                self._flows[raw["id"]] = raw["name"]

    def _pages(self, path: str, body: Mapping[str, Any], pages: int) -> Iterator[dict[str, Any]]:
        for page in range(pages):
            found = self._post(path, {**body, "limit": PAGE, "offset": page * PAGE})
            yield from found
            if len(found) < PAGE:
                return

    def _post(self, path: str, body: Mapping[str, Any]) -> list[dict[str, Any]]:
        try:
            answer = self._client.post(path, json=body)
            answer.raise_for_status()
            found = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise PrefectError(f"Prefect's API, {path}: {error!r}") from error
        if not isinstance(found, list):
            raise PrefectError(
                f"Prefect's API, {path}: expected a list, got {type(found).__name__}"
            )
        if "date" in answer.headers:
            self._dates.append(parsedate_to_datetime(answer.headers["date"]).timestamp())
        return found


def _due(raw: Mapping[str, Any]) -> float:
    return _seconds(raw.get("next_scheduled_start_time") or raw["expected_start_time"])


def _announced(raw: Mapping[str, Any]) -> bool:
    lead = _seconds(raw["expected_start_time"]) - _seconds(raw["created"])
    return bool(raw.get("auto_scheduled")) or lead >= ANNOUNCED_BEFORE


def _seconds(stamp: str) -> float:
    return datetime.fromisoformat(stamp).timestamp()


def _by_time(run: Run) -> tuple[float, str, str]:
    return run.since, run.flow, run.worker
