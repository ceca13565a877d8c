"""Object stores and SFTP: whole files or none, on S3's protocol and a real SSH server."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from pydantic.v1 import ValidationError
from s3fs import S3FileSystem

from blocks.connectors import Interrupted, ObjectStore, Refused, SftpServer, Unreachable, sftp
from blocks.connectors.running import stop_all
from sdk.errors import classify
from sdk.testing.processes import free_port, wait_until

from .moto_aws import REGION, SECRET, Aws, aws

__all__ = ["aws"]

PATIENCE = 120.0
PASSWORD = "hunter2-is-a-seeded-secret"


# Object stores


@pytest.fixture(params=["s3", "disk"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    if request.param == "disk":
        (tmp_path / "store").mkdir()
        return ObjectStore(url=str(tmp_path / "store"))
    return bucket(request.getfixturevalue("aws"))


def bucket(aws: Aws, **changed: Any) -> ObjectStore:
    S3FileSystem.clear_instance_cache()
    name = f"files-{uuid.uuid4().hex[:8]}"
    aws.bucket(name)
    options = {
        "key": "seeded-key",
        "endpoint_url": aws.endpoint,
        "client_kwargs": {"region_name": REGION},
    }
    given = {"url": f"s3://{name}/in", "secret": SECRET, "options": options, "timeout": 60}
    return ObjectStore(**{**given, **changed})


def test_files_are_sent_found_and_fetched(store: ObjectStore, tmp_path: Path) -> None:
    file = tmp_path / "prices.csv"
    file.write_bytes(b"sku,price\n1,9.99\n" * 1000)
    assert store.send(file, "2026-12-01/prices.csv").endswith("/2026-12-01/prices.csv")
    store.send(file, "2026-12-01/prices.csv")
    store.send(file, "other.txt")
    found = store.find("2026-12-01/*.csv")
    assert [(one.path, one.bytes) for one in found] == [("2026-12-01/prices.csv", 17_000)]
    assert found[0].modified is not None
    assert len(store.find()) == 2
    fetched = store.fetch("2026-12-01/prices.csv", tmp_path / "here")
    assert fetched.read_bytes() == file.read_bytes()
    assert [path.name for path in (tmp_path / "here").iterdir()] == ["prices.csv"]
    assert store.check()


def test_a_file_that_is_gone_is_named(store: ObjectStore, tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"cannot fetch gone\.csv"):
        store.fetch("gone.csv", tmp_path / "here")
    assert list((tmp_path / "here").iterdir()) == []


def test_a_bucket_that_is_gone_is_no_empty_one(aws: Aws) -> None:
    gone = bucket(aws, url="s3://gone-for-good/in")
    with pytest.raises(Refused, match="it is not there"):
        gone.find()
    assert gone.check().permitted is False


def test_a_store_that_does_not_answer(aws: Aws) -> None:
    options = {"key": "k", "endpoint_url": f"http://127.0.0.1:{free_port()}"}
    away = bucket(aws, options=options, timeout=2)
    with pytest.raises(Unreachable) as caught:
        away.find()
    assert classify(caught.value) == "transient"
    assert SECRET not in str(caught.value) + repr(away)
    assert away.check().reachable is False


def test_a_url_that_nothing_opens_is_refused() -> None:
    access = ObjectStore(url="carrier-pigeon://loft").check()
    assert (access.reachable, access.permitted) == (True, False)


# SFTP


class _Files(asyncssh.SFTPServer):
    """Breaks off in the middle of files that are named for it, and never ends others."""

    def __init__(self, channel: Any) -> None:
        super().__init__(channel, chroot=Sshd.root.encode())
        self.names: dict[Any, str] = {}

    def open(self, path: bytes, pflags: int, attrs: Any) -> Any:
        opened = super().open(path, pflags, attrs)
        self.names[opened] = path.decode()
        return opened

    async def read(self, file_obj: Any, offset: int, size: int) -> bytes:  # type: ignore[override]
        if offset > 100_000 and self.names[file_obj].endswith("cut.csv"):
            self.connection.abort()
        while offset > 100_000 and self.names[file_obj].endswith("endless.csv"):
            await asyncio.sleep(0.05)
        return bytes(super().read(file_obj, offset, size))  # type: ignore[arg-type]


class _Door(asyncssh.SSHServer):
    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == ("loader", PASSWORD)

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: Any) -> bool:
        return bool(username == "loader" and key == Sshd.user_key.convert_to_public())


class Sshd:
    """An SSH server in a thread, for files below a folder."""

    root = ""
    user_key = asyncssh.generate_private_key("ssh-ed25519")

    def __init__(self, root: Path) -> None:
        Sshd.root = str(root)
        self.key = asyncssh.generate_private_key("ssh-ed25519")
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def host_key(self) -> str:
        return self.key.export_public_key().decode().strip()

    def __enter__(self) -> Sshd:
        self._thread.start()
        assert self._ready.wait(PATIENCE)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)

    def _serve(self) -> None:
        async def listen() -> Any:
            return await asyncssh.listen(
                "127.0.0.1", 0, server_factory=_Door, server_host_keys=[self.key],
                sftp_factory=_Files, allow_scp=False,
            )  # fmt: skip

        server = self._loop.run_until_complete(listen())
        self.port = server.get_port()
        self._ready.set()
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0.1))
        self._loop.close()

    def block(self, **changed: Any) -> SftpServer:
        given = {
            "host": "127.0.0.1",
            "port": self.port,
            "host_key": self.host_key,
            "user": "loader",
            "password": PASSWORD,
            "timeout": 60,
            "folder": "outgoing",
        }
        return SftpServer(**{**given, **changed})


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    root = tmp_path_factory.mktemp("sftp")
    (root / "outgoing" / "below").mkdir(parents=True)
    (root / "outgoing" / "prices_1.csv").write_bytes(b"sku,price\n" * 5000)
    for name in ("cut.csv", "endless.csv"):
        (root / "outgoing" / name).write_bytes(b"x" * 3_000_000)
    with Sshd(root) as server:
        yield server


def test_sftp_files_are_found_fetched_sent_and_removed(sshd: Sshd, tmp_path: Path) -> None:
    block = sshd.block()
    assert [(one.path, one.bytes) for one in block.find("prices_*.csv")] == [
        ("prices_1.csv", 50_000)
    ]
    fetched = block.fetch("prices_1.csv", tmp_path / "here")
    assert fetched.read_bytes() == b"sku,price\n" * 5000
    (tmp_path / "back.csv").write_text("one")
    block.send(tmp_path / "back.csv", "back.csv")
    (tmp_path / "back.csv").write_text("two")
    block.send(tmp_path / "back.csv", "back.csv")
    names = [path.name for path in Path(Sshd.root, "outgoing").iterdir()]
    assert Path(Sshd.root, "outgoing", "back.csv").read_text() == "two"
    assert not [name for name in names if name.endswith(".part")]
    block.remove("back.csv")
    assert block.find("back*") == []
    assert block.check()


def test_sftp_works_inside_a_loop_as_in_a_notebook(sshd: Sshd) -> None:
    async def cell() -> int:
        return len(sshd.block().find("prices*"))

    assert asyncio.run(cell()) == 1


def test_sftp_by_key(sshd: Sshd) -> None:
    key = Sshd.user_key.export_private_key().decode()
    assert sshd.block(password=None, private_key=key).check()
    access = sshd.block(password=None, private_key="no key at all").check()
    assert (access.reachable, access.permitted) == (True, False)
    with pytest.raises(ValidationError, match="one of them is needed"):
        sshd.block(password=None)


def test_an_sftp_server_that_is_another_gets_no_password(sshd: Sshd) -> None:
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    access = sshd.block(host_key=other).check()
    assert (access.reachable, access.permitted) == (True, False)
    assert "not the one in the block" in access.reason


def test_a_wrong_sftp_password_is_refused_and_not_shown(sshd: Sshd) -> None:
    wrong = "wrong-but-secret-all-the-same"
    block = sshd.block(password=wrong)
    with pytest.raises(Refused, match="lets nobody in") as caught:
        block.find()
    assert wrong not in f"{caught.value}{caught.value!r}{block!r}"


def test_an_sftp_server_that_does_not_answer(sshd: Sshd) -> None:
    block = sshd.block(port=free_port(), timeout=5)
    with pytest.raises(Unreachable):
        block.find()
    assert block.check().reachable is False


def test_what_is_not_there_is_named(sshd: Sshd, tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"fetch gone\.csv: it is not there"):
        sshd.block().fetch("gone.csv", tmp_path / "here")
    with pytest.raises(Refused, match="leads out of the folder"):
        sshd.block().fetch("../../etc/passwd", tmp_path / "here")


def test_a_connection_cut_in_the_middle_leaves_no_file(sshd: Sshd, tmp_path: Path) -> None:
    with pytest.raises(Unreachable) as caught:
        sshd.block().fetch("cut.csv", tmp_path / "here")
    assert classify(caught.value) == "transient"
    assert list((tmp_path / "here").iterdir()) == []


def test_a_transfer_is_stopped_with_its_run_and_by_its_limit(
    sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sftp, "TIDYING", 0.2)  # this server never answers that, either
    raised: list[BaseException] = []

    def fetch() -> None:
        try:
            sshd.block().fetch("endless.csv", tmp_path / "here")
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=fetch)
    thread.start()
    wait_until(
        lambda: any(path.stat().st_size for path in (tmp_path / "here").glob(".*.part")),
        PATIENCE,
        "the transfer does not begin",
    )
    assert any("SFTP" in what for what in stop_all())
    thread.join(PATIENCE)
    assert isinstance(raised[0], Interrupted)
    with pytest.raises(Unreachable, match="not within its time"):
        sshd.block(time_limit=1).fetch("endless.csv", tmp_path / "here")
    assert list((tmp_path / "here").iterdir()) == []
