"""Clusters: where the partitions of a match are computed.

``local:N`` makes N worker processes here (the default), ``tcp://…`` joins a running scheduler, and
anything else names a cluster class with its arguments, such as dask-cloudprovider's Fargate
cluster, from the deployment's own configuration. That form imports what it names: it is for
configuration, never for input.

Workers are spawned, never forked: a fork after polars was imported hangs. Each has one thread, and
polars one of its own.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from flows.pipeline.matching.errors import MatchingError

if TYPE_CHECKING:
    from distributed import Client

ONE_THREAD: Final = {
    "POLARS_MAX_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_TRIM_THRESHOLD_": "65536",
}
"""Set before a worker starts; the last gives memory back to the machine between partitions."""


@contextmanager
def connect(where: str = "local:2", arguments: Mapping[str, Any] | None = None) -> Iterator[Client]:
    """Yield a client of a cluster; what was made for it is closed behind it.

    Args:
        where: ``local:N``, the address of a scheduler, or ``module:Class`` of a cluster.
        arguments: for the class.

    Raises:
        MatchingError: ``where`` is none of these.
    """
    import dask
    from distributed import Client, LocalCluster

    kind, _, rest = where.partition(":")
    if kind in ("tcp", "tls", "ucx", "ws", "wss"):
        with Client(where) as client:  # type: ignore[no-untyped-call]
            yield client
        return
    if kind == "local" and rest.isdecimal() and int(rest) > 0:
        spawn = {
            "distributed.worker.multiprocessing-method": "spawn",
            "distributed.nanny.pre-spawn-environ": ONE_THREAD,
        }
        with (
            dask.config.set(spawn),
            LocalCluster(  # type: ignore[no-untyped-call]
                n_workers=int(rest),
                threads_per_worker=1,
                processes=True,
                dashboard_address=":0",
                memory_limit=_share(int(rest)),
            ) as cluster,
            Client(cluster) as client,  # type: ignore[no-untyped-call]
        ):
            yield client
        return
    try:
        made = getattr(importlib.import_module(kind), rest)
    except (ImportError, AttributeError, ValueError) as error:
        raise MatchingError(
            f"{where!r} is no cluster ({error})",
            "Give local:N, the address of a scheduler, or module:Class of a cluster.",
        ) from error
    with (
        made(**dict(arguments or {})) as cluster,
        Client(cluster) as client,  # type: ignore[no-untyped-call]
    ):
        yield client


def _share(workers: int) -> int:
    """Bytes for each worker: three quarters of the machine, divided."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return int(total * 0.75 / workers)
