"""The sample's street of web shops, open on loopback while a day is run.

The shops have names that no name server knows (RFC 2606), so that captured rows are the same
whatever port was free; requests to these names are rerouted to where the shops are. Which shops:
those that price in the sample customer's currency and do not ask for slowness, for whoever tries
the platform waits for it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Final

SHOPS: Final = 12
PRODUCTS: Final = 24
CURRENCY: Final = "ILS"
DOMAIN: Final = "shops.example"
_RATE: Final = 20.0
_SETTINGS: Final = "DATAWEAVE_CAPTURE_"


@contextmanager
def open_street(folder: Path, day: date, seed: int) -> Iterator[Path]:
    """Open the shops, tell the settings where they are, and write their site files.

    Args:
        folder: of the sample.
        day: that the shops are in.
        seed: of the sample; their goods are its market's.

    Yields:
        The folder of the site files.
    """
    from flows.sample.storefront import serve

    with serve(seed=seed, day=day, products=PRODUCTS, domain=DOMAIN) as front:
        chosen = [
            shop.name
            for shop in front.shops
            if shop.locale.currency == CURRENCY and not shop.crawl_delay
        ][:SHOPS]
        sites = folder / "sites"
        for path in front.site_files(sites, rate=_RATE):
            if path.stem not in chosen:
                path.unlink()
        settings = {
            "PRIVATE_NETWORKS": json.dumps(["127.0.0.0/8"]),
            "REROUTE": json.dumps(front.places),
            "ANY_DAY": "true",
        }
        os.environ.update({_SETTINGS + name: value for name, value in settings.items()})
        try:
            yield sites
        finally:
            for name in settings:
                os.environ.pop(_SETTINGS + name, None)
