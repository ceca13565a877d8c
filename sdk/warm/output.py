"""What a warm run writes: to the worker's own output, as it comes, or to nowhere."""

from __future__ import annotations

import asyncio
import codecs
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TextIO

CHUNK = 1 << 16


class Pipes:
    """Our ends of a run's output.

    Attributes:
        out: descriptor for its standard output.
        err: for its standard error.
    """

    def __init__(self, out: int, err: int) -> None:
        self.out, self.err = out, err
        self._open = {out, err}

    def hand_over(self) -> None:
        """Close them: the run has its own."""
        while self._open:
            os.close(self._open.pop())


@asynccontextmanager
async def output(stream: bool) -> AsyncIterator[Pipes]:
    """Give descriptors for the output of a run that is started, and ends, in the block.

    At the block's end all has been read that was written: also by children of the run that outlive
    it, which are waited for, as Prefect's process worker does.

    Args:
        stream: to the worker's output; else to nowhere.
    """
    if not stream:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        pipes = Pipes(nowhere, nowhere)
        try:
            yield pipes
        finally:
            pipes.hand_over()
        return
    (out_read, out), (err_read, err) = os.pipe(), os.pipe()
    tasks = [
        asyncio.create_task(_copy(reading, sink))
        for reading, sink in ((out_read, sys.stdout), (err_read, sys.stderr))
    ]
    pipes = Pipes(out, err)
    try:
        yield pipes
        pipes.hand_over()
        await asyncio.gather(*tasks)
    finally:
        pipes.hand_over()
        for task in tasks:
            task.cancel()


async def _copy(descriptor: int, sink: TextIO) -> None:
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(descriptor, "rb", 0)
    )
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    try:
        while chunk := await reader.read(CHUNK):
            sink.write(decoder.decode(chunk))
            sink.flush()
    finally:
        transport.close()
