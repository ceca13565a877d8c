"""Masking: what leaves a step by other ways than its record, without the secrets in it.

An error's text goes into the state of the run, which the server keeps, and with its traceback
into the log; `masked` changes the text before the engine sees it. What the engine, the steps and
`print` write to the log of a run passes the `Masking` filter. Tracebacks show source lines and
the errors' texts, never the values of variables.

What it does not see: code that opens handlers of its own, and what a plain Prefect task without
our keywords raises; that is Prefect's own.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from typing import Any

from sdk.errors import Permanent, Transient, classify
from sdk.redaction import redacted, remember, without_known, written_forms

RUN_LOGGERS = ("prefect.flow_runs", "prefect.task_runs", "prefect._internal.concurrency")
"""The loggers to which the engine and `get_run_logger` write what happens in a run; the last shows
the arguments of calls in Prefect's debug mode."""


def masked(error: Exception, parameters: Any = None) -> Exception:
    """Take the secrets out of an error and out of what led to it.

    Returns:
        The same error, its texts changed; or, for one that builds its text anew from what it
        holds, a `Transient` or `Permanent` error that says the same without the secret.
    """
    chain = list(_chain(error))
    for link in chain:
        _mask_texts(link, parameters)
    forms = written_forms(parameters)
    if not any(form in str(link) for link in chain for form in forms):
        return error
    kind = Transient if classify(error) == "transient" else Permanent
    return kind(redacted(f"{type(error).__name__}: {error}", parameters))


def _chain(error: BaseException) -> Iterator[BaseException]:
    waiting: list[BaseException | None] = [error]
    seen: set[int] = set()
    while waiting:
        link = waiting.pop()
        if link is None or id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        waiting += [link.__cause__, link.__context__]
        waiting += link.exceptions if isinstance(link, BaseExceptionGroup) else ()


def _mask_texts(error: BaseException, parameters: Any) -> None:
    def clean(value: Any) -> Any:
        if isinstance(value, str):
            return redacted(value, parameters)
        return [clean(item) for item in value] if isinstance(value, list) else value

    if (args := tuple(clean(value) for value in error.args)) != error.args:
        error.args = args
    held = {**vars(error), **{name: getattr(error, name, None) for name in _OS_TEXTS}}
    for name, value in held.items():
        if isinstance(value, str | list) and clean(value) != value:
            with contextlib.suppress(AttributeError, TypeError):
                setattr(error, name, clean(value))


_OS_TEXTS = ("strerror", "filename", "filename2")
"""What an `OSError` builds its text from; they are not among its variables."""


def masked_json(value: Any) -> Any:
    """Return JSON values without known secrets; what merely looks like one stays, to be used."""
    if isinstance(value, str):
        return without_known(value)
    if isinstance(value, dict):
        return {name: masked_json(item) for name, item in value.items()}
    return [masked_json(item) for item in value] if isinstance(value, list) else value


class Masking(logging.Filter):
    """A log filter that lets every record through, without its secrets."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Mask the message and the traceback."""
        try:
            message = record.getMessage()
        except (TypeError, ValueError):
            return True  # the handler will complain of it
        clean = redacted(message)
        if clean != message:
            record.msg, record.args = clean, None
        if record.exc_info and record.exc_info[1] is not None:
            text = record.exc_text or logging.Formatter().formatException(record.exc_info)
            clean = redacted(text)
            if clean != text:
                # Formatters print the text that is there; the exception would be printed anew.
                record.exc_text, record.exc_info = clean, None
        return True


_MASKING = Masking()


def keep_secret(*values: Any) -> None:
    """Mask the secrets in these values in all that runs of this process log from now on."""
    remember(values)
    for name in RUN_LOGGERS:
        logger: logging.Logger | None = logging.getLogger(name)
        while logger is not None:
            # Handlers see the records of every logger below, loggers only their own; and
            # handlers are replaced when Prefect sets up logging anew.
            for target in (logger, *logger.handlers):
                target.addFilter(_MASKING)
            logger = logger.parent if logger.propagate else None
