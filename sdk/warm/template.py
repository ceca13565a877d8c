"""A warm interpreter as its worker sees it: started, ready, starting runs, gone.

The other end is `sdk.warm.interpreter`. A run's end is seen by its pidfd, which works for any
process: what becomes of the template does not matter to the runs that it started. Its exit code it
writes itself, as its last act; one that did not was killed, and the template says by what.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import logging
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sdk.warm.one_run import MESSAGE, NO_RUN
from sdk.warm.recipe import MODULES, RUN_ID, Recipe
from sdk.warm.settings import WarmSettings

PROGRAM = Path(__file__).with_name("interpreter.py")
LAST_WORD = 5.0
"""Seconds for which the template is waited for to say by what a run was killed."""
KILLED = -int(signal.SIGKILL)

log = logging.getLogger("sdk.warm")


class NotStarted(Exception):
    """No process has begun the run, and none will: it may be started another way."""


@dataclass(frozen=True, slots=True)
class Order:
    """A run to be started.

    Attributes:
        run: the flow run's id.
        cwd: where it runs.
        memory: bytes of data that it may have; 0 for no limit.
        out: descriptor of its standard output.
        err: of its standard error.
    """

    run: str
    cwd: str
    memory: int
    out: int
    err: int


@dataclass
class Running:
    """A run's process.

    Attributes:
        pid: its id.
    """

    pid: int
    _status: asyncio.StreamReader
    _transport: asyncio.BaseTransport
    _ended: asyncio.Future[int]
    _parent_gone: Callable[[], bool]

    async def exit_code(self) -> int:
        """Wait for its end; return the exit code, -N if signal N ended it."""
        try:
            await _gone(self.pid)
            if self._ended.done():
                return self._ended.result()
            # Descriptors that a child of the run has inherited keep the pipe open.
            with contextlib.suppress(asyncio.TimeoutError):
                line = await asyncio.wait_for(self._status.readline(), 0.2)
                if line.strip():
                    return int(line)
            if self._parent_gone():
                return KILLED  # by whatever it was
            return await asyncio.wait_for(asyncio.shield(self._ended), LAST_WORD)
        except TimeoutError:
            return KILLED
        finally:
            self._transport.close()

    async def gone(self) -> None:
        """Wait for its end."""
        await _gone(self.pid)


async def _gone(pid: int) -> None:
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    loop, gone = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(handle, gone.set)
    try:
        await gone.wait()
    finally:
        loop.remove_reader(handle)
        os.close(handle)


@dataclass
class Template:
    """A warm interpreter's process.

    Attributes:
        recipe: what it is made from.
        born: monotonic time of its start.
        started: runs that it was given.
        stale: why it takes no more runs; None while it does.
        forks: whether it starts one run after the other; else it is the run.
        ready: set when it is warm, or gone.
    """

    recipe: Recipe
    settings: WarmSettings
    born: float = field(default_factory=time.monotonic)
    started: int = 0
    stale: str | None = None
    forks: bool = False
    warm: bool = False
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    _jobs: dict[int, asyncio.Future[int]] = field(default_factory=dict)
    _numbers: Any = field(default_factory=itertools.count)

    async def start(self) -> None:
        """Start the process; it is warm when `ready` is set and `warm` is true."""
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.setblocking(False)
        with theirs, self._closed_on_error():
            self._process = await asyncio.create_subprocess_exec(
                self.recipe.python,
                str(PROGRAM),
                str(theirs.fileno()),
                pass_fds=[theirs.fileno()],
                env={**dict(self.recipe.env), RUN_ID: NO_RUN},
                cwd=self.recipe.cwd or "/",
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
            )
        modules, preload = MODULES[self.recipe.module]
        order = {
            "modules": modules,
            "preload": preload,
            "cwd": self.recipe.cwd,
            "start": self.settings.start,
            "spares": self.settings.spares,
        }
        with contextlib.suppress(OSError):  # it died at once: the reader sees it
            self._socket.send(json.dumps(order).encode())
        self._reader = asyncio.create_task(self._read(), name=f"warm-{self.pid}")

    @contextmanager
    def _closed_on_error(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self._socket.close()
            raise

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    @property
    def runs(self) -> int:
        """How many of its runs have not ended."""
        return len(self._jobs)

    @property
    def usable(self) -> bool:
        """Whether it takes a run."""
        return self.warm and self.stale is None and (self.forks or not self.started)

    @property
    def spent(self) -> bool:
        """Whether nothing is owed to it: none of its runs is under way, or it is gone."""
        return not self.runs or self._reader.done()

    def memory(self) -> float:
        """Return its resident megabytes (10^6)."""
        try:
            pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        except (OSError, IndexError):
            return 0.0
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def expired(self) -> str | None:
        """Say why it is to be replaced, though it works; None if it is not."""
        if time.monotonic() - self.born > self.settings.max_age:
            return "its age"
        if self.started >= self.settings.max_runs:
            return "its number of runs"
        return "its memory" if self.memory() > self.settings.max_memory else None

    async def run(self, order: Order) -> Running:
        """Start a run.

        Raises:
            NotStarted: no process has begun it; it is known that none will.
        """
        reading, writing = os.pipe()
        loop = asyncio.get_running_loop()
        status = asyncio.StreamReader()
        transport, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(status), os.fdopen(reading, "rb", 0)
        )
        number, ended = next(self._numbers), loop.create_future()
        self._jobs[number] = ended
        ended.add_done_callback(lambda _: self._jobs.pop(number, None))
        self.started += 1
        said = {
            "job": number,
            "run": order.run,
            "cwd": order.cwd,
            "memory": order.memory,
            "argv": [self.recipe.module],
        }
        try:
            socket.send_fds(
                self._socket, [json.dumps(said).encode()], [order.out, order.err, writing]
            )
        except OSError as error:
            ended.cancel()
            transport.close()
            raise NotStarted(str(error)) from error
        finally:
            os.close(writing)
        try:
            line = await asyncio.wait_for(status.readline(), self.settings.patience)
        except TimeoutError:
            # Nobody may begin it any more: the template, and with it what it has not given out.
            self.stale = "it does not answer"
            self.kill()
            line = await status.readline()
        if not line.strip():
            ended.cancel()
            transport.close()
            raise NotStarted(self.stale or "its process died")
        return Running(
            int(line), status, transport, ended, lambda: self.forks and self._reader.done()
        )

    async def _read(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while data := await loop.sock_recv(self._socket, MESSAGE):
                self._heard(json.loads(data))
        except OSError:
            pass
        finally:
            self.stale = self.stale or "its process ended"
            self.ready.set()
            self._socket.close()
        code = await self._process.wait()
        for ended in list(self._jobs.values()):
            if self.forks:
                continue  # each says its own
            if not ended.done():
                ended.set_result(code)

    def _heard(self, said: dict[str, Any]) -> None:
        if said["event"] == "ready":
            self.warm, self.forks = True, bool(said["forks"])
            if said["why"] and self.settings.start == "fork":
                log.warning("warm interpreters are not forked: %s", said["why"])
            self.ready.set()
        elif said["event"] == "stale":
            self.stale = str(said["why"])
        elif said["event"] == "ended":
            ended = self._jobs.get(said["job"])
            if ended is not None and not ended.done():
                ended.set_result(int(said["code"]))

    def retire(self) -> None:
        """Have it take no more runs and let its spares go; those under way go on."""
        self.stale = self.stale or "it is replaced"
        with contextlib.suppress(OSError):
            self._socket.send(b'{"retire": true}')

    def kill(self) -> None:
        """End its process; what it started goes on."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    async def close(self) -> None:
        """End it; return when its process has ended."""
        self.stale = self.stale or "it is closed"
        if not self._reader.done():
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
        if not self.warm:
            self.kill()  # it is busy importing
        try:
            await asyncio.wait_for(asyncio.shield(self._reader), LAST_WORD)
        except TimeoutError:
            self.kill()
            await self._reader
