"""Decompressors with one interface: fed step by step, and what they give is bounded.

Python's own for bzip2 and xz have it; those of gzip, zstd and brotli are fitted to it here.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable
from typing import Protocol

import brotli
import zstandard

STEP = 1 << 20
"""Bytes that are fed at once, and given at once where the decompressor can be told."""

_LZMA_MEMORY = 256 << 20
"""Bytes of dictionary. The strongest preset of xz takes 65 MiB; a header may ask for 4 GiB."""
_ZSTD_WINDOW = 128 << 20
"""Bytes of window: what the command line tool takes without being told to."""
_ZSTD_FEED = 1 << 10
"""Bytes fed to zstd at once: four of them unpack to 128 KiB at the most, so this to 32 MiB."""

ERRORS = (zlib.error, OSError, lzma.LZMAError, EOFError, zstandard.ZstdError, brotli.error)
"""What they raise for data that is damaged."""


class Member(Protocol):
    """One compressed stream; a file may hold several, one after the other."""

    @property
    def eof(self) -> bool:
        """Whether its end was reached."""

    @property
    def needs_input(self) -> bool:
        """Whether it has given all that it was fed."""

    @property
    def unused_data(self) -> bytes:
        """What was fed beyond its end."""

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        """Take some and give some."""


class _Gzip:
    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=31)
        self._full = False

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self._full and not self._inner.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        block = self._inner.decompress(self._inner.unconsumed_tail + data, max_length)
        # zlib may hold more than it was allowed to give although it has taken all input.
        self._full = len(block) == max_length
        return block


class _Zstd:
    def __init__(self) -> None:
        self._inner = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW).decompressobj()
        self._held = b""

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self._held

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data + self._held

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        given = self._held + data
        block, self._held = self._inner.decompress(given[:_ZSTD_FEED]), given[_ZSTD_FEED:]
        return block


class _Brotli:
    def __init__(self) -> None:
        self._inner = brotli.Decompressor()
        self._full = False

    @property
    def eof(self) -> bool:
        return bool(self._inner.is_finished())

    @property
    def needs_input(self) -> bool:
        return not self._full and bool(self._inner.can_accept_more_data())

    @property
    def unused_data(self) -> bytes:
        return b""  # it raises where anything follows

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        block = bytes(self._inner.process(data, output_buffer_limit=max_length))
        # It may say that it accepts more when all that is left is to be taken out of it.
        self._full = len(block) >= max_length
        return block


OPENERS: tuple[tuple[bytes, Callable[[], Member]], ...] = (
    (b"\x1f\x8b", _Gzip),
    (b"BZh", bz2.BZ2Decompressor),
    (b"\xfd7zXZ\x00", lambda: lzma.LZMADecompressor(memlimit=_LZMA_MEMORY)),
    (b"\x28\xb5\x2f\xfd", _Zstd),
)
"""By the first bytes of a stream."""

BROTLI: Callable[[], Member] = _Brotli
"""Brotli has no first bytes of its own: it is told by the name alone."""
