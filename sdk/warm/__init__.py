"""Runs that start within a second: a Prefect worker with warm interpreters.

    prefect worker start --pool POOL --type warm

This module is an entry point of ``prefect.collections``: every process that loads Prefect's
collections imports it, so it registers the worker's type and imports nothing else. See
`docs/warm-worker.md`; `worker` is Prefect's face, `keeper` keeps the interpreters, `template` is
the worker's end of one, `interpreter` the program that is kept warm.
"""

from sdk.warm.worker import WarmJobConfiguration, WarmWorker

__all__ = ["WarmJobConfiguration", "WarmWorker"]
