"""Capturing: product pages and feeds of competitor sites become products with evidence.

Light to import: everything is loaded when it is asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flows.pipeline.capture.extract import extract_product
    from flows.pipeline.capture.feeds import read_feed
    from flows.pipeline.capture.product import Availability, Evidence, Offer, Product, Variant
    from flows.pipeline.capture.site import Site
    from flows.pipeline.capture.site_file import load_site, load_sites

_HOMES = {
    "Availability": "product",
    "Evidence": "product",
    "Offer": "product",
    "Product": "product",
    "Site": "site",
    "Variant": "product",
    "extract_product": "extract",
    "load_site": "site_file",
    "load_sites": "site_file",
    "read_feed": "feeds",
}

__all__ = [
    "Availability",
    "Evidence",
    "Offer",
    "Product",
    "Site",
    "Variant",
    "extract_product",
    "load_site",
    "load_sites",
    "read_feed",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'flows.pipeline.capture' has no attribute {name!r}")
    return getattr(import_module(f"flows.pipeline.capture.{home}"), name)
