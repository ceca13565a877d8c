"""Where notices go, from the environment; read once, when something is to be said."""

from __future__ import annotations

from pydantic_settings import BaseSettings, SettingsConfigDict


class NoticeSettings(BaseSettings):
    """The settings of notices, from ``DATAWEAVE_*`` environment variables.

    Attributes:
        slack_block: name of the `SlackChannel` document for everybody; none: no Slack.
        slack_routes: owner to the name of the document for that team's notices, as JSON.
        oncall_block: name of the `SlackChannel` document that pages.
        jira_block: name of the `JiraProject` document; none: no tickets.
        ui_url: of Prefect's pages, for links to runs; by default what Prefect is told.
        runbooks: address below which each flow has its runbook.
    """

    model_config = SettingsConfigDict(env_prefix="DATAWEAVE_", frozen=True, extra="ignore")

    slack_block: str | None = None
    slack_routes: dict[str, str] = {}
    oncall_block: str | None = None
    jira_block: str | None = None
    ui_url: str | None = None
    runbooks: str = ""

    @property
    def spoken(self) -> bool:
        """Whether anything goes beyond the console."""
        return bool(self.slack_block or self.slack_routes or self.jira_block)

    def run_url(self, run_id: str) -> str:
        """Return the address at which Prefect shows a run; empty where it has no pages."""
        from prefect.settings import PREFECT_UI_URL

        base = self.ui_url or PREFECT_UI_URL.value()
        return f"{base.rstrip('/')}/flow-runs/flow-run/{run_id}" if base else ""
