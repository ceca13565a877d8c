"""Running a flow run in this process, as Prefect 2's workers have it run.

Beside `sdk.prefect2` and `sdk.outcomes` the third file that a move to Prefect 3 writes again: it
is apart from them because only the process of a deployed run needs it.

Prefect's client sends a request again when the server is too busy or breaks off (429, 502, 503, a
broken connection), but not when nobody listens: a restart of the server or of its proxy, seconds
long, fails every run under way. A refused connection was never a request, so that to try again is
safe whatever it would have asked for.
"""

from __future__ import annotations

import logging
import runpy
import sys
import warnings
from typing import Any

import anyio
import httpx
from prefect.client.base import PrefectHttpxAsyncClient

PATIENCE = 300.0
"""Seconds for which a refused connection is tried again: a failover of the database takes one or
two minutes, a new controller three."""
LONGEST_PAUSE = 10.0


def run_engine(run: str) -> int:
    """Run a flow run to its end; return the exit code for the worker.

    A flow that fails has told the server so: the exit code is 0 for it too. Another one is the
    worker's sign that nobody did.
    """
    be_patient()
    sys.argv = ["prefect.engine", run]
    try:
        with warnings.catch_warnings():
            # prefect.engine is imported by Prefect itself, then run: as `python -m` does it.
            warnings.filterwarnings("ignore", message=".*prefect.engine.*", category=RuntimeWarning)
            runpy.run_module("prefect.engine", run_name="__main__", alter_sys=True)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def be_patient(seconds: float = PATIENCE) -> None:
    """Have Prefect's clients in this process try refused connections again."""
    plain: Any = httpx.AsyncClient.send

    async def send(client: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        waited, pause = 0.0, 0.5
        while True:
            try:
                return await plain(client, request, *args, **kwargs)
            except httpx.ConnectError as error:
                if not isinstance(client, PrefectHttpxAsyncClient) or waited >= seconds:
                    raise
                logging.getLogger("sdk").warning("the Prefect server does not listen: %s", error)
            await anyio.sleep(pause)
            waited, pause = waited + pause, min(LONGEST_PAUSE, pause * 2)

    # On the class of httpx: Prefect's own `send` calls it through super().
    httpx.AsyncClient.send = send  # type: ignore[method-assign, assignment]
