"""What is known of all notices, where Slack and Jira cannot say it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import Any

from typer.testing import CliRunner

from flows.__main__ import app
from sdk.notices.notice import Notice
from sdk.notices.overview import Overview, overview, worded
from sdk.notices.silences import PATH


def test_the_dead_what_is_broken_and_what_waits_are_there_as_data_and_in_words(
    site: Any, notice: Callable[..., Notice]
) -> None:
    site.jira.tracker.projects["OPS"].readonly = True
    told = (notice(1, step="old"), notice(2, step="new"), notice(3, kind="alert", step="rule"))
    site.send(*told, passes=3)
    site.outbox.put(notice(9, step="waits"))
    until = date(2099, 1, 1)
    site.root.put(PATH, f"- {{fault: {notice(2, step='new').fault}, until: {until}, "
                        "ticket: OPS-9}".encode())  # fmt: skip
    site.root.put("_notices/faults/0000.json", b"{")
    found = overview(site.root, site.clock.at)
    assert [fault.place for fault in found.broken] == ["notices/jira", "capture/old", "capture/new"]
    assert found.broken[2].silenced == f"silenced until {until} for OPS-9"
    assert {dead.target for dead in found.dead} == {"jira"} and found.waiting == 1
    # A reader moves nothing: that is for whoever holds the lease.
    assert site.root.names("_notices/faults")[0] == "0000.json" and found.lost == ()

    shown = CliRunner().invoke(app, ["notices", "--storage", site.root.url])
    assert shown.exit_code == 0, shown.output
    assert "Still broken, oldest first: 3" in shown.output
    assert "Jira refused a ticket in OPS (403)" in shown.output
    assert "Not told yet: 1 in the outbox" in shown.output
    data = CliRunner().invoke(app, ["notices", "--storage", site.root.url, "--json"]).output
    again = Overview.model_validate(json.loads(data))
    assert again.model_copy(update={"as_of": found.as_of}) == found


def test_nothing_is_nothing_and_a_wrong_file_of_silences_is_said(site: Any) -> None:
    assert worded(overview(site.root, site.clock.at)).endswith("Nothing is broken now.")
    site.root.put(PATH, b"a: b")
    assert "No silence is in force" in worded(overview(site.root, site.clock.at))
