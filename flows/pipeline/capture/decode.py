"""From the bytes of an answer to UTF-8, whatever the server said of them.

The order is the one of the HTML standard as w3lib keeps it (byte order mark, the header's
charset, the document's own), but two things are believed before any declaration, because shops
declare what their template says and send what their database holds:

- Bytes beyond ASCII that are UTF-8 throughout are UTF-8: no other text comes out so by chance.
- Bytes that are declared as UTF-8, or not at all, and are none for the most part, are in the
  character set that the language had before UTF-8 (the HTML standard's table of defaults).

Decoding first matters: the parser assumes UTF-8 and would mangle windows-1252 and windows-1255
for good, and a mangled space in ``1 525 Ft`` leaves 525.

Promised: any bytes give valid UTF-8 without NUL, nothing raises; what is beyond ``MOST_BYTES`` is
cut. Not done: decompression (the fetcher's task) and PDF or images: those give nothing.
"""

from __future__ import annotations

import re
from typing import Final

from w3lib.encoding import (
    html_body_declared_encoding,
    html_to_unicode,
    http_content_type_encoding,
    to_unicode,
)

MOST_BYTES: Final = 8_000_000
"""Ten times the largest page of an ordinary shop; a parser's tree is some five times its text."""

_BINARY: Final = (b"%PDF-", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"PK\x03\x04", b"RIFF")
"""What the first bytes of documents, images and archives are; none of them is a page."""
_WIDE: Final = (b"\xff\xfe", b"\xfe\xff")
"""Byte order marks of UTF-16 and UTF-32."""
_LANGUAGE: Final = re.compile(rb"<html\b[^>]{0,400}?\blang\s*=\s*[\"']?([A-Za-z]{2,3})", re.I)
_LEGACY: Final = {
    "ar": "cp1256", "az": "cp1254", "bg": "cp1251", "cs": "cp1250", "el": "iso8859-7",
    "et": "cp1257", "fa": "cp1256", "he": "cp1255", "hr": "cp1250", "hu": "cp1250",
    "iw": "cp1255", "ja": "shift_jis", "ko": "cp949", "ku": "cp1254", "lt": "cp1257",
    "lv": "cp1257", "mk": "cp1251", "pl": "iso8859-2", "ru": "cp1251", "sk": "cp1250",
    "sl": "iso8859-2", "sr": "cp1251", "th": "cp874", "tr": "cp1254", "uk": "cp1251",
    "vi": "cp1258", "zh": "gb18030",
}  # fmt: skip
"""Language to the character set that its pages were in; windows-1252 for all others."""


def decode_page(body: bytes, content_type: str | None = None, language: str | None = None) -> bytes:
    """Return the text of a page, as UTF-8.

    A page that is UTF-8 already, which most are, is only checked, and its bytes are returned.

    Args:
        body: of the answer, decompressed.
        content_type: the header of that name, where there was one.
        language: of the site, such as ``de-AT``; asked where nothing true is declared. The
            page's own ``lang`` goes before it.
    """
    cut = len(body) > MOST_BYTES
    body = body[:MOST_BYTES]
    if body.startswith(_BINARY):
        return b""
    said = http_content_type_encoding(content_type) or html_body_declared_encoding(body)
    if not body.startswith(_WIDE) and (said in ("utf-8", None) or not body.isascii()):
        try:
            body.decode("utf-8")
        except UnicodeDecodeError as error:
            if cut and error.start > len(body) - 4:  # only the character that was cut in two
                return _clean(body[: error.start])
        else:
            return _clean(body)
        if said in ("utf-8", None):
            return _undeclared(body, language)
    try:
        text = html_to_unicode(content_type, body, default_encoding="utf-8")[1]
    except (LookupError, UnicodeError, ValueError):
        text = body.decode("utf-8", "replace")
    # NUL stops the parser, and a lone surrogate has no encoding.
    return text.replace("\x00", "").encode("utf-8", "replace")


def _clean(body: bytes) -> bytes:
    return body.removeprefix(b"\xef\xbb\xbf").replace(b"\x00", b"")


def _undeclared(body: bytes, language: str | None) -> bytes:
    """Return text that is not all UTF-8 and of which nothing else is known."""
    text = body.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    whole = sum(not character.isascii() for character in text) - broken
    if broken > whole:
        own = _LANGUAGE.search(body)
        tag = own.group(1).decode("ascii") if own else language or ""
        text = to_unicode(body, _LEGACY.get(tag[:2].lower(), "cp1252"))
    return text.replace("\x00", "").encode("utf-8", "replace")
