"""Running a driver's program: its lines are taken as they come, within bounds, and then it is over.

Promised: no line is longer and no program gives more than the bounds; when the time is over, or
the capture is cancelled, the whole process group is killed; nothing of a secret that the program
was given stands in what is told of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import Process, SubprocessStreamProtocol
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import orjson

from flows.pipeline.capture.drivers import warden

LONGEST_LINE: Final = 1_000_000
MOST_BYTES: Final = 200_000_000
_TOLD: Final = 300
_PIECE: Final = 1 << 16
_PASSED_ON: Final = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "PYTHONPATH", "VIRTUAL_ENV", "TMPDIR")
"""What of our environment a program gets: nothing in which a secret may be."""


@dataclass(frozen=True)
class Items:
    """What a program gave.

    Attributes:
        body: its items as one JSON list.
        count: of them.
        wrong: lines that are no item.
        problem: why it did not end well, None if it did.
    """

    body: bytes
    count: int
    wrong: int
    problem: str | None


async def run_program(
    argv: Sequence[str],
    *,
    cwd: Path,
    variables: Mapping[str, str],
    seconds: float,
    secrets: Sequence[str] = (),
) -> Items:
    """Run a program to its end and return its items.

    Args:
        argv: program and arguments.
        cwd: its working folder.
        variables: of its environment, beside a few of ours.
        seconds: that it may take.
        secrets: what must not be told of it.
    """
    items: list[bytes] = []
    told: deque[bytes] = deque(maxlen=20)
    wrong, problem = 0, None
    async with _started(argv, cwd, variables) as (process, stdout, stderr):
        listener = asyncio.create_task(_listen(stderr, told))
        try:
            async with asyncio.timeout(seconds):
                taken = 0
                async for line in _lines(stdout):
                    taken += len(line)
                    if taken > MOST_BYTES:
                        problem = f"it gave more than {MOST_BYTES:,} bytes"
                        break
                    if _is_item(line):
                        items.append(line)
                    else:
                        wrong += bool(line.strip())
                else:
                    await process.wait()
                    await listener
        except TimeoutError:
            problem = f"it was not done in {seconds:,.0f} s"
        finally:
            listener.cancel()
    if problem is None and process.returncode:
        said = next((line.decode("utf-8", "replace").strip() for line in reversed(told)), "")
        problem = f"it ended with code {process.returncode}: {_masked(said, secrets)[:_TOLD]}"
    return Items(b"[" + b",".join(items) + b"]", len(items), wrong, problem)


@asynccontextmanager
async def _started(
    argv: Sequence[str], cwd: Path, variables: Mapping[str, str]
) -> AsyncIterator[tuple[Process, asyncio.StreamReader, asyncio.StreamReader]]:
    """Start a program in a process group of its own, and leave nothing of the group behind."""
    inherited = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.subprocess_exec(
        lambda: SubprocessStreamProtocol(limit=_PIECE, loop=loop),
        sys.executable, str(Path(warden.__file__)), *argv,
        cwd=cwd,
        env={**inherited, **variables},
        start_new_session=True,
    )  # fmt: skip
    process = Process(transport, protocol, loop)
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        yield process, process.stdout, process.stderr
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        # Until its pipes are closed, no wait ends: and nobody reads what a flood has left in
        # them, and a child in another group may hold them open.
        transport.close()
        await process.wait()


async def _lines(stream: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """Yield lines; of one that is too long only the beginning, which is no item."""
    left = b""
    while piece := await stream.read(_PIECE):
        *whole, left = (left + piece).split(b"\n")
        for line in whole:
            yield line
        left = left[: LONGEST_LINE + 1]
    if left:
        yield left


def _is_item(line: bytes) -> bool:
    if len(line) > LONGEST_LINE:
        return False
    try:
        return isinstance(orjson.loads(line), dict)
    except orjson.JSONDecodeError:
        return False


async def _listen(stream: asyncio.StreamReader, told: deque[bytes]) -> None:
    async for line in _lines(stream):
        if line.strip():
            told.append(line[:2000])


def _masked(text: str, secrets: Sequence[str]) -> str:
    for secret in secrets:
        if secret:
            text = text.replace(secret, "***")
    return text
