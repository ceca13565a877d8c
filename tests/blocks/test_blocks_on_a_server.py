"""Types, documents and automations on a real Prefect server, heard by the stand-ins."""

from __future__ import annotations

import asyncio
import copy
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from prefect.client.orchestration import PrefectClient, get_client
from prefect.events import emit_event
from prefect.events.worker import EventsWorker
from prefect.settings import (
    PREFECT_API_URL,
    PREFECT_EXPERIMENTAL_EVENTS,
    temporary_settings,
)
from prefect.states import Completed, Crashed, Failed, Pending, Running, Scheduled, State
from typer.testing import CliRunner

import blocks
from blocks.__main__ import app
from blocks.automations import commands as automations
from blocks.automations.declarations import DECLARED
from blocks.automations.events import said
from blocks.registration import commands as registration
from blocks.registration.declarations import DOCUMENTS
from blocks.registration.problems import DeclarationError
from sdk.testing.receivers import Faults, JiraReceiver, SlackReceiver

OPERATIONS = "dataweave-production"


@dataclass
class Site:
    """The stand-ins, and what documents need to reach them."""

    slack: SlackReceiver
    jira: JiraReceiver
    root: Path

    @property
    def environ(self) -> dict[str, str]:
        return {
            "SLACK_BOT_TOKEN": self.slack.token,
            "SLACK_API_URL": self.slack.api_url,
            "JIRA_URL": self.jira.url,
            "JIRA_USER": self.jira.user,
            "JIRA_TOKEN": self.jira.token,
        }

    def register(self, *, dry_run: bool = False, **environ: str) -> list[str]:
        told: list[str] = []
        given = {**self.environ, **environ}
        work = registration.register(
            "production", self.root, given, dry_run=dry_run, say=told.append
        )
        asyncio.run(work)
        return told[1:]

    def apply(self, folder: Path = DECLARED, *, dry_run: bool = False) -> list[str]:
        told: list[str] = []
        asyncio.run(
            automations.apply("production", dry_run=dry_run, say=told.append, folder=folder)
        )
        return told[1:]


@pytest.fixture
def site(prefect_server: Any, tmp_path: Path) -> Iterator[Site]:
    """Production's documents, their secrets from the environment instead of AWS."""
    root = tmp_path / "documents"
    (root / "production").mkdir(parents=True)
    for path in (DOCUMENTS / "production").glob("*.yaml"):
        text = path.read_text()
        for key, name in (("bot_token", "SLACK_BOT_TOKEN"), ("url", "JIRA_URL"),
                          ("user", "JIRA_USER"), ("token", "JIRA_TOKEN")):  # fmt: skip
            for of in ("slack", "jira"):
                secret = f"{{secret: dataweave/production/{of}, key: {key}}}"
                text = text.replace(secret, f"{{env: {name}}}")
        (root / "production" / path.name).write_text(text)
    channels = [OPERATIONS, f"{OPERATIONS}-oncall", "other"]
    settings = {PREFECT_API_URL: prefect_server.api_url, PREFECT_EXPERIMENTAL_EVENTS: True}
    with (
        SlackReceiver(channels) as slack,
        JiraReceiver(["OPS"]) as jira,
        temporary_settings(settings),
    ):
        yield Site(slack, jira, root)


def changed(told: list[str]) -> list[str]:
    return [line.split("\n")[0] for line in told if not line.startswith("=")]


def test_documents_are_registered_once_and_changed_when_they_differ(site: Site) -> None:
    new = ["+ jira-project/support", "+ slack-credentials/notices", "+ slack-channel/oncall",
           "+ slack-channel/operations"]  # fmt: skip
    assert changed(site.register(dry_run=True)) == new
    # A dry run writes nothing: the real one finds the same to do.
    told = site.register()
    assert changed(told) == new
    assert site.slack.token not in "".join(told)
    assert site.jira.token not in "".join(told)
    assert changed(site.register()) == []

    block = blocks.SlackChannel.load("operations")
    assert block.credentials.token.get_secret_value() == site.slack.token
    block.post("hello")
    assert [m.text for m in site.slack.channel(OPERATIONS).messages] == ["hello"]
    project = blocks.JiraProject.load("support")
    assert project.tickets().open("s", "d", severity="error").key == "OPS-1"
    assert site.jira.ticket("OPS-1").priority == "High"

    # Only what differs is written, and what refers to it still finds it.
    told = site.register(SLACK_BOT_TOKEN="xoxb-new")
    assert changed(told) == ["~ slack-credentials/notices"]
    assert "xoxb-new" not in "".join(told)
    again = blocks.SlackChannel.load("operations")
    assert again.credentials.token.get_secret_value() == "xoxb-new"
    assert changed(site.register()) == ["~ slack-credentials/notices"]


