"""The command: ``python -m sdk.crontab FILE`` prints deployments for prefect.yaml.

YAML on standard output, everything else on standard error, so that the first can be redirected.
Exit codes: 0, every line was translated; 1, some were not (the others are printed); 2, the file
cannot be read, is not a crontab, or an option is wrong (nothing is printed).
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
import yaml

from sdk.crontab import NotACrontab, Refusal, Translation, decode, parse, translate
from sdk.crontab.problem import excerpt
from sdk.errors import ConfigurationError, PlatformError
from sdk.redaction import redacted

DEFAULT_ZONE = "UTC"
STDIN = "-"
LINE = 1_000_000
"""Characters of a line of YAML: a command is never folded, so that it can be searched for."""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    file: Annotated[str, typer.Argument(help="the crontab; - for standard input")],
    timezone: Annotated[
        str, typer.Option(help="zone of the machine, for lines under no CRON_TZ; UTC if not given")
    ] = "",
    system: Annotated[
        bool, typer.Option("--system", help="the sixth column is the user, as in /etc/crontab")
    ] = False,
    prefix: Annotated[
        str, typer.Option(help="what every name begins with, such as the machine's name")
    ] = "",
) -> None:
    """Turn a crontab into deployments of script flows, and say what could not be translated."""
    from sdk.crontab.zones import check_zone  # imports Prefect: not for --help

    source = "standard input" if file == STDIN else file
    try:
        check_zone(timezone or DEFAULT_ZONE)
        crontab = parse(decode(_read(file)), system=system)
    except Refusal as refusal:
        _fail(f"--timezone: {refusal.reason}", refusal.advice)
    except NotACrontab as error:
        _fail(f"{excerpt(source)} is not a crontab: {error.problem}", error.action)
    except PlatformError as error:
        _fail(error.problem, error.action)
    translation = translate(
        crontab,
        source=source,
        timezone=timezone or DEFAULT_ZONE,
        check_zone=check_zone,
        prefix=prefix,
    )
    sys.stdout.write(as_yaml(translation))
    assumed = not timezone and any("CRON_TZ" not in entry.environment for entry in crontab.entries)
    sys.stderr.write(report(translation, source, assumed_zone=assumed))
    raise SystemExit(1 if translation.problems else 0)


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    """YAML that people edit: no anchors, and several lines as several lines."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar(
        "tag:yaml.org,2002:str", text, style="|" if "\n" in text else None
    )


_Dumper.add_representer(str, _text)


def as_yaml(translation: Translation) -> str:
    """Return the deployments as the part of prefect.yaml that they are."""
    return yaml.dump(
        {"deployments": list(translation.deployments)},
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=LINE,
    )


def report(translation: Translation, source: str, *, assumed_zone: bool) -> str:
    """Return what to tell whoever moves the crontab: problems, notes, and the count."""
    lines = []
    for problem in translation.problems:
        said = redacted(excerpt(problem.text))
        lines.append(f"{excerpt(source)}, {problem}\n    {said}")
    lines += [f"note: {excerpt(source)}, {note}" for note in translation.notes]
    if assumed_zone and translation.deployments:
        lines.append(
            f"note: times are read as {DEFAULT_ZONE}; cron read them in its machine's zone: "
            "give it with --timezone"
        )
    done, left = len(translation.deployments), len(translation.problems)
    lines.append(f"{done} translated, {left} not")
    return "\n".join(lines) + "\n"


def _read(file: str) -> bytes:
    if file == STDIN:
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise ConfigurationError(
            f"cannot read {excerpt(file)}: {why}",
            "Name a file, or - to read standard input: crontab -l | python -m sdk.crontab -",
        ) from error


def _fail(problem: str, action: str) -> NoReturn:
    sys.stderr.write(f"error: {problem}\n{action}\n")
    raise SystemExit(2)


if __name__ == "__main__":
    app()
