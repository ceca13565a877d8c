"""The page in a real browser: a stretch of work by keyboard alone, and the page's width."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from flows.pipeline.verification.database import Database
from flows.pipeline.verification.sample import fill
from flows.pipeline.verification.tables import decisions, tasks
from flows.pipeline.verification.web.app import create_app
from tests.flows.pipeline.verification.serving import TOKENS, served, settings
from tests.support.chromium import Page, browser, found

pytestmark = pytest.mark.skipif(found() is None, reason="no Chromium on this machine")

PICTURES = os.environ.get("DATAWEAVE_REVIEW_PICTURES", "")
"""Set to a folder to keep pictures of the page as it was shown."""


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    folder = tmp_path_factory.mktemp("review")
    with closing(Database(f"sqlite:///{folder / 'review.db'}")) as opened:
        yield opened


@pytest.fixture(scope="module")
def base(database: Database) -> Iterator[str]:
    pictures: dict[str, bytes] = {}
    app = create_app(settings(), database, pictures=pictures)
    with served(app) as url:
        pictures.update(fill(database, url, tasks=80))
        yield url


@pytest.fixture(scope="module")
def page(base: str) -> Iterator[Page]:
    with browser() as opened:
        opened.open(f"{base}/sign-in", width=1280, height=1000)
        for letter in TOKENS["lea"]:
            _press(opened, letter)
        _press(opened, "Enter")
        _until(opened, "document.querySelector('#answer') !== null")
        yield opened


_CODES = {"Enter": 13, "Escape": 27, ".": 190}


def _press(page: Page, key: str) -> None:
    """Press a key as a keyboard does."""
    named = {"key": key, "windowsVirtualKeyCode": _CODES.get(key, ord(key[0].upper()))}
    text = "\r" if key == "Enter" else key if len(key) == 1 else ""
    if key.isalpha() and len(key) == 1:
        named["code"] = f"Key{key.upper()}"
    page.call("Input.dispatchKeyEvent", type="keyDown", text=text, **named)
    page.call("Input.dispatchKeyEvent", type="keyUp", **named)


def _until(page: Page, condition: str) -> None:
    for _ in range(600):
        if page.evaluate(condition):
            return
        time.sleep(0.02)
    raise TimeoutError(condition)


def _task(page: Page) -> str:
    return str(page.evaluate("document.querySelector('#answer [name=task]').value"))


def _next(page: Page, before: str) -> None:
    _until(
        page,
        "document.querySelector('#answer [name=task]') && !document.querySelector('.htmx-request')"
        f" && document.querySelector('#answer [name=task]').value !== {json.dumps(before)}",
    )


def _rows(database: Database) -> list[Any]:
    with database.reading() as connection:
        return list(connection.execute(sa.select(decisions).order_by(decisions.c.number)))


def test_twenty_tasks_by_keyboard_alone(page: Page, base: str, database: Database) -> None:
    page.complaints.clear()
    page.requests.clear()
    keys = ["e", "n", "v", "q", "u", "g", "e", "n", "d", "2e"]
    expected = []
    for turn in range(20):
        keyed = keys[turn % len(keys)]
        before = _task(page)
        chosen = "1"
        if keyed == "2e":
            keyed = "e"
            if page.evaluate("document.querySelector('#c2') !== null"):
                _press(page, "2")
                chosen = "2"
                assert (
                    page.evaluate(
                        "getComputedStyle(document.querySelector('[data-panel=\"2\"]')).display"
                    )
                    == "grid"
                )
        sku = page.evaluate(f"document.querySelector('#c{chosen}').value")
        _press(page, keyed)
        if keyed == "d":
            _until(page, "document.activeElement.id === 'times'")
            page.evaluate("document.activeElement.value = ''")
            for letter in "2.5":
                _press(page, letter)
            _press(page, "Enter")
        _next(page, before)
        expected.append((keyed, sku))
    rows = _rows(database)
    names = {"e": "exact", "n": "no_match", "v": "variant", "q": "equivalent", "u": "unsure"}
    names |= {"g": "page_gone", "d": "different_pack"}
    assert [row.verdict for row in rows] == [names[key] for key, _ in expected]
    assert [row.sku for row in rows] == [sku if key in "evqd" else None for key, sku in expected]
    assert {row.factor for row in rows if row.verdict == "different_pack"} == {2.5}
    assert len({row.task for row in rows}) == 20
    assert "20 today" in page.evaluate("document.querySelector('.pace').innerText")
    assert page.complaints == []
    assert all(asked.startswith(base) for asked in page.requests), "nothing of others is loaded"


def test_undo_by_key_brings_the_task_back(page: Page, database: Database) -> None:
    before = _task(page)
    _press(page, "n")
    _next(page, before)
    after = _task(page)
    _press(page, "z")
    _next(page, after)
    assert _task(page) == before
    assert _rows(database)[-1].verdict == "retracted"


def test_keys_do_nothing_while_a_factor_is_typed_and_escape_leaves(
    page: Page, database: Database
) -> None:
    before, rows = _task(page), len(_rows(database))
    _press(page, "d")
    _until(page, "document.activeElement.id === 'times'")
    for letter in "env":
        _press(page, letter)
    _press(page, "Escape")
    assert page.evaluate("document.querySelector('#factor').hidden") is True
    assert (_task(page), len(_rows(database))) == (before, rows)


def test_factor_of_nonsense_is_said_beside_the_task(page: Page, database: Database) -> None:
    before, rows = _task(page), len(_rows(database))
    _press(page, "d")
    _until(page, "document.activeElement.id === 'times'")
    page.evaluate("document.activeElement.value = 'many'")
    _press(page, "Enter")
    _until(page, "document.querySelector('#notice').innerText.includes('factor')")
    _press(page, "Escape")
    assert (_task(page), len(_rows(database))) == (before, rows)


def test_key_held_down_answers_once(page: Page, database: Database) -> None:
    before, rows = _task(page), len(_rows(database))
    for repeat in (False, True, True, True):
        page.call(
            "Input.dispatchKeyEvent", type="keyDown", text="n", key="n", code="KeyN",
            windowsVirtualKeyCode=78, autoRepeat=repeat,
        )  # fmt: skip
    _next(page, before)
    assert len(_rows(database)) == rows + 1


def test_answer_that_does_not_go_out_is_said_and_sent_by_the_next_press(
    page: Page, database: Database
) -> None:
    before, rows = _task(page), len(_rows(database))
    offline = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    page.call("Network.emulateNetworkConditions", offline=True, **offline)
    _press(page, "n")
    _until(page, "document.querySelector('#notice').innerText.includes('No connection')")
    page.call("Network.emulateNetworkConditions", offline=False, **offline)
    _press(page, "n")
    _next(page, before)
    assert len(_rows(database)) == rows + 1
    page.complaints.clear()


@pytest.mark.parametrize(("width", "height"), [(320, 640), (390, 844), (768, 1024), (1280, 900)])
def test_page_fits_its_window(page: Page, base: str, width: int, height: int) -> None:
    for path in ("/", "/history", "/lead"):
        page.open(f"{base}{path}", width=width, height=height)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"{path} sticks out: {wide}"
    page.open(f"{base}/", width=width, height=height)
    _until(page, "[...document.images].every(image => image.complete)")
    shown = page.evaluate(
        "[...document.querySelectorAll('.verdict')].map(b => b.getBoundingClientRect()).every("
        "r => r.width > 0 && r.left >= 0 && r.right <= innerWidth && r.bottom <= innerHeight)"
    )
    assert shown, "every verdict can be reached without scrolling"
    small = page.evaluate(
        "Math.min(...[...document.querySelectorAll('.verdict')]"
        ".map(b => b.getBoundingClientRect().height))"
    )
    assert small >= 40, "large enough for a thumb"
    assert page.complaints == []


@pytest.mark.skipif(not PICTURES, reason="pictures are kept when a folder is named")
def test_pictures(page: Page, base: str, database: Database) -> None:
    folder = Path(PICTURES)
    for name, width, height in (("desktop", 1280, 900), ("phone", 390, 844)):
        page.open(f"{base}/", width=width, height=height)
        _until(page, "[...document.images].every(image => image.complete)")
        page.screenshot(folder / f"review-{name}.png")
    page.open(f"{base}/lead", width=1280, height=1000)
    page.screenshot(folder / "review-lead.png")
    with database.reading() as connection:
        assert connection.execute(sa.select(sa.func.count(tasks.c.id))).scalar_one() == 80
