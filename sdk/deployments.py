"""Deployments: start runs of one on a server, and see how they go.

For code that starts runs and outlives none of them: a backfill, a canary. A run is started under
a key, and the server makes one run for a key however often it is asked; so every request here may
be sent again, and is, while the server does not answer.

It deploys nothing.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar, cast
from uuid import UUID

import tenacity
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterId,
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterIdempotencyKey,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.settings import PREFECT_API_URL
from prefect.states import Cancelled, Cancelling
from prefect.utilities.asyncutils import sync_compatible

from sdk.errors import ConfigurationError, Transient, classify

T = TypeVar("T")

PATIENCE_SECONDS = 600.0
"""How long a server may stay silent: longer than its restart or a failover of its database."""
LONGEST_PAUSE_SECONDS = 30.0
PAGE = 200
"""Runs that the server returns at once: its own limit."""

COLOUR = "DATAWEAVE_COLOUR"
"""Of a worker and its runs: which queues are theirs (`infra.release`)."""
COLOURS = ("blue", "green")

_FINAL = {StateType.COMPLETED, StateType.FAILED, StateType.CRASHED, StateType.CANCELLED}
_OPEN = [kind for kind in StateType if kind not in _FINAL]


@dataclass(frozen=True, slots=True)
class Deployment:
    """A deployment on the server.

    Attributes:
        id: the server's.
        name: as ``flow/deployment``.
    """

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class DeployedRun:
    """A run of a deployment, as the server saw it last.

    Attributes:
        id: the server's.
        key: under which it was started; None for a run of a schedule or by hand.
        parameters: as they were given; a default of the flow is not among them.
        due: when it was meant to start, UTC.
        state: its state's name, such as ``Late`` or ``Degraded``.
        message: what its state says.
        ended: whether it will change no more.
        completed: whether it ended well.
        seconds: for how long it ran.
        starts: how often it was begun.
        tags: its own and its deployment's.
    """

    id: str
    key: str | None
    parameters: Mapping[str, Any]
    due: datetime | None
    state: str
    message: str
    ended: bool
    completed: bool
    seconds: float
    starts: int = 1
    tags: tuple[str, ...] = ()


def has_server() -> bool:
    """Say whether Prefect's settings name a server; else its API is inside this process."""
    return bool(PREFECT_API_URL.value())


def deployment_of(flow: str, name: str | None = None, *, patience: float = 0) -> Deployment:
    """Return the deployment of a flow: the only one, or the one that is called as the flow.

    Args:
        flow: its name.
        name: of the deployment, where another than the flow's namesake is meant.
        patience: seconds for which a silent server is asked again; mostly this is the first
            question of all, and a wrong address is to be told at once.

    Raises:
        ConfigurationError: there is none, or nothing says which.
        Transient: the server does not answer.
    """
    of_flow = FlowFilter(name=FlowFilterName(any_=[flow]))

    async def read(client: PrefectClient) -> Any:
        return await client.read_deployments(flow_filter=of_flow)

    found = {item.name: item for item in _asked(read, patience)}
    if not found:
        raise ConfigurationError(
            f"the server has no deployment of flow {flow}",
            "Deploy it (prefect deploy), or unset PREFECT_API_URL to run it here.",
        )
    if name is None:
        name = next(iter(found)) if len(found) == 1 else flow
    if name not in found:
        raise ConfigurationError(
            f"flow {flow} has several deployments: {', '.join(sorted(found))}",
            f"Call the one that is meant {name!r}.",
        )
    return Deployment(id=str(found[name].id), name=f"{flow}/{name}")


def start_run(
    deployment: Deployment,
    parameters: Mapping[str, Any],
    *,
    key: str,
    name: str | None = None,
    queue: str | None = None,
    tags: Iterable[str] = (),
    parent_task_run: str | None = None,
) -> DeployedRun:
    """Start a run, or return the one that was started under this key.

    Args:
        deployment: what to run.
        parameters: JSON; the deployment's own hold where nothing is said here.
        key: says which run it is.
        name: of the run; by default the server makes one up.
        queue: of the deployment's work pool; by default the deployment's own.
        tags: of the run.
        parent_task_run: the task run that waits for it: so it is its flow's subflow.

    Raises:
        ConfigurationError: the server refuses the parameters.
        Transient: the server does not answer.
    """
    colour = os.environ.get(COLOUR)

    async def create(client: PrefectClient) -> FlowRun:
        on = queue
        if colour and on is None:
            on = (await client.read_deployment(UUID(deployment.id))).work_queue_name
        return await client.create_flow_run_from_deployment(
            UUID(deployment.id),
            parameters=dict(parameters),
            name=name,  # type: ignore[arg-type]
            idempotency_key=key,
            work_queue_name=pinned(on, colour),  # type: ignore[arg-type]
            tags=list(tags),
            parent_task_run_id=UUID(parent_task_run) if parent_task_run else None,  # type: ignore[arg-type]
        )

    return _seen(_asked(create))


