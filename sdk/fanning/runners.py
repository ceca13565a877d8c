"""Where the chunks run: threads, an event loop, spawned processes, or the flow's task runner.

Each runner yields the outcomes of a chunk as it ends, in any order. Processes are spawned, not
forked: polars, gRPC and Prefect hold threads that a fork would leave locked.

A run that is stopped (cancelled, or paused by an item) begins no further item: an exception in a
runner, or its being closed, ends its pool. Processes are ended with what they are doing; threads
cannot be, and end with the item under way.
"""

from __future__ import annotations

import asyncio
import contextvars
import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    wait,
)
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import TypeAlias

import cloudpickle

from sdk.fanning import process
from sdk.fanning.outcome import ItemOutcome
from sdk.fanning.work import Item, Work

Chunk: TypeAlias = Sequence[Item]
Packed: TypeAlias = list[tuple[ItemOutcome, bytes]]
Runner: TypeAlias = Callable[[Work, Sequence[Chunk], int], Iterator[list[ItemOutcome]]]

DEATHS = 2
"""Processes that an item may cost before it is given up: one may have died of another's doing."""


def in_threads(
    work: Work, chunks: Sequence[Chunk], concurrency: int
) -> Iterator[list[ItemOutcome]]:
    """Run chunks in threads: for items that wait, or that compute outside Python."""
    stopped = threading.Event()
    pool = ThreadPoolExecutor(concurrency, thread_name_prefix="fanout")
    try:
        pending = {
            # Each chunk in a copy of its own: a context cannot be entered twice at a time.
            pool.submit(contextvars.copy_context().run, work.do, chunk, stopped.is_set)
            for chunk in chunks
        }
        while pending:
            done, pending = wait(pending, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()
    finally:
        stopped.set()
        pool.shutdown(cancel_futures=True)


def in_event_loop(
    work: Work, chunks: Sequence[Chunk], concurrency: int
) -> Iterator[list[ItemOutcome]]:
    """Run the items of a coroutine function in one event loop."""
    with asyncio.Runner() as runner:
        for chunk in chunks:
            yield runner.run(work.do_async(chunk, concurrency))


def in_processes(
    work: Work, chunks: Sequence[Chunk], concurrency: int
) -> Iterator[list[ItemOutcome]]:
    """Run chunks in spawned processes: for items that compute in Python.

    A process that dies takes its pool with it. The chunks that were running are then run apart,
    so that an item that kills its process costs itself alone; the others go to a new pool.
    """
    waiting = list(chunks)
    while waiting:
        with _pool(work, concurrency) as pool:
            futures = {pool.submit(process.do, chunk): chunk for chunk in waiting}
            pending = set(futures)
            broken: set[Future[Packed]] = set()
            while pending:
                done, pending = wait(pending, return_when=FIRST_COMPLETED)
                for future in done:
                    try:
                        yield _unpacked(work, futures[future], future.result())
                    except BrokenProcessPool:
                        broken.add(future)
        # In the order of submission: the first of them were running, the others never began.
        left = [chunk for future, chunk in futures.items() if future in broken]
        suspects, waiting = left[:concurrency], left[concurrency:]
        for chunk in suspects:
            yield from _apart(work, chunk)


def _apart(work: Work, chunk: Chunk, deaths: int = 1) -> Iterator[list[ItemOutcome]]:
    """Run a chunk in a process of its own, halving it until it is known which item kills it."""
    try:
        with _pool(work, 1) as pool:
            yield _unpacked(work, chunk, pool.submit(process.do, chunk).result())
    except BrokenProcessPool:
        if len(chunk) > 1:
            half = len(chunk) // 2
            yield from _apart(work, chunk[:half])
            yield from _apart(work, chunk[half:])
        elif deaths < DEATHS:
            yield from _apart(work, chunk, deaths + 1)
        else:
            died = f"item {chunk[0].key}: its process died {deaths + 1} times"
            yield [work.give_up(chunk[0], died)]


def _unpacked(work: Work, chunk: Chunk, packed: Packed) -> list[ItemOutcome]:
    return [work.unpack(item, *each) for item, each in zip(chunk, packed, strict=True)]


@contextmanager
def _pool(work: Work, concurrency: int) -> Iterator[ProcessPoolExecutor]:
    pool = ProcessPoolExecutor(
        concurrency,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=process.begin,
        initargs=(cloudpickle.dumps(work),),
    )
    try:
        yield pool
    except BaseException:
        # The executor itself would wait for the chunks under way, however long they take.
        children = list((pool._processes or {}).values())
        pool.shutdown(wait=False, cancel_futures=True)
        for child in children:
            child.terminate()
        raise
    finally:
        pool.shutdown()


def in_task_runs(
    work: Work, chunks: Sequence[Chunk], concurrency: int
) -> Iterator[list[ItemOutcome]]:
    """Run chunks as task runs of the flow's task runner, such as Dask's."""
    from sdk import prefect2

    yield from prefect2.submit_each(f"fanout {work.step.name}", work.do, chunks)


RUNNERS: dict[str, Runner] = {
    "threads": in_threads,
    "processes": in_processes,
    "async": in_event_loop,
    "tasks": in_task_runs,
}


def default_concurrency(how: str) -> int:
    """Return how many at a time where nobody said: cores, or more for what waits."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (cores or 1) if how == "processes" else {"threads": 16, "async": 32}.get(how, 8)


def cut(items: Sequence[Item], how: str, concurrency: int, size: int | None) -> list[Chunk]:
    """Cut the items into chunks.

    Small enough that all workers end together and that little is lost with one, large enough
    that what a chunk costs (1 ms in a pool, 70 ms as a task run) does not show.
    """
    if size is None:
        most = {"async": 2000, "processes": 200, "threads": 50}.get(how, 5000)
        per_worker = 4 if how == "tasks" else 16
        size = max(1, min(most, len(items) // (concurrency * per_worker)))
        if how == "async":
            size = max(size, min(len(items), 4 * concurrency))
    return [items[start : start + size] for start in range(0, len(items), max(1, size))]
