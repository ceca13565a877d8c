"""`elsewhere`: run a heavy step as a run of its own, on another queue or pool.

    matches = elsewhere(match_products)(offers, own_seller=OWN)

The step's arguments and result are references, so that little travels. The parent waits: it keeps
its process and its slot on the `coordinate` queue, where slots are cheap, and the step takes one on
`work`, where a slot is a core. What holds for a step holds for it elsewhere: it is retried and
falls back there, its record is in the parent's ledger, its error is raised here as what it was.

* The child has a key, made of the parent's run, the step and its arguments: a parent that is
  started again after its process died finds the child that it had started, or its result.
* A parent that is cancelled, or fails, cancels it. If the parent was killed, the reconciler does.
* A child whose process died is started again (`relaunch` among its deployment's tags); the parent
  waits for that. When it died for good, the parent raises `Transient`.

**The cheap way**: where there is no server, or none with the deployment ``run-step`` (a notebook, a
test, `make run`), or with ``DATAWEAVE_ELSEWHERE=here``, the step is simply called.

From an async flow, an async step is awaited as ever: ``await elsewhere(step)(given)``. The waiting
is done in a thread, so that the flow's other work goes on. A sync step holds the flow up, as it
does when it is called here.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import logging
import os
import threading
import time
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from sdk import prefect2
from sdk.delegation.order import Order, noted
from sdk.deployments import (
    PATIENCE_SECONDS,
    DeployedRun,
    Deployment,
    cancel_run,
    deployment_of,
    has_server,
    read_run,
    start_run,
)
from sdk.errors import ConfigurationError, PlatformError, Transient
from sdk.run import current_run
from sdk.running.rules import Rules
from sdk.step import arguments_of
from sdk.storage import storage

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")

FLOW = "run-step"
"""The flow that runs a step; `prefect.yaml` deploys it to the pool for heavy work."""
FIRST_LOOK, LONGEST_LOOK = 0.5, 5.0
"""Seconds between looks at the child: soon for a short one, seldom for a long one."""
RELAUNCH = 300.0
"""Seconds that a crashed child has to be started again: the reconciler takes two minutes."""
MOST_CHILDREN = 3
"""Children that one order has in all, over all processes of the parent."""

log = logging.getLogger("sdk")


def elsewhere(
    step: Callable[P, R], *, queue: str = "work", deployment: str = FLOW
) -> Callable[P, R]:
    """Return a step as it runs on another queue.

    Args:
        step: a step at the top of a module.
        queue: of the deployment's pool.
        deployment: of the flow ``run-step``: which pool, which size.
    """
    function = prefect2.function_of(step)

    def ordered(*args: P.args, **kwargs: P.kwargs) -> Callable[[], R] | None:
        """Return what waits for the step's run; None where the step is to be called here."""
        target, run = _target(deployment), current_run()
        if target is None or run is None:
            return None
        order = Order.of(step, arguments_of(function, args, kwargs), run)
        return functools.partial(_waited, Child(order, target, queue), function.__name__)

    @functools.wraps(function)
    def called(*args: P.args, **kwargs: P.kwargs) -> R:
        waits = _apart(functools.partial(ordered, *args, **kwargs))
        return step(*args, **kwargs) if waits is None else _apart(waits)

    @functools.wraps(function)
    async def awaited(*args: P.args, **kwargs: P.kwargs) -> Any:
        waits = await asyncio.to_thread(ordered, *args, **kwargs)
        if waits is None:
            return await step(*args, **kwargs)  # type: ignore[misc]
        return await asyncio.to_thread(waits)

    return awaited if prefect2.is_async(function) else called  # type: ignore[return-value]


def _waited(child: Child, name: str) -> Any:
    """Return a child's result, as a task run of the parent; cancel the child if nobody waits."""
    try:
        return prefect2.as_task_run(f"{name} elsewhere", child.result)
    except BaseException:  # a request to stop, too
        child.cancel()
        raise


def _apart(body: Callable[[], T]) -> T:
    """Call a body outside of any event loop: in this thread, or one of its own within a loop."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return body()
    found: list[T] = []
    failed: list[BaseException] = []

    def call() -> None:
        try:
            found.append(contextvars.Context.run(context, body))
        except BaseException as error:
            failed.append(error)

    context = contextvars.copy_context()
    thread = threading.Thread(target=call, name="elsewhere")
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return found[0]


class Child:
    """A step's run on another queue.

    Args:
        order: what it does.
        deployment: of which it is a run.
        queue: of the deployment's pool.
        sleep: waits so many seconds.
    """

    def __init__(
        self,
        order: Order,
        deployment: Deployment,
        queue: str,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.order, self.deployment, self.queue, self.sleep = order, deployment, queue, sleep
        self._run: DeployedRun | None = None

    def result(self) -> Any:
        """Start the run, or find it, and return its step's result at its end.

        Raises:
            Permanent, Transient: what the step raised; Transient too where its run was lost.
        """
        self._run = self._started()
        log.info("step %s runs elsewhere: run %s", self.order.step, self._run.id)
        ended = self._ended(self._run)
        self._run = ended
        if ended.state in {"Crashed", "Cancelled", "Skipped"}:
            raise Transient(
                f"step {self.order.step}: its run {ended.id} is {ended.state}: {ended.message}",
                "See the log of its run; a retry of this flow starts it anew.",
            )
        return noted(storage(self.order.run.store), self.order)

    def cancel(self) -> None:
        """Have the run stopped if it has not ended; what fails is the reconciler's to settle."""
        if self._run is None or self._run.ended:
            return
        try:
            cancel_run(self._run.id, f"its parent, run {self.order.run.run_id}, has ended")
        except PlatformError as error:
            log.warning("run %s could not be cancelled: %s", self._run.id, error.problem)

    def _started(self) -> DeployedRun:
        parameters = {"order": self.order.model_dump(mode="json")}
        for number in range(1, MOST_CHILDREN + 1):
            found = start_run(
                self.deployment,
                parameters,
                key=f"{self.order.key}/{number}",
                name=f"{self.order.step.rpartition(':')[2]}-{self.order.run.run_id[:8]}-{number}",
                queue=self.queue,
                parent_task_run=prefect2.task_run_id_or_none(),
            )
            # One that ended badly is of an earlier attempt of this flow: this is another.
            if not found.ended or found.completed:
                return found
        return found

    def _ended(self, run: DeployedRun) -> DeployedRun:
        pause, crashed_at = FIRST_LOOK, None
        while True:
            run = read_run(run.id)
            self._run = run
            if run.ended and not (
                run.state == "Crashed" and run.starts < Rules.of(run.tags).starts
            ):
                return run
            if run.ended:
                crashed_at = crashed_at or time.monotonic()
                if time.monotonic() - crashed_at > RELAUNCH:
                    return run
            else:
                crashed_at = None
            self.sleep(pause)
            pause = min(LONGEST_LOOK, pause * 1.5)


@functools.lru_cache(maxsize=8)
def _deployment(name: str, server: str) -> Deployment | None:
    try:
        return deployment_of(FLOW, name, patience=PATIENCE_SECONDS)
    except ConfigurationError:
        return None


def _target(name: str) -> Deployment | None:
    """Return where a step is to run; None for here."""
    if os.environ.get("DATAWEAVE_ELSEWHERE") == "here" or not has_server():
        return None
    return _deployment(name, os.environ.get("PREFECT_API_URL", ""))
