"""What extraction finds on one page, and where: for whoever writes a site file.

Lines of text for people; nothing here decides anything.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from flows.pipeline.capture.errors import CaptureError
from flows.pipeline.capture.product import FIELDS, Availability, Product

_LONGEST: Final = 70
MOST_BYTES: Final = 50_000_000


def read_page_file(path: Path) -> bytes:
    """Return the bytes of a page from a file, decompressed if it is gzip.

    Raises:
        CaptureError: there is no such file, or it is not what its name says.
    """
    try:
        body = path.read_bytes()
    except OSError as error:
        raise CaptureError(
            f"cannot read {path}: {error.strerror}",
            "Give the path of a saved page.",
            file=path.name,
        ) from error
    if not body.startswith(b"\x1f\x8b"):
        return body
    try:
        with gzip.open(path) as file:
            return file.read(MOST_BYTES)
    except (OSError, EOFError, zlib.error) as error:
        raise CaptureError(
            f"file {path.name} is broken gzip: {error}", "Save the page again.", file=path.name
        ) from error


def report(product: Product) -> Iterator[str]:
    """Yield lines that say what was found, from where, how surely, and what was not."""
    yield f"{product.url}"
    missing = []
    for name in FIELDS:
        value = getattr(product, name)
        evidence = product.evidence.get(name)
        if evidence is None or value is Availability.UNKNOWN:
            missing.append(name)
            continue
        sure = f"{evidence.confidence:4.2f}"
        yield f"  {name:14} {_shown(value):{_LONGEST}}  {sure}  {evidence.source[:60]}"
    if missing:
        yield f"  unknown: {', '.join(missing)}"


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        first = str(getattr(value[0], "sku", None) or getattr(value[0], "price", None) or value[0])
        text = f"{len(value)}: {first}" + (", …" if len(value) > 1 else "")
    else:
        text = str(value)
    text = "".join(sign if sign.isprintable() else " " for sign in text)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
