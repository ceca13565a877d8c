"""Bodies: decompressed piece by piece, and never beyond a cap.

A kilobyte of gzip may be a megabyte of zeros, so a cap on what is received is none: what counts
is what it becomes in memory. Pieces are decompressed with a bound on their output, so that no
more than the cap is ever made. Only encodings that were asked for are read.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any, Final

ACCEPTED: Final = "gzip, deflate"
"""What requests accept. Brotli and zstd have no decoder with a bound in the standard library."""

PIECE: Final = 1 << 16


class TooLarge(ValueError):
    """A body is larger than its cap."""


class BadEncoding(ValueError):
    """A body is not encoded as its header says, or in a way that was not asked for."""


class Body:
    """A body that grows piece by piece.

    Args:
        encoding: the header ``Content-Encoding``, "" without one.
        most: bytes that it may have when decompressed.

    Raises:
        BadEncoding: the encoding was not asked for.
    """

    def __init__(self, encoding: str, most: int) -> None:
        self._most = most
        self._parts: list[bytes] = []
        self._size = 0
        self._decoders = [_Decoder(name) for name in reversed(_names(encoding))]

    def add(self, data: bytes) -> None:
        """Take a piece as it came over the wire.

        Raises:
            TooLarge: the body is beyond its cap.
            BadEncoding: it is not what the header says.
        """
        self._pass(data, 0)

    def so_far(self) -> bytes:
        """Return what there is of it."""
        return b"".join(self._parts)

    def finish(self) -> bytes:
        """Return the whole body.

        Raises:
            BadEncoding: it breaks off.
        """
        for decoder in self._decoders:
            decoder.finish()
        return self.so_far()

    def _pass(self, data: bytes, level: int) -> None:
        if level == len(self._decoders):
            self._size += len(data)
            if self._size > self._most:
                raise TooLarge(f"the body is larger than {self._most:,} bytes")
            self._parts.append(data)
            return
        decoder = self._decoders[level]
        for piece in decoder.pieces(data):
            self._pass(piece, level + 1)


def unzip(data: bytes, most: int) -> bytes:
    """Return gzip data decompressed.

    Raises:
        TooLarge: it is more than `most` bytes.
        BadEncoding: it is no gzip, or breaks off.
    """
    body = Body("gzip", most)
    body.add(data)
    return body.finish()


def _names(encoding: str) -> list[str]:
    names = [name.strip().lower() for name in encoding.split(",")]
    names = [name for name in names if name not in ("", "identity")]
    if len(names) > 2:
        raise BadEncoding(f"encoded {len(names)} times")
    return names


class _Decoder:
    def __init__(self, name: str) -> None:
        if name not in ("gzip", "x-gzip", "deflate"):
            raise BadEncoding(f"encoding {name[:40]!r} was not asked for")
        self._name = name
        self._inner: Any = None
        self._began = False

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """Yield what a piece becomes, in bounded pieces."""
        if not data:
            return
        if self._inner is None:
            self._inner = zlib.decompressobj(self._window(data))
        self._began = True
        while data:
            if self._inner.eof:
                if self._name == "deflate":
                    return
                # Another member of the same gzip; anything else behind the end is padding.
                data = data.lstrip(b"\x00")
                if not data.startswith(b"\x1f"):
                    return
                self._inner = zlib.decompressobj(31)
            try:
                made = self._inner.decompress(data, PIECE)
            except zlib.error as error:
                raise BadEncoding(f"broken {self._name}: {error}") from error
            data = self._inner.unconsumed_tail or self._inner.unused_data
            if made:
                yield made
        # Output may be left inside although the input is used up.
        while made := self._inner.decompress(b"", PIECE):
            yield made

    def _window(self, data: bytes) -> int:
        if self._name != "deflate":
            return 31
        # "deflate" means zlib; some servers send it raw, and browsers read both.
        return 15 if data[0] & 0x0F == 8 else -15

    def finish(self) -> None:
        if self._began and not self._inner.eof:
            raise BadEncoding(f"the {self._name} breaks off")
