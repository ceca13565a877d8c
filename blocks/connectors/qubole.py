"""Qubole: commands over its REST API (version 1.2): submitted, followed, fetched, cancelled.

A command is a query or job on a cluster that Qubole starts for it, so it may wait for minutes
before it runs. Its states are ``waiting``, ``running``, ``done``, ``error`` and ``cancelled``.
Results of up to 20 MB come inline, as lines of text parted by tabs; larger ones lie in S3, parted
by the character 1, and are read from there with the rights of this machine's role.

Submitting is not repeatable: Qubole knows no key by which a request that was sent twice is one. So
a submission whose answer was lost is not tried again here; a step that is tried again submits anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic.v1 import Field, SecretStr

from blocks.connectors.base import Connector, follow
from blocks.connectors.errors import Interrupted, Refused, Unreachable
from blocks.connectors.parquet import BATCH, Exported, batch_of, columns, in_batches, parquet_file
from blocks.connectors.running import stoppable

if TYPE_CHECKING:
    import httpx

Kind = Literal["HiveCommand", "PrestoCommand", "SparkCommand", "ShellCommand"]
FAR_DELIMITER = "\x01"
LOG_LINES, LOG_CHARACTERS = 30, 3000
"""Of a failed command's log, in the error."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command that is done: its number over there."""

    command_id: int