def pinned(queue: str | None, colour: str | None) -> str | None:
    """Return the queue of a worker's colour, so that a run's children are run by its own version.

    Args:
        queue: with or without a colour.
        colour: ``blue`` or ``green``; None where releases have none.
    """
    if queue is None or not colour:
        return queue
    base, _, last = queue.rpartition("-")
    return f"{base if base and last in COLOURS else queue}-{colour}"


def read_run(run_id: str) -> DeployedRun:
    """Return how a run goes.

    Raises:
        Transient: the server does not answer.
    """

    async def read(client: PrefectClient) -> FlowRun:
        return await client.read_flow_run(UUID(run_id))

    return _seen(_asked(read))


def cancel_run(run_id: str, why: str, *, patience: float = 30) -> None:
    """Have a run stopped: its worker ends its process; where it has not begun, it never does.

    Raises:
        Transient: the server does not answer.
    """

    async def cancel(client: PrefectClient) -> None:
        found = await client.read_flow_run(UUID(run_id))
        kind = found.state.type if found.state else StateType.SCHEDULED
        if kind in _FINAL:
            return
        begun = kind in {StateType.RUNNING, StateType.PENDING, StateType.CANCELLING}
        state: Any = Cancelling(message=why) if begun else Cancelled(message=why)
        await client.set_flow_run_state(UUID(run_id), state, force=True)

    _asked(cancel, patience)


def open_runs(deployment: Deployment) -> list[DeployedRun]:
    """Return the runs of a deployment that have not ended, those of its schedules among them."""
    states = FlowRunFilterState(type=FlowRunFilterStateType(any_=_OPEN), name=None)
    return _runs(deployment, FlowRunFilter(state=states))


def runs_of_keys(deployment: Deployment, keys: Sequence[str]) -> list[DeployedRun]:
    """Return the runs of a deployment that were started under these keys."""
    asked = FlowRunFilterIdempotencyKey(any_=list(keys))
    return _runs(deployment, FlowRunFilter(idempotency_key=asked))


def _runs(deployment: Deployment, which: FlowRunFilter) -> list[DeployedRun]:
    only = DeploymentFilter(id=DeploymentFilterId(any_=[UUID(deployment.id)]))

    async def read(client: PrefectClient) -> list[FlowRun]:
        found: list[FlowRun] = []
        while True:
            page = await client.read_flow_runs(
                flow_run_filter=which, deployment_filter=only, limit=PAGE, offset=len(found)
            )
            found += page
            if len(page) < PAGE:
                return found

    return [_seen(run) for run in _asked(read)]


def _seen(run: FlowRun) -> DeployedRun:
    due = run.expected_start_time
    state = run.state
    return DeployedRun(
        id=str(run.id),
        key=run.idempotency_key,
        parameters=run.parameters,
        due=datetime.fromtimestamp(due.timestamp(), UTC) if due else None,
        state=(state.name if state else None) or "unknown",
        message=(state.message if state else None) or "",
        ended=state is not None and state.type in _FINAL,
        completed=state is not None and state.type == StateType.COMPLETED,
        seconds=run.total_run_time.total_seconds(),
        starts=run.run_count or 0,
        tags=tuple(run.tags),
    )


def _asked(
    question: Callable[[PrefectClient], Awaitable[T]], patience: float = PATIENCE_SECONDS
) -> T:
    """Return the server's answer; a question is asked again while there is none."""

    @sync_compatible
    async def ask() -> T:
        async with get_client() as client:
            return await question(client)

    trying = tenacity.Retrying(
        retry=tenacity.retry_if_exception(lambda error: classify(error) == "transient"),
        wait=tenacity.wait_random_exponential(max=LONGEST_PAUSE_SECONDS),
        stop=tenacity.stop_after_delay(patience),
        reraise=True,
    )
    try:
        answer: Any = trying(ask, _sync=True)
        return cast(T, answer)
    except Exception as error:
        said = f"{type(error).__name__}: {error}".splitlines()[0]
        if classify(error) == "transient":
            raise Transient(
                f"the Prefect server does not answer ({said})",
                "See PREFECT_API_URL, and whether the server runs.",
            ) from error
        raise ConfigurationError(
            f"the Prefect server refuses: {_detail(error) or said}",
            "Mend what it names, or deploy the flow anew: it may be of another version.",
        ) from error


def _detail(error: Exception) -> str:
    """Return what an HTTP answer says of its refusal, in one line."""
    text = str(getattr(getattr(error, "response", None), "text", ""))
    return " ".join(text.split())[:300]
