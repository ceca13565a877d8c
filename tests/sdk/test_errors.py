from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from sdk.errors import (
    CheckFailed,
    Permanent,
    PlatformError,
    Transient,
    classify,
    http_status,
    retry_after,
)


def answer(status: int, **headers: str) -> httpx.HTTPStatusError:
    request = httpx.Request("GET", "http://127.0.0.1/")
    response = httpx.Response(status, headers=headers, request=request)
    return httpx.HTTPStatusError("bad answer", request=request, response=response)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 501, 502, 503, 504, 505, 599])
def test_answers_of_the_moment_are_transient(status: int) -> None:
    assert classify(answer(status)) == "transient"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 422])
def test_answers_about_the_request_are_permanent(status: int) -> None:
    assert classify(answer(status)) == "permanent"


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ConnectionRefusedError(), "transient"),
        (TimeoutError(), "transient"),
        (httpx.ConnectTimeout("slow"), "transient"),
        (httpx.ReadError("cut"), "transient"),
        (Transient("later"), "transient"),
        (Permanent("never"), "permanent"),
        (CheckFailed("wrong rows"), "permanent"),
        (ValueError("bad"), "permanent"),
        (KeyError("missing"), "permanent"),
        (RuntimeError("who knows"), "unknown"),
        (OSError(5, "input/output error"), "unknown"),
        (OSError(111, "refused"), "transient"),
    ],
)
def test_kinds(error: Exception, kind: str) -> None:
    assert classify(error) == kind


def test_the_cause_decides_where_the_error_says_nothing() -> None:
    try:
        try:
            raise ConnectionResetError
        except ConnectionResetError as cause:
            raise RuntimeError("loading failed") from cause
    except RuntimeError as error:
        assert classify(error) == "transient"


def test_an_error_that_causes_itself_ends() -> None:
    error = RuntimeError("loop")
    error.__cause__ = error
    assert classify(error) == "unknown"
    assert retry_after(error) is None


def test_botocore_style_status() -> None:
    error = RuntimeError("throttled")
    error.response = {"ResponseMetadata": {"HTTPStatusCode": 503}}  # type: ignore[attr-defined]
    assert http_status(error) == 503
    assert classify(error) == "transient"


def test_retry_after_in_seconds_and_as_a_date() -> None:
    now = datetime(2026, 8, 15, tzinfo=UTC)
    later = format_datetime(now + timedelta(seconds=90), usegmt=True)
    assert retry_after(answer(429, **{"Retry-After": "17"})) == 17
    assert retry_after(answer(503, **{"Retry-After": later}), now=now) == 90
    assert retry_after(answer(503, **{"Retry-After": later}), now=now + timedelta(days=1)) == 0
    assert retry_after(answer(503, **{"Retry-After": "soon"})) is None
    assert retry_after(Transient("later", retry_after=3)) == 3


def test_errors_survive_pickling_and_read_in_two_lines() -> None:
    error = pickle.loads(pickle.dumps(Transient("store is busy", "Wait.", retry_after=4)))
    assert (error.problem, error.action, error.retry_after) == ("store is busy", "Wait.", 4)
    assert str(PlatformError("what", "do this")) == "what\ndo this"
