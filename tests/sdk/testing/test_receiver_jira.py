"""The Jira stand-in, through the real jira client: Cloud and Server, versions 2 and 3."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import pytest
from jira import JIRA
from jira.exceptions import JIRAError

from sdk.testing.receivers import Faults, JiraReceiver
from sdk.testing.receivers.documents import document

Deployment = Literal["cloud", "server"]
FIELDS: dict[str, Any] = {
    "project": {"key": "OPS"},
    "issuetype": {"name": "Task"},
    "summary": "capture failed",
}


def client(receiver: JiraReceiver, version: str = "2", **options: Any) -> JIRA:
    return JIRA(
        server=receiver.url,
        basic_auth=(receiver.user, receiver.token),
        options={"rest_api_version": version},
        max_retries=0,
        **options,
    )


@contextmanager
def site(deployment: Deployment = "cloud", rest: str = "2", **more: Any) -> Iterator[Any]:
    with JiraReceiver(deployment=deployment, **more) as receiver:
        yield receiver, client(receiver, rest)


def refusal(call: Any) -> JIRAError:
    with pytest.raises(JIRAError) as caught:
        call()
    return caught.value


@pytest.mark.parametrize(
    ("deployment", "version"), [("cloud", "2"), ("cloud", "3"), ("server", "2")]
)
def test_a_ticket_from_opening_to_reopening(deployment: Deployment, version: str) -> None:
    def words(text: str) -> Any:
        return document(text) if version == "3" else text

    with site(deployment, version) as (receiver, jira):
        issue = jira.create_issue(
            {
                **FIELDS,
                "description": words("since\n07:00"),
                "labels": ["fp-1", "prod"],
                "priority": {"name": "High"},
            }
        )
        assert issue.key == "OPS-1"
        assert issue.raw["fields"]["description"] == words("since\n07:00")
        jira.add_comment(issue.key, words("again"))
        assert [c.raw["body"] for c in jira.comments(issue.key)] == [words("again")]

        found = jira.search_issues('project = OPS AND labels = "fp-1" AND statusCategory != Done')
        assert [i.key for i in found] == ["OPS-1"]
        steps = {step["to"]["statusCategory"]["key"]: step for step in jira.transitions(issue.key)}
        jira.transition_issue(issue.key, steps["done"]["id"])
        assert jira.search_issues("labels = fp-1 AND resolution = Unresolved") == []
        assert jira.issue(issue.key).fields.resolution is not None
        back = {step["to"]["statusCategory"]["key"]: step for step in jira.transitions(issue.key)}
        jira.transition_issue(issue.key, back["new"]["id"])
        assert jira.issue(issue.key).fields.resolution is None

        ticket = receiver.ticket("OPS-1")
        assert (ticket.text, ticket.priority) == ("since\n07:00", "High")
        assert [comment.text for comment in ticket.comments] == ["again"]
        assert len(ticket.statuses) == 3


def test_version_3_takes_documents_and_version_2_takes_text() -> None:
    with JiraReceiver() as receiver:
        two, three = client(receiver, "2"), client(receiver, "3")
        wrong = refusal(lambda: three.create_issue({**FIELDS, "description": "text"}))
        assert (wrong.status_code, "Atlassian Document" in wrong.text) == (400, True)
        assert (
            refusal(lambda: two.create_issue({**FIELDS, "description": document("x")})).status_code
            == 400
        )
        broken = {
            "type": "doc",
            "version": 1,
            "content": [{"type": "paragraph", "content": [{"type": "text", "text": ""}]}],
        }
        assert (
            refusal(lambda: three.create_issue({**FIELDS, "description": broken})).status_code
            == 400
        )
        key = two.create_issue({**FIELDS, "description": "one\ntwo"}).key
        assert "not valid" in refusal(lambda: three.add_comment(key, "text")).text
        assert three.issue(key).raw["fields"]["description"] == document("one\ntwo")
        three.add_comment(key, document("said"))  # type: ignore[arg-type]
        assert two.comments(key)[0].body == "said"


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"summary": None}, "summary"),
        ({"summary": "a\nb"}, "summary"),
        ({"summary": "x" * 256}, "summary"),
        ({"labels": ["two words"]}, "labels"),
        ({"labels": "fp-1"}, "labels"),
        ({"priority": {"name": "Burning"}}, "priority"),
        ({"issuetype": {"name": "Saga"}}, "issuetype"),
        ({"project": {"key": "NONE"}}, "project"),
        ({"components": [{"name": "none"}]}, "components"),
        ({"customfield_99999": "x"}, "customfield_99999"),
        ({"description": "x" * 32_768}, "description"),
    ],
)
def test_fields_are_checked(changed: dict[str, Any], field: str) -> None:
    with site() as (receiver, jira):
        error = refusal(lambda: jira.create_issue({**FIELDS, **changed}))
        assert error.status_code == 400
        assert list(error.response.json()["errors"]) == [field]  # type: ignore[union-attr]
        assert receiver.tickets == []


def test_required_custom_fields_and_components() -> None:
    with site(projects=[]) as (receiver, jira):
        receiver.add_project(
            "OPS", components=["capture"], custom={"customfield_10010": ("Customer", True)}
        )
        assert "Customer is required." in refusal(lambda: jira.create_issue(FIELDS)).text
        issue = jira.create_issue(
            {**FIELDS, "customfield_10010": {"value": "metro"}, "components": [{"name": "capture"}]}
        )
        assert receiver.ticket(issue.key).custom == {"customfield_10010": {"value": "metro"}}
        assert issue.fields.components[0].name == "capture"


def test_create_metadata_old_and_new() -> None:
    expand = "projects.issuetypes.fields"
    with site("cloud") as (_, jira):
        old = jira.createmeta(projectKeys="OPS", issuetypeNames="Bug", expand=expand)
        (kind,) = old["projects"][0]["issuetypes"]
        assert kind["fields"]["summary"]["required"]
    with site("server") as (receiver, jira):
        kinds = jira.project_issue_types("OPS")
        fields = jira.project_issue_fields("OPS", kinds[0].id)
        assert {f.fieldId for f in fields if f.required} == {"summary", "issuetype", "project"}
        # 9.0 removed the old endpoint; the client refuses by itself, a bare request gets 404.
        bare = jira._session.get
        assert (
            refusal(lambda: bare(f"{receiver.url}/rest/api/2/issue/createmeta")).status_code == 404
        )
    with site("server", version=(8, 20, 0)) as (_, jira), warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        assert jira.createmeta(projectKeys="OPS", expand=expand)["projects"]


def test_cloud_search_pages_by_token_and_server_search_by_offset() -> None:
    with site("cloud") as (receiver, jira):
        keys = [jira.create_issue(FIELDS, prefetch=False).key for _ in range(5)]
        first = jira.enhanced_search_issues("project = OPS ORDER BY created", maxResults=2)
        assert [i.key for i in first] == keys[:2]
        second = jira.enhanced_search_issues(
            "project = OPS ORDER BY created", maxResults=2, nextPageToken=first.nextPageToken
        )
        assert [i.key for i in second] == keys[2:4]
        assert len(jira.search_issues("project = OPS", maxResults=0)) == 5
        assert "Unbounded" in refusal(lambda: jira.search_issues("ORDER BY created")).text
        old = f"{receiver.url}/rest/api/2/search?jql=project=OPS"
        assert refusal(lambda: jira._session.get(old)).status_code == 410
    with site("server") as (_, jira):
        keys = [jira.create_issue(FIELDS, prefetch=False).key for _ in range(5)]
        page = jira.search_issues("ORDER BY key", startAt=3, maxResults=2, fields="summary")
        assert [i.key for i in page] == keys[3:]
        assert page.total == 5
        assert list(page[0].raw["fields"]) == ["summary"]


def test_a_new_ticket_is_not_in_the_index_at_once() -> None:
    now = 1_750_000_000.0
    with site("cloud", index_lag=5.0, clock=lambda: now) as (_, jira):
        issue = jira.create_issue(FIELDS)
        assert jira.search_issues("project = OPS") == []
        known = jira.enhanced_search_issues("project = OPS", reconcileIssues=[int(issue.id)])
        assert [i.key for i in known] == [issue.key]
        now += 6.0
        assert [i.key for i in jira.search_issues("project = OPS")] == [issue.key]


def test_who_may_not() -> None:
    with JiraReceiver(deployment="server") as receiver:
        wrong = JIRA(server=receiver.url, basic_auth=("bot", "wrong"), max_retries=0)
        assert refusal(lambda: wrong.project("OPS")).status_code == 401
        token = JIRA(server=receiver.url, token_auth=receiver.token, max_retries=0)
        assert token.project("OPS").key == "OPS"
        assert token.myself()["name"] == receiver.user
        assert refusal(lambda: token.issue("OPS-9")).status_code == 404
        assert refusal(lambda: token.search_issues("nonsense")).status_code == 400
        receiver.add_project("HR", readonly=True)
        fields = {**FIELDS, "project": {"key": "HR"}}
        assert refusal(lambda: token.create_issue(fields)).status_code == 403
        assert (
            refusal(
                lambda: JIRA(
                    server=receiver.url,
                    token_auth=receiver.token,
                    max_retries=0,
                    options={"rest_api_version": "3"},
                )
            ).status_code
            == 404
        )


def test_limits_and_breakdowns_reach_the_client() -> None:
    with site() as (receiver, jira):
        started = len(receiver.exchanges)
        good = ("none",) * started
        receiver.faults = Faults(script=(*good, "limited", "error"), retry_after=9, statuses=(503,))
        limited = refusal(lambda: jira.create_issue(FIELDS))
        assert limited.status_code == 429
        assert limited.response.headers["Retry-After"] == "9"  # type: ignore[union-attr]
        assert refusal(lambda: jira.create_issue(FIELDS)).status_code == 503
        assert receiver.tickets == []


def test_labels_are_added_and_removed_and_transitions_comment() -> None:
    with site("server") as (receiver, jira):
        issue = jira.create_issue({**FIELDS, "labels": ["a"]})
        issue.update(update={"labels": [{"add": "b"}, {"remove": "a"}]})
        assert receiver.ticket(issue.key).labels == ["b"]
        jira.transition_issue(
            issue.key,
            "Resolve Issue",
            comment="fresh again",
            fields={"resolution": {"name": "Won't Fix"}},
        )
        ticket = receiver.ticket(issue.key)
        assert (ticket.status, ticket.resolution) == ("Resolved", "Won't Fix")
        assert [c.text for c in ticket.comments] == ["fresh again"]
        # Resolved: the step is not there a second time.
        assert refusal(lambda: jira.transition_issue(issue.key, "5")).status_code == 400
        jira.add_simple_link(issue.key, {"url": "http://run", "title": "run"})
        assert [link.object.url for link in jira.remote_links(issue.key)] == ["http://run"]
