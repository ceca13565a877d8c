"""The storefront in a process of its own, steered and read through a pipe.

A server in a thread of the process under measurement would take its time from it: both hold the
interpreter's lock. Truth and site files are computed on this side, from the same seed; only the
day, the script and the log cross over.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import date
from multiprocessing.connection import Connection
from typing import Any

from flows.sample.storefront.answer import Street
from flows.sample.storefront.front import Front, serve
from flows.sample.storefront.log import Log, Request
from flows.sample.storefront.misbehaviour import Script
from flows.sample.storefront.shops import Shop, open_shops


class _FarLog(Log):
    """The log of the other process, brought over when it is looked at."""

    def __init__(self, pipe: Connection) -> None:
        super().__init__()
        self._pipe = pipe

    def _fetch(self) -> None:
        self._pipe.send(("log", len(self._requests)))
        self._requests += [Request(*one) for one in self._pipe.recv()]

    def __len__(self) -> int:
        self._fetch()
        return super().__len__()

    def __getitem__(self, place: Any) -> Any:
        self._fetch()
        return super().__getitem__(place)

    def __iter__(self) -> Iterator[Request]:
        self._fetch()
        return super().__iter__()

    def clear(self) -> None:
        """Forget everything, there too."""
        self._pipe.send(("clear", None))
        self._pipe.recv()
        super().clear()


class _FarFront(Front):
    def __init__(self, shops: list[Shop], street: Street, log: Log, pipe: Connection) -> None:
        super().__init__(shops, street, log)
        self._pipe = pipe

    def set_day(self, day: date) -> None:
        """Move all shops to another day."""
        super().set_day(day)
        self._tell("day", day)

    def set_script(self, script: Script) -> None:
        """Replace what goes wrong."""
        super().set_script(script)
        self._tell("script", list(script))

    def _tell(self, what: str, value: object) -> None:
        self._pipe.send((what, value))
        self._pipe.recv()


@contextmanager
def serve_apart(
    shops: int, seed: int, day: date, products: int, script: Script, port: int, market: int
) -> Iterator[Front]:
    """Open shops in a process of their own; the arguments are those of ``serve``."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    arguments = (there, shops, seed, day, products, list(script), port, market)
    process = context.Process(target=_run, args=arguments, name="storefront", daemon=True)
    process.start()
    there.close()
    try:
        try:
            bases = here.recv()
        except EOFError as error:
            raise OSError("the storefront's process did not start; see its error above") from error
        every = open_shops(seed, shops, products, market)
        yield _FarFront(every, Street(every, bases, day, script), _FarLog(here), here)
    finally:
        with suppress(OSError):
            here.send(("stop", None))
        process.join(10)
        if process.is_alive():
            process.kill()
        here.close()


def _run(
    pipe: Connection, shops: int, seed: int, day: date, products: int, script: Script, port: int,
    market: int,
) -> None:  # fmt: skip
    with serve(
        shops, seed, day=day, products=products, script=script, port=port, market_products=market
    ) as front:
        pipe.send(front.urls)
        for what, value in _commands(pipe):
            if what == "log":
                pipe.send([tuple(one) for one in front.log[value:]])
                continue
            if what == "day":
                front.set_day(value)
            elif what == "script":
                front.set_script(value)
            elif what == "clear":
                front.log.clear()
            pipe.send(None)


def _commands(pipe: Connection) -> Iterable[tuple[str, Any]]:
    """Yield what the other side says until it says stop or is gone."""
    while True:
        try:
            command = pipe.recv()
        except (EOFError, OSError, KeyboardInterrupt):
            return
        if command[0] == "stop":
            return
        yield command