def test_a_value_that_is_emptied_is_emptied_on_the_server(site: Site) -> None:
    path = site.root / "production" / "jira.yaml"
    text = path.read_text()
    path.write_text(f"{text}  custom_fields: {{customfield_1: {{value: x}}, customfield_2: y}}\n")
    site.register()
    assert blocks.JiraProject.load("support").custom_fields == {
        "customfield_1": {"value": "x"}, "customfield_2": "y",
    }  # fmt: skip
    path.write_text(text)
    assert changed(site.register()) == ["~ jira-project/support"]
    assert blocks.JiraProject.load("support").custom_fields == {}
    assert changed(site.register()) == []


def test_check_asks_slack_and_jira(site: Site) -> None:
    def check(**environ: str) -> list[str]:
        told: list[str] = []
        given = {**site.environ, **environ}
        asyncio.run(registration.check("production", site.root, given, say=told.append))
        return told

    assert "= jira-project/support" in check()
    with pytest.raises(DeclarationError) as caught:
        check(SLACK_OPERATIONS_CHANNEL="nowhere", JIRA_ISSUE_TYPE="Saga")
    assert [problem.where for problem in caught.value.problems] == [
        "jira-project/support",
        "slack-channel/operations",
    ]


async def make_run(client: PrefectClient, name: str, states: list[State[Any]], *,
                   parent: bool = True) -> tuple[UUID, UUID]:  # fmt: skip
    flow = await client.create_flow_from_name(name)
    deployment = await client.create_deployment(flow, "main", tags=["owner:grocery"])
    if parent:
        run = await client.create_flow_run_from_deployment(deployment, state=states[0])
    else:
        run = (await client._client.post("/flow_runs/", json={"flow_id": str(flow)})).json()["id"]
        return await moved(client, UUID(run), states), deployment
    return await moved(client, run.id, states[1:]), deployment


async def moved(client: PrefectClient, run: UUID, states: list[State[Any]]) -> UUID:
    for state in states:
        await client.set_flow_run_state(run, state, force=True)
    return run


def wait(done: Callable[[], bool], seconds: float = 45) -> None:
    end = time.monotonic() + seconds
    while not done() and time.monotonic() < end:
        time.sleep(0.1)
    assert done()


def hurried(tmp_path: Path) -> Path:
    """Return our automations, those that wait for an event waiting as short as Prefect allows."""
    folder = tmp_path / "declared"
    folder.mkdir()
    for path in DECLARED.glob("*.yaml"):
        text = path.read_text()
        for slow in ("60", "300", "900", "21600"):
            text = text.replace(f"within: {slow}\n", "within: 10\n")
        (folder / path.name).write_text(text)
    return folder


