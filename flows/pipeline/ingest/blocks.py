"""Blocks: a text of any size, piece by piece, each ending where a line does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, TypeVar

from flows.pipeline.ingest.errors import UnreadableFile

T = TypeVar("T")

BLOCK = 4 << 20
"""Bytes of a block: some forty thousand rows. What is made of it takes about ten times as much,
and three are under way at once; larger blocks are no faster."""
LONGEST_LINE = 4 << 20
"""Bytes of a line of a file too large for memory; one without an end would take all of it."""


def blocks(file: BinaryIO, name: str, start: int = 0) -> Iterator[bytes]:
    """Yield a file's bytes from a place on; every block but the last ends with a line's end.

    Raises:
        UnreadableFile: a line is longer than `LONGEST_LINE`.
    """
    file.seek(start)
    left = b""
    while block := file.read(BLOCK):
        end = block.rfind(b"\n") + 1
        if end:
            yield left + block[:end] if left else block[:end]
            left = block[end:]
        else:
            left += block
        if len(left) > LONGEST_LINE:
            raise UnreadableFile(
                f"file {name} has a line of more than {LONGEST_LINE:,} bytes",
                "Have it written with a line for each product.",
                file=name,
            )
    if left:
        yield left


def and_last(items: Iterator[T]) -> Iterator[tuple[T, bool]]:
    """Yield each item with whether it is the last."""
    try:
        item = next(items)
    except StopIteration:
        return
    for following in items:
        yield item, False
        item = following
    yield item, True
