"""What has to change on a server for its pools to be those that are declared. Pure.

What is not declared is left alone: a pool or queue may hold runs, and is removed by hand.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from blocks.registration.plan import Change
from sdk.pools.declarations import Declared, Pool, Queue

Kind = Literal["pool", "queue", "variable"]
MAX_SHOWN = 120
"""Characters of a value in a diff: enough to know it by."""


@dataclass(frozen=True)
class Step:
    """A change, and the request that makes it.

    Attributes:
        change: for whoever reads the diff.
        method: of HTTP; empty where there is nothing to do.
        path: below the API.
        body: JSON.
    """

    change: Change
    method: str = ""
    path: str = ""
    body: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class There:
    """What a server has, as its API says it.

    Attributes:
        pools: by name.
        queues: by pool and name.
        variables: by name.
    """

    pools: Mapping[str, Mapping[str, Any]]
    queues: Mapping[tuple[str, str], Mapping[str, Any]]
    variables: Mapping[str, Mapping[str, Any]]


def plan(declared: Declared, there: There) -> list[Step]:
    """Return what is to be done, in order: pools, their queues by priority, variables."""
    steps = []
    for pool in declared.pools:
        steps.append(_pool(pool, there.pools.get(pool.name)))
        for queue in sorted(pool.queues, key=lambda queue: queue.priority):
            steps.append(_queue(pool, queue, there.queues.get((pool.name, queue.name))))
    for name, value in sorted(declared.variables.items()):
        steps.append(_variable(name, value, there.variables.get(name)))
    return steps


def _pool(pool: Pool, there: Mapping[str, Any] | None) -> Step:
    wanted: dict[str, Any] = {
        "description": pool.description,
        "concurrency_limit": pool.limit,
        "base_job_template": dict(pool.template),
    }
    name = f"pool {pool.name}"
    if there is None:
        body = {"name": pool.name, "type": pool.type, **wanted}
        return Step(Change("create", name, (f"type: {pool.type}",)), "POST", "/work_pools/", body)
    if there["type"] != pool.type:
        # A pool's type cannot be changed; runs may be waiting in it.
        told = f"type: {there['type']} → {pool.type}: remove it by hand and apply again"
        return Step(Change("remove", name, (told,)))
    return _changed(name, wanted, there, "PATCH", f"/work_pools/{pool.name}")


def _queue(pool: Pool, queue: Queue, there: Mapping[str, Any] | None) -> Step:
    wanted = {
        "priority": queue.priority,
        "concurrency_limit": queue.limit,
        "description": queue.description,
    }
    name, path = f"queue {pool.name}/{queue.name}", f"/work_pools/{pool.name}/queues"
    if there is None:
        shown = (f"priority: {queue.priority}", f"concurrency_limit: {queue.limit}")
        return Step(Change("create", name, shown), "POST", path, {"name": queue.name, **wanted})
    step = _changed(name, wanted, there, "PATCH", f"{path}/{queue.name}")
    if step.body is None:
        return step
    # An update that does not say so takes a pause back: whoever paused a queue meant it.
    body = {**wanted, "is_paused": there.get("is_paused", False)}
    return Step(step.change, step.method, step.path, body)


def _variable(name: str, value: str, there: Mapping[str, Any] | None) -> Step:
    told = f"variable {name}"
    if there is None:
        body = {"name": name, "value": value}
        return Step(Change("create", told, (f"value: {value}",)), "POST", "/variables/", body)
    return _changed(told, {"value": value}, there, "PATCH", f"/variables/name/{name}")


def _changed(
    name: str, wanted: Mapping[str, Any], there: Mapping[str, Any], method: str, path: str
) -> Step:
    lines = tuple(line for key in wanted for line in _differences(key, there.get(key), wanted[key]))
    if not lines:
        return Step(Change("same", name))
    return Step(Change("update", name, lines), method, path, dict(wanted))


def _differences(where: str, before: Any, after: Any) -> Iterator[str]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted({*before, *after}):
            yield from _differences(f"{where}.{key}", before.get(key), after.get(key))
    elif before != after:
        yield f"{where}: {_shown(before)} → {_shown(after)}"


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 1]}…"
