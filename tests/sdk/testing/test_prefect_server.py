"""The server that tests are given: real, on PostgreSQL, and there again after a kill."""

from __future__ import annotations

from pathlib import Path

import httpx

from sdk.testing.postgres import Postgres
from sdk.testing.server import PrefectServer


def test_it_survives_a_kill_of_itself_and_of_its_database(tmp_path: Path) -> None:
    with Postgres() as database:
        server = PrefectServer(tmp_path, database.url)
        try:
            server.start()
            made = httpx.post(f"{server.api_url}/flows/", json={"name": "kept"}, timeout=30)
            assert made.status_code == 201
            assert database.execute("select name from flow") == "kept"
            database.kill()
            assert not server.is_healthy()
            database.start()
            server.kill()
            server.start()
            asked = httpx.get(f"{server.api_url}/flows/name/kept", timeout=30)
            assert asked.json()["id"] == made.json()["id"]
            ran = server.prefect("work-pool", "create", "tried", "--type", "process")
            assert ran.returncode == 0, ran.stderr
        finally:
            server.stop()
    assert not database.running
