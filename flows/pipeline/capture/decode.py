"""From the bytes of an answer to text, whatever the server said of them.

The order is the one of the HTML standard as w3lib keeps it: byte order mark, the header's
charset, the document's own, a guess. Decoding first matters: the parser assumes UTF-8 and would
mangle windows-1252 and windows-1255 for good.

Promised: any bytes give some text, nothing raises; text beyond ``MOST_BYTES`` is cut. Not done:
decompression (the fetcher's task) and PDF or images: those give the empty text.
"""

from __future__ import annotations

from typing import Final

from w3lib.encoding import html_to_unicode

MOST_BYTES: Final = 8_000_000
"""Ten times the largest page of an ordinary shop; a parser's tree is some five times its text."""

_BINARY: Final = (b"%PDF-", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"PK\x03\x04", b"RIFF")
"""What the first bytes of documents, images and archives are; none of them is a page."""


def decode_page(body: bytes, content_type: str | None = None) -> str:
    """Return the text of a page.

    Args:
        body: of the answer, decompressed.
        content_type: the header of that name, where there was one.
    """
    body = body[:MOST_BYTES]
    if body.startswith(_BINARY):
        return ""
    try:
        return html_to_unicode(content_type, body, default_encoding="utf-8")[1]
    except (LookupError, UnicodeError, ValueError):
        return body.decode("utf-8", "replace")