class Qubole(Connector):
    """Commands of a Qubole account.

    Args:
        token: of the account's user.
        url: of the API, for the cloud and region that the account is in.
        cluster: label of the cluster that commands run on; the account's default without one.
        poll: seconds between the first looks.
    """

    _block_type_name = "Qubole"
    _block_type_slug = "qubole"
    policy: ClassVar[Literal["network", "warehouse"]] = "warehouse"

    token: SecretStr = Field(default=..., description="Of the account's user.")
    url: str = Field(default="https://api.qubole.com/api/v1.2", description="Of the API.")
    cluster: str | None = Field(default=None, description="Label of the cluster.")
    poll: float = Field(default=5.0, gt=0, description="Seconds between the first looks.")

    def where(self) -> str:
        """Return what is connected to, for logs and errors; no secrets."""
        return f"Qubole at {self.url.removeprefix('https://').removeprefix('http://')}"

    def run(self, query: str, *, kind: Kind = "HiveCommand", name: str | None = None) -> Command:
        """Run a command; return when it is done.

        Args:
            query: of Hive, Presto or Spark SQL; the script of a shell command.
            kind: Qubole's type of command.
            name: shown in Qubole's history.

        Raises:
            Refused: the command failed; the end of its log is in the error.
            Interrupted: it was cancelled.
            Unreachable: Qubole is away, or the command took longer than it may.
        """
        field = {"ShellCommand": "inline", "SparkCommand": "program"}.get(kind, "query")
        request = {"command_type": kind, field: query}
        request |= {"language": "sql"} if kind == "SparkCommand" else {}
        request |= {"label": self.cluster} if self.cluster else {}
        request |= {"name": name} if name else {}
        with self._client() as client:
            made = self._asked(client, "POST", "commands", json=request)
            command_id = int(made["id"])
            status: list[str] = []

            def ended() -> bool:
                status.append(str(self._asked(client, "GET", f"commands/{command_id}")["status"]))
                return status[-1] in ("done", "error", "cancelled")

            def stop() -> None:
                # Perhaps from another thread: a client of its own.
                with self._client() as own:
                    self._asked(own, "PUT", f"commands/{command_id}", json={"status": "kill"})

            what = f"Qubole command {command_id}"
            with stoppable(what, stop):
                follow(ended, what=what, limit=self.time_limit, interval=self.poll)
            if status[-1] == "cancelled":
                raise Interrupted(f"{what} was cancelled", "See who did, in Qubole's history.")
            if status[-1] == "error":
                raise Refused(f"{what} failed{self._log_end(client, command_id)}", "Correct it.")
        return Command(command_id)

    def export(
        self,
        query: str,
        to: str | Path,
        *,
        schema: Mapping[str, str],
        kind: Kind = "HiveCommand",
        name: str | None = None,
    ) -> Exported:
        """Write a query's rows to a Parquet file, whole or not at all.

        Args:
            query: as for `run`.
            to: a path, or anything that fsspec opens.
            schema: the query's columns, in order, with their types (`parquet.columns`): results
                are text, which says neither.
            kind: as for `run`.
            name: as for `run`.

        Raises:
            Refused: also where a row has another number of columns, or a value another type.
        """
        arrow, done = columns(schema), self.run(query, kind=kind, name=name)
        kinds = list(schema.values())
        with parquet_file(to, arrow) as growing:
            for part in in_batches(self._rows(done.command_id, kinds), BATCH):
                growing.write(batch_of(part, arrow, f"Qubole command {done.command_id}"))
        assert growing.exported is not None
        return growing.exported

    def _rows(self, command_id: int, kinds: list[str]) -> Iterator[list[Any]]:
        with self._client() as client:
            answer = self._asked(client, "GET", f"commands/{command_id}/results")
        if answer.get("inline"):
            lines: Iterator[str] = iter(str(answer["results"]).splitlines())
            delimiter = "\t"
        else:
            lines, delimiter = _far(answer["result_location"]), FAR_DELIMITER
        for number, line in enumerate(lines, 1):
            cells = line.split(delimiter)
            if len(cells) != len(kinds):
                raise Refused(
                    f"Qubole command {command_id}: row {number} has {len(cells)} columns,"
                    f" {len(kinds)} are declared",
                    "Declare all columns of the query, in order.",
                )
            yield [_cell(text, kind) for text, kind in zip(cells, kinds, strict=True)]

    def _log_end(self, client: httpx.Client, command_id: int) -> str:
        import httpx

        try:
            text = client.get(f"commands/{command_id}/logs").raise_for_status().text
        except httpx.HTTPError:
            return ""
        lines = [self.cleaned(line) for line in text.splitlines()[-LOG_LINES:]]
        return ":\n" + "\n".join(lines)[-LOG_CHARACTERS:]

    def _client(self) -> httpx.Client:
        import httpx

        return httpx.Client(
            base_url=f"{self.url.rstrip('/')}/",
            timeout=self.timeout,
            headers={"X-AUTH-TOKEN": self.token.get_secret_value(), "Accept": "application/json"},
        )

    def _asked(self, client: httpx.Client, method: str, path: str, **body: Any) -> Any:
        import httpx

        from blocks.errors import seconds

        problem = f"{self.where()}: {method} {path}"
        try:
            answer = client.request(method, path, **body)
        except httpx.TransportError as error:
            raise Unreachable(
                f"{problem} got no answer: {type(error).__name__}", "See whether it answers."
            ) from error
        if answer.is_success:
            try:
                return answer.json()
            except ValueError as error:
                raise Unreachable(f"{problem}: the answer is no JSON") from error
        said = f"{problem} answered {answer.status_code}: {self.cleaned(answer.text)[:300]}"
        if answer.status_code == 429 or answer.status_code >= 500:
            wait = seconds(answer.headers.get("Retry-After"))
            raise Unreachable(said, "It is busy or away; the step asks again.", wait)
        if answer.status_code in (401, 403):
            raise Refused(said, "Correct the block's token, or have its user let in.")
        raise Refused(said, "Correct the command.")

    def _check(self) -> str:
        with self._client() as client:
            self._asked(client, "GET", "commands", params={"per_page": 1})
        return f"{self.where()}: the history of commands may be read"


def _far(locations: list[str]) -> Iterator[str]:
    """Yield the lines of results that lie in S3."""
    import fsspec

    for location in locations:
        fs, root = fsspec.core.url_to_fs(location)
        for path in sorted(fs.find(root)):
            with fs.open(path, "rt", encoding="utf-8") as file:
                for line in file:
                    yield line.rstrip("\n")


def _cell(text: str, kind: str) -> Any:
    """Return a value of a result's text; Hive writes a null as backslash and N."""
    from datetime import date, datetime
    from decimal import Decimal, InvalidOperation

    if text in ("\\N", "NULL"):
        return None
    if kind == "string":
        return text
    try:
        if kind.startswith(("int", "uint")):
            return int(text)
        if kind in ("double", "float"):
            return float(text)
        if kind.startswith("decimal"):
            return Decimal(text)
        if kind == "bool":
            return {"true": True, "false": False}[text.lower()]
        if kind.startswith("date"):
            return date.fromisoformat(text)
        if kind.startswith("timestamp"):
            return datetime.fromisoformat(text)
    except (ValueError, KeyError, InvalidOperation):
        pass  # `batch_of` names the column
    return text
