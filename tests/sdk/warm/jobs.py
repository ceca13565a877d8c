"""Warm interpreters of a module of our own: what they do, without Prefect and its server."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sdk.warm.recipe import MODULES, Recipe
from sdk.warm.settings import WarmSettings
from sdk.warm.template import Order, Running, Template

PATIENCE = 240.0
"""Seconds for anything: well under one on an idle machine; no test is about time."""

JOB = """
import json, os, signal, stat, sys, time
from pathlib import Path
import warmbase

def kind(number):
    try: return os.fstat(int(number)).st_mode
    except OSError: return 0

what = Path("what").read_text()
said = {
    "pid": os.getpid(),
    "parent": os.getppid(),
    "modules": sorted(sys.modules),
    "main": __name__,
    "argv": sys.argv,
    "cwd": str(Path.cwd()),
    "first": sys.path[0],
    "id": os.environ["PREFECT__FLOW_RUN_ID"],
    "environ": dict(os.environ),
    "shown": Path("/proc/self/environ").read_text().split(chr(0)),
    "sockets": [n for n in os.listdir("/proc/self/fd") if stat.S_ISSOCK(kind(n))],
    "value": warmbase.VALUE,
    "random": __import__("random").random(),
}
Path("said.part").write_text(json.dumps(said))
Path("said.part").rename("said")
print("out")
print("err", file=sys.stderr)
if what == "exit": sys.exit(5)
if what == "text": sys.exit("a reason")
if what == "raise": raise ValueError("as asked")
if what == "kill": os.kill(os.getpid(), signal.SIGKILL)
if what == "memory": bytearray(3_000_000_000)
if what == "interrupt": os.kill(os.getpid(), signal.SIGINT)
if what == "thread":
    import threading
    threading.Thread(target=lambda: (time.sleep(0.3), Path("late").write_text("done"))).start()
if what == "atexit":
    import atexit
    atexit.register(lambda: Path("late").write_text("done"))
if what == "import": import installed
if what == "draw":
    import numpy
    Path("drawn").write_text(str(numpy.random.random()))
end = time.monotonic() + 300
while what == "wait" and not Path("end").exists() and time.monotonic() < end: time.sleep(0.02)
"""
THREADED = """
import threading, time
threading.Thread(target=time.sleep, args=(3600,), daemon=True).start()
"""


@dataclass
class Bench:
    """A folder of modules, and the interpreters made from it."""

    folder: Path
    settings: WarmSettings = field(default_factory=lambda: WarmSettings(spares=1))
    templates: list[Template] = field(default_factory=list)
    jobs: int = 0

    def __post_init__(self) -> None:
        self.write("warmbase", "VALUE = 1")
        self.write("warmlater", "")
        self.write("warmjob", JOB)

    def write(self, module: str, text: str) -> Path:
        path = self.folder / f"{module}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def recipe(self, python: str = sys.executable, **more: str) -> Recipe:
        path = os.pathsep.join([str(self.folder), str(self.folder / "site-packages")])
        env = {"PATH": os.environ["PATH"], "PYTHONPATH": path, "LANG": "C.UTF-8", **more}
        made = Recipe.of("python -m warmjob", env, None, python)
        assert made is not None
        return made

    async def template(self, settings: WarmSettings | None = None, **more: str) -> Template:
        made = Template(self.recipe(**more), settings or self.settings)
        self.templates.append(made)
        await made.start()
        await asyncio.wait_for(made.ready.wait(), PATIENCE)
        assert made.warm
        return made

    def order(self, what: str, memory: int = 0) -> tuple[Order, Path]:
        self.jobs += 1
        cwd = self.folder / f"job-{self.jobs}"
        cwd.mkdir()
        (cwd / "what").write_text(what)
        out, err = (os.open(cwd / name, os.O_WRONLY | os.O_CREAT) for name in ("out", "err"))
        return Order(str(uuid.uuid4()), str(cwd), memory, out, err), cwd

    async def begin(self, template: Template, what: str, memory: int = 0) -> tuple[Running, Job]:
        order, cwd = self.order(what, memory)
        try:
            running = await template.run(order)
        finally:
            os.close(order.out)
            os.close(order.err)
        return running, Job(order.run, cwd)

    async def run(self, template: Template, what: str, memory: int = 0) -> tuple[int, Job]:
        running, job = await self.begin(template, what, memory)
        return await asyncio.wait_for(running.exit_code(), PATIENCE), job

    async def close(self) -> None:
        for template in self.templates:
            await template.close()


@dataclass
class Job:
    """A run of the job."""

    id: str
    folder: Path

    def end(self) -> None:
        (self.folder / "end").write_text("")

    def said(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "said").read_text())
        return found

    def text(self, name: str) -> str:
        return (self.folder / name).read_text()


async def until(done: Callable[[], Any], what: str) -> None:
    """Return when something is so."""
    end = asyncio.get_running_loop().time() + PATIENCE
    while not done():
        assert asyncio.get_running_loop().time() < end, what
        await asyncio.sleep(0.02)


assert isinstance(MODULES, dict)
