"""The worker of type ``warm``: Prefect's process worker, which starts runs from warm interpreters.

It takes what the process worker takes and does what that does. Where a run cannot start warm (a
command of its own, an environment that was not seen before, an interpreter that is being replaced)
it starts as that one starts it. Cancelling, limits, heartbeats, draining and crashes are the
process worker's own, or Prefect's base worker's.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import os
import signal
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import anyio
from prefect.workers.process import (
    ProcessJobConfiguration,
    ProcessVariables,
    ProcessWorker,
    ProcessWorkerResult,
)
from pydantic.v1 import Field

if TYPE_CHECKING:
    from anyio.abc import TaskStatus
    from prefect.client.schemas.objects import FlowRun
    from prefect.workers.base import BaseJobConfiguration

    from sdk.warm.keeper import Keeper
    from sdk.warm.recipe import Recipe
    from sdk.warm.settings import WarmSettings
    from sdk.warm.template import Running

MEGABYTE = 10**6
LONGEST_PAUSE = 10.0
"""Seconds between looks for runs while the server is away: Prefect's own interval."""


class WarmJobConfiguration(ProcessJobConfiguration):
    """What a run of this worker is given."""

    python: str | None = Field(default=None)
    memory_limit: int | None = Field(default=None, ge=1)


class WarmVariables(ProcessVariables):
    """What a pool, a deployment or a run may say."""

    python: str | None = Field(
        default=None,
        description="The Python that runs the flow, by default the worker's own. It has Prefect.",
    )
    memory_limit: int | None = Field(
        default=None,
        ge=1,
        description="Megabytes (10^6) of data that the run's process may have; then MemoryError.",
    )


class WarmWorker(ProcessWorker):
    """Starts runs as processes, from interpreters that have imported what runs need."""

    type = "warm"
    job_configuration = WarmJobConfiguration
    job_configuration_variables = WarmVariables
    _display_name = "Warm process"
    _description = (
        "Execute flow runs as subprocesses on a worker, started from interpreters that are kept"
        " warm: within about a second."
    )
    _documentation_url = ""

    _keeper: Keeper | None = None
    _looking: asyncio.Task[None] | None = None
    _warm: WarmSettings

    async def setup(self) -> None:
        """Prepare the worker, and begin to warm up."""
        from sdk.warm.keeper import Keeper
        from sdk.warm.settings import WarmSettings

        self._warm = WarmSettings.of(os.environ)
        self._free, self._one_look = asyncio.Event(), asyncio.Lock()
        await super().setup()  # type: ignore[no-untyped-call]
        self._keeper = Keeper(self._warm, self._logger)
        self._keeper.start()

    async def teardown(self, *exc_info: Any) -> None:
        """Wait for the runs as the process worker does, then end what is warm."""
        if self._looking is not None:
            self._looking.cancel()
        try:
            await super().teardown(*exc_info)  # type: ignore[no-untyped-call]
        finally:
            keeper, self._keeper = self._keeper, None
            if keeper is not None:
                with anyio.CancelScope(shield=True):
                    await keeper.close()

    async def sync_with_backend(self) -> None:
        """Take the pool from the server; the environment that it gives runs is warmed at once."""
        known = self._template()
        await super().sync_with_backend()  # type: ignore[no-untyped-call]
        template = self._template()
        if self._keeper is None or self._client is None or template == known:
            return
        with contextlib.suppress(Exception):  # what is wrong with a template each run says
            configuration = await self.job_configuration.from_template_and_values(
                base_job_template=template, values={},
                client=self._client,
            )  # fmt: skip
            recipe = _recipe(_as_of_a_run(configuration))
            if recipe is not None:
                self._keeper.want(recipe, sure=True)

    def _template(self) -> dict[str, Any]:
        # A copy: Prefect writes into it while it makes a run's configuration.
        pool = self._work_pool
        return {} if pool is None else copy.deepcopy(pool.base_job_template)

    async def get_and_submit_flow_runs(self) -> Any:
        """Look for runs; from the first time on, look for them often beside that."""
        # Prefect looks every PREFECT_WORKER_QUERY_SECONDS, and gives up when that fails for long.
        submitted = await self._submit_what_waits()
        if self._looking is None and self.is_setup:
            self._looking = asyncio.create_task(self._look_on(), name="warm-looking")
        return submitted

    async def _submit_what_waits(self) -> Any:
        async with self._one_look:
            return await super().get_and_submit_flow_runs()  # type: ignore[no-untyped-call]

    async def _look_on(self) -> None:
        """Look for runs often, and at once when one has ended."""
        pause = self._warm.poll
        while True:
            with contextlib.suppress(TimeoutError):
                # Not wait_for, which before Python 3.12 can swallow a cancellation.
                async with asyncio.timeout(pause):
                    await self._free.wait()
            self._free.clear()
            try:
                await self._submit_what_waits()
                pause = self._warm.poll
            except Exception as error:
                pause = min(LONGEST_PAUSE, 2 * pause)
                self._logger.debug("a look for runs failed, the next is in %g s: %r", pause, error)

    async def run(
        self,
        flow_run: FlowRun,
        configuration: BaseJobConfiguration,
        task_status: TaskStatus[Any] | None = None,
    ) -> ProcessWorkerResult:
        """Run a flow run in a process; return its exit code."""
        configuration = cast("WarmJobConfiguration", configuration)
        try:
            result = await self._run_warm(flow_run, configuration, task_status)
            if result is None:
                configuration.command = _cold_command(configuration)
                result = await super().run(flow_run, configuration, task_status)
            return result
        finally:
            self._free.set()

    async def _run_warm(
        self,
        flow_run: FlowRun,
        configuration: WarmJobConfiguration,
        task_status: TaskStatus[Any] | None,
    ) -> ProcessWorkerResult | None:
        from sdk.warm.output import output
        from sdk.warm.template import Order

        recipe = _recipe(configuration)
        if recipe is None or self._keeper is None:
            return None
        log = self.get_flow_run_logger(flow_run)
        memory = (configuration.memory_limit or 0) * MEGABYTE
        with _folder(configuration.working_dir) as folder:
            async with output(configuration.stream_output) as pipes:
                order = Order(str(flow_run.id), folder, memory, pipes.out, pipes.err)
                running = await self._keeper.run(recipe, order)
                pipes.hand_over()
                if running is None:
                    return None
                log.info("Started process %d from a warm interpreter.", running.pid)
                if task_status is not None:
                    task_status.started(f"{socket.gethostname()}:{running.pid}")
                code = await _ended(running)
        if code:
            log.error("Process %d exited with status code: %d%s", running.pid, code, _why(code))
        else:
            log.info("Process %d exited cleanly.", running.pid)
        return ProcessWorkerResult(status_code=code, identifier=str(running.pid))


