"""What Jira answered, read into a result or one of `blocks.errors`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from jira.exceptions import JIRAError
from requests.exceptions import ConnectionError as RequestsConnectionError
from requests.exceptions import ConnectTimeout, RequestException

from blocks.errors import DeliveryError, RateLimited, Rejected, Unavailable, seconds
from blocks.wording import one_line

T = TypeVar("T")

MAX_TOLD = 500
"""Characters of Jira's own words in an error: enough for every wrong field of a ticket."""

ADVICE = {
    400: "Correct the block's project, issue type, priorities or custom fields to what Jira takes.",
    401: "Give the block the current user and token and register it again.",
    403: "Grant the user what it lacks in the project: browse, create, edit, comment, transition.",
    404: "Check the ticket, the project, the server's address, and what the user may see.",
    410: "Set the block's deployment to what the server is: cloud or server.",
    413: "Shorten the text.",
}


def checked(subject: str, call: Callable[[], T]) -> T:
    """Make a call and return its result, or raise what its failure means.

    Args:
        subject: what the call concerns, for the error's words.
        call: makes the call.

    Raises:
        DeliveryError: what went wrong, in its kind.
    """
    try:
        return call()
    except JIRAError as error:
        raise _failed(subject, error) from error
    except RequestException as error:
        raise _unreachable(subject, error) from error
    except (ValueError, KeyError, TypeError) as error:
        # A page where JSON belongs: a proxy, a login page, another program at this address.
        raise Unavailable(f"Jira gave an unreadable answer for {subject}: {error!r}") from error


def _failed(subject: str, error: JIRAError) -> DeliveryError:
    status = int(error.status_code or 0)
    headers = getattr(error.response, "headers", None) or {}
    wait = seconds(headers.get("Retry-After"))
    if status == 429:
        return RateLimited(f"Jira limits the calls for {subject}", code="429", retry_after=wait)
    if status >= 500 or status in (408, 425):
        problem = f"Jira answered {status} for {subject}"
        return Unavailable(problem, code=str(status), retry_after=wait)
    told = one_line(_told(error), MAX_TOLD)
    advice = ADVICE.get(status, "Look at the request in Jira's log.")
    return Rejected(f"Jira refused {subject} ({status}): {told}", advice, code=str(status))


def _told(error: JIRAError) -> str:
    """Return Jira's sentences, each with the field that it is about."""
    try:
        body = error.response.json()  # type: ignore[union-attr]
        fields = [f"{name}: {text}" for name, text in sorted(body.get("errors", {}).items())]
        said = [*body.get("errorMessages", []), *fields]
    except (AttributeError, TypeError, ValueError):
        said = []
    return "; ".join(said) or str(error.text)


def _unreachable(subject: str, error: RequestException) -> Unavailable:
    cause = error.args[0] if error.args else error
    reason = getattr(cause, "reason", cause)
    unsent = isinstance(error, ConnectTimeout) or (
        isinstance(error, RequestsConnectionError)
        and type(reason).__name__ in ("NewConnectionError", "NameResolutionError")
    )
    what = f"Jira cannot be reached for {subject}: {type(reason).__name__}"
    return Unavailable(what, uncertain=not unsent)
