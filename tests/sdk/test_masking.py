"""Secrets are found nowhere: by what they look like, by where they went, in a run that fails."""

from __future__ import annotations

import dataclasses
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect.blocks.system import Secret
from pydantic import BaseModel, SecretBytes, SecretStr

from sdk import redaction
from sdk.errors import Permanent, Transient
from sdk.masking import Masking, masked
from sdk.redaction import MASK, redacted, remember, secrets_in

ROOT = Path(__file__).parents[2]
VALUE = 'hunter2"correct horse/ü'


class Login(BaseModel):
    """A model with a secret in it."""

    user: str = "reader"
    password: SecretStr = SecretStr(VALUE)


@dataclasses.dataclass
class Source:
    """A dataclass with a model in it."""

    login: Login


@pytest.fixture(autouse=True)
def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one test has the process remember is nothing to the next."""
    monkeypatch.setattr(redaction, "_remembered", {})


@pytest.mark.parametrize(
    "holder",
    [
        SecretStr(VALUE),
        SecretBytes(VALUE.encode()),
        Login(),
        Source(Login()),
        [{"a": (Source(Login()),)}],
        Secret(value=VALUE),
    ],
    ids=lambda holder: type(holder).__name__,
)
def test_secrets_are_found_wherever_they_are_held(holder: Any) -> None:
    assert VALUE in set(secrets_in(holder))
    written = f"{VALUE} {VALUE!r} https://x/?q=hunter2%22correct%20horse%2F%C3%BC"
    for text in (redacted(written, holder), redacted(repr({"p": VALUE}), {"p": holder})):
        assert "hunter2" not in text


def test_what_was_remembered_is_masked_without_being_named() -> None:
    remember({"login": Login()})
    assert redacted(f"cannot log in with {VALUE}") == f"cannot log in with {MASK}"
    remember([SecretStr(f"secret-number-{n}") for n in range(redaction.REMEMBERED)])
    assert VALUE in redacted(VALUE), "the oldest is forgotten"
    assert redacted("secret-number-7") == MASK


def test_no_secret_is_too_short_to_hide_the_message() -> None:
    remember(SecretStr("1"))
    assert redacted("1 row of 10") == "1 row of 10"


class Stubborn(Exception):
    """An error that builds its text anew from what it holds."""

    def __str__(self) -> str:
        return f"no login for {VALUE}"


def broken_by_os() -> Exception:
    try:
        Path(f"/nowhere/{VALUE}".replace('"', "")).read_bytes()
    except OSError as error:
        error.filename = f"/nowhere/{VALUE}"
        return error
    raise AssertionError


def chained() -> Exception:
    try:
        try:
            raise ConnectionError(f"first {VALUE}")
        except ConnectionError as error:
            error.add_note(f"note {VALUE}")
            raise ValueError("second") from error
    except ValueError as error:
        return error


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ValueError(VALUE, 3), ValueError),
        (Permanent(f"bad {VALUE}", f"do {VALUE}"), Permanent),
        (Transient(f"bad {VALUE}", retry_after=3), Transient),
        (broken_by_os(), FileNotFoundError),
        (chained(), ValueError),
        (ExceptionGroup("several", [ValueError(VALUE)]), ExceptionGroup),
        (Stubborn(), Permanent),
    ],
    ids=lambda value: getattr(value, "__name__", type(value).__name__),
)
def test_an_error_keeps_its_kind_and_loses_its_secrets(
    error: Exception, kind: type[Exception]
) -> None:
    made = masked(error, SecretStr(VALUE))
    assert type(made) is kind
    text = "".join(__import__("traceback").format_exception(made))
    assert "hunter2" not in text
    assert MASK in text


def test_an_error_without_secrets_is_left_as_it_is() -> None:
    error = ValueError("price is negative", {"row": 3})
    assert masked(error, SecretStr(VALUE)) is error
    assert error.args == ("price is negative", {"row": 3})


@given(
    secret=st.text(st.characters(codec="utf-8"), min_size=4, max_size=30),
    before=st.text(max_size=20),
    after=st.text(max_size=20),
)
def test_no_text_or_record_keeps_a_secret(secret: str, before: str, after: str) -> None:
    text = f"{before}{secret}{after}"
    if secret in MASK or secret in before + MASK + after:
        return
    assert secret not in redacted(text, SecretStr(secret)).replace(MASK, "\0")
    remember(SecretStr(secret))
    try:
        raise ValueError(text)
    except ValueError:
        record = logging.LogRecord("x", 40, "p", 1, "at %s", (text,), sys.exc_info())
    assert Masking().filter(record)
    shown = logging.Formatter().format(record).replace(MASK, "\0")
    source = Path(__file__).read_text()
    assert secret not in shown or secret in source or secret in str(ROOT)


def test_a_record_that_cannot_be_formatted_goes_on_to_the_handler() -> None:
    record = logging.LogRecord("x", 40, "p", 1, "%d", ("no number",), None)
    assert Masking().filter(record)
    assert record.args == ("no number",)


FLOW_FILE = """
import sys
from datetime import date
import polars as pl
from prefect import get_run_logger
from prefect.blocks.system import Secret
from pydantic import SecretStr
from sdk import NONE, Transient, default, flow, record, task

