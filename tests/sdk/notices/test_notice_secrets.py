"""Seeded secrets are found nowhere: tokens of Slack and Jira, and what a failing step was given."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sdk.testing.receivers import JiraReceiver, SlackReceiver

ROOT = Path(__file__).parents[3]

FLOW_FILE = """
import json, os, sys
from datetime import date

from prefect_slack import SlackCredentials
from pydantic import SecretStr

from blocks import JiraProject, SlackChannel
from flows.operations.notices.deliver import deliver_notices
from sdk import NONE, flow, task

given = json.load(sys.stdin)

def register(slack_token, jira_token):
    SlackChannel(
        credentials=SlackCredentials(token=slack_token), channel="alerts", base_url=given["slack"]
    ).save("operations", overwrite=True)
    JiraProject(
        server=given["jira"], user=given["user"], token=jira_token, project="OPS"
    ).save("support", overwrite=True)

@task(retry=NONE)
def fetch(password: SecretStr) -> None:
    plain = password.get_secret_value()
    raise ConnectionError(f"no login with {plain} at https://reader:{plain}@shop.example/")

@flow(customer="acme", owner="grocery")
def seeded_daily(password: SecretStr, day: date) -> None:
    fetch(password)

def run():
    seeded_daily(SecretStr(given["password"]), date(2026, 8, 15), return_state=True)

register(given["wrong"], given["wrong"])
run()                                  # refused: dead letters are written
register(given["slack_token"], given["jira_token"])
print("delivered", deliver_notices(again=True))
run()
"""


@pytest.mark.timeout(200)
def test_secrets_are_in_no_notice_ticket_log_file_or_database(tmp_path: Path) -> None:
    file = tmp_path / "flow.py"
    file.write_text(FLOW_FILE)
    home, store = tmp_path / "home", tmp_path / "store"
    with SlackReceiver(["alerts"]) as slack, JiraReceiver() as jira:
        secrets = {
            "password": "hunter2-correct-horse-battery",
            "wrong": "xoxb-this-token-was-revoked",
            "slack_token": slack.token,
            "jira_token": jira.token,
        }
        done = subprocess.run(
            [sys.executable, str(file)],
            input=json.dumps(
                {**secrets, "slack": slack.api_url, "jira": jira.url, "user": jira.user}
            ),
            capture_output=True,
            text=True,
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "PREFECT_HOME": str(home),
                "PREFECT_LOGGING_LEVEL": "DEBUG",
                "PREFECT_LOGGING_TO_API_ENABLED": "true",
                "DATAWEAVE_STORAGE": str(store),
                "DATAWEAVE_SLACK_BLOCK": "operations",
                "DATAWEAVE_JIRA_BLOCK": "support",
            },
            cwd=tmp_path,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        told = [exchange.request.body for exchange in (*slack.exchanges, *jira.exchanges)]
        assert slack.channel("alerts").heads and jira.tickets
    said = done.stdout + done.stderr
    for passage in ("no login with", "refused a notice for good", "delivered"):
        assert passage in said, passage
    written = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert any("_notices/faults" in str(path) for path in written)
    assert any(b"no login with" in content for content in written.values())
    for name, secret in secrets.items():
        assert secret not in said, name
        assert not any(secret.encode() in body for body in told), name
        for path, content in written.items():
            assert secret.encode() not in content, f"{name} in {path}"