def _cold_command(configuration: WarmJobConfiguration) -> str | None:
    """Return the command of a run that starts the stock way, with what that one does not know."""
    words = (configuration.command or "").split(" ")
    if configuration.python:
        words[0] = configuration.python
    if configuration.memory_limit:
        words = ["prlimit", f"--data={configuration.memory_limit * MEGABYTE}", *words]
    return " ".join(words) or None


async def _ended(running: Running) -> int:
    """Return the exit code; where the worker gives the run up, end its process first."""
    try:
        return await running.exit_code()
    except asyncio.CancelledError:
        with contextlib.suppress(ProcessLookupError):
            os.kill(running.pid, signal.SIGTERM)
        with anyio.CancelScope(shield=True):
            await running.gone()
        raise


def _why(code: int) -> str:
    if code == -signal.SIGKILL:
        return "; killed: by cancellation, by hand, or by the system for want of memory."
    if code == -signal.SIGTERM:
        return "; terminated: by cancellation, or by hand."
    return ""


def _recipe(configuration: WarmJobConfiguration) -> Recipe | None:
    from sdk.warm.recipe import Recipe

    env = {name: value for name, value in configuration.env.items() if value is not None}
    command = configuration.command or ""
    return Recipe.of(command, env, configuration.working_dir, configuration.python)


def _as_of_a_run(configuration: WarmJobConfiguration) -> WarmJobConfiguration:
    """Return a configuration as it is for a run that sets nothing itself."""
    from types import SimpleNamespace

    nobody = SimpleNamespace(id="", name="", tags=[])
    configuration.prepare_for_flow_run(cast("FlowRun", nobody))
    return configuration


@contextmanager
def _folder(given: Path | None) -> Iterator[str]:
    if given is not None:
        yield str(given)
        return
    with tempfile.TemporaryDirectory(suffix="prefect") as made:
        yield made