KEY = sys.stdin.read().strip()

@task(dataset="raw", retry=NONE, fallback=default(pl.DataFrame({"x": [1]})))
def served(password: SecretStr, url: str) -> pl.DataFrame:
    plain = password.get_secret_value()
    get_run_logger().info("logging in with %s at %s", plain, url)
    raise Transient(f"cannot log in with {plain} at {url}")

@task(retry=NONE, log_prints=True)
def fails(login: dict, note: str) -> None:
    plain = login["password"].get_secret_value()
    print("printed", plain)
    try:
        raise KeyError(plain)
    except KeyError as error:
        raise ValueError(f"no login with {plain!r}: {note}") from error

@flow(customer="acme")
def stage(token: SecretStr) -> None:
    raise RuntimeError("token " + token.get_secret_value())

@flow(customer="acme", persist_result=True)
def daily(day: date) -> None:
    password = SecretStr(KEY)
    served(password, f"https://reader:{KEY}@127.0.0.1/prices")
    fails.submit({"password": password}, "a note").wait()
    stage(SecretStr(KEY), return_state=True)
    stage(KEY, return_state=True)
    fails({"password": password}, KEY)

state = daily(date(2026, 8, 15), return_state=True)
print("ended", state.name, state.message)
"""


@pytest.mark.timeout(120)
def test_a_seeded_secret_is_found_nowhere(tmp_path: Path) -> None:
    """In no log, no state, no database, no manifest, no ledger and no result."""
    secret = "hunter2-correct-horse-battery"
    file = tmp_path / "flow.py"
    file.write_text(FLOW_FILE)
    home, store = tmp_path / "home", tmp_path / "store"
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PREFECT_HOME": str(home),
        "DATAWEAVE_STORAGE": str(store),
        "PREFECT_LOGGING_LEVEL": "DEBUG",
        "PREFECT_DEBUG_MODE": "true",
        "PREFECT_LOGGING_TO_API_ENABLED": "true",
    }
    done = subprocess.run(
        [sys.executable, str(file)],
        input=secret,
        capture_output=True,
        text=True,
        env=environment,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = done.stdout + done.stderr
    assert "ended Failed" in said
    for passage in ("logging in with", "printed", "no login with", "Traceback", "cannot log in"):
        assert passage in said, passage
    assert secret not in said
    written = [path for path in (*home.rglob("*"), *store.rglob("*")) if path.is_file()]
    assert any(path.suffix == ".db" for path in written)
    database = b"".join(path.read_bytes() for path in written if "prefect.db" in path.name)
    assert b"printed " in database, "the logs are in it"
    assert b"no login with" in database, "the states are in it"
    assert any("manifest" in path.name for path in written)
    for path in written:
        assert secret.encode() not in path.read_bytes(), path
