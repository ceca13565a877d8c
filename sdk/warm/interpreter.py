"""The warm interpreter: a Python that has imported what runs need, and starts them.

    python sdk/warm/interpreter.py <number of the control socket>

`sdk.warm.template` starts this program and is the other end of its socket. It knows only the
standard library and Prefect, so that any environment with Prefect in it can be kept warm.

As a *template* it forks. It has one thread, and no event loop, socket or connection of Prefect's:
that is looked up before each fork, in ``/proc``, and where it is not so it does not fork. Modules
that start threads when they are imported (polars, pyarrow) are found by a scout, a fork that
imports them first and ends; they are imported after the fork, in a *spare*: a fork made ahead that
imports them and waits for one run. As a *single* it never forks: it waits for one run and is it.

A run gets its own process, folder, output, memory limit and id, also in ``/proc/<pid>/environ``,
where others look for it. A module of which the file has changed makes the template stale: it takes
no more runs.
"""

from __future__ import annotations

import gc
import importlib.util
import json
import os
import selectors
import signal
import socket
import stat
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sdk.warm.files import Files
    from sdk.warm.one_run import MESSAGE, RUN_ID, single
else:
    # Not as modules of a package: `sdk` may be another one, or none, where this program runs.
    def _beside(name: str) -> Any:
        spec = importlib.util.spec_from_file_location(
            f"_warm_{name}", Path(__file__).with_name(f"{name}.py")
        )
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    Files = _beside("files").Files
    _one_run = _beside("one_run")
    MESSAGE, RUN_ID, single = _one_run.MESSAGE, _one_run.RUN_ID, _one_run.single

LOOK = 5.0
"""Seconds between looks at the files of what is loaded, while nothing comes."""
LONGEST_BACKOFF = 60.0
COLLECTIONS = "prefect.collections"
"""Stands among the modules for what Prefect's entry points name."""


def main() -> None:
    """Warm up, say so, and start runs until the socket is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal: for the worker, which drains
    control = socket.socket(fileno=int(sys.argv[1]))
    order = json.loads(control.recv(MESSAGE))
    # What this file's folder is to `python <file>`, the working folder is to `python -m`.
    sys.path[0] = order["cwd"] or "/nonexistent"
    os.environ.pop(RUN_ID, None)
    before = time.monotonic()
    for name in order["modules"]:
        load(name)
    why = "as asked" if order["start"] == "spawn" else unsafe()
    template = Template(control, order)
    if why is None:
        template.learn(order["preload"])
    else:
        for name in order["preload"]:
            load(name, must=False)
    gc.collect()
    gc.freeze()  # collections in children would otherwise touch, and so copy, every page
    template.say(event="ready", forks=why is None, why=why, seconds=time.monotonic() - before)
    if why is None:
        template.serve()
    else:
        single(control)


def load(name: str, *, must: bool = True) -> None:
    """Import a module, or what Prefect's entry points name."""
    try:
        if name == COLLECTIONS:
            importlib.import_module("prefect.plugins").load_prefect_collections()
        else:
            importlib.import_module(name)
    except Exception:
        if must:
            raise
        # The run that needs it will say what is wrong.
        sys.stderr.write(f"warm interpreter: {name} cannot be imported ahead\n")


def unsafe(allowed: int = 1) -> str | None:
    """Say why this process, with so many sockets, must not be forked; None if it may be.

    The first fork is a rehearsal: libraries that stop their threads before a fork (OpenBLAS) have
    none after it, until they are used.
    """
    if threading.active_count() == 1:
        child = os.fork()
        if child == 0:
            os._exit(0)
        os.waitpid(child, 0)
    return crossing(allowed)


def crossing(allowed: int = 1) -> str | None:
    """Say what would cross a fork: threads, or more sockets than allowed."""
    threads = [_name(task) for task in Path("/proc/self/task").iterdir()]
    if len(threads) > 1:
        return f"{len(threads)} threads: {', '.join(sorted(threads))}"
    open_sockets = 0
    for number in descriptors():
        try:
            open_sockets += stat.S_ISSOCK(os.fstat(number).st_mode)
        except OSError:
            continue
    return f"{open_sockets} sockets" if open_sockets > allowed else None


def descriptors() -> list[int]:
    """Return the numbers of what this process has open."""
    return [int(one.name) for one in Path("/proc/self/fd").iterdir()]


def _name(task: Path) -> str:
    try:
        return (task / "comm").read_text().strip()
    except OSError:
        return "?"


