"""Declared automations: what is refused, and what a plan creates, updates, leaves and removes."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID, uuid4

import pytest
from prefect.events.schemas.automations import Automation, AutomationCore

from blocks.automations.declarations import Declared, prefix, read
from blocks.automations.events import SAID
from blocks.automations.plan import plan, wanted
from blocks.registration import declarations as documents
from blocks.registration.problems import DeclarationError

GOOD = """
name: run crashed
description: why
trigger: {type: event, posture: Reactive, expect: [prefect.flow-run.Crashed]}
subject: "[$environment] {{ flow.name }}"
body: "${environment} costs $5"
notify:
  staging: [slack-channel/operations]
"""
ID = UUID("00000000-0000-0000-0000-000000000001")


def declared(tmp_path: Path, text: str = GOOD, environment: str = "staging") -> list[Declared]:
    (tmp_path / "crashed.yaml").write_text(text)
    return read(environment, tmp_path)


def test_a_declaration_is_filled_in_for_its_environment(tmp_path: Path) -> None:
    (one,) = declared(tmp_path)
    assert one.name == "dataweave staging: run crashed"
    assert (one.subject, one.body) == ("[staging] {{ flow.name }}", "staging costs $5")
    assert "crashed.yaml" in one.description
    assert declared(tmp_path, environment="production") == []


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("body:", "text:", "body"),
        ("name: run crashed", "name: 7", "name"),
        ("  staging: [slack-channel/operations]", "  staging: slack-channel/operations", "notify"),
        ("trigger: {", "trigger: ", ""),
        ("trigger: {", "trigger: crashed  # {", "trigger"),
    ],
)
def test_what_is_no_declaration_is_told(tmp_path: Path, old: str, new: str, field: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        declared(tmp_path, GOOD.replace(old, new))
    assert field in {problem.field for problem in caught.value.problems}
    assert all(problem.where == "crashed.yaml" for problem in caught.value.problems)


def test_two_files_with_one_name_are_told(tmp_path: Path) -> None:
    (tmp_path / "again.yaml").write_text(GOOD)
    with pytest.raises(DeclarationError, match="another file declares"):
        declared(tmp_path)


def test_a_document_that_the_server_lacks_and_a_trigger_that_prefect_refuses(
    tmp_path: Path,
) -> None:
    with pytest.raises(DeclarationError, match=r"no slack-channel/operations\n.*Register"):
        wanted(declared(tmp_path), {})
    bad = declared(tmp_path, GOOD.replace("posture: Reactive", "posture: Proactive, within: 1"))
    with pytest.raises(DeclarationError, match="Proactive triggers is 10 seconds") as caught:
        wanted(bad, {"slack-channel/operations": ID})
    assert [problem.field for problem in caught.value.problems] == ["trigger"]


def on_server(automation: AutomationCore, **changed: object) -> Automation:
    return Automation.parse_obj({**automation.dict(), "id": uuid4(), **changed})


def test_a_plan_touches_only_what_is_ours(tmp_path: Path) -> None:
    (automation,) = wanted(declared(tmp_path), {"slack-channel/operations": ID})
    ours = prefix("staging")

    def changes(existing: list[Automation], switched: tuple[str, ...] = ()) -> dict[str, list[str]]:
        steps = plan([automation], existing, ours, switched)
        return {f"{s.change.kind} {s.change.name}": list(s.change.details) for s in steps}

    assert changes([]) == {"create dataweave staging: run crashed": []}
    assert changes([on_server(automation)]) == {"same dataweave staging: run crashed": []}
    text = on_server(automation, description="edited in the UI")
    assert changes([text]) == {"update dataweave staging: run crashed": ["description"]}
    # Paused by a person: that stays, unless the declaration says otherwise.
    paused = on_server(automation, enabled=False)
    assert changes([paused]) == {"same dataweave staging: run crashed": []}
    assert changes([paused], (automation.name,)) == {
        "update dataweave staging: run crashed": ["enabled"]
    }
    others = [
        on_server(automation, name="dataweave production: run crashed"),
        on_server(automation, name="somebody's own"),
        on_server(automation, name="dataweave staging: no longer declared"),
    ]
    assert changes([*others, on_server(automation)]) == {
        "same dataweave staging: run crashed": [],
        "remove dataweave staging: no longer declared": [],
    }
    twice = plan([automation], [on_server(automation), on_server(automation)], ours)
    assert [step.change.kind for step in twice] == ["same", "remove"]


def test_an_update_keeps_a_person_s_pause(tmp_path: Path) -> None:
    (automation,) = wanted(declared(tmp_path), {"slack-channel/operations": ID})
    there = on_server(automation, enabled=False, description="edited")
    (step,) = plan([automation], [there], prefix("staging"))
    assert step.change.kind == "update"
    assert step.automation is not None
    assert step.automation.enabled is False


def test_what_is_declared_fits_the_documents_of_every_environment() -> None:
    for environment in documents.environments():
        refs = {one.ref for one in documents.read(environment)}
        found = read(environment)
        assert {one.name.removeprefix(prefix(environment)) for one in found} == {
            "flow run crashed",
            "flow run failed unannounced",
            "flow run late",
            "flow run stuck before its start",
            "flow run without end",
        }
        automations = wanted(found, dict.fromkeys(refs, ID))
        assert any(SAID in getattr(a.trigger, "expect", ()) for a in automations)
        for one in found:
            # Data stays within its line: a link is written by the template alone.
            for line in one.body.splitlines():
                for field in ("flow_run.name", "flow_run.state.message", "deployment.name"):
                    assert line.count(f"{{{{ {field} ") == 0
