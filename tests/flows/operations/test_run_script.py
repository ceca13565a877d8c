"""The flow that runs a line of a crontab."""

from __future__ import annotations

import logging
import os
import pwd
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from prefect.settings import PREFECT_LOGGING_LEVEL, temporary_settings

from flows.operations.crontab import LOGGED_LINES, bounded, run_script
from sdk import ConfigurationError, Permanent, Transient


def run(command: str, environment: dict[str, str] | None = None, **more: Any) -> Any:
    return run_script(command, environment or {}, **more)


def test_the_command_sees_what_cron_would_give_it(
    store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKERS_OWN", "not for scripts")
    own = pwd.getpwuid(os.geteuid())
    told = {"HOME": str(tmp_path), "MAILTO": "ops@example.com", "LOGNAME": "somebody"}
    run("env -0 > seen; pwd > where; cat > read", told, stdin="first\nlast\n")
    entries = (tmp_path / "seen").read_text().split("\0")
    seen = dict(entry.split("=", 1) for entry in entries if entry)
    shells = ("PWD", "OLDPWD", "_", "SHLVL")
    assert {name: value for name, value in seen.items() if name not in shells} == {
        "HOME": str(tmp_path),
        "LOGNAME": own.pw_name,
        "MAILTO": "ops@example.com",
        "PATH": "/usr/bin:/bin",
        "SHELL": "/bin/sh",
    }
    assert (tmp_path / "where").read_text().strip() == str(tmp_path)
    assert (tmp_path / "read").read_text() == "first\nlast\n"


def test_nothing_is_read_where_nothing_is_given(store_url: str, tmp_path: Path) -> None:
    run("cat > read", {"HOME": str(tmp_path)})
    assert (tmp_path / "read").read_bytes() == b""


def test_the_shell_is_the_environments(store_url: str, tmp_path: Path) -> None:
    shell = tmp_path / "shell"
    shell.write_text('#!/bin/sh\nprintf "%s|" "$@" > "$HOME/asked"\n')
    shell.chmod(0o755)
    run("a  b%", {"HOME": str(tmp_path), "SHELL": str(shell)})
    assert (tmp_path / "asked").read_text() == "-c|a  b%|"
    with pytest.raises(ConfigurationError, match="shell /nowhere/sh cannot be run"):
        run("true", {"SHELL": "/nowhere/sh"})


def test_a_failure_says_code_and_end_of_output_without_secrets(store_url: str) -> None:
    secret = "correct-horse-battery"
    with pytest.raises(Permanent) as caught:
        run("echo fine; echo torn at $API_TOKEN >&2; exit 3", {"API_TOKEN": secret})
    assert "exit code 3" in caught.value.problem
    assert "torn at ********" in caught.value.problem
    assert "fine" not in caught.value.problem
    for path in Path(store_url).rglob("*"):
        assert not path.is_file() or secret not in path.read_text()
    with pytest.raises(Permanent, match="only this"):
        run("echo only this; exit 1")
    with pytest.raises(Transient, match="ended by signal 9"):
        run("kill -9 $$")


def test_all_that_it_started_ends_with_it(store_url: str, tmp_path: Path) -> None:
    with pytest.raises(Transient, match="did not end within 1 s"):
        run("sleep 987 & echo $! > child; sleep 987", {"HOME": str(tmp_path)}, timeout="1s")
    child = (tmp_path / "child").read_text().strip()
    for _ in range(100):
        # A zombie is as dead as one that is gone.
        done = subprocess.run(["ps", "-o", "stat=", "-p", child], capture_output=True, text=True)
        if not done.stdout.strip() or done.stdout.startswith("Z"):
            break
        time.sleep(0.1)
    else:
        pytest.fail(f"process {child} is still there")


def test_the_log_is_bounded_and_masked() -> None:
    lines: list[str] = []
    write = bounded(lambda pattern, line: lines.append(pattern % line), 2)
    for number in range(5):
        write(f"line {number}: password=hunter2 %s")
    assert len(lines) == 3
    assert lines[0].startswith("line 0")
    assert "hunter2" not in "".join(lines)
    assert "first 2" in lines[2]
    assert LOGGED_LINES > 2


def test_output_of_both_streams_is_in_the_runs_log(store_url: str) -> None:
    seen: list[str] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append(record.getMessage())

    logger, handler = logging.getLogger("prefect.flow_runs"), Kept()
    with temporary_settings({PREFECT_LOGGING_LEVEL: "INFO"}):
        run("true")  # Prefect sets up its logging with a run
        logger.addHandler(handler)
        try:
            run("echo said; echo complained >&2")
        finally:
            logger.removeHandler(handler)
    assert {"said", "complained"} <= set(seen)


def test_another_user_needs_root_and_an_account(store_url: str, tmp_path: Path) -> None:
    own = pwd.getpwuid(os.geteuid())
    run("id -un > who", {"HOME": str(tmp_path)}, user=own.pw_name)
    assert (tmp_path / "who").read_text().strip() == own.pw_name
    with pytest.raises(ConfigurationError, match="knows no user 'no-such-user'"):
        run("true", user="no-such-user")
    if os.geteuid() == 0:
        tmp_path.chmod(0o777)
        with pytest.raises(Permanent, match=r"uid=\d+\(nobody\)"):
            run("id >&2; exit 1", user="nobody")
    else:
        with pytest.raises(ConfigurationError, match="cannot run a command as root"):
            run("true", user="root")