class Template:
    """Forks runs, and spares ahead of them; the only one of its threads.

    Args:
        control: the socket to the worker.
        order: modules, preload, spares.
    """

    def __init__(self, control: socket.socket, order: dict[str, Any]) -> None:
        self.control, self.wanted = control, int(order["spares"])
        self.files = Files()
        self.files.note(Files.loaded())
        self.later: list[str] = []
        self.tried: set[str] = set()
        self.spares: dict[int, socket.socket] = {}
        self.jobs: dict[int, tuple[int, socket.socket]] = {}
        self.failures, self.not_before = 0, 0.0
        self.plumbing: list[int] = []

    def sockets(self) -> list[socket.socket]:
        """Return our ends of the sockets of spares and runs."""
        return [*self.spares.values(), *(one for _, one in self.jobs.values())]

    def crossing(self) -> str | None:
        """Say what of this process would cross a fork that must not."""
        return crossing(allowed=1 + len(self.sockets()))

    def say(self, **event: Any) -> None:
        """Tell the worker; its end is this process's."""
        try:
            self.control.send(json.dumps(event).encode())
        except OSError:
            sys.exit(0)

    def serve(self) -> None:
        """Start runs until the worker is gone; those under way go on."""
        wakeup, waker = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
        with selectors.DefaultSelector() as selector:
            selector.register(self.control, selectors.EVENT_READ)
            selector.register(wakeup, selectors.EVENT_READ)
            self.plumbing = [wakeup, waker, selector.fileno()]
            while True:
                for key, _ in selector.select(LOOK if self.settled() else 0.05):
                    if key.fd == wakeup:
                        os.read(wakeup, 4096)
                    elif not self.take():
                        return
                self.reap()
                path = self.files.changed(LOOK)
                if path:
                    self.say(event="stale", why=path)

    def settled(self) -> bool:
        """Make the spares that are missing, one at a time; say if none is."""
        if len(self.spares) >= self.wanted:
            return True
        if time.monotonic() < self.not_before:
            return False
        why = self.crossing()
        if why:
            self.say(event="stale", why=why)
            return True
        pid, ours = self.fork()
        self.spares[pid] = ours
        return len(self.spares) >= self.wanted

    def take(self) -> bool:
        """Take an order of the worker; False at its end."""
        data, passed, _, _ = socket.recv_fds(self.control, MESSAGE, 3)
        if not data:
            return False
        job = json.loads(data)
        if job.get("retire"):
            self.wanted = 0
            for spare in self.spares.values():
                spare.close()
            return True
        self.plumbing += passed
        why = self.files.changed() or self.crossing()
        if why:
            self.say(event="stale", why=why, refused=job["job"])
        else:
            self.start(data, job, passed)
        for number in passed:
            self.plumbing.remove(number)
            os.close(number)
        return True

    def start(self, data: bytes, job: dict[str, Any], passed: list[int]) -> None:
        """Give a run to the oldest spare, else to a new fork."""
        while True:
            fresh = not self.spares
            pid, ours = self.fork() if fresh else next(iter(self.spares.items()))
            self.spares.pop(pid, None)
            try:
                socket.send_fds(ours, [data], passed)
            except OSError:
                ours.close()
                if fresh:
                    self.say(event="stale", why="a fork ended at once", refused=job["job"])
                    return
                continue
            self.jobs[pid] = (job["job"], ours)
            self.failures = 0
            return

    def fork(self) -> tuple[int, socket.socket]:
        """Fork a spare; return its id and our end of its socket."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        pid = os.fork()
        if pid == 0:
            in_child(
                [one.fileno() for one in (self.control, ours, *self.sockets())] + self.plumbing
            )
            for name in self.later:
                load(name, must=False)
            single(theirs, known=frozenset(self.tried) | {n.partition(".")[0] for n in sys.modules})
        theirs.close()
        return pid, ours

    def reap(self) -> None:
        """See which processes ended: runs, of which the worker is told, and spares."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid in self.jobs:
                job, ours = self.jobs.pop(pid)
                code = os.waitstatus_to_exitcode(status)
                self.say(event="ended", job=job, code=code)
                learned = _received(ours)
                ours.close()
                self.learn(learned)
            elif pid in self.spares and self.wanted:
                # It died before it was needed: what killed it may kill the next.
                self.spares.pop(pid).close()
                self.failures += 1
                pause = min(LONGEST_BACKOFF, 2.0**self.failures / 2)
                self.not_before = time.monotonic() + pause

    def learn(self, names: list[str]) -> None:
        """Have modules ready: before the fork where a scout says that it may be, else after it."""
        for name in names:
            if name in self.tried:
                continue
            self.tried.add(name)
            if scout(name, self.files):
                load(name, must=False)
                self.files.note(Files.loaded())
            else:
                self.later.append(name)


def _received(ours: socket.socket) -> list[str]:
    try:
        ours.setblocking(False)
        found: list[str] = json.loads(ours.recv(MESSAGE) or b"[]")
    except OSError:
        return []
    return found


def scout(name: str, files: Files) -> bool:
    """Import a module in a fork; say whether it may be imported before one.

    Its files are noted in either case: the spares that import it are made from them.
    """
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.set_wakeup_fd(-1)
            before = len(descriptors())
            load(name)
            # Not even what it opened, such as a socket, may be shared.
            after = len(descriptors())
            code = 1 if after > before or unsafe(allowed=after) else 0
            with os.fdopen(writing, "w") as out:
                json.dump(sorted(Files.loaded()), out)
        finally:
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading) as said:
        text = said.read()
    _, status = os.waitpid(pid, 0)
    if text:
        files.note(set(json.loads(text)))
    return status == 0


def in_child(others: list[int]) -> None:
    """Give a fork signals as a new Python has them, and none of its parent's descriptors."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number in others:
        os.close(number)


if __name__ == "__main__":
    main()
