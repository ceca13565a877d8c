"""Flows that a worker runs in `test_noticed_runs`: they fail, or go on until somebody ends them."""

from __future__ import annotations

import time

import prefect

from sdk import flow, task
from sdk.policy import NONE


@flow(customer="acme", owner="grocery", deadline="1m", cancel_overdue=True)
def endless_daily() -> None:
    time.sleep(600)


@prefect.flow
def endless_plain() -> None:
    time.sleep(600)


@task(retry=NONE)
def read_prices() -> None:
    raise ValueError("no prices today")


@flow(customer="acme", owner="grocery")
def failing_daily() -> None:
    read_prices()


@prefect.flow
def failing_plain() -> None:
    raise ValueError("no prices here")
