"""Cutting sites into batches: those of one host stay together, as its pace is kept by one loop."""

from __future__ import annotations

from collections.abc import Sequence

from flows.pipeline.capture.fetching.seeds import hosts_of
from flows.pipeline.capture.site import Site


def cut(sites: Sequence[Site], size: int) -> list[list[Site]]:
    """Return the sites in batches of about a size.

    A batch is larger only where more sites than that are of one host, directly or by another
    site that is on the hosts of both.
    """
    batches: list[list[Site]] = [[]]
    for group in _groups(sites):
        if batches[-1] and len(batches[-1]) + len(group) > size:
            batches.append([])
        batches[-1].extend(group)
    return [batch for batch in batches if batch]


def _groups(sites: Sequence[Site]) -> list[list[Site]]:
    """Return the sites in groups that share hosts, in the order of their first sites."""
    groups: list[tuple[set[str], list[Site]]] = []
    for site in sites:
        hosts, members = set(hosts_of(site)), [site]
        apart = []
        for known, others in groups:
            if known & hosts:
                hosts |= known
                members = [*others, *members]
            else:
                apart.append((known, others))
        groups = [*apart, (hosts, members)]
    order = {site.name: place for place, site in enumerate(sites)}
    return sorted((members for _, members in groups), key=lambda group: order[group[0].name])
