"""Tickets of one Jira project: find, open, comment, edit, resolve, reopen.

One connection, for one thread. It keeps nothing: what a ticket is, Jira says each time it is
asked. Texts are plain (`blocks.wording`); Cloud gets them as documents, a server as wiki markup
that shows them as they are.

Jira's search lags behind its writes by seconds: `find` may miss a ticket that was just opened.
Pass the ids of such tickets as `known` (Cloud), or remember the key.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jira import JIRA

from blocks.errors import Rejected
from blocks.jira_answers import checked
from blocks.ticket import FIELDS, Category, Opened, Ticket, address, step, ticket
from blocks.wording import MAX_SUMMARY, document, document_text, label, no_formula, one_line, wiki

RECENT_COMMENTS = 50
"""Cloud: comments among which a mark is looked for; a sender looks for one it just made."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What a project's tickets look like: the block's settings that operations need."""

    project: str
    issue_type: str
    priorities: Mapping[str, str]
    components: Sequence[str]
    labels: Sequence[str]
    custom_fields: Mapping[str, Any]
    resolve_to: str | None
    reopen_to: str | None
    resolution: str | None


class Tickets:
    """The tickets of a project.

    Args:
        client: a client whose retries are off.
        rules: what tickets look like.
        cloud: Cloud (documents) or a server (wiki markup).
    """

    def __init__(self, client: JIRA, rules: Rules, *, cloud: bool) -> None:
        self.client = client
        self.rules = rules
        self.cloud = cloud

    def find(self, labels: Iterable[str], *, known: Iterable[str] = ()) -> list[Ticket]:
        """Return the project's tickets that bear all these labels, the newest first.

        Args:
            labels: at least one.
            known: ids of tickets that were just written, for the search to take in (Cloud).
        """
        reconciled = [int(identity) for identity in known]
        wanted = [f"labels = {_quoted(label(text))}" for text in labels]
        if not wanted:
            raise ValueError("find needs a label: a search without one is the whole project")
        clauses = [f"project = {_quoted(self.rules.project)}", *wanted]
        jql = f"{' AND '.join(clauses)} ORDER BY created DESC"

        def search() -> list[Ticket]:
            if self.cloud:
                found: Any = self.client.enhanced_search_issues(
                    jql,
                    fields=list(FIELDS),
                    reconcileIssues=reconciled,
                    json_result=True,
                )
            else:
                found = self.client.search_issues(jql, fields=list(FIELDS), json_result=True)
            return [ticket(raw, self.client.server_url) for raw in found["issues"]]

        return checked(f"a search in {self.rules.project}", search)

    def read(self, key: str) -> Ticket:
        """Return a ticket as it stands now."""
        fields = ",".join(FIELDS)
        return checked(
            key, lambda: ticket(self.client.issue(key, fields=fields).raw, self.client.server_url)
        )

    def open(
        self,
        summary: str,
        description: str,
        *,
        severity: str | None = None,
        labels: Iterable[str] = (),
        fields: Mapping[str, Any] | None = None,
    ) -> Opened:
        """Open a ticket.

        Args:
            summary: one line; longer than Jira takes, it is cut.
            description: plain text.
            severity: mapped to a priority by the block; unmapped, Jira chooses.
            labels: besides the block's own; spaces become hyphens.
            fields: further fields, by id, over the block's own.

        Raises:
            DeliveryError: it was not opened, or (uncertain) it may have been.
        """
        rules = self.rules
        given: dict[str, Any] = {
            "project": {"key": rules.project},
            "issuetype": {"name": rules.issue_type},
            "summary": _summary(summary),
            "description": self._body(description),
            "labels": sorted({label(text) for text in (*rules.labels, *labels)}),
            **rules.custom_fields,
        }
        if rules.components:
            given["components"] = [{"name": name} for name in rules.components]
        if severity is not None and severity in rules.priorities:
            given["priority"] = {"name": rules.priorities[severity]}
        given.update(fields or {})
        made = checked(
            f"a ticket in {rules.project}",
            lambda: self.client.create_issue(fields=given, prefetch=False).raw,
        )
        key = str(made["key"])
        return Opened(str(made["id"]), key, address(key, self.client.server_url))

    def comment(self, key: str, text: str, *, mark: str = "") -> None:
        """Add a comment; a mark (letters, digits, hyphens) below it lets `said` find it."""
        body: Any = self._body(text, f"ref {mark}" if mark else "")
        checked(key, lambda: self.client.add_comment(key, body))

    def said(self, key: str, mark: str) -> bool:
        """Say whether one of the ticket's last comments bears a mark."""
        # Old servers know no order, and give all of them when none is asked for.
        page: dict[str, Any] = (
            {"max_results": RECENT_COMMENTS, "order_by": "-created"} if self.cloud else {}
        )
        comments = checked(key, lambda: self.client.comments(key, **page))
        last = (document_text(c.raw["body"]).rstrip().split("\n")[-1] for c in comments)
        # Without the escapes that wiki markup needed.
        return any(line.replace("\\", "") == f"ref {mark}" for line in last)

    def edit(
        self,
        key: str,
        *,
        summary: str | None = None,
        add_labels: Iterable[str] = (),
        remove_labels: Iterable[str] = (),
    ) -> None:
        """Change a ticket's summary and labels; the same change twice does no harm."""
        changed = {} if summary is None else {"summary": _summary(summary)}
        steps = [{"add": label(text)} for text in add_labels]
        steps += [{"remove": label(text)} for text in remove_labels]
        body = {"fields": changed, "update": {"labels": steps} if steps else {}}
        # The client's own update reads the ticket before and after: three requests for one.
        url = self.client._get_url(f"issue/{key}")
        checked(key, lambda: self.client._session.put(url, data=json.dumps(body)))

    def resolve(self, key: str) -> None:
        """Bring a ticket to an end, by the step to `resolve_to` or to any status that is done.

        A ticket that is done already stays as it is.
        """
        self._move(key, "done", self.rules.resolve_to, self.rules.resolution)

    def reopen(self, key: str) -> None:
        """Take a ticket up again, by the step to `reopen_to` or to any status that is open.

        A ticket that is not done stays as it is.
        """
        self._move(key, "new", self.rules.reopen_to, None)

    def _move(self, key: str, to: Category, status: str | None, resolution: str | None) -> None:
        now = self.read(key)
        if (now.category == "done") == (to == "done"):
            return
        steps = checked(key, lambda: self.client.transitions(key))
        chosen = step(steps, to, status)
        if chosen is None:
            there = ", ".join(sorted(str(s["to"]["name"]) for s in steps)) or "none"
            wanted = status or f"a status of the category {to!r}"
            raise Rejected(
                f"{key} has no step from {now.status} to {wanted}; its steps lead to: {there}",
                "Set the block's resolve_to or reopen_to to one of them, or grant the step.",
                code="no_transition",
            )
        fields = {"resolution": {"name": resolution}} if resolution else {}
        checked(key, lambda: self.client.transition_issue(key, chosen, fields=fields))

    def _body(self, text: str, ending: str = "") -> Any:
        text = no_formula(text)
        return document(text, ending) if self.cloud else wiki(text, ending)


def _summary(text: str) -> str:
    return one_line(no_formula(" ".join(text.split())), MAX_SUMMARY)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
