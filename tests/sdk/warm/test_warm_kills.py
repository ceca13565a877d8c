"""Kills in the middle of everything: each run begins at most once and ends as it ended."""

from __future__ import annotations

import asyncio
import os
import random
from pathlib import Path

from sdk.warm.keeper import Keeper
from sdk.warm.settings import WarmSettings
from tests.sdk.warm.jobs import PATIENCE, Bench, until
from tests.sdk.warm.stand import alive, children, kill

KILLS = int(os.environ.get("DATAWEAVE_WARM_KILLS", "8"))
"""`make soak` kills more."""


async def test_kills_of_templates_and_spares_lose_and_double_no_run(bench: Bench) -> None:
    chance = random.Random(7)
    keeper = Keeper(WarmSettings(spares=2))
    keeper.start()
    keeper.want(bench.recipe(), sure=True)
    warm, seen = 0, set[int]()
    folders: list[tuple[Path, int | None]] = []

    async def one_run() -> None:
        nonlocal warm
        order, folder = bench.order("nothing")
        try:
            running = await keeper.run(bench.recipe(), order)
        finally:
            os.close(order.out)
            os.close(order.err)
        code = None
        if running is not None:
            warm += 1
            seen.add(running.pid)
            code = await asyncio.wait_for(running.exit_code(), PATIENCE)
        folders.append((folder, code))

    try:
        for _ in range(KILLS):
            await until(lambda: any(o["usable"] for o in keeper.described()), "nothing is warm")
            runs = [asyncio.create_task(one_run()) for _ in range(4)]
            await asyncio.sleep(chance.random() * 0.05)
            live = [int(str(one["pid"])) for one in keeper.described()]
            victims = chance.choice(
                [live, [spare for pid in live for spare in children(pid) if spare not in seen]]
            )
            for pid in victims:
                seen.add(pid)
                if alive(pid):
                    kill(pid)
            await asyncio.gather(*runs)
            assert sum(alive(int(str(one["pid"]))) for one in keeper.described()) <= 3
    finally:
        await keeper.close()
    assert warm
    for folder, code in folders:
        begun = (folder / "said").exists()
        if code is None:
            assert not begun  # it may be started another way
        elif code == 0:
            assert begun
    await until(lambda: not any(map(alive, seen)), "a process stays")
