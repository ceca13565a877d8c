"""Clusters: where the parts of a match are computed.

One word says where, in a setting or an argument, and no code changes with it:

- ``local:N`` makes N worker processes here (the default);
- ``tcp://…`` or ``tls://…`` joins a running scheduler;
- ``runner`` is the cluster of the flow's own Dask task runner, from inside one of its tasks;
- ``fargate`` and ``ec2`` make a cluster in AWS for this run, by dask-cloudprovider, which is
  installed only where it is used;
- ``module:Class`` is any other cluster class. It imports what it names: it is for configuration,
  never for input.

Workers are spawned, never forked: a fork after polars was imported hangs. Each has one thread, and
polars one of its own. The number of workers is fixed: scaling down in the middle of a round costs
what the removed workers held.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from flows.pipeline.matching.errors import MatchingError

if TYPE_CHECKING:
    from distributed import Client

ONE_THREAD: Final = {
    "POLARS_MAX_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_TRIM_THRESHOLD_": "65536",
}
"""Set before a worker starts; the last gives memory back to the machine between parts."""
RUNNING: Final = ("tcp", "tls", "ucx", "ws", "wss")
"""Schemes of a scheduler's address."""
CLOUD: Final[dict[str, tuple[str, str, dict[str, Any]]]] = {
    "fargate": (
        "dask_cloudprovider.aws",
        "FargateCluster",
        {"worker_nthreads": 1, "environment": ONE_THREAD},
    ),
    "ec2": (
        "dask_cloudprovider.aws",
        "EC2Cluster",
        {"worker_options": {"nthreads": 1}, "env_vars": ONE_THREAD},
    ),
}
"""Clusters made in AWS: module, class, and the arguments that keep a worker to one thread."""
_WAYS: Final = (
    "Give local:N, the address of a scheduler, runner, fargate, ec2, or module:Class of a cluster."
)


class MatchingSettings(BaseSettings):
    """Where matching computes and what it keeps, from ``DATAWEAVE_MATCHING_*`` variables.

    Attributes:
        cluster: see the module; None computes in the run's own process.
        arguments: of the cluster's class, as JSON: image, subnets, ``n_workers``, memory …
        folder: that the run and all workers see, such as one on EFS; a temporary one of this
            machine when None, which serves ``local`` alone.
        standing: folder in which the daily run keeps its standing indexes; None keeps none.
    """

    model_config = SettingsConfigDict(env_prefix="DATAWEAVE_MATCHING_", frozen=True, extra="ignore")

    cluster: str | None = None
    arguments: dict[str, Any] = Field(default_factory=dict, repr=False)
    folder: Path | None = None
    standing: Path | None = None


@contextmanager
def connect(where: str = "local:2", arguments: Mapping[str, Any] | None = None) -> Iterator[Client]:
    """Yield a client of a cluster; what was made for it is closed behind it.

    Args:
        where: see the module.
        arguments: for the cluster's class.

    Raises:
        MatchingError: ``where`` is none of these, its library is not installed, or ``runner`` was
            asked for outside a task on Dask.
    """
    import dask
    from distributed import Client, worker_client

    if where.partition(":")[0] in RUNNING:
        with Client(where) as client:  # type: ignore[no-untyped-call]
            yield client
        return
    if where == "runner":
        _refuse_outside_a_worker()
        # The task steps aside while it waits, or a cluster of one thread would wait for itself.
        with worker_client() as client:
            yield client
        return
    made, chosen = cluster_class(where, arguments or {})
    spawn = {
        "distributed.worker.multiprocessing-method": "spawn",
        "distributed.nanny.pre-spawn-environ": ONE_THREAD,
    }
    with (
        dask.config.set(spawn),
        made(**chosen) as cluster,
        Client(cluster) as client,  # type: ignore[no-untyped-call]
    ):
        yield client


def cluster_class(where: str, arguments: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Return the class of a cluster that is made for the run, and its arguments.

    Args:
        where: ``local:N``, ``fargate``, ``ec2`` or ``module:Class``.
        arguments: that override the defaults.

    Raises:
        MatchingError: it is none of these, or its library is not installed.
    """
    kind, _, rest = where.partition(":")
    if kind == "local" and rest.isdecimal() and int(rest) > 0:
        from distributed import LocalCluster

        return LocalCluster, {
            "n_workers": int(rest),
            "threads_per_worker": 1,
            "processes": True,
            "dashboard_address": ":0",
            "memory_limit": _share(int(rest)),
            **arguments,
        }
    module, name, defaults = CLOUD.get(where, (kind, rest, {}))
    try:
        return getattr(importlib.import_module(module), name), {**defaults, **arguments}
    except (ImportError, AttributeError, ValueError) as error:
        if where in CLOUD:
            raise MatchingError(
                f"the cluster {where!r} needs dask-cloudprovider, which is not installed ({error})",
                'Install "dask-cloudprovider[aws]" where the run starts, or choose local:N.',
            ) from error
        raise MatchingError(f"{where!r} is no cluster ({error})", _WAYS) from error


def task_runner(where: str = "local:2", arguments: Mapping[str, Any] | None = None) -> Any:
    """Return a Prefect task runner (``DaskTaskRunner``) on such a cluster.

    For a flow whose tasks shall all run there; a task of it then matches on ``runner``.

    Args:
        where: all that ``connect`` takes, but ``runner``.
        arguments: for the cluster's class.

    Raises:
        MatchingError: as ``cluster_class``.
    """
    from prefect_dask.task_runners import DaskTaskRunner

    if where.partition(":")[0] in RUNNING:
        return DaskTaskRunner(address=where)
    made, chosen = cluster_class(where, arguments or {})
    return DaskTaskRunner(cluster_class=made, cluster_kwargs=chosen)


def _refuse_outside_a_worker() -> None:
    from distributed import get_worker

    try:
        get_worker()
    except ValueError as error:
        raise MatchingError(
            "the cluster 'runner' was asked for outside a task that Dask runs",
            "Give the flow a DaskTaskRunner and submit the task, or choose local:N.",
        ) from error


def _share(workers: int) -> int:
    """Bytes for each worker: three quarters of the machine, divided."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return int(total * 0.75 / workers)
