"""What all connectors have in common."""

from __future__ import annotations

import asyncio
import inspect
import pickle
import re
import subprocess
import sys
from pathlib import Path

import pytest
from prefect.blocks.core import Block

from blocks import collection
from blocks.connectors import Access, Connector, Interrupted, Refused, Unreachable
from blocks.connectors.base import BLIND_LOOKS, follow
from blocks.connectors.parquet import batch_of, columns, parquet_file
from blocks.connectors.running import stop_all, stoppable
from blocks.registration import commands, declarations
from blocks.registration.declarations import DOCUMENTS
from blocks.registration.desired import desired
from blocks.registration.problems import DeclarationError
from blocks.registration.references import Sources
from sdk.errors import classify, retry_after
from sdk.policy import POLICIES
from sdk.testing.processes import free_port

ROOT = Path(__file__).parents[3]
KINDS = sorted(
    (kind for name in collection.__all__ if isinstance(kind := getattr(collection, name), type)
     and issubclass(kind, Connector)),
    key=lambda kind: kind.__name__,
)  # fmt: skip


def test_importing_blocks_imports_no_client_library() -> None:
    code = (
        "import sys, blocks.connectors; print([m for m in ('boto3', 'botocore', 'psycopg',"
        " 'pymysql', 'asyncssh', 'pyarrow', 'polars', 's3fs') if m in sys.modules])"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=200, cwd=ROOT
    )
    assert ended.stdout.strip() == "[]", ended.stdout + ended.stderr


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_connector_is_a_block_that_says_what_it_is(kind: type[Connector]) -> None:
    assert Block.is_block_class(kind)
    assert kind._block_type_slug
    assert kind.policy in POLICIES
    assert inspect.getdoc(kind)
    for field in kind.__fields__.values():
        assert field.field_info.description, f"{kind.__name__}.{field.name} says nothing"
    # A call of a verb is no event of its own: it would cost a request to the server each time.
    verbs = {name for name in dir(kind) if not name.startswith("_") and name not in dir(Block)}
    assert verbs - set(kind.__fields__) <= set(kind._events_excluded_methods) | {"policy"}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_what_is_secret_is_a_secret_field(kind: type[Connector]) -> None:
    secret = set(kind.schema()["secret_fields"])
    named = {
        name
        for name in kind.__fields__
        if any(word in name for word in ("password", "secret", "token", "private_key"))
        and not name.endswith(("_url", "_option"))
    }
    assert {name.split(".")[0] for name in secret} >= named


def test_there_is_a_sample_document_for_every_connector(tmp_path: Path) -> None:
    (tmp_path / "trying").mkdir()
    text = (DOCUMENTS / "connectors.sample.yaml").read_text()
    (tmp_path / "trying" / "connectors.yaml").write_text(text)
    needed = dict.fromkeys(re.findall(r"env: (\w+)\}", text), "seeded")
    made = desired(declarations.read("trying", tmp_path), Sources(needed, lambda name: "seeded"))
    assert {one.kind for one in made} == set(KINDS)


def test_errors_say_to_the_sdk_whether_to_try_again() -> None:
    assert classify(Refused("no")) == "permanent"
    assert classify(Interrupted("stopped")) == "permanent"
    assert classify(Unreachable("later")) == "transient"
    assert retry_after(Unreachable("later", "", 7.0)) == 7.0
    copied = pickle.loads(pickle.dumps(Unreachable("later", "look", 7.0)))
    assert (copied.problem, copied.action, copied.retry_after) == ("later", "look", 7.0)


def test_access_is_true_only_where_one_may() -> None:
    assert Access(True, True, "")
    assert not Access(True, False, "")
    assert not Access(False, False, "")


def test_what_is_waited_for_is_stopped_when_the_wait_ends_early() -> None:
    stopped: list[str] = []
    with pytest.raises(KeyboardInterrupt), stoppable("query", lambda: stopped.append("query")):
        raise KeyboardInterrupt
    with stoppable("done", lambda: stopped.append("done")):
        pass
    with pytest.raises(ValueError, match="first"), stoppable("bad", _raises):
        raise ValueError("the first reason is the one that counts")
    with stoppable("job", lambda: stopped.append("job")):
        assert stop_all() == ["job"]
    assert stopped == ["query", "job"]
    assert stop_all() == []


def _raises() -> None:
    raise OSError("cannot be stopped")


def test_a_wait_has_an_end() -> None:
    looks: list[int] = []
    with pytest.raises(Unreachable, match=r"within 0\.05 s"):
        follow(lambda: bool(looks.append(1)), what="job 7", limit=0.05, interval=0.01)
    assert looks
    answers = iter([False, True])
    follow(lambda: next(answers), what="job 8", limit=60, interval=0.001)


def test_a_look_that_finds_nobody_is_no_end() -> None:
    answers = iter([False, None, None, None, None, True])

    def look() -> bool:
        if (answer := next(answers)) is None:
            raise Unreachable("nobody there")
        return answer

    follow(look, what="job 9", limit=60, interval=0.001)
    answers = iter([None] * 9)
    with pytest.raises(Unreachable, match="nobody there"):
        follow(look, what="job 9", limit=60, interval=0.001)
    assert len(list(answers)) == 9 - BLIND_LOOKS


def test_a_file_is_whole_or_not_there(tmp_path: Path) -> None:
    schema = columns({"sku": "string", "price": "decimal(10,2)", "day": "date32"})
    with pytest.raises(ZeroDivisionError), parquet_file(tmp_path / "a.parquet", schema) as file:
        file.write(batch_of([("1", None, None)], schema, "here"))
        _ = 1 / 0
    assert list(tmp_path.iterdir()) == []
    with parquet_file(tmp_path / "b.parquet", schema) as file:
        file.write(batch_of([("1", None, None)], schema, "here"))
    assert [path.name for path in tmp_path.iterdir()] == ["b.parquet"]


def test_a_value_that_does_not_fit_names_its_column_and_not_the_value() -> None:
    schema = columns({"sku": "string", "price": "int64"})
    with pytest.raises(Refused, match="column price does not fit int64") as caught:
        batch_of([("1", "hunter2")], schema, "here")
    assert "hunter2" not in str(caught.value)
    with pytest.raises(Refused, match="it holds float"):
        batch_of([("1", 0.5)], schema, "here")
    assert batch_of([("1", 2.0)], schema, "here").to_pylist() == [{"sku": "1", "price": 2}]
    with pytest.raises(Refused, match="column price: 'money' is no type"):
        columns({"price": "money"})


def test_the_check_command_tells_what_each_connector_found(tmp_path: Path) -> None:
    (tmp_path / "trying").mkdir()
    (tmp_path / "trying" / "two.yaml").write_text(
        f"type: object-store\nname: here\nfields: {{url: {tmp_path}/trying}}\n---\n"
        "type: sql-database\nname: away\nfields: {dialect: mysql, host: 127.0.0.1, user: reader,"
        f" port: {free_port()}, database: shop, password: {{env: PW}}}}\n"
    )
    told: list[str] = []
    work = commands.check("trying", tmp_path, {"PW": "seeded-password"}, say=told.append)
    with pytest.raises(DeclarationError, match=r"sql-database/away.*does not answer") as caught:
        asyncio.run(work)
    assert told == [f"= object-store/here: {tmp_path}/trying: listed, 1 entries"]
    assert "seeded-password" not in str(caught.value)
