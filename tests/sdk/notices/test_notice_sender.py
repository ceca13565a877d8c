"""What L2 sees in Slack and Jira, over HTTP, as faults come, go on, end and come back."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from sdk.notices.notice import Notice
from sdk.notices.outbox import Letter
from sdk.notices.silences import Silence
from sdk.testing.receivers import Faults


def opening(fault: Any) -> tuple[Any, ...]:
    """The client asks for the fields, then for an earlier ticket, then opens one."""
    return ("none", "none", fault)


def test_one_fault_is_one_thread_and_one_ticket_that_know_each_other(
    site: Any, notice: Callable[..., Notice]
) -> None:
    first = notice(1)
    site.send(first)
    site.clock.forward(minutes=5)
    site.send(notice(2, customer="orchard"), notice(3))
    (head,), (ticket,) = site.heads(), site.jira.tickets
    assert "3 times" in json.dumps(head.blocks)
    assert "metro, orchard" in json.dumps(head.blocks)
    assert f"{site.jira.url}/browse/{ticket.key}" in json.dumps(head.blocks)
    assert len(head.earlier) == 1
    assert f"fault-{first.fault}" in ticket.labels
    assert not ticket.comments and not site.replies()


def test_the_same_event_twice_counts_once_also_after_it_was_told(
    site: Any, notice: Callable[..., Notice]
) -> None:
    site.send(notice(1), notice(1))
    site.send(notice(1))
    assert site.state(notice(1)).count == 1
    assert len(site.heads()) == 1 and not site.heads()[0].earlier


def test_remarks_come_at_growing_intervals_with_the_count(
    site: Any, notice: Callable[..., Notice]
) -> None:
    remarked = []
    for number in range(60):
        site.send(notice(number, happened=site.clock.at))
        if len(site.replies()) > len(remarked):
            remarked.append(site.clock.at)
        site.clock.forward(hours=3)
    waits = [later - earlier for earlier, later in pairwise(remarked)]
    assert len(remarked) >= 4
    assert waits == sorted(waits) and waits[-1] >= timedelta(days=3)
    (ticket,) = site.jira.tickets
    said = [comment.text.split("\n")[0] for comment in ticket.comments]
    assert said == site.replies()
    assert "Still broken: capture/fetch for metro, 2 times" in said[0]


def test_the_ticket_is_resolved_when_it_works_again_for_everybody(
    site: Any, notice: Callable[..., Notice]
) -> None:
    site.send(notice(1), notice(2, customer="orchard"))
    site.send(notice(3, kind="mended", severity="info"))
    (ticket,) = site.jira.tickets
    assert ticket.status == "To Do" and not site.replies()
    assert "orchard" in json.dumps(site.heads()[0].blocks)
    site.send(notice(4, kind="mended", severity="info", customer="orchard"))
    assert ticket.status == "Done"
    assert site.replies()[0].startswith("Works again")
    assert "Mended: capture/fetch" in json.dumps(site.heads()[0].blocks)


def test_an_end_that_arrives_before_its_beginning_or_is_older_ends_nothing(
    site: Any, notice: Callable[..., Notice]
) -> None:
    site.send(notice(1, kind="mended", severity="info"))
    assert not site.heads()
    site.send(notice(9))
    site.send(notice(5, kind="mended", severity="info"))
    assert site.state(notice(9)).open


def test_what_comes_back_within_a_week_goes_on_where_it_was(
    site: Any, notice: Callable[..., Notice]
) -> None:
    site.send(notice(1))
    site.send(notice(2, kind="mended", severity="info"))
    site.clock.forward(days=3)
    site.send(notice(3, happened=site.clock.at))
    (ticket,) = site.jira.tickets
    assert ticket.status != "Done" and "Back again" in ticket.comments[-1].text
    assert len(site.heads()) == 1 and "Back again" in site.replies()[-1]


def test_what_comes_back_later_is_a_new_story(site: Any, notice: Callable[..., Notice]) -> None:
    site.send(notice(1))
    site.send(notice(2, kind="mended", severity="info"))
    site.clock.forward(days=8)
    site.send(notice(3, happened=site.clock.at))
    assert [ticket.status for ticket in site.jira.tickets] == ["Done", "To Do"]
    assert len(site.heads()) == 2


def test_a_ticket_closed_as_wont_do_is_left_alone(site: Any, notice: Callable[..., Notice]) -> None:
    site.send(notice(1))
    site.jira.settle(site.jira.tickets[0].key, "Done", "Won't Do")
    for number in range(2, 6):
        site.clock.forward(hours=5)
        site.send(notice(number, happened=site.clock.at))
    (ticket,) = site.jira.tickets
    assert ticket.status == "Done" and not ticket.comments
    assert "closed as Won't Do" in json.dumps(site.heads()[0].blocks)
    assert site.replies()


def test_a_ticket_that_a_person_closed_too_early_is_reopened(
    site: Any, notice: Callable[..., Notice]
) -> None:
    site.send(notice(1))
    site.jira.settle(site.jira.tickets[0].key, "Done", "Done")
    site.clock.forward(hours=2)
    site.send(notice(2, happened=site.clock.at))
    (ticket,) = site.jira.tickets
    assert ticket.status != "Done" and "Still broken" in ticket.comments[-1].text


def test_a_lost_book_finds_the_ticket_by_its_label(
    site: Any, notice: Callable[..., Notice]
) -> None:
    site.send(notice(1))
    for entry in site.root.entries("_notices"):
        site.root.delete(entry.path)
    site.clock.forward(minutes=1)
    site.send(notice(2))
    assert len(site.jira.tickets) == 1


def test_a_warning_gets_a_ticket_at_its_third_time(
    site: Any, notice: Callable[..., Notice]
) -> None:
    for number, tickets in ((1, 0), (2, 0), (3, 1)):
        site.send(notice(number, kind="degraded", severity="warning"))
        assert len(site.jira.tickets) == tickets
    assert len(site.heads()) == 1


def test_a_silenced_fault_is_counted_and_makes_no_noise(
    site: Any, notice: Callable[..., Notice]
) -> None:
    until = (site.clock.at + timedelta(days=2)).date()
    site.silences = [Silence(pattern="production/capture/*/*", until=until, ticket="OPS-9")]
    for number in range(3):
        site.send(notice(number, severity="critical"))
        site.clock.forward(hours=2)
    assert not site.heads() and not site.heads("oncall") and not site.jira.tickets
    assert site.state(notice(0)).count == 3
    site.clock.forward(days=3)
    site.send()
    assert len(site.heads()) == 1 and len(site.jira.tickets) == 1


def test_who_is_on_call_is_paged_once_in_a_story(site: Any, notice: Callable[..., Notice]) -> None:
    site.send(notice(1, severity="critical"), notice(2, severity="critical"), passes=3)
    (page,) = site.heads("oncall")
    assert "Page: capture/fetch failed" in json.dumps(page.blocks)


def test_a_team_has_its_own_channel(site: Any, notice: Callable[..., Notice]) -> None:
    site.routes = {"grocery": "grocery"}
    site.send(notice(1), notice(2, step="parse", owner="other"))
    assert len(site.heads("grocery")) == 1 and len(site.heads("alerts")) == 1


def test_an_hour_without_slack_and_jira_loses_nothing_and_doubles_nothing(
    site: Any, notice: Callable[..., Notice]
) -> None:
    with site.slack.down(), site.jira.down():
        for minute in range(60):
            site.send(notice(minute, step=f"step {minute % 3}", happened=site.clock.at))
            site.clock.forward(minutes=1)
    for _ in range(3):
        site.clock.forward(minutes=6)
        site.send()
    assert len(site.heads()) == len(site.jira.tickets) == 3
    assert all("20 times" in json.dumps(head.blocks) for head in site.heads())
    assert all("20 times" in ticket.text for ticket in site.jira.tickets)
    assert not site.root.names("_notices/outbox")


def test_retry_after_is_obeyed_by_the_next_sender_too(
    site: Any, notice: Callable[..., Notice]
) -> None:
    site.slack.faults = Faults(script=("limited",), retry_after=40)
    site.send(notice(1))
    asked = len(site.slack.exchanges)
    site.clock.forward(seconds=39)
    site.send(notice(2, step="other"))
    assert len(site.slack.exchanges) == asked == 1
    site.clock.forward(seconds=2)
    site.send()
    assert len(site.heads()) == 2


@pytest.mark.parametrize("fault", ["lost", "dropped", "error"])
def test_an_answer_that_was_lost_is_looked_for_before_it_is_said_again(
    site: Any, notice: Callable[..., Notice], fault: Any
) -> None:
    site.slack.faults, site.jira.faults = Faults(script=(fault,)), Faults(script=opening(fault))
    site.send(notice(1))
    early = (len(site.slack.exchanges), len(site.jira.exchanges))
    site.clock.forward(seconds=2)
    site.send()
    assert (len(site.slack.exchanges), len(site.jira.exchanges)) == early, "too early to look"
    for _ in range(2):
        site.clock.forward(minutes=2)
        site.send()
    assert len(site.heads()) == 1 and len(site.jira.tickets) == 1
    assert "/browse/" in json.dumps(site.heads()[0].blocks)


def test_a_ticket_whose_opening_was_lost_is_resolved_though_the_fault_ended_before(
    site: Any, notice: Callable[..., Notice]
) -> None:
    site.jira.faults = Faults(script=opening("lost"))
    site.send(notice(1))
    site.send(notice(2, kind="mended", severity="info"))
    site.clock.forward(minutes=2)
    site.send(passes=2)
    assert [ticket.status for ticket in site.jira.tickets] == ["Done"]


def test_a_head_that_somebody_deleted_is_posted_again(
    site: Any, notice: Callable[..., Notice]
) -> None:
    site.send(notice(1))
    site.slack.channel("alerts").messages.clear()
    site.send(notice(2), passes=3)
    assert len(site.heads()) == 1 and "2 times" in json.dumps(site.heads()[0].blocks)


def test_what_is_refused_for_good_is_kept_told_once_and_goes_out_when_mended(
    site: Any, notice: Callable[..., Notice]
) -> None:
    site.token = "xoxb-wrong"
    site.send(notice(1), notice(2, step="parse"), passes=3)
    dead = site.outbox.dead()
    assert {entry.target for entry in dead} == {"slack"}
    assert all("invalid_auth" in entry.reason for entry in dead)
    told = [ticket for ticket in site.jira.tickets if "does not take notices" in ticket.summary]
    assert len(told) == 1 and len(site.jira.tickets) == 3
    asked = len(site.slack.exchanges)
    site.send(passes=3)
    assert len(site.slack.exchanges) == asked, "refused for good is not asked again"
    site.token = ""
    assert site.sender().revive() == len(dead)
    site.send(passes=3)
    assert not site.outbox.dead()
    places = json.dumps([head.blocks for head in site.heads()])
    assert "capture/fetch" in places and "capture/parse" in places
    assert told[0].status == "Done", "the notice that nothing could be told ends, too"


def test_jira_refused_is_told_in_slack(site: Any, notice: Callable[..., Notice]) -> None:
    site.jira.tracker.projects["OPS"].readonly = True
    site.send(notice(1), passes=3)
    heads = json.dumps([head.blocks for head in site.heads()])
    assert len(site.heads()) == 2 and "Jira does not take notices" in heads and "403" in heads


def test_an_entry_that_cannot_be_read_takes_no_other_with_it(
    site: Any, notice: Callable[..., Notice]
) -> None:
    site.root.put("_notices/outbox/20260101T000000-x.json", b"{]")
    site.send(notice(1))
    assert len(site.heads()) == 1
    (dead,) = site.outbox.dead()
    assert dead.target == "outbox"


def test_a_letter_is_posted_once_though_its_answer_was_lost(site: Any) -> None:
    site.slack.faults = Faults(script=("lost",))
    body = "– one\n– two https://x.example <!here>"
    now = site.clock.at
    letter = Letter(key="digest-1", route="alerts", subject="Digest", body=body, written=now)
    site.outbox.post(letter)
    for _ in range(3):
        site.send()
        site.clock.forward(minutes=1)
    (message,) = site.heads()
    assert {block["text"]["type"] for block in message.blocks} == {"plain_text"}
    assert not site.root.names("_notices/outbox")


def test_a_letter_that_was_refused_goes_out_when_it_is_tried_again(site: Any) -> None:
    now = site.clock.at
    site.outbox.post(Letter(key="d1", route="nowhere", subject="D", body="– one", written=now))
    site.outbox.post(Letter(key="d2", route="alerts", subject="D", body="– two", written=now))
    site.slack.channel("alerts").archived = True
    site.send()
    assert sorted(dead.name for dead in site.outbox.dead()) == ["letter-d1", "letter-d2"]
    site.slack.channel("alerts").archived = False
    assert site.sender().revive() == 2
    site.send(passes=2)
    assert [dead.name for dead in site.outbox.dead()] == ["letter-d1"]
    assert sum("two" in json.dumps(head.blocks) for head in site.heads()) == 1


def test_an_entry_of_a_later_version_is_told_of_and_taken_in_when_it_can_be_read(
    site: Any, notice: Callable[..., Notice]
) -> None:
    entries = {
        "20260101T000000-half.json": b'{"notice": {"event": "x", "fau',
        "20260101T000001-nothing.json": b"{}",
        "no-entry": b"\x00\xff",
        "20260101T000002-later.json": b'{"telegram": {}}',
    }
    for name, content in entries.items():
        site.root.put(f"_notices/outbox/{name}", content)
    site.send(passes=2)
    assert len(site.outbox.dead()) == len(entries)
    (head,) = site.heads()
    assert "Outbox does not take notices" in json.dumps(head.blocks)
    # The version that can read it is there.
    made = notice(1)
    mended = json.dumps({"notice": made.model_dump(mode="json")}).encode()
    site.root.put("_notices/dead/unreadable-20260101T000002-later.json.json", mended)
    site.sender().revive()
    site.send(passes=2)
    assert site.state(made).count == 1
    assert len(site.outbox.dead()) == len(entries) - 1


def test_a_state_that_cannot_be_read_begins_anew_in_the_same_thread_and_ticket(
    site: Any, notice: Callable[..., Notice]
) -> None:
    site.send(notice(1))
    path = f"_notices/faults/{notice(1).fault}.json"
    site.root.put(path, site.root.read(path)[:100])
    site.clock.forward(hours=3)
    site.send(notice(2, happened=site.clock.at), passes=2)
    assert len(site.heads()) == 1 and len(site.jira.tickets) == 1
    assert site.root.names("_notices/lost") == [f"{notice(1).fault}.json"]
    site.root.put(path, b"")
    mended = notice(3, kind="mended", severity="info", happened=site.clock.at)
    site.clock.forward(minutes=1)
    site.send(mended, passes=2)
    assert [ticket.status for ticket in site.jira.tickets] == ["Done"]
    assert len(site.heads()) == 1 and "Mended" in json.dumps(site.heads()[0].blocks)


def test_who_mends_what_nobody_knows_of_need_not_say_so_again(
    site: Any, notice: Callable[..., Notice]
) -> None:
    told = notice(1)
    site.sender().book.mark_open(told)
    site.send(notice(2, kind="mended", severity="info"))
    assert site.sender().book.open_faults() == {} and not site.heads()


def test_the_ticket_names_for_whom_it_is_broken_unless_a_person_rewrote_it(
    site: Any, notice: Callable[..., Notice]
) -> None:
    def later(number: int, customer: str) -> Notice:
        site.clock.forward(hours=5)
        return notice(number, customer=customer, happened=site.clock.at)

    site.send(notice(1))
    (ticket,) = site.jira.tickets
    site.send(later(2, "orchard"))
    assert ticket.summary == "capture/fetch failed: metro, orchard (production)"
    ticket.summary = "Supplier's login expired"
    site.send(later(3, "apex"))
    assert ticket.summary == "Supplier's login expired" and len(ticket.comments) == 2


@pytest.mark.parametrize("jump", [timedelta(days=-400), timedelta(days=400)])
def test_a_clock_that_was_wrong_silences_nothing_and_doubles_nothing(
    site: Any, notice: Callable[..., Notice], jump: timedelta
) -> None:
    right = site.clock
    # A sender with a wrong clock does some things, is refused others, and dies with the lease.
    site.clock = type(right)(right.at + jump)
    site.slack.faults = Faults(script=("lost", "none", "limited"), retry_after=30)
    site.jira.faults = Faults(script=opening("lost"))
    site.outbox.put(notice(1, happened=site.clock.at))
    site.sender().deliver()
    assert site.sender().lease._take()
    # The clock is right again.
    site.clock = right
    site.clock.forward(minutes=10)
    for _ in range(4):
        site.clock.forward(minutes=6)
        site.send(notice(2, happened=site.clock.at))
    assert len(site.heads()) == 1 and len(site.jira.tickets) == 1
    site.clock.forward(minutes=1)
    site.send(notice(3, kind="mended", severity="info", happened=site.clock.at), passes=3)
    assert "Mended" in json.dumps(site.heads()[0].blocks)
    site.clock.forward(hours=2)
    site.send(notice(4, happened=site.clock.at), passes=3)
    assert any("Back again" in reply for reply in site.replies())


def test_thousands_that_wait_are_told_as_few_and_cost_few_writes(
    site: Any, notice: Callable[..., Notice]
) -> None:
    for number in range(2_500):
        step = f"step {number % 5}"
        site.outbox.put(notice(number, step=step, customer=f"c{number % 7}"))
    written: list[str] = []
    put = type(site.root).put

    class Counted(type(site.root)):  # type: ignore[misc]
        def put(self, path: str, data: bytes) -> None:
            written.append(path)
            put(self, path, data)

    site.sender(Counted(site.root.url)).deliver()
    assert not site.root.names("_notices/outbox")
    assert len(site.heads()) == len(site.jira.tickets) == 5
    assert all("500 times" in json.dumps(head.blocks) for head in site.heads())
    assert len(written) < 250


def test_junk_beside_the_lease_and_in_what_is_known_of_targets_stops_nobody(
    site: Any, notice: Callable[..., Notice]
) -> None:
    site.root.put("_notices/lease/.DS_Store", b"x")
    site.root.put("_notices/lease/notes.txt", b"x")
    for junk in (b"[1]", b'{"slack": 3}', b'{"slack": {"until": "soon"}}', b"\xff"):
        site.root.put("_notices/targets.json", junk)
        site.send(notice(len(junk), step=f"s{len(junk)}"))
    assert len(site.heads()) == 4
