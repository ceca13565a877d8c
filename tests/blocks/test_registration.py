"""Declared documents: what is refused, with which words, and what a diff says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer
from prefect.blocks.core import Block

import blocks
from blocks import collection
from blocks.connectors import Connector
from blocks.registration import declarations
from blocks.registration.desired import Desired, desired
from blocks.registration.plan import Existing, plan
from blocks.registration.problems import DeclarationError
from blocks.registration.references import SecretsManager, Sources

GOOD = """
type: slack-credentials
name: notices
fields:
  token: {env: TOKEN}
---
type: slack-channel
name: operations
fields:
  credentials: {document: slack-credentials/notices}
  channel: ops
"""
ENVIRON = {"TOKEN": "xoxb-very-secret"}


def made(tmp_path: Path, text: str, environ: dict[str, str] | None = None) -> list[Desired]:
    folder = tmp_path / "test"
    folder.mkdir(exist_ok=True)
    (folder / "documents.yaml").write_text(text, encoding="utf-8")
    sources = Sources(ENVIRON if environ is None else environ, SecretsManager())
    return desired(declarations.read("test", tmp_path), sources)


def test_documents_become_blocks_in_the_order_of_dependence(tmp_path: Path) -> None:
    credentials, channel = made(tmp_path, "---\n".join(reversed(GOOD.split("---\n"))))
    assert credentials.ref == "slack-credentials/notices"
    assert credentials.data == {"token": "xoxb-very-secret"}
    assert isinstance(channel.block, blocks.SlackChannel)
    assert channel.documents == {"credentials": "slack-credentials/notices"}
    assert channel.data == {
        "channel": "ops", "base_url": "https://slack.com/api/", "timeout": 15,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "where", "field", "words"),
    [
        ("channel: ops", "chanel: ops", "slack-channel/operations", "chanel", "channel"),
        ("{env: TOKEN}", "xoxb-1", "slack-credentials/notices", "token", "{env: NAME}"),
        ("{env: TOKEN}", "{env: TOKEN, default: x}", "slack-credentials/notices", "token",
         "written into the file"),
        ("{env: TOKEN}", "{env: TOKE}", "slack-credentials/notices", "token", "Set TOKE"),
        ("channel: ops", "timeout: 3", "slack-channel/operations", "channel", "Name or id"),
        ("channel: ops", "channel: ops\n  timeout: soon", "slack-channel/operations", "timeout",
         "integer"),
        ("type: slack-channel", "type: slack-chanel", "slack-chanel/operations", "type",
         "slack-channel"),
        ("credentials/notices}", "credentials/notice}", "slack-channel/operations", "credentials",
         "slack-credentials/notices"),
        ("name: operations", "name: Operations!", "documents.yaml, document 2", "name",
         "lower-case"),
        ("name: operations", "name: operations\nextra: 1", "documents.yaml, document 2", "extra",
         "under fields"),
        ("fields:\n  credentials", "fields: [\n  credentials", "documents.yaml", "", "Correct"),
        ("channel: ops", "channel: {document: slack-credentials/notices}",
         "slack-channel/operations", "channel", "str type expected"),
        ("channel: ops", "channel: ops\n---\ntype: slack-credentials\nname: notices",
         "slack-credentials/notices", "name", "Keep one"),
    ],
)  # fmt: skip
def test_problems_name_the_document_the_field_and_what_to_do(
    tmp_path: Path, old: str, new: str, where: str, field: str, words: str
) -> None:
    assert old in GOOD
    with pytest.raises(DeclarationError) as caught:
        made(tmp_path, GOOD.replace(old, new))
    (problem,) = caught.value.problems
    assert (problem.where, problem.field) == (where, field)
    assert words in f"{problem.problem} {problem.advice}"
    assert "very-secret" not in str(caught.value)


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    text = GOOD.replace("channel: ops", "chanel: ops") + "---\ntype: nothing\nname: x\n"
    with pytest.raises(DeclarationError) as caught:
        made(tmp_path, text, {})
    assert [(p.where, p.field) for p in caught.value.problems] == [
        ("nothing/x", "type"),
        ("slack-channel/operations", "chanel"),
        ("slack-credentials/notices", "token"),
    ]


def test_a_circle_is_told(tmp_path: Path) -> None:
    link = "type: slack-channel\nname: {}\nfields:\n  credentials: {{document: slack-channel/{}}}\n"
    with pytest.raises(DeclarationError, match="refers to itself"):
        made(tmp_path, link.format("a", "b") + "---\n" + link.format("b", "a"))


def test_an_unknown_environment_names_the_known_ones() -> None:
    with pytest.raises(DeclarationError, match="development, production, staging"):
        declarations.read("produktion")


def existing(one: Desired, **changed: object) -> Existing:
    return Existing({**one.data, **changed}, one.documents, one.kind._calculate_schema_checksum())


def test_a_plan_shows_what_differs_and_no_secret(tmp_path: Path) -> None:
    documents = made(tmp_path, GOOD)
    credentials, channel = documents
    there = {one.ref: existing(one) for one in documents}
    assert [c.kind for c in plan(documents, there)] == ["same", "same"]
    assert [c.kind for c in plan(documents, {})] == ["create", "create"]
    there = {
        credentials.ref: existing(credentials, token="xoxb-old-secret"),
        channel.ref: Existing({**channel.data, "channel": "old"}, {}, "sha256:old"),
    }
    first, second = plan(documents, there)
    assert first.details == ("token: (secret)",)
    assert second.details == (
        "schema: a newer one",
        'channel: "old" → "ops"',
        "credentials: nothing → slack-credentials/notices",
    )
    for shown in (*plan(documents, {}), first, second):
        assert "secret" not in str(shown).replace("(secret)", "")


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    yield
    server.stop()


def test_the_documents_of_every_environment_with_secrets_from_secrets_manager(
    secrets: None,
) -> None:
    manager = boto3.client("secretsmanager")
    for environment in ("staging", "production"):
        manager.create_secret(
            Name=f"dataweave/{environment}/slack", SecretString='{"bot_token": "xoxb-1"}'
        )
        jira = '{"url": "https://x.example", "user": "bot@x.example", "token": "t-1"}'
        manager.create_secret(Name=f"dataweave/{environment}/jira", SecretString=jira)
    own = {"SLACK_BOT_TOKEN": "xoxb-1", "JIRA_URL": "https://x.example", "JIRA_TOKEN": "t-1",
           "JIRA_USER": "bot@x.example"}  # fmt: skip
    for environment in declarations.environments():
        environ = own if environment == "development" else {}
        documents = desired(declarations.read(environment), Sources(environ, SecretsManager()))
        assert [one.ref for one in documents] == [
            "jira-project/support",
            "slack-credentials/notices",
            "slack-channel/oncall",
            "slack-channel/operations",
        ]
        assert [one.data.get("token") for one in documents[:2]] == ["t-1", "xoxb-1"]


def test_secrets_that_cannot_be_read(secrets: None, tmp_path: Path) -> None:
    manager = boto3.client("secretsmanager")
    manager.create_secret(Name="plain", SecretString="xoxb-plain")
    assert made(tmp_path, GOOD.replace("{env: TOKEN}", "{secret: plain}"))[0].data == {
        "token": "xoxb-plain"
    }
    manager.create_secret(Name="binary", SecretBinary=b"x")
    for reference, words in (
        ("{secret: missing}", "secretsmanager:GetSecretValue"),
        ("{secret: plain, key: token}", "no JSON object with the key token"),
        ("{secret: binary}", "Store it as text"),
    ):
        with pytest.raises(DeclarationError) as caught:
            made(tmp_path, GOOD.replace("{env: TOKEN}", reference))
        assert words in str(caught.value)


def test_every_block_type_is_exported_by_the_package() -> None:
    exported = {getattr(blocks, name) for name in blocks.__all__}
    kinds = {kind for kind in exported if Block.is_block_class(kind)}
    connectors = {getattr(collection, name) for name in collection.__all__} - kinds
    assert {kind.__name__ for kind in kinds} == {
        "JiraProject", "SlackChannel", "SlackWebhookChannel",
    }  # fmt: skip
    folder = Path(blocks.__file__).parent / "connectors"
    declared = re.findall(
        r"^class (\w+)\((?:Aws)?Connector\):",
        "".join(path.read_text() for path in sorted(folder.rglob("*.py"))),
        re.MULTILINE,
    )
    assert {kind.__name__ for kind in connectors} == set(declared) - {"AwsConnector"}
    assert all(issubclass(kind, Connector) for kind in connectors)
    for kind in kinds:
        assert "notify" in kind.get_block_capabilities()
        assert kind.schema()["secret_fields"]
