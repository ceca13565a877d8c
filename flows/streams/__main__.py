"""The command line of streams.

    python -m flows.streams follow --customer orchard --own-seller "Orchard Market" \
        --currency ILS --queue spool:.dataweave/spool/orchard
    python -m flows.streams send --queue spool:.dataweave/spool/orchard < events.jsonl
    python -m flows.streams depth --queue spool:.dataweave/spool/orchard
    python -m flows.streams starts --environment staging

Errors are two lines and exit code 1.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Annotated

import typer

from flows.streams.queues.queue import Queue
from sdk.errors import PlatformError

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)

QueueOption = Annotated[
    str, typer.Option("--queue", help="spool:FOLDER, redis://HOST:PORT/0/STREAM or sqs://QUEUE")
]
AT_ONCE = 500


@app.callback()
def main() -> None:
    """Streams of prices, near real time."""


@app.command()
def follow(
    customer: Annotated[str, typer.Option(help="whose stream")],
    own_seller: Annotated[str, typer.Option(help="the customer's own, as events name it")],
    currency: Annotated[str, typer.Option(help="ISO 4217")],
    queue: QueueOption,
    stream: Annotated[str, typer.Option(help="its name in the ledger")] = "prices",
    until_idle: Annotated[bool, typer.Option(help="end when the queue is empty")] = False,
) -> None:
    """Consume a stream until SIGTERM, or until another consumer waits for it."""
    with _explained():
        from pathlib import Path

        from sdk.embedding import embed

        embed(Path(".dataweave") / "prefect", verbose=False)
        from flows.streams.flow import follow_prices

        told = follow_prices(customer, own_seller, currency, queue, stream, until_idle=until_idle)
        shown = ("ending", "received", "handled", "repeated", "dead", "alerts", "notices")
        sys.stdout.write(", ".join(f"{name} {told[name]}" for name in shown) + "\n")


@app.command()
def send(queue: QueueOption) -> None:
    """Send the lines of standard input, each a message."""
    with _explained(), closing(_opened(queue)) as opened:
        bodies: list[bytes] = []
        total = 0
        for line in sys.stdin.buffer:
            if line.strip():
                bodies.append(line.strip())
            if len(bodies) == AT_ONCE:
                opened.send(bodies)
                total, bodies = total + len(bodies), []
        opened.send(bodies)
        sys.stdout.write(f"{total + len(bodies):,} messages sent to {opened.name}\n")


@app.command()
def depth(queue: QueueOption) -> None:
    """Say how much is in a queue."""
    with _explained(), closing(_opened(queue)) as opened:
        found = opened.depth()
        said = f"{found.waiting:,} waiting, {found.working:,} worked on, {found.dead:,} set aside"
        sys.stdout.write(f"{opened.name}: {said}\n")


@app.command()
def starts(
    environment: Annotated[str, typer.Option(help="development, staging or production")],
) -> None:
    """Make the server's automations those that are declared in flows/streams/starts/declared."""
    with _explained():
        from flows.streams.starts.apply import apply
        from flows.streams.starts.declarations import read
        from sdk.api import Api

        with Api.of_environment() as api:
            apply(api, read(environment), environment, say=_say)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _opened(address: str) -> Queue:
    from flows.streams.queues import open_queue
    from flows.streams.settings import StreamSettings

    ours = StreamSettings()
    return open_queue(
        address,
        visibility=ours.stream_visibility,
        password=ours.queue_password,
        endpoint=ours.queue_endpoint,
    )


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except PlatformError as error:
        sys.stderr.write(f"error: {error.problem}\n{error.action}\n")
        raise SystemExit(1) from None


if __name__ == "__main__":
    app()
