"""The Jira block against the stand-in: Cloud and Server, what it does, which errors it raises."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic.v1 import ValidationError

from blocks import DeliveryError, JiraProject, RateLimited, Rejected, Unavailable
from sdk.testing.receivers import Faults, JiraReceiver
from sdk.testing.receivers.faults import Fault


def block(jira: JiraReceiver, **more: Any) -> JiraProject:
    login = {"user": jira.user} if jira.cloud else {}
    given = {"server": jira.url, "deployment": "cloud" if jira.cloud else "server",
             "token": jira.token, "project": "OPS", **login, **more}  # fmt: skip
    return JiraProject(**given)


@pytest.fixture(params=["cloud", "server"])
def jira(request: pytest.FixtureRequest) -> Iterator[JiraReceiver]:
    with JiraReceiver(projects=[], deployment=request.param) as receiver:
        receiver.add_project("OPS", components=["capture"])
        yield receiver


def test_a_ticket_from_opening_to_reopening(jira: JiraReceiver) -> None:
    tickets = block(
        jira, issue_type="Bug", priorities={"error": "High"}, components=["capture"], labels=["l2"]
    ).tickets()
    opened = tickets.open(
        "capture  failed\nin metro", "since 07:00\n\nRun: http://prefect/run/1",
        severity="error", labels=["fp 1", "fp-1"],
    )  # fmt: skip
    assert opened.url == f"{jira.url}/browse/OPS-1"
    kept = jira.ticket("OPS-1")
    assert (kept.summary, kept.issue_type, kept.priority) == (
        "capture failed in metro", "Bug", "High",
    )  # fmt: skip
    assert (kept.labels, kept.components) == (["fp-1", "l2"], ["capture"])

    (found,) = tickets.find(["fp-1", "l2"])
    assert (found.id, found.key, found.category) == (opened.id, "OPS-1", "new")
    assert abs(found.created.timestamp() - time.time()) < 60
    assert tickets.find(["fp-1", "other"]) == []

    tickets.comment("OPS-1", "again: 2", mark="n-2")
    assert [tickets.said("OPS-1", mark) for mark in ("n-2", "n-", "n-1")] == [True, False, False]

    tickets.edit("OPS-1", summary="capture failed twice", add_labels=["a b"], remove_labels=["l2"])
    assert (kept.summary, kept.labels) == ("capture failed twice", ["a-b", "fp-1"])

    for _ in range(2):
        tickets.resolve("OPS-1")
    done = tickets.read("OPS-1")
    assert (done.category, done.resolution is None, done.resolved is None) == ("done", False, False)
    for _ in range(2):
        tickets.reopen("OPS-1")
    again = tickets.read("OPS-1")
    assert (again.category, again.resolution) == ("new", None)
    # Asked for twice, done once.
    assert len(kept.statuses) == 3


def test_a_mark_is_found_below_many_comments(jira: JiraReceiver) -> None:
    tickets = block(jira).tickets()
    key = tickets.open("s", "d").key
    for number in range(60):
        tickets.comment(key, "again", mark=f"n-{number}")
    assert tickets.said(key, "n-59")
    assert not tickets.said(key, "n-60")


def test_text_from_data_stays_text(jira: JiraReceiver) -> None:
    hostile = "h1. *big* [~admin] [x|http://evil] {color:red} http://evil.example\\\\ |cell|"
    tickets = block(jira).tickets()
    key = tickets.open("s", f"{hostile}\nRun: http://prefect/run/1").key
    described = jira.ticket(key).description
    if jira.cloud:
        (paragraph,) = described["content"]
        words, _, link = paragraph["content"]
        assert words == {"type": "text", "text": hostile}
        assert link["marks"][0]["attrs"]["href"] == "http://prefect/run/1"
    else:
        first, second = described.split("\n")
        assert second == "[Run|http://prefect/run/1]"
        for markup in ("h1.", "[~", "[x|", " {color", "://", " *", " |"):
            assert markup not in first
        assert "\\[\\~admin\\] \\[x\\|http&#58;//evil\\] \\{color:red\\}" in first


def test_resolving_by_a_named_step_and_with_a_resolution(jira: JiraReceiver) -> None:
    names = {True: ("Done", "Won't Do"), False: ("Close Issue", "Won't Fix")}
    step, resolution = names[jira.cloud]
    tickets = block(jira, resolve_to=step, resolution=resolution).tickets()
    key = tickets.open("s", "d").key
    tickets.resolve(key)
    assert jira.ticket(key).resolution == resolution
    lost = block(jira, reopen_to="Nowhere").tickets()
    with pytest.raises(Rejected, match="its steps lead to") as caught:
        lost.reopen(key)
    assert caught.value.code == "no_transition"


@pytest.mark.parametrize(
    ("fault", "kind", "uncertain"),
    [
        ("limited", RateLimited, None),
        ("error", Unavailable, True),
        ("dropped", Unavailable, True),
        ("lost", Unavailable, True),
        ("slow", Unavailable, True),
    ],
)
def test_passing_faults(
    jira: JiraReceiver, fault: Fault, kind: type[DeliveryError], uncertain: bool | None
) -> None:
    jira.faults = Faults(script=(fault,), retry_after=11, slow_seconds=0.8, statuses=(503,))
    tickets = block(jira, timeout=0.4).tickets()
    with pytest.raises(kind) as caught:
        tickets.open("s", "d", labels=["fp"])
    assert getattr(caught.value, "uncertain", None) is uncertain
    if fault == "limited":
        assert caught.value.retry_after == 11
    # Asked once: the client's own retries are off.
    assert len(jira.exchanges) <= 1
    time.sleep(0.6 if fault == "slow" else 0)
    assert len(tickets.find(["fp"])) == (1 if fault in ("lost", "slow") else 0)


def test_nobody_there_is_certain(jira: JiraReceiver) -> None:
    with jira.down(), pytest.raises(Unavailable) as caught:
        block(jira).tickets().open("s", "d")
    assert not caught.value.uncertain


def test_refusals_name_what_is_wrong(jira: JiraReceiver) -> None:
    jira.add_project("HR", readonly=True)
    refused = [
        ("401", "", lambda: block(jira, token="old").tickets().find(["x"])),
        ("403", "permission", lambda: block(jira, project="HR").tickets().open("s", "d")),
        ("404", "OPS-9", lambda: block(jira).tickets().comment("OPS-9", "x")),
        ("400", "project: ", lambda: block(jira, project="NONE").tickets().open("s", "d")),
        ("400", "Field 'customfield_1' cannot be set",
         lambda: block(jira, custom_fields={"customfield_1": "x"}).tickets().open("s", "d")),
        ("400", "priority: ",
         lambda: block(jira, priorities={"e": "Burning"}).tickets().open("s", "d", severity="e")),
    ]  # fmt: skip
    for code, words, call in refused:
        with pytest.raises(Rejected) as caught:
            call()
        assert (caught.value.code, words in caught.value.problem) == (code, True), caught.value
        assert caught.value.action
        assert jira.token not in str(caught.value)


def test_the_wrong_deployment_is_told() -> None:
    with JiraReceiver(deployment="cloud") as jira:
        server = JiraProject(
            server=jira.url, deployment="server", user=jira.user, token=jira.token, project="OPS"
        )
        with pytest.raises(Rejected, match="410") as caught:
            server.tickets().find(["x"])
        assert "deployment" in caught.value.action


def test_check_asks_before_anything_breaks(jira: JiraReceiver) -> None:
    block(jira, priorities={"error": "High"}).check()
    assert jira.tickets == []
    wrong = {
        "issue_type": {"issue_type": "Saga"},
        "priorities": {"priorities": {"error": "Burning"}},
    }
    for code, given in wrong.items():
        with pytest.raises(Rejected) as caught:
            block(jira, **given).check()
        assert caught.value.code == code
    jira.add_project("SUP", custom={"customfield_7": ("Customer", True)})
    with pytest.raises(Rejected, match=r"Customer \(customfield_7\)"):
        block(jira, project="SUP").check()
    block(jira, project="SUP", custom_fields={"customfield_7": {"value": "metro"}}).check()


def test_a_new_ticket_is_found_by_its_id_before_the_index_knows_it() -> None:
    with JiraReceiver(index_lag=60) as jira:
        tickets = block(jira).tickets()
        opened = tickets.open("s", "d", labels=["fp"])
        assert tickets.find(["fp"]) == []
        assert [t.key for t in tickets.find(["fp"], known=[opened.id])] == [opened.key]


def test_notify_opens_one_ticket_for_a_subject_and_comments_on_it(jira: JiraReceiver) -> None:
    project = block(jira)
    for run in ("run-1", "run-2"):
        project.notify(f"{run} crashed", subject="[prod] metro crashed")
    project.notify("run-3 crashed", subject="[prod] orchard crashed")
    first, second = jira.tickets
    assert (first.text, [c.text for c in first.comments]) == ("run-1 crashed", ["run-2 crashed"])
    assert second.summary == "[prod] orchard crashed"
    jira.settle(first.key, "Done" if jira.cloud else "Resolved")
    project.notify("run-4 crashed", subject="[prod] metro crashed")
    assert [t.summary for t in jira.tickets].count("[prod] metro crashed") == 2


def test_long_texts_are_cut(jira: JiraReceiver) -> None:
    tickets = block(jira).tickets()
    key = tickets.open("x" * 1000, "[y] " * 20_000, labels=["l" * 400]).key
    tickets.comment(key, "{z}" * 20_000, mark="m")
    kept = jira.ticket(key)
    assert len(kept.summary) == 255
    assert len(kept.text) <= 32_767
    assert tickets.said(key, "m")


def test_cloud_needs_a_user() -> None:
    with pytest.raises(ValidationError, match="account's address"):
        JiraProject(server="https://x", deployment="cloud", token="t", project="OPS")
    assert "secret-token" not in repr(
        JiraProject(server="https://x", deployment="server", token="secret-token", project="OPS")
    )
