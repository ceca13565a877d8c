"""A street of shops that is open while a ``with`` block runs.

    with serve(shops=130, seed=7) as front:
        front.site_files(folder)
        ...capture...
        truth = front.truth(front.day)
        busiest = front.log.most_within(1.0)

The server runs in a thread; for measurements ``own_process=True`` puts it into a process of its
own (see ``process``), so that it takes no time from whoever asks.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path

import polars as pl

from flows.sample.storefront.answer import Street
from flows.sample.storefront.log import Log
from flows.sample.storefront.misbehaviour import Kind, Misbehaviour, Script, passing
from flows.sample.storefront.server import listen
from flows.sample.storefront.shops import Shop, open_shops
from flows.sample.storefront.site_files import site_file
from flows.sample.storefront.truth import truth_of

FIRST_DAY = date(2026, 8, 15)
"""The last day of the sample market as ``flows.sample`` generates it."""
NETWORK = "127.77"
"""Shops live at 127.77.0.1 and on; all of 127.0.0.0/8 is the machine itself on Linux."""


class Front:
    """The open shops.

    Attributes:
        shops: all of them.
        url: of the first one.
        urls: name → address, such as ``http://127.77.0.1:8080``.
        log: what the shops were asked.
        places: of shops that have names, host name → where it is, ``address:port``.
    """

    def __init__(
        self,
        shops: list[Shop],
        street: Street,
        log: Log,
        places: Mapping[str, str] | None = None,
    ) -> None:
        self.shops = tuple(shops)
        self.log = log
        self.places = dict(places or {})
        self._street = street

    @property
    def urls(self) -> dict[str, str]:
        """Return each shop's address by its name."""
        return dict(self._street.bases)

    @property
    def url(self) -> str:
        """Return the address of the first shop."""
        return self._street.bases[self.shops[0].name]

    @property
    def day(self) -> date:
        """Return the day that the shops are in."""
        return self._street.day

    def set_day(self, day: date) -> None:
        """Move all shops to another day."""
        self._street.day = day

    @property
    def script(self) -> tuple[Misbehaviour, ...]:
        """Return what goes wrong."""
        return tuple(self._street.script)

    def misbehave(self, shop: str, kind: Kind, first: date | None = None, **options: int) -> None:
        """Let a shop do one thing wrong from now on, or from a day on.

        Args:
            shop: its name.
            kind: what.
            first: the day from which on; the present day where left out.
            options: ``times``: requests of each address that are struck.
        """
        self.set_script([*self.script, passing(shop, kind, first or self.day, **options)])

    def set_script(self, script: Script) -> None:
        """Replace what goes wrong; requests are counted anew.

        Raises:
            ValueError: it names a shop that is not there.
        """
        for one in script:
            if one.shop not in self._street.shops:
                raise ValueError(f"no shop is called {one.shop!r}")
        self._street.set_script(script)

    def truth(self, day: date | None = None) -> pl.DataFrame:
        """Return what the shops' pages state on a day, one row for each product page.

        Returns:
            shop, url, name, price (Decimal), regular_price, currency, availability, gtin
            (14 digits), brand, sku, category; null where the page does not say.
        """
        return truth_of(self._street, day or self.day)

    def site_files(self, folder: Path, rate: float = 2.0, concurrency: int = 2) -> list[Path]:
        """Write a site file for each shop, and return their paths.

        Args:
            folder: made where it is not there.
            rate: requests a second that each shop allows.
            concurrency: at the same time.
        """
        folder.mkdir(parents=True, exist_ok=True)
        paths = []
        for shop in self.shops:
            path = folder / f"{shop.name}.yaml"
            path.write_text(site_file(shop, self.urls[shop.name], rate, concurrency), "utf-8")
            paths.append(path)
        return paths


@contextmanager
def serve(
    shops: int = 130,
    seed: int = 7,
    *,
    day: date = FIRST_DAY,
    products: int = 40,
    script: Script = (),
    port: int = 0,
    own_process: bool = False,
    market_products: int = 3000,
    domain: str = "",
) -> Iterator[Front]:
    """Open shops on loopback.

    Args:
        shops: how many, 130 at the most.
        seed: the same seed and sizes give the same shops, pages and prices.
        day: the day that they are in; ``Front.set_day`` moves them.
        products: articles of each shop.
        script: what goes wrong (``standard_script`` has everything once).
        port: of all shops; 0 takes one that is free. Addresses stand in the pages, so bytes are
            the same only with the same port.
        own_process: serve in another process.
        market_products: size of the sample's customer, see ``open_shops``.
        domain: under which each shop has a name, such as ``shops.example``: the name stands in
            its pages, which are then the same whatever the port. No name server knows it; see
            ``Front.places``. Not together with ``own_process``.

    Raises:
        ValueError: too many shops or products.
        OSError: the port is taken.
    """
    if own_process:
        from flows.sample.storefront.process import serve_apart

        with serve_apart(shops, seed, day, products, script, port, market_products) as front:
            yield front
        return
    every = open_shops(seed, shops, products, market_products)
    sockets = bind([shop.name for shop in every], port)
    places = {name: "{}:{}".format(*plug.getsockname()[:2]) for name, plug in sockets.items()}
    if domain:
        places = {f"{name}.{domain}": place for name, place in places.items()}
        bases = {name: f"http://{name}.{domain}" for name in sockets}
    else:
        bases = {name: f"http://{place}" for name, place in places.items()}
    street, log = Street(every, bases, day, script), Log()
    ready, ended = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    def run() -> None:
        asyncio.set_event_loop(loop)
        with suppress(asyncio.CancelledError):
            loop.run_until_complete(listen(sockets, street, log, ready.set, ended))
        loop.close()

    thread = threading.Thread(target=run, name="storefront", daemon=True)
    thread.start()
    ready.wait(30)
    try:
        yield Front(every, street, log, places if domain else None)
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(10)


def bind(names: Sequence[str], port: int) -> dict[str, socket.socket]:
    """Return a socket for each shop: addresses of their own with one port.

    Where the machine gives only 127.0.0.1 (macOS), each shop has a port of its own.

    Raises:
        OSError: the port is taken.
    """
    for attempt in range(20):
        sockets: dict[str, socket.socket] = {}
        try:
            wanted = port
            for place, name in enumerate(names, 1):
                plug = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
                sockets[name] = plug
                plug.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                plug.bind((f"{NETWORK}.{place // 250}.{place % 250 + 1}", wanted))
                wanted = plug.getsockname()[1]
            return sockets
        except OSError as error:
            for plug in sockets.values():
                plug.close()
            if len(sockets) == 1 and not port:  # no address but one
                return _by_port(names)
            if port or attempt == 19:
                raise OSError(f"port {wanted} is taken at one of the shops' addresses") from error
    raise AssertionError("not reached")


def _by_port(names: Sequence[str]) -> dict[str, socket.socket]:
    sockets = {name: socket.socket(socket.AF_INET, socket.SOCK_STREAM) for name in names}
    for plug in sockets.values():
        plug.bind(("127.0.0.1", 0))
    return sockets
