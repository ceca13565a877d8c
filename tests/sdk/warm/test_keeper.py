"""Which interpreters a worker keeps: few, fresh, and never without end."""

from __future__ import annotations

import asyncio
import dataclasses
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from sdk.warm import keeper as module
from sdk.warm.keeper import Keeper
from sdk.warm.settings import WarmSettings
from tests.sdk.warm.jobs import Bench, until
from tests.sdk.warm.stand import kill


@asynccontextmanager
async def keeping(settings: WarmSettings) -> AsyncIterator[Keeper]:
    made = Keeper(settings)
    made.start()
    try:
        yield made
    finally:
        await made.close()


def warm(keeper: Keeper) -> list[dict[str, Any]]:
    return [one for one in keeper.described() if one["usable"]]


async def run(bench: Bench, keeper: Keeper, what: str = "nothing", **env: str) -> int | None:
    order, _ = bench.order(what)
    try:
        running = await keeper.run(bench.recipe(**env), order)
    finally:
        os.close(order.out)
        os.close(order.err)
    return None if running is None else await running.exit_code()


async def test_an_environment_is_kept_warm_from_its_second_run_on(bench: Bench) -> None:
    async with keeping(bench.settings) as keeper:
        assert await run(bench, keeper) is None
        await asyncio.sleep(0.3)
        assert keeper.described() == []
        assert await run(bench, keeper) is None
        await until(lambda: warm(keeper), "nothing is warm")
        assert await run(bench, keeper) == 0


async def test_environments_do_not_share_interpreters(bench: Bench) -> None:
    async with keeping(bench.settings) as keeper:
        keeper.want(bench.recipe(), sure=True)
        keeper.want(bench.recipe(MARK="1"), sure=True)
        await until(lambda: len(warm(keeper)) == 2, "no two")
        assert await run(bench, keeper, MARK="2") is None


async def test_no_more_environments_than_there_is_room_for(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with keeping(WarmSettings(spares=1, environments=2)) as keeper:
        for number in range(5):
            keeper.want(bench.recipe(MARK=str(number)), sure=True)
        await until(lambda: len(warm(keeper)) == 2, "no two")
        await asyncio.sleep(1.5)
        assert len(keeper.described()) == 2
        # Whoever is idle makes room.
        monkeypatch.setattr(module, "IDLE", 0.0)
        seen = {one["pid"] for one in keeper.described()}
        await until(lambda: {o["pid"] for o in warm(keeper)} - seen, "no room is made")


@pytest.mark.parametrize("dies", ["at once", "when it is asked"])
async def test_an_interpreter_that_dies_while_it_warms_up_is_not_made_without_end(
    bench: Bench, tmp_path: Path, dies: str
) -> None:
    count, python = tmp_path / "count", tmp_path / "python"
    pause = "sleep 0.1;" if dies != "at once" else ""
    python.write_text(f"#!/bin/sh\necho x >> {count}; {pause} exit 1\n")
    python.chmod(0o755)
    async with keeping(dataclasses.replace(bench.settings, start="spawn", spares=4)) as keeper:
        for _ in range(20):
            keeper.want(bench.recipe(str(python)))
        most = 0
        for _ in range(40):
            await asyncio.sleep(0.1)
            most = max(most, len(keeper.described()))
        # After pauses of 1, 2, 4 s: three or four in four seconds, never two at once.
        assert 2 <= count.read_text().count("x") <= 4
        assert most <= 2  # one, and one that is being buried


async def test_a_killed_interpreter_is_replaced(bench: Bench) -> None:
    async with keeping(bench.settings) as keeper:
        keeper.want(bench.recipe(), sure=True)
        await until(lambda: warm(keeper), "nothing is warm")
        assert await run(bench, keeper) == 0
        (first,) = [one["pid"] for one in keeper.described()]
        kill(first)
        await until(lambda: {o["pid"] for o in warm(keeper)} - {first}, "it is not replaced")
        assert await run(bench, keeper) == 0
        await until(lambda: len(keeper.described()) == 1, "more than one is kept")


async def test_one_that_was_killed_before_it_told_of_a_runs_end_is_let_go(bench: Bench) -> None:
    async with keeping(bench.settings) as keeper:
        keeper.want(bench.recipe(), sure=True)
        await until(lambda: warm(keeper), "nothing is warm")
        (first,) = [one["pid"] for one in keeper.described()]
        order, _ = bench.order("nothing")
        running = await keeper.run(bench.recipe(), order)
        kill(first)  # before the loop has heard anything of the run
        os.close(order.out)
        os.close(order.err)
        assert running is not None
        await running.exit_code()
        await until(lambda: first not in [one["pid"] for one in keeper.described()], "it stays")


@pytest.mark.parametrize("limit", [{"max_runs": 2}, {"max_age": 1.0}, {"max_memory": 1.0}], ids=str)
async def test_what_is_too_old_is_replaced_while_runs_go_on(
    bench: Bench, limit: dict[str, Any]
) -> None:
    async with keeping(dataclasses.replace(bench.settings, **limit)) as keeper:
        keeper.want(bench.recipe(), sure=True)
        await until(lambda: warm(keeper), "nothing is warm")
        first = warm(keeper)[0]["pid"]
        codes = []
        while first in [one["pid"] for one in keeper.described()]:
            codes.append(await run(bench, keeper))
        assert set(codes) <= {0}  # never the slow way
        assert len(keeper.described()) <= 2
        # Nor is the next replaced at once, though the same limit is below what it needs.
        await until(lambda: len(keeper.described()) == 1, "the old one stays")
        (second,) = [one["pid"] for one in keeper.described()]
        await asyncio.sleep(2.5)
        assert [one["pid"] for one in keeper.described()] == [second]


async def test_interpreters_for_one_run_each_are_replaced_as_they_are_used(bench: Bench) -> None:
    async with keeping(WarmSettings(start="spawn", spares=2)) as keeper:
        keeper.want(bench.recipe(), sure=True)
        for _ in range(4):
            await until(lambda: len(warm(keeper)) == 2, "no two")
            assert await run(bench, keeper) == 0
        await until(lambda: len(keeper.described()) == 2, "more are kept than wanted")
