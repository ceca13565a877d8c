"""`run_script`: what the line of a crontab becomes, with the environment that cron gave it.

`python -m sdk.crontab` writes deployments of this flow. Of the worker's own environment the
command sees nothing, as under cron: what it needs stands in the crontab's settings. Its output
goes to the run's log instead of a mail; a failure gives notice as every flow's does.

The command is a shell's, because a line of a crontab is. Nothing is put into it: it comes from
prefect.yaml as it stands, and whoever may write that may run programs anyway.
"""

from __future__ import annotations

import itertools
import os
import pwd
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from pydantic import SecretStr

from sdk import ConfigurationError, Permanent, PlatformError, Transient, flow, prefect2
from sdk.fallback import duration
from sdk.masking import keep_secret
from sdk.redaction import redacted
from sdk.scripting.process import Ended, run_process

SHELL = "/bin/sh"
PATH = "/usr/bin:/bin"
"""What crontab(5) says of a command that is told nothing else."""

LOGGED_LINES = 2000
"""Lines of output in a run's log: enough to see what a nightly job did, and no flood."""

_SECRET = re.compile(r"(?i)(?:^|_)(?:pass(?:word|wd)?|pwd|secret|token|key|credentials?)(?:_|$)")


@flow(customer="platform", owner="platform", tier="bronze", deadline="24h")
def run_script(
    command: str,
    environment: dict[str, str],
    stdin: str | None = None,
    user: str | None = None,
    timeout: str | None = None,
) -> None:
    """Run a command line as cron would.

    Args:
        command: for the shell: ``$SHELL`` of the environment, else /bin/sh.
        environment: the command's variables; ``HOME``, ``LOGNAME``, ``SHELL`` and ``PATH`` have
            cron's defaults.
        stdin: what the command reads; nothing by default.
        user: whose rights it has; only a worker that is root can give others than its own.
        timeout: after which it and all that it started are ended, such as ``"2h"``.

    Raises:
        Permanent: it ended with an exit code other than 0; the end of its output is in the error.
        Transient: it was ended by a signal or for its time.
        ConfigurationError: it cannot be run as that user, or its shell is not there.
    """
    keep_secret(*(SecretStr(value) for name, value in environment.items() if _SECRET.search(name)))
    account, as_user = _account(user)
    variables = variables_of(environment, account)
    home = Path(variables["HOME"])
    limit = duration(timeout).total_seconds() if timeout else None
    try:
        ended = run_process(
            [*as_user, variables["SHELL"], "-c", command],
            cwd=home if home.is_dir() else Path("/"),
            env=variables,
            stdin=(stdin or "").encode(),
            time_limit=limit,
            log=bounded(prefect2.run_logger().info, LOGGED_LINES),
        )
    except OSError as error:
        raise ConfigurationError(
            f"shell {variables['SHELL']} cannot be run: {error.strerror}",
            "Set SHELL in the deployment's environment to one that the worker has.",
        ) from error
    failure = failure_of(ended, limit)
    if failure is not None:
        raise failure


def variables_of(environment: Mapping[str, str], account: pwd.struct_passwd) -> dict[str, str]:
    """Return a command's whole environment; see crontab(5)."""
    defaults = {"SHELL": SHELL, "PATH": PATH, "HOME": account.pw_dir}
    # LOGNAME is the one variable that a crontab cannot set.
    return defaults | dict(environment) | {"LOGNAME": account.pw_name}


def failure_of(ended: Ended, limit: float | None) -> PlatformError | None:
    """Return what is wrong with how a command ended; None if nothing is."""
    tail = redacted(ended.err.strip() or ended.out.strip())
    said = f":\n{tail}" if tail else ""
    if ended.timed_out:
        return Transient(
            f"the command did not end within {limit:g} s{said}", "Give it more: timeout."
        )
    if ended.code < 0:
        return Transient(
            f"the command was ended by signal {-ended.code}{said}",
            "Signal 9 is mostly want of memory: see the worker's.",
        )
    if ended.code:
        return Permanent(
            f"the command ended with exit code {ended.code}{said}",
            "See its output in the run's log.",
        )
    return None


def bounded(log: Callable[..., object], most: int) -> Callable[[str], None]:
    """Return a log of lines without their secrets that falls silent after so many."""
    count = itertools.count(1)  # atomic: two threads read the two streams

    def write(line: str) -> None:
        number = next(count)
        if number <= most:
            log("%s", redacted(line))
        elif number == most + 1:
            log("%s", f"… lines after the first {most} are not logged")

    return write


def _account(user: str | None) -> tuple[pwd.struct_passwd, list[str]]:
    """Return whose account a command runs under, and what is put before it to get there."""
    own = pwd.getpwuid(os.geteuid())
    if user is None or user == own.pw_name:
        return own, []
    try:
        account = pwd.getpwnam(user)
    except KeyError:
        raise ConfigurationError(
            f"the worker knows no user {user!r}", "Make it in the worker's image, or leave it out."
        ) from None
    setpriv = shutil.which("setpriv")
    if os.geteuid() != 0 or setpriv is None:
        raise ConfigurationError(
            f"the worker runs as {own.pw_name} and cannot run a command as {user}",
            f"Run it on a worker of user {user}, or leave user out if {own.pw_name} will do.",
        )
    rights = [f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--init-groups"]
    return account, [setpriv, *rights]