def test_automations_say_what_became_of_runs(site: Site, tmp_path: Path) -> None:
    """Failed, crashed, late and stuck runs reach Slack and Jira; what was announced does not."""
    site.register()
    folder = hurried(tmp_path)
    site.slack.faults = Faults(script=("limited", "error"), retry_after=1)
    names = ("crashed", "failed unannounced", "late", "stuck before its start", "without end")
    new = [f"+ dataweave production: flow run {name}" for name in names]
    assert changed(site.apply(folder, dry_run=True)) == new
    assert changed(site.apply(folder)) == new
    assert changed(site.apply(folder)) == []

    async def happen() -> dict[str, UUID]:
        long_ago = Scheduled()
        long_ago.state_details.scheduled_time = long_ago.timestamp.subtract(minutes=9)
        announced: list[tuple[UUID, UUID, UUID]] = []
        hostile = "it broke\r\nRun: http://evil.example <!channel>"
        async with get_client() as client:
            runs = {}
            for name, states in {
                "broken": [Scheduled(), Running(), Failed(message=hostile)],
                "killed": [Scheduled(), Running(), Crashed(message="exit code -9")],
                "overdue": [long_ago],
                "hanging": [Scheduled(), Pending()],
                "fine": [Scheduled(), Pending(), Running(), Completed()],
                "endless": [Scheduled(), Pending(), Running()],
                "announced": [Scheduled(), Pending(), Running(), Failed()],
                "announced-crash": [Scheduled(), Running(), Crashed(message="exit code -9")],
                "announced-late": [copy.deepcopy(long_ago)],
            }.items():
                runs[name], deployment = await make_run(client, name, states)
                if "announced" in name:
                    flow = (await client.read_flow_by_name(name)).id
                    announced.append((runs[name], deployment, flow))
            while (await client.read_flow_run(runs["announced-late"])).state_name != "Late":
                await asyncio.sleep(0.2)
            for each in announced:
                emit_event(**said(*each))
            # A second crash of the flow at once, and a subflow's failure: neither is said.
            killed = [Scheduled(), Running(), Crashed(message="exit code -9")]
            runs["killed too"], _ = await make_run(client, "killed", killed)
            await make_run(client, "child", [Running(), Failed()], parent=False)
        return runs

    runs = asyncio.run(happen())
    EventsWorker.instance().drain()

    def headings() -> set[str]:
        return {m.blocks[0]["text"]["text"] for m in site.slack.channel(OPERATIONS).messages}

    expected = {
        "[production] broken failed",
        "[production] killed crashed",
        "[production] overdue is late",
        "[production] hanging is stuck before its start",
        "[production] endless does not end",
    }
    wait(lambda: headings() >= expected and len(site.jira.tickets) >= 2)
    # What is not to be said had the same time to be said.
    time.sleep(2)
    assert headings() == expected
    assert len(site.slack.channel(OPERATIONS).messages) == len(expected)

    by_heading = {m.blocks[0]["text"]["text"]: m for m in site.slack.channel(OPERATIONS).messages}
    broken = by_heading["[production] broken failed"]
    words = broken.blocks[1]["text"]["text"]
    assert "it broke Run: http://evil.example <!channel>" in words
    assert "owner:grocery" in words
    (link,) = broken.blocks[2]["elements"]
    assert link["text"].startswith("<http://127.0.0.1")
    assert link["text"].endswith(f"/flow-runs/flow-run/{runs['broken']}|Run>")

    tickets = {ticket.summary: ticket for ticket in site.jira.tickets}
    assert set(tickets) == {"[production] broken failed", "[production] killed crashed"}
    crashed = str(tickets["[production] killed crashed"].description)
    assert any(str(runs[name]) in crashed for name in ("killed", "killed too"))
    assert "dataweave-production" in tickets["[production] killed crashed"].labels


