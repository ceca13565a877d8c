"""From the bytes of an answer to UTF-8, whatever the server said of them.

The order is the one of the HTML standard as w3lib keeps it: byte order mark, the header's
charset, the document's own, a guess. Decoding first matters: the parser assumes UTF-8 and would
mangle windows-1252 and windows-1255 for good.

Promised: any bytes give valid UTF-8 without NUL, nothing raises; what is beyond ``MOST_BYTES`` is
cut. Not done: decompression (the fetcher's task) and PDF or images: those give nothing.
"""

from __future__ import annotations

from typing import Final

from w3lib.encoding import (
    html_body_declared_encoding,
    html_to_unicode,
    http_content_type_encoding,
)

MOST_BYTES: Final = 8_000_000
"""Ten times the largest page of an ordinary shop; a parser's tree is some five times its text."""

_BINARY: Final = (b"%PDF-", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"PK\x03\x04", b"RIFF")
"""What the first bytes of documents, images and archives are; none of them is a page."""
_WIDE: Final = (b"\xff\xfe", b"\xfe\xff")
"""Byte order marks of UTF-16 and UTF-32."""


def decode_page(body: bytes, content_type: str | None = None) -> bytes:
    """Return the text of a page, as UTF-8.

    A page that is UTF-8 already, which most are, is only checked, and its bytes are returned.

    Args:
        body: of the answer, decompressed.
        content_type: the header of that name, where there was one.
    """
    body = body[:MOST_BYTES]
    if body.startswith(_BINARY):
        return b""
    said = http_content_type_encoding(content_type) or html_body_declared_encoding(body)
    if said in ("utf-8", None) and not body.startswith(_WIDE):
        try:
            body.decode("utf-8")
        except UnicodeDecodeError:
            pass
        else:
            return body.removeprefix(b"\xef\xbb\xbf").replace(b"\x00", b"")
    try:
        text = html_to_unicode(content_type, body, default_encoding="utf-8")[1]
    except (LookupError, UnicodeError, ValueError):
        text = body.decode("utf-8", "replace")
    # NUL stops the parser, and a lone surrogate has no encoding.
    return text.replace("\x00", "").encode("utf-8", "replace")
