"""The two flows of the productivity benchmark behave alike, on a server that misbehaves alike."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from prefect.client.schemas.objects import State

from benchmarks.productivity import plain_prefect, with_sdk
from benchmarks.productivity.__main__ import GOAL, code_lines
from sdk import DatasetKey, Store

DAY = date(2026, 8, 15)
ROWS = [
    *({"sku": f"s{n:02}", "price": f"{n}.50"} for n in range(1, 21)),
    {"sku": "s01", "price": "99"},
    {"sku": "s30", "price": "-1"},
]
FOLDER = Path(with_sdk.__file__).parent


class Supplier:
    """A server of prices whose next answers are given."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.asked = 0
        supplier = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                supplier.asked += 1
                status = supplier.answers.pop(0) if supplier.answers else 200
                self.send_response(status)
                if status == 503:
                    self.send_header("Retry-After", "0")
                self.end_headers()
                self.wfile.write(json.dumps(ROWS).encode() if status == 200 else b"")

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/prices"


@pytest.fixture
def supplier() -> Iterator[Supplier]:
    made = Supplier()
    yield made
    made.server.shutdown()
    made.server.server_close()


Rows = list[tuple[Any, ...]]


def _sdk_rows(store: str, name: str, day: date) -> Rows:
    found = Store(store).dataset(DatasetKey(customer="harbor", name=name, day=day))
    assert found is not None
    return found.frame().rows()


def _plain_rows(store: str, name: str, day: date) -> Rows:
    found: pl.DataFrame = plain_prefect.read(plain_prefect.manifests(name, day)[-1])
    return found.rows()


BOTH = pytest.mark.parametrize(
    ("flow", "rows"),
    [(with_sdk.harbor_daily, _sdk_rows), (plain_prefect.harbor_daily, _plain_rows)],
    ids=["sdk", "plain"],
)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No waits: that they are drawn alike is tested elsewhere."""
    monkeypatch.setattr("sdk.policy.random.Random.uniform", lambda self, low, high: 0.0)


@BOTH
def test_both_survive_a_bad_moment_reuse_and_set_rows_aside(
    flow: Any, rows: Callable[[str, str, date], Rows], supplier: Supplier, store_url: str
) -> None:
    supplier.answers = [503, 500]
    state: State[Any] = flow(day=DAY, url=supplier.url, return_state=True)
    assert (state.type.value, state.name) == ("COMPLETED", "Completed")
    assert supplier.asked == 3
    assert rows(store_url, "dearest", DAY) == [("s20", 20.5), ("s19", 19.5), ("s18", 18.5)]
    aside = sorted(rows(store_url, "clean.quarantine", DAY))
    assert [(sku, reason) for sku, _, reason in aside] == [
        ("s01", "sku unique"),
        ("s30", "price in 0.01..10000"),
    ]
    flow(day=DAY, url=supplier.url)
    assert supplier.asked == 3


@BOTH
def test_both_serve_the_last_good_data_and_say_so(
    flow: Any, rows: Callable[[str, str, date], Rows], supplier: Supplier, store_url: str
) -> None:
    flow(day=DAY - timedelta(days=1), url=supplier.url)
    supplier.answers = [404]
    state = flow(day=DAY, url=supplier.url, return_state=True)
    assert (state.type.value, state.name) == ("COMPLETED", "Degraded")
    assert "last good" in str(state.message)
    assert rows(store_url, "dearest", DAY) == [("s20", 20.5), ("s19", 19.5), ("s18", 18.5)]


@BOTH
def test_both_fail_where_there_is_nothing_to_serve(
    flow: Any, rows: Callable[[str, str, date], Rows], supplier: Supplier, store_url: str
) -> None:
    flow(day=DAY - timedelta(days=5), url=supplier.url)
    supplier.answers = [404]
    state = flow(day=DAY, url=supplier.url, return_state=True)
    assert state.type.value == "FAILED"


def test_the_sdk_takes_a_quarter_of_the_lines() -> None:
    lines = {
        name: code_lines((FOLDER / f"{name}.py").read_text())
        for name in ("with_sdk", "plain_prefect")
    }
    assert lines["plain_prefect"] >= GOAL * lines["with_sdk"]


def test_only_code_counts() -> None:
    assert (
        code_lines('"""Doc."""\n\n# note\nx = 1\n\n\ndef f():\n    """Doc."""\n    return x\n') == 3
    )
    assert code_lines('text = """a\nb"""\n') == 2
