"""`backfill`: the flow that runs missing, failed or all days of a range."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from flows.operations.backfill.deployed import Deployed
from flows.operations.backfill.embedded import Embedded
from flows.operations.backfill.plan import Which
from flows.operations.backfill.request import BackfillFailed, DayOutcome, Request, planned
from flows.operations.catalogue import daily_flow
from sdk import Settings, Store, flow, prefect2
from sdk.deployments import deployment_of, has_server
from sdk.progress import FanoutProgress, tell


@flow(owner="platform", tier="bronze", deadline="24h")
def backfill(
    customer: str,
    first: date,
    last: date,
    which: Which = "missing",
    dry_run: bool = False,
    concurrency: int = 2,
    queue: str = "backfill",
    source: str | None = None,
    dataset: str = "report",
) -> list[dict[str, str]]:
    """Run the missing, failed or all days of a customer's range.

    Safe to stop at any moment and to start again: what is to be done is read from the store (and
    from the server's runs), and no day is run by two at once.

    Args:
        customer: whose days.
        first: day of the range.
        last: day of the range, included.
        which: ``missing`` (no dataset), ``failed`` (the newest run failed, or the dataset is
            degraded), or ``all``.
        dry_run: say what would be run, and run nothing.
        concurrency: runs under way at most, on a server.
        queue: of the deployment's work pool.
        source: of the daily files; by default what the flow or its deployment says.
        dataset: by which a day is judged.

    Returns:
        A row per day, under `flows.operations.backfill.request.HEADINGS`.

    Raises:
        BackfillFailed: a day failed; the others were run.
    """
    request = Request(customer, first, last, which, concurrency, queue, source, dataset)
    hands = hands_for(request)
    decisions = hands.decisions()
    done: list[DayOutcome] = planned(decisions) if dry_run else []
    if not dry_run:
        for outcome in hands.run(decisions):
            done.append(outcome)
            _say(request, outcome, done, len(decisions))
    done.sort(key=lambda outcome: outcome.day)
    rows = [outcome.row() for outcome in done]
    prefect2.publish_table_sync("backfill", rows, f"backfill of {customer}, {first} to {last}")
    if any(outcome.end == "failed" for outcome in done):
        raise BackfillFailed(done)
    return rows


def hands_for(request: Request) -> Embedded | Deployed:
    """Return what will run the days: the server's workers where there is a server, else us.

    Raises:
        ConfigurationError: there is no such customer, or no deployment of its daily flow.
    """
    daily = daily_flow(request.customer)
    settings = Settings()
    store = Store(settings.storage)
    if not has_server():
        return Embedded(request, store, daily)
    return Deployed(
        request,
        store,
        deployment_of(daily.name),
        daily.name,
        timezone=settings.timezone,
        log=prefect2.run_logger(),
    )


def _say(request: Request, outcome: DayOutcome, done: Sequence[DayOutcome], total: int) -> None:
    row = outcome.row()
    prefect2.run_logger().info("%s: %s %s", row["day"], row["outcome"], row["detail"])
    failed = sum(other.end == "failed" for other in done)
    tell(FanoutProgress(f"backfill of {request.customer}", len(done), total, failed))
