"""Hashes of bytes and texts, apart from those of tables: most who hash load no Arrow for it."""

from __future__ import annotations

import hashlib

LENGTH = 32
"""Hex digits kept of a SHA-256: 128 bits, beyond accident and short enough to read."""


def bytes_hash(data: bytes) -> str:
    """Return the hash of an object's bytes."""
    return hashlib.sha256(data).hexdigest()[:LENGTH]


def text_hash(text: str) -> str:
    """Return the hash of a text."""
    return bytes_hash(text.encode())