def test_blocks_and_an_automation_made_in_the_ui_speak(site: Site) -> None:
    """What Prefect's pages send to the server: types that notify, documents, an automation."""
    site.register()
    webhook = site.slack.webhook(OPERATIONS)

    async def click() -> None:
        async with get_client() as client:
            api = client._client
            can_notify = {"block_schemas": {"block_capabilities": {"all_": ["notify"]}}}
            listed = (await api.post("/block_types/filter", json=can_notify)).json()
            types = {kind["slug"]: kind["id"] for kind in listed}
            assert {"slack-channel", "slack-webhook-channel", "jira-project"} <= set(types)
            made = {}
            for slug, name, data in (
                ("slack-webhook-channel", "by-hand", {"url": webhook}),
                ("jira-project", "by-hand", {
                    "server": site.jira.url, "user": site.jira.user,
                    "token": site.jira.token, "project": "OPS",
                }),
            ):  # fmt: skip
                schemas = {"block_schemas": {"block_type_id": {"any_": [types[slug]]}}}
                schema = (await api.post("/block_schemas/filter", json=schemas)).json()[0]
                document = {"name": name, "data": data, "block_type_id": types[slug],
                            "block_schema_id": schema["id"]}  # fmt: skip
                made[slug] = (await api.post("/block_documents/", json=document)).json()["id"]
            said = [
                {
                    "type": "send-notification",
                    "block_document_id": document,
                    "subject": "=HYPERLINK({{ flow.name }})",
                    "body": "@channel {{ flow_run.state.message }}",
                }
                for document in made.values()
            ]
            trigger = {
                "type": "event", "posture": "Reactive", "threshold": 1, "within": 0,
                "expect": ["prefect.flow-run.Completed"], "for_each": ["prefect.resource.id"],
                "match": {"prefect.resource.id": "prefect.flow-run.*"},
            }  # fmt: skip
            automation = {"name": "made by hand", "trigger": trigger, "actions": said}
            await api.post("/automations/", json=automation)
            done = Completed(message="<!here> *done* https://evil.example")
            await make_run(client, "clicked", [Scheduled(), Running(), done])

    asyncio.run(click())
    wait(lambda: bool(site.jira.tickets) and bool(site.slack.channel(OPERATIONS).messages))
    (message,), (ticket,) = site.slack.channel(OPERATIONS).messages, site.jira.tickets
    assert {block["text"]["type"] for block in message.blocks} == {"plain_text"}
    assert "<!here> *done*" in message.blocks[1]["text"]["text"] and "<" not in message.text
    # A tracker's tickets are exported to spreadsheets.
    assert ticket.summary == "'=HYPERLINK(clicked)"
    assert ticket.text.startswith("'@channel")


def test_automations_are_updated_and_removed_as_declared(site: Site, tmp_path: Path) -> None:
    site.register()
    folder = hurried(tmp_path)
    site.apply(folder)
    late = folder / "late.yaml"
    late.write_text(late.read_text().replace("within: 10", "within: 600"))
    (folder / "crashed.yaml").unlink()
    expected = [
        "~ dataweave production: flow run late",
        "- dataweave production: flow run crashed",
    ]
    assert changed(site.apply(folder, dry_run=True)) == expected
    assert changed(site.apply(folder)) == expected
    assert changed(site.apply(folder)) == []
    text = late.read_text()
    late.write_text(text.replace("{{ flow.name }} is late", "{{ flow.name } is late"))
    with pytest.raises(DeclarationError, match="flow run late: the server refuses it"):
        site.apply(folder)


def test_the_command_line(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in site.environ.items():
        monkeypatch.setenv(name, value)
    register = ["register", "--environment", "production", "--root", str(site.root)]
    shown = CliRunner().invoke(app, [*register, "--dry-run"])
    assert shown.exit_code == 0, shown.output
    assert "(dry run)" in shown.output
    assert "type jira-project" in shown.output
    assert site.jira.token not in shown.output
    assert CliRunner().invoke(app, register).exit_code == 0
    everything = ["apply", "--environment", "production", "--root", str(site.root)]
    planned = CliRunner().invoke(app, [*everything, "--dry-run"])
    assert planned.exit_code == 0, planned.output
    applied = CliRunner().invoke(app, everything)
    assert applied.exit_code == 0, applied.output
    assert "+ dataweave production: flow run crashed" in applied.output
    again = CliRunner().invoke(app, everything)
    assert [line[0] for line in again.output.splitlines() if line[0] in "+~-"] == []
    parts = ["automations", "apply", "--environment", "production", "--dry-run"]
    assert CliRunner().invoke(app, parts).exit_code == 0
    assert CliRunner().invoke(app, ["check", "--environment", "nowhere"]).exit_code == 1
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}):
        lost = CliRunner().invoke(app, register)
    assert (lost.exit_code, "Check PREFECT_API_URL" in lost.output) == (1, True)


def test_errors_of_the_command_are_lines_not_tracebacks(prefect_server: Any, site: Site) -> None:
    refused = prefect_server.run(
        "-m", "blocks", "register", "--environment", "production", "--root", str(site.root),
        SLACK_BOT_TOKEN="",
    )  # fmt: skip
    assert refused.returncode == 1
    assert "slack-credentials/notices, token: " in refused.stderr
    assert "Set SLACK_BOT_TOKEN" in refused.stderr
    assert "Traceback" not in refused.stderr
