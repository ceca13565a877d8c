"""Pages without what they say for machines: how far the extraction holds where a shop says less.

Most of the known pages carry structured data, and a score on them says little of pages that do
not. These three cuts take it away step by step and leave the shown text as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

_JSON_LD: Final = re.compile(rb"(?is)<script[^>]*ld\+json.*?</script>")
_SCRIPTS: Final = re.compile(rb"(?is)<script.*?</script>")
_MICRODATA: Final = re.compile(
    rb"(?i)\sitem(?:prop|scope|type)\b(?:=(?:\"[^\"]*\"|'[^']*'|[^\s>]*))?"
)
_META: Final = re.compile(rb"(?is)<meta[^>]*(?:price|amount)[^>]*>")


def without_json_ld(body: bytes) -> bytes:
    """Return a page without its JSON-LD."""
    return _JSON_LD.sub(b"", body)


def without_markup(body: bytes) -> bytes:
    """Return a page without JSON-LD, microdata and prices in meta tags."""
    return _META.sub(b"", _MICRODATA.sub(b"", _JSON_LD.sub(b"", body)))


def shown_only(body: bytes) -> bytes:
    """Return a page without these and without any script."""
    return _META.sub(b"", _MICRODATA.sub(b"", _SCRIPTS.sub(b"", body)))


CUTS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "without JSON-LD": without_json_ld,
    "nor microdata and meta": without_markup,
    "nor any script": shown_only,
}
