"""`watch_arrivals`: watch a folder or a bucket's queue, and tell Prefect's server what arrives."""

from __future__ import annotations

from contextlib import ExitStack

from flows.streams.database import Database
from flows.streams.flow import stopping
from flows.streams.lease import Lease
from flows.streams.ledger import Ledger
from flows.streams.patience import Patience
from flows.streams.queues import open_queue
from flows.streams.settings import StreamSettings
from flows.streams.starts.arrivals import Arrivals, Folder, Notifications
from flows.streams.starts.watch import Watch
from flows.streams.telling import Teller
from sdk import ConfigurationError, Settings, current_run, flow
from sdk.api import Api
from sdk.notices.settings import NoticeSettings
from sdk.storage import Storage

NAME = "watch-arrivals"


@flow(name=NAME, customer="platform", tier="silver")
def watch_arrivals(name: str, folder: str | None = None, queue: str | None = None) -> int:
    """Tell Prefect's server of each file that arrives, once.

    Args:
        name: of the place, in the events' label ``dataweave.source``.
        folder: folder or URL to look into; or
        queue: address of the queue that a bucket's notifications go to.

    Returns:
        How many arrivals were told.

    Raises:
        ConfigurationError: neither or both places are given, or one cannot be used.
    """
    settings, ours = Settings(), StreamSettings()
    run = current_run()
    with ExitStack() as closing:
        stop = closing.enter_context(stopping())
        teller = Teller(
            "platform", settings.storage, settings.environment,
            settings=NoticeSettings(), run_id=run.run_id if run else "", flow=NAME,
        )  # fmt: skip
        patience = Patience(teller, stop)
        database = patience.do(
            "open the ledger", lambda: Database(ours.database_of(settings.storage))
        )
        closing.callback(database.close)
        ledger = Ledger(database, f"arrivals/{name}")
        api = closing.enter_context(Api.of_environment())
        place = _place(folder, queue, ours, closing)
        watch = Watch(
            place, name, ledger, Lease(database, ledger.stream, ours.stream_lease), patience, api
        )
        return watch.run()


def _place(
    folder: str | None, queue: str | None, ours: StreamSettings, closing: ExitStack
) -> Arrivals:
    if (folder is None) == (queue is None):
        raise ConfigurationError("a watch needs one place", "Give either a folder or a queue.")
    if folder is not None:
        return Folder(Storage(folder))
    assert queue is not None
    source = open_queue(
        queue,
        visibility=ours.stream_visibility,
        password=ours.queue_password,
        endpoint=ours.queue_endpoint,
    )
    closing.callback(source.close)
    return Notifications(source)
