"""Where a site's capture begins, and which hosts are its own: read off the site file."""

from __future__ import annotations

import hashlib
from pathlib import Path
from urllib.parse import urlsplit

from flows.pipeline.capture.errors import BadSite
from flows.pipeline.capture.fetching.links import canonical, host_of
from flows.pipeline.capture.fetching.visit import Found
from flows.pipeline.capture.site import Site


def hosts_of(site: Site) -> frozenset[str]:
    """Return the hosts that a site file names."""
    named = {host_of(url) for url in site.addresses} | {host.lower() for host in site.hosts}
    return frozenset(host for host in named if host)


def seeds(site: Site, folder: Path | None = None) -> list[Found]:
    """Return the addresses from which a site is captured.

    Args:
        site: with the driver html or feed.
        folder: of the site file; a product list's path is relative to it.

    Raises:
        BadSite: the product list cannot be read.
    """
    if site.driver == "feed":
        assert site.feed is not None
        return [Found(site.feed.url, "feed")]
    found = []
    if site.sitemap:
        found.append(Found(site.sitemap, "sitemap"))
    found += [Found(canonical(url) or url, "listing") for url in site.start_urls]
    listed = _product_list(site, folder)
    found += [Found(canonical(url) or url, "page") for url in listed]
    first = next((one.url for one in found), None)
    if first is not None:
        found.append(Found(probe_of(site.name, first), "probe"))
    return found


def probe_of(name: str, url: str) -> str:
    """Return an address of the site that cannot exist; the same on every day."""
    parts = urlsplit(url)
    word = hashlib.sha256(f"probe {name}".encode()).hexdigest()[:24]
    return f"{parts.scheme}://{parts.netloc}/{word}"


def _product_list(site: Site, folder: Path | None) -> list[str]:
    given = site.product_list
    if given is None or isinstance(given, tuple):
        return list(given or ())
    path = (folder or Path()) / given
    try:
        lines = path.read_text("utf-8").split()
    except (OSError, UnicodeDecodeError) as error:
        raise BadSite(
            f"site {site.name}: product list {path.name} cannot be read: {error}",
            "Give the path of a text file, relative to the site file.",
            field="product_list",
        ) from error
    return [line for line in lines if line.startswith(("http://", "https://"))]
