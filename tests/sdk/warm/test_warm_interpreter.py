"""A warm interpreter: what a run gets from it, when it forks, and what it survives."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import signal
from pathlib import Path

import pytest

from sdk.warm.settings import WarmSettings
from sdk.warm.template import NotStarted, Template
from tests.sdk.warm.jobs import THREADED, Bench, until
from tests.sdk.warm.stand import alive, children, kill


async def test_a_run_is_as_python_m_would_have_it(bench: Bench) -> None:
    template = await bench.template()
    assert template.forks
    code, job = await bench.run(template, "nothing")
    said = job.said()
    assert code == 0
    assert said["parent"] == template.pid
    assert said["main"] == "__main__"
    assert said["argv"] == [str(bench.folder / "warmjob.py")]
    assert said["cwd"] == said["first"] == str(job.folder)
    assert said["id"] == job.id
    assert [v for v in said["shown"] if v.startswith("PREFECT__")] == [
        f"PREFECT__FLOW_RUN_ID={job.id}"
    ]
    assert {n: v for n, v in said["environ"].items() if n != "PREFECT__FLOW_RUN_ID"} == dict(
        template.recipe.env
    )
    assert (job.text("out"), job.text("err")) == ("out\n", "err\n")
    assert len(said["sockets"]) == 1  # its own, to the template


async def test_runs_share_nothing_that_they_make(bench: Bench) -> None:
    template = await bench.template()
    runs = [await bench.run(template, "nothing") for _ in range(3)]
    assert len({job.said()["pid"] for _, job in runs}) == 3
    assert len({job.said()["random"] for _, job in runs}) == 3


async def test_runs_draw_numbers_of_their_own_from_what_was_loaded_before(bench: Bench) -> None:
    bench.write("warmbase", "VALUE = 1\nimport numpy.random")
    # With threads of its own numpy would be left to the runs, each of which has it new.
    template = await bench.template(OPENBLAS_NUM_THREADS="1")
    assert template.forks
    runs = [await bench.run(template, "draw") for _ in range(3)]
    assert len({job.text("drawn") for _, job in runs}) == 3


@pytest.mark.parametrize(
    ("what", "code", "err"),
    [
        ("exit", 5, "err\n"),
        ("text", 1, "a reason\n"),
        ("raise", 1, "ValueError: as asked\n"),
        ("kill", -signal.SIGKILL, ""),
        ("interrupt", -signal.SIGINT, ""),
        ("thread", 0, ""),
        ("atexit", 0, ""),
    ],
)
async def test_how_a_run_ends(bench: Bench, what: str, code: int, err: str) -> None:
    template = await bench.template()
    found, job = await bench.run(template, what)
    assert found == code
    assert job.text("err").endswith(err)
    if what in ("thread", "atexit"):
        assert job.text("late") == "done"


async def test_a_run_has_a_memory_limit_of_its_own(bench: Bench) -> None:
    template = await bench.template()
    code, job = await bench.run(template, "memory", memory=1_000_000_000)
    assert code == 1
    assert "MemoryError" in job.text("err")
    assert (await bench.run(template, "nothing"))[0] == 0


async def test_what_starts_threads_is_imported_after_the_fork(bench: Bench) -> None:
    bench.write("warmlater", THREADED)
    template = await bench.template()
    assert template.forks
    code, job = await bench.run(template, "nothing")
    assert code == 0
    assert "warmlater" in job.said()["modules"]
    tasks = list(Path(f"/proc/{template.pid}/task").iterdir())
    assert len(tasks) == 1


async def test_where_a_fork_is_not_safe_an_interpreter_is_for_one_run(bench: Bench) -> None:
    bench.write("warmbase", f"VALUE = 1\n{THREADED}")
    template = await bench.template()
    assert not template.forks
    running, _ = await bench.begin(template, "kill")
    assert running.pid == template.pid
    assert await running.exit_code() == -signal.SIGKILL
    assert not template.usable


async def test_interpreters_can_be_spawned_ahead(bench: Bench) -> None:
    template = await bench.template(WarmSettings(start="spawn", spares=1))
    code, job = await bench.run(template, "exit")
    assert (code, job.said()["pid"]) == (5, template.pid)
    assert "warmlater" in job.said()["modules"]
    with pytest.raises(NotStarted):
        await bench.begin(template, "nothing")


async def test_changed_code_is_not_run_from_what_was_loaded_before(bench: Bench) -> None:
    template = await bench.template()
    bench.write("warmbase", "VALUE = 'changed'")
    await asyncio.sleep(0.3)  # a burst is looked at once
    with pytest.raises(NotStarted, match="warmbase"):
        await bench.begin(template, "nothing")
    assert not template.usable
    assert (await bench.run(await bench.template(), "nothing"))[1].said()["value"] == "changed"


async def test_a_change_is_also_seen_where_only_spares_have_loaded_it(bench: Bench) -> None:
    bench.write("warmlater", THREADED)
    template = await bench.template()
    bench.write("warmlater", "")
    await until(lambda: template.stale, "the change is not seen")
    assert "warmlater" in str(template.stale)


async def test_what_runs_import_is_there_for_the_next(bench: Bench) -> None:
    bench.write("site-packages/installed", THREADED)
    template = await bench.template()
    assert (await bench.run(template, "import"))[0] == 0
    for _ in range(100):
        _, job = await bench.run(template, "nothing")
        if "installed" in job.said()["modules"]:
            break
    else:
        pytest.fail("it is never there")
    assert len(list(Path(f"/proc/{template.pid}/task").iterdir())) == 1


async def test_a_killed_template_takes_no_run_with_it_and_leaves_no_spare(bench: Bench) -> None:
    template = await bench.template()
    running, job = await bench.begin(template, "wait")
    other, _ = await bench.begin(template, "wait")
    await until((job.folder / "said").exists, "it does not begin")
    await until(lambda: len(children(template.pid)) == 3, "no spare")
    spares = set(children(template.pid)) - {running.pid, other.pid}
    kill(template.pid)
    await until(lambda: not any(map(alive, spares)), "a spare stays")
    await until(lambda: not template.usable, "its end is not seen")
    assert alive(running.pid)
    (job.folder / "what").write_text("")
    job.end()
    assert await running.exit_code() == 0
    kill(other.pid)
    assert await other.exit_code() == -signal.SIGKILL


async def test_a_killed_spare_costs_nothing(bench: Bench) -> None:
    template = await bench.template()
    for _ in range(5):
        await until(lambda: children(template.pid), "no spare")
        for spare in children(template.pid):
            kill(spare)
        with contextlib.suppress(NotStarted):  # it was given to one that was dying
            assert (await bench.run(template, "nothing"))[0] == 0
    assert (await bench.run(template, "nothing"))[0] == 0


async def test_spares_that_die_are_not_made_without_end(bench: Bench) -> None:
    count = bench.folder / "count"
    bench.write(
        "warmlater",
        f"{THREADED}\nimport os\nopen({str(count)!r}, 'a').write('x')\nos._exit(9)\n",
    )
    template = await bench.template()
    await asyncio.sleep(3)
    assert 1 <= len(count.read_text()) <= 6  # the scout, then pauses of 1, 2, 4 s
    assert len(children(template.pid)) <= 1


async def test_no_process_begins_a_run_that_is_to_start_another_way(bench: Bench) -> None:
    template = await bench.template(WarmSettings(spares=0, patience=0.5))
    os.kill(template.pid, signal.SIGSTOP)
    order, cwd = bench.order("nothing")
    with pytest.raises(NotStarted):
        await template.run(order)
    await until(lambda: not alive(template.pid), "the template stays")
    assert not (cwd / "said").exists()


async def test_interpreters_end_with_whoever_started_them(bench: Bench) -> None:
    template = await bench.template(dataclasses.replace(bench.settings, spares=3))
    await until(lambda: len(children(template.pid)) == 3, "no three spares")
    spares = children(template.pid)
    await template.close()
    await until(lambda: not any(map(alive, [template.pid, *spares])), "a process stays")


async def test_it_never_shows_an_environment(bench: Bench) -> None:
    secret = bench.recipe(TOKEN="very-secret")
    assert "very-secret" not in repr(secret)
    assert "very-secret" not in repr(Template(secret, bench.settings))
