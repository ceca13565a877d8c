"""Migrations on a real PostgreSQL: what stands in their way is named."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from benchmarks.release.stand import migration
from infra.release import schema
from infra.release.model import Version
from infra.release.parts import Unanswered
from infra.release.schema import AlembicSchema
from sdk.testing.postgres import Postgres, programs


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    if programs() is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    with Postgres() as database:
        plain = make_url(database.url).set(drivername="postgresql")
        yield plain.render_as_string(hide_password=False)


def test_a_migration_that_gets_no_lock_says_who_may_hold_it(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "LOCK_SECONDS", 1)
    (tmp_path / "migrations").mkdir()
    for number in (1, 2):
        (tmp_path / "migrations" / f"{number:04}.py").write_text(migration(number))
    site = AlembicSchema(address)
    first, second = (Version("a" * 64, "c0ffee", str(tmp_path), at) for at in ("0001", "0002"))
    site.bring(first, first)
    other = psycopg.connect(address, application_name="nightly-export")
    try:
        other.execute("lock table ledger_note in access exclusive mode")
        with pytest.raises(Unanswered) as caught:
            site.bring(second, second)
        told = str(caught.value)
        pid = other.info.backend_pid
        assert re.search(
            rf"session {pid} of \S+ \(nightly-export, idle in transaction, \d+ s\)", told
        )
        assert f"select pg_terminate_backend({pid})" in told
        assert "ledger_note" not in told.partition("; transactions")[2]
        # What it says to do helps.
        with psycopg.connect(address, autocommit=True) as third:
            third.execute(f"select pg_terminate_backend({pid})")
    finally:
        other.close()  # committed it cannot be: it was ended
    site.bring(second, second)
    assert site.at() == "0002"
