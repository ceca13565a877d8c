"""The warm interpreters of a worker: which are kept, made, replaced and given up.

For each recipe there is one template that forks, or, where that may not be, as many interpreters
for one run each as there are to be spares. At most one of a recipe is warming up at any time. One
that dies while it does so, or that dies before it started a run, is a failure: the next is made
after a pause that doubles with each. What is too old, too large or has started many runs is
replaced when its successor is warm; what is stale at once. Meanwhile runs start the stock way.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from dataclasses import dataclass, field

from sdk.warm.recipe import Recipe
from sdk.warm.settings import WarmSettings
from sdk.warm.template import NotStarted, Order, Running, Template

TICK, PAUSE = 1.0, 0.01
TRIES = 3
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 300.0
"""Seconds before another try after a first failure, and at most."""
IDLE = 60.0
"""Seconds without a run after which a recipe gives its place to another."""
REPLACING = 60.0
"""Seconds between replacements of what is over a limit."""
WARMING = 180.0
"""Seconds in which an interpreter is warm, or given up; five on an idle machine."""

LOG = logging.getLogger("sdk.warm")


@dataclass
class _Kept:
    """What is there of one recipe."""

    used: float = field(default_factory=time.monotonic)
    wanted: int = 0
    live: list[Template] = field(default_factory=list)
    failures: int = 0
    not_before: float = 0.0
    replace_after: float = 0.0

    def usable(self) -> Template | None:
        return next((t for t in self.live if t.usable), None)


class Keeper:
    """Keeps interpreters warm until it is closed.

    Args:
        settings: the limits.
        log: takes what becomes of the interpreters.
    """

    def __init__(self, settings: WarmSettings, log: logging.Logger = LOG) -> None:
        self.settings, self.log = settings, log
        self._kept: dict[Recipe, _Kept] = {}
        self._retired: list[Template] = []
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to keep what is wanted."""
        self._task = asyncio.create_task(self._keep_on(), name="warm-keeper")

    def want(self, recipe: Recipe, *, sure: bool = False) -> None:
        """Note that a recipe is of use: it is kept from the second time on, or if that is sure."""
        kept = self._kept.get(recipe)
        if kept is None:
            if len(self._kept) >= 8 * self.settings.environments:
                # What comes with a new environment each time is seen once each.
                del self._kept[min(self._cold(), key=lambda r: self._kept[r].used)]
            kept = self._kept[recipe] = _Kept()
        kept.used = time.monotonic()
        kept.wanted += 2 if sure else 1
        self._wake.set()

    async def run(self, recipe: Recipe, order: Order) -> Running | None:
        """Start a run warm; None where it is to start the stock way."""
        self.want(recipe)
        kept = self._kept[recipe]
        tries = 0
        while (template := kept.usable()) is not None:
            try:
                running = await template.run(order)
            except NotStarted as error:
                self.log.info("A run was not started warm: %s.", error)
                tries += 1
                if tries >= TRIES:  # a spare may die as it is given a run; several do not
                    template.stale = template.stale or str(error)
                self._wake.set()
            else:
                kept.failures = 0
                self._wake.set()
                return running
        return None

    def described(self) -> list[dict[str, object]]:
        """Return what is live: its process, if it takes runs, memory (10^6 bytes), its runs."""
        live = [t for kept in self._kept.values() for t in kept.live] + self._retired
        return [
            {
                "pid": t.pid,
                "usable": t.usable,
                "memory": t.memory(),
                "started": t.started,
                "runs": t.runs,
            }
            for t in live
        ]

    async def close(self) -> None:
        """End all interpreters."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        live = [t for kept in self._kept.values() for t in kept.live] + self._retired
        await asyncio.gather(*(template.close() for template in live), return_exceptions=True)

    def _cold(self) -> list[Recipe]:
        return [recipe for recipe, kept in self._kept.items() if not kept.live] or list(self._kept)

    async def _keep_on(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                # Not wait_for, which before Python 3.12 can swallow a cancellation.
                async with asyncio.timeout(TICK):
                    await self._wake.wait()
            self._wake.clear()
            await asyncio.sleep(PAUSE)  # whatever wakes this: the worker's loop goes on
            try:
                await self._look()
            except Exception:  # whatever it is, runs still start the stock way
                self.log.exception("warm interpreters could not be looked after")

    async def _look(self) -> None:
        for template in [t for t in self._retired if t.spent or (t.ready.is_set() and not t.warm)]:
            self._retired.remove(template)
            await template.close()
        for recipe, kept in list(self._kept.items()):
            for template in list(kept.live):
                self._judge(kept, template)
            if kept.wanted > 1 and self._missing(kept) and self._room(recipe):
                await self._make(recipe, kept)

    def _judge(self, kept: _Kept, template: Template) -> None:
        """Give up a template that is of no more use."""
        slow = not template.warm and time.monotonic() - template.born > WARMING
        if slow:
            template.kill()
        if not slow and (template.usable or not template.ready.is_set()):
            return
        kept.live.remove(template)
        if not template.warm or (not template.started and template.stale == "its process ended"):
            kept.failures += 1
            pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (kept.failures - 1))
            kept.not_before = time.monotonic() + pause
            self.log.warning("a warm interpreter died; the next is made in %g s", pause)
        elif template.forks or template.stale:
            self.log.info("a warm interpreter is replaced: %s", template.stale)
        template.retire()
        self._retired.append(template)

    def _missing(self, kept: _Kept) -> bool:
        """Say if an interpreter is to be made now; replace one that is no longer wanted."""
        if time.monotonic() < kept.not_before or any(not t.warm for t in kept.live):
            return False
        for template in kept.live:
            why = template.expired()
            if why and sum(t.usable for t in kept.live) > (
                1 if template.forks else self.settings.spares
            ):
                template.stale = f"{why} is over its limit"
                self._wake.set()
                return False
            if why and time.monotonic() >= kept.replace_after:
                # Not one after the other where a limit is below what a new one needs.
                kept.replace_after = time.monotonic() + REPLACING
                return True
        spawned = self.settings.start == "spawn" or any(not t.forks for t in kept.live)
        return len(kept.live) < (self.settings.spares if spawned else 1)

    def _room(self, recipe: Recipe) -> bool:
        others = {r: kept for r, kept in self._kept.items() if kept.live and r != recipe}
        if len(others) < self.settings.environments:
            return True
        oldest = min(others.values(), key=lambda kept: kept.used)
        idle = time.monotonic() - oldest.used > IDLE and self._kept[recipe].used > oldest.used
        if idle and all(template.ready.is_set() for template in oldest.live):
            for template in oldest.live:
                template.stale = "another environment is of more use"
            oldest.wanted = 0
            self._wake.set()
        return False

    async def _make(self, recipe: Recipe, kept: _Kept) -> None:
        template = Template(recipe, self.settings)
        try:
            await template.start()
        except OSError as error:
            kept.failures += 1
            pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (kept.failures - 1))
            kept.not_before = time.monotonic() + pause
            self.log.warning("a warm interpreter cannot be started: %s", error)
            return
        kept.live.append(template)
        asyncio.create_task(self._when_ready(template))  # noqa: RUF006 - it ends with the template

    async def _when_ready(self, template: Template) -> None:
        await template.ready.wait()
        if template.warm:
            self.log.info("A warm interpreter is ready: process %d.", template.pid)
        self._wake.set()
