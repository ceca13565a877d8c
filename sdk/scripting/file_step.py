"""`script`: a file becomes a step, with the same retries, checks, fallback and statistics."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sdk import prefect2
from sdk.digest import bytes_hash
from sdk.errors import ConfigurationError, Permanent, PlatformError, Transient
from sdk.fallback import duration
from sdk.manifest import Input
from sdk.redaction import redacted
from sdk.run import current_run
from sdk.scripting.contract import SINGLE, Format, environment, read_outputs, write_inputs
from sdk.scripting.process import Ended, run_process
from sdk.scripting.query import run_query
from sdk.tasks import StepTask, task

TRY_AGAIN = 75
"""EX_TEMPFAIL of sysexits.h: by this exit code a script says that a later attempt may succeed."""

_SIZES = {"KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}


def script(
    path: str | Path,
    *,
    dataset: str | None = None,
    outputs: str | Mapping[str, str] = (),  # type: ignore[assignment]
    inputs_as: Format = "parquet",
    env: Mapping[str, Any] | None = None,
    timeout: str | None = None,
    memory: str | None = None,
    interpreter: Sequence[str] = (),
    **step: Any,
) -> StepTask[..., Any]:
    """Make a step of a script: a shell, Python or SQL file, or any program.

    Call the step with named parameters: datasets become files (views in SQL), everything else
    environment variables in capitals (variables in SQL). See `sdk.scripting.contract`.

    Args:
        path: the file. ``.py`` runs by this Python, ``.sh`` by its shell, ``.sql`` in DuckDB, any
            other by itself.
        dataset: publish what it leaves under this name.
        outputs: the file that it must leave in ``$OUTPUTS``, or several by table name. SQL needs
            none: its result is the table.
        inputs_as: the format of the input files.
        env: further variables; values may be ``SecretStr``.
        timeout: for one attempt, such as ``"10m"``.
        memory: of each of its processes, such as ``"2GB"``.
        interpreter: what runs the file, where its suffix does not say.
        step: ``retry``, ``fallback``, ``checks`` and Prefect's own, as `sdk.task` takes them.

    Returns:
        A step; it returns the dataset, or without one what the script wrote to standard output.

    Raises:
        ConfigurationError: there is no such file, or an option makes no sense.
    """
    file = Path(path)
    if not file.is_file():
        raise ConfigurationError(f"there is no script {path}", "Give the path of a file.")
    declared = {SINGLE: outputs} if isinstance(outputs, str) else dict(outputs)
    limit = duration(timeout).total_seconds() if timeout else None
    size = _bytes(memory)
    if file.suffix == ".sql":

        def body(**parameters: Any) -> Any:
            text = file.read_text(encoding="utf-8")
            return run_query(text, parameters, name=file.name, time_limit=limit, memory=size)
    else:
        argv = [*(interpreter or _interpreter(file)), str(file.resolve())]

        def body(**parameters: Any) -> Any:
            return _in_folder(
                file.name, argv, parameters, declared, inputs_as, env or {}, limit, size
            )

    body.__name__ = body.__qualname__ = step.pop("name", None) or file.stem.replace("-", "_")
    body.__doc__ = f"Run {file.name}."
    options: dict[str, Any] = {"inputs": _its_text(file), **step}
    if dataset is not None:
        options["dataset"] = dataset
    decorate: Callable[[Callable[..., Any]], StepTask[..., Any]] = task(**options)
    return decorate(body)


def _its_text(file: Path) -> Callable[..., list[Input]]:
    def inputs(**_: Any) -> list[Input]:
        # A changed script is another step: the text counts, not only the Python around it.
        return [Input(name=file.name, content_hash=bytes_hash(file.read_bytes()))]

    return inputs


def _interpreter(file: Path) -> list[str]:
    if file.suffix == ".py":
        return [sys.executable]
    if file.suffix in (".sh", ".bash"):
        if os.access(file, os.X_OK) and file.read_bytes()[:2] == b"#!":
            return []
        return [shutil.which("bash") or "/bin/sh"]
    if not os.access(file, os.X_OK):
        raise ConfigurationError(
            f"script {file} is not executable", "Make it so, or say what runs it: interpreter=."
        )
    return []


def _in_folder(
    name: str,
    argv: Sequence[str],
    parameters: Mapping[str, Any],
    outputs: Mapping[str, str],
    inputs_as: Format,
    env: Mapping[str, Any],
    limit: float | None,
    memory: int | None,
) -> Any:
    parameters = dict(parameters)
    run = current_run()
    if run is not None:
        parameters = {"customer": run.customer, "day": run.day} | parameters
    log = prefect2.run_logger()
    with tempfile.TemporaryDirectory(prefix="script-", ignore_cleanup_errors=True) as place:
        folder = Path(place)
        write_inputs(folder / "inputs", parameters, inputs_as)
        (folder / "outputs").mkdir()
        try:
            ended = run_process(
                argv,
                cwd=folder,
                env=environment(os.environ, env, parameters, folder),
                time_limit=limit,
                memory=memory,
                log=lambda line: log.info("%s: %s", name, redacted(line, [parameters, env])),
            )
        except OSError as error:
            raise Permanent(
                f"script {name} cannot be run: {error.strerror}", "See its first line and rights."
            ) from error
        if ended.timed_out or ended.code:
            raise _error(name, ended, limit, [parameters, env])
        return read_outputs(folder / "outputs", outputs, name) if outputs else ended.out


def _error(name: str, ended: Ended, limit: float | None, secrets: Any) -> PlatformError:
    tail = redacted(ended.err.strip() or ended.out.strip(), secrets)
    said = f": {tail}" if tail else ""
    if ended.timed_out:
        return Transient(f"script {name} did not end within {limit:g} s{said}", "Give it more.")
    if ended.code == TRY_AGAIN:
        return Transient(f"script {name} asks to be run again (exit code 75){said}")
    if ended.code < 0:
        return Transient(
            f"script {name} was ended by signal {-ended.code}{said}",
            "Signal 9 is mostly want of memory: see its size, or memory= of the step.",
        )
    return Permanent(f"script {name} ended with exit code {ended.code}{said}", "See its output.")


def _bytes(text: str | None) -> int | None:
    if text is None:
        return None
    for unit, size in _SIZES.items():
        number = text.upper().removesuffix(unit)
        if number != text.upper():
            try:
                return int(float(number) * size)
            except ValueError:
                break
    raise ConfigurationError(f"{text!r} is not a size of memory", "Write it as 500MB or 2GB.")
