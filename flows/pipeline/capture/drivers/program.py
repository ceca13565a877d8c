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
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import orjson

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
    inherited = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    warden = Path(__file__).with_name("warden.py")
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(warden), *argv,
        cwd=cwd,
        env={**inherited, **variables},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    items: list[bytes] = []
    told: deque[bytes] = deque(maxlen=20)
    wrong, problem = 0, None
    listener = asyncio.create_task(_listen(process.stderr, told))
    try:
        async with asyncio.timeout(seconds):
            taken = 0
            async for line in _lines(process.stdout):
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
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        listener.cancel()
    if problem is None and process.returncode:
        said = next((line.decode("utf-8", "replace").strip() for line in reversed(told)), "")
        problem = f"it ended with code {process.returncode}: {_masked(said, secrets)[:_TOLD]}"
    return Items(b"[" + b",".join(items) + b"]", len(items), wrong, problem)


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
