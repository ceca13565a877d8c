"""The address of a queue: which kind it is, and which one.

::

    spool:/var/spool/prices                 a folder
    redis://host:6379/0/prices?group=g      a stream; rediss:// speaks TLS
    sqs://prices?dead=prices-dead           a queue by name; the account is the environment's

Credentials have no place in it: addresses are parameters of deployments, and those are stored and
shown. Redis' password is ``DATAWEAVE_QUEUE_PASSWORD``; AWS' come from the role or the environment.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import SplitResult, parse_qs, urlsplit

from pydantic import SecretStr

from flows.streams.queues.queue import Queue
from flows.streams.queues.spool import Spool
from sdk.errors import ConfigurationError

FORMS = "Write spool:FOLDER, redis://HOST:PORT/DATABASE/STREAM or sqs://QUEUE."


def open_queue(
    address: str,
    *,
    visibility: float = 60.0,
    password: SecretStr | None = None,
    endpoint: str | None = None,
) -> Queue:
    """Return the queue of an address; nothing is asked of it yet.

    Args:
        address: see the module.
        visibility: seconds for which a message that was received is hidden from others.
        password: Redis'.
        endpoint: AWS', for stand-ins.

    Raises:
        ConfigurationError: the address is none, holds credentials, or its client is not installed.
    """
    kind, colon, rest = address.partition(":")
    if not colon or kind not in {"spool", "redis", "rediss", "sqs"}:
        raise ConfigurationError("the queue's address names no kind of queue that is known", FORMS)
    if kind == "spool":
        folder = rest.removeprefix("//")
        if not folder:
            raise ConfigurationError(f"queue {address!r} names no folder", FORMS)
        return Spool(Path(folder).expanduser().absolute(), visibility)
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        raise ConfigurationError("the queue's address cannot be read", FORMS) from None
    if parts.password is not None or parts.username is not None:
        # Not quoted: it would stand in the log.
        raise ConfigurationError(
            "the queue's address holds credentials, and parameters are stored and shown",
            "Leave them out: DATAWEAVE_QUEUE_PASSWORD is Redis', the role's are AWS'.",
        )
    try:
        if kind == "sqs":
            return _sqs(parts, visibility, endpoint)
        return _redis(parts, port or 6379, visibility, password)
    except ImportError as error:
        extra = "sqs" if kind == "sqs" else "redis"
        raise ConfigurationError(
            f"queue {address!r} needs the package {error.name}",
            f"Install the extra: dataweave-workflows[{extra}].",
        ) from error


def _sqs(parts: SplitResult, visibility: float, endpoint: str | None) -> Queue:
    from flows.streams.queues.sqs import Sqs

    options = parse_qs(parts.query)
    if not parts.netloc:
        raise ConfigurationError(f"queue {parts.geturl()!r} names no queue", FORMS)
    return Sqs(
        parts.netloc,
        visibility,
        dead_queue=options.get("dead", [""])[0],
        region=options.get("region", [None])[0],
        endpoint=endpoint,
    )


def _redis(parts: SplitResult, port: int, visibility: float, password: SecretStr | None) -> Queue:
    from flows.streams.queues.redis_streams import RedisStream

    database, _, stream = parts.path.removeprefix("/").partition("/")
    if not parts.hostname or not database.isdigit() or not stream:
        raise ConfigurationError(f"queue {parts.geturl()!r} names no host and stream", FORMS)
    options = parse_qs(parts.query)
    return RedisStream(
        parts.hostname,
        port,
        stream,
        options.get("group", ["dataweave"])[0],
        visibility,
        database=int(database),
        username=options.get("user", [None])[0],
        password=password.get_secret_value() if password else None,
        tls=parts.scheme == "rediss",
    )
