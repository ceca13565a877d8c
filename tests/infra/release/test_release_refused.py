"""What is refused before anything starts."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from infra.controller.layout import ROOT
from infra.release import declared, guard, migrations
from infra.release.store import FileStore, ReleaseProblemError

GOOD = """
revision = "{0}"
down_revision = {1!r}
{3}
def upgrade():
    {2}

def downgrade():
    op.drop_column("t", "x")
"""


def version(folder: Path, *scripts: tuple[str, str, str]) -> Path:
    """Write migrations: revision, upgrade, what else the module says."""
    (folder / "migrations").mkdir(parents=True)
    parent = None
    for revision, upgrade, extra in scripts:
        text = GOOD.format(revision, parent, upgrade, extra)
        (folder / "migrations" / f"{revision}.py").write_text(text)
        parent = revision
    return folder


EXPAND = ("a1", 'op.add_column("t", Column("x", Integer, nullable=True))', "")


def test_an_expanding_migration_may_come(tmp_path: Path) -> None:
    assert migrations.problems(version(tmp_path, EXPAND), None) == []


@pytest.mark.parametrize(
    "upgrade",
    [
        'op.drop_column("t", "old")',
        'op.drop_table("t")',
        'op.alter_column("t", "x", nullable=False)',
        'op.alter_column("t", "x", new_column_name="y")',
        'op.execute("ALTER TABLE t DROP COLUMN old")',
        'op.execute("alter table t rename to u")',
        'op.execute("alter table t alter column x set not null")',
    ],
)
def test_a_contraction_in_the_same_release_is_refused(tmp_path: Path, upgrade: str) -> None:
    new = version(tmp_path / "new", EXPAND, ("b2", upgrade, 'contracts = "a1"'))
    (told,) = migrations.problems(new, None)
    assert "b2.py: migration b2 contracts" in told
    # Once what it contracts was released, it may come.
    old = version(tmp_path / "old", EXPAND)
    assert migrations.problems(new, old) == []


def test_a_contraction_that_does_not_say_of_what_is_refused(tmp_path: Path) -> None:
    old = version(tmp_path / "old", EXPAND)
    new = version(tmp_path / "new", EXPAND, ("b2", 'op.drop_column("t", "old")', ""))
    assert len(migrations.problems(new, old)) == 1


@pytest.mark.parametrize(
    "down",
    [
        "",
        "def downgrade():\n    pass\n",
        "def downgrade():\n    raise NotImplementedError\n",
        'def downgrade():\n    """Not today."""\n    return\n',
    ],
)
def test_a_migration_that_cannot_be_taken_back_is_refused(tmp_path: Path, down: str) -> None:
    (tmp_path / "migrations").mkdir()
    text = (
        f'revision = "a1"\ndown_revision = None\n\n\ndef upgrade():\n    op.create(1)\n\n\n{down}'
    )
    (tmp_path / "migrations" / "a1.py").write_text(text)
    (told,) = migrations.problems(tmp_path, None)
    assert "a1 has no downgrade" in told


def test_a_released_migration_stays_as_it_was(tmp_path: Path) -> None:
    old = version(tmp_path / "old", EXPAND, ("b2", 'op.add_column("t", y)', ""))
    new = version(tmp_path / "new", EXPAND, ("c3", 'op.add_column("t", z)', ""))
    (told,) = migrations.problems(new, old)
    assert "never changed or taken out" in told


def test_migrations_are_one_line(tmp_path: Path) -> None:
    version(tmp_path, EXPAND)
    text = GOOD.format("zz", None, "op.create(1)", "")
    (tmp_path / "migrations" / "zz.py").write_text(text)
    (told,) = migrations.problems(tmp_path, None)
    assert "two migrations follow the same one" in told


FLOWS = """
from prefect import flow


@flow(name="one")
def one(day: str, sites: int = 3):
    pass


@flow(name="moved")
def moved():
    pass
"""


def test_deployments_that_cannot_run_are_refused_with_every_problem(tmp_path: Path) -> None:
    (tmp_path / "flows_here.py").write_text(FLOWS)
    (tmp_path / "prefect.yaml").write_text("""
pull: []
deployments:
  - name: good
    entrypoint: flows_here.py:one
    parameters: {day: today}
    work_pool: {name: p, work_queue_name: work}
    schedules: [{cron: "7 6 * * *", timezone: UTC}]
  - name: missing
    entrypoint: flows_here.py:none
  - name: unknown
    entrypoint: flows_here.py:one
    parameters: {dya: today}
  - name: wanting
    entrypoint: flows_here.py:one
    schedules: [{cron: "7 6 * * *", timezone: UTC}]
  - name: moves
    entrypoint: flows_here.py:moved
""")
    old = [declared.Declared("moves", "moved", "flows_gone.py:moved", "work")]
    with pytest.raises(ReleaseProblemError) as told:
        declared.ask(tmp_path, old, declared.environment(tmp_path, ROOT))
    said = str(told.value)
    assert "deployment missing: entrypoint 'flows_here.py:none' is not there" in said
    assert "deployment unknown: flows_here.py:one takes no parameter 'dya'" in said
    assert "deployment wanting: it has a schedule, and parameter 'day' has no value" in said
    assert "deployment moves, still loaded by its former entrypoint" in said
    assert "deployment good" not in said


def test_a_freeze_and_a_window(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    tuesday, saturday = datetime(2026, 6, 2, 9, tzinfo=UTC), datetime(2026, 6, 6, 9, tzinfo=UTC)
    guard.check(store, saturday)
    guard.set_window(store, guard.Window(zone="Europe/Berlin"))
    guard.check(store, tuesday)
    with pytest.raises(ReleaseProblemError, match="outside the window"):
        guard.check(store, saturday)
    with pytest.raises(ReleaseProblemError, match="outside the window"):
        guard.check(store, datetime(2026, 6, 2, 15, tzinfo=UTC))  # 17:00 there
    guard.freeze(store, "the sale", "ops")
    with pytest.raises(ReleaseProblemError, match="frozen by ops: the sale"):
        guard.check(store, tuesday)
    guard.thaw(store)
    guard.check(store, tuesday)
