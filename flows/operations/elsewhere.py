"""`run-step`: the flow that runs a step for another flow; see `sdk.delegation`."""

from __future__ import annotations

from typing import Any

from sdk import flow
from sdk.delegation.order import Order, note_error, note_result
from sdk.run import entered
from sdk.storage import storage


@flow(name="run-step")
def run_step(order: dict[str, Any]) -> None:
    """Run the step of an order in its parent's run, and note how it ended.

    Args:
        order: of `sdk.delegation.order.Order`, as JSON.
    """
    asked = Order.model_validate(order)
    root = storage(asked.run.store)
    try:
        with entered(asked.run):
            value = asked.load()(**asked.decoded())
        note_result(root, asked, value)
    except Exception as error:
        note_error(root, asked, error)
        raise
