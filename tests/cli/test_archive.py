"""The file of a backup is whole or it is none."""

import os
import signal
import stat
import tarfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deploy.vefa.backup.archive import Archive, LogEnd, Manifest, Writer, private_file
from deploy.vefa.backup.command import stopped_by_term
from deploy.vefa.base import Failed

MANIFEST = Manifest(
    made_at=datetime(2026, 3, 2, 9, tzinfo=UTC), vefa="0.1.0", postgresql="18.6", roles=("vefa_intake",), keys=3,
    logs={"intake": LogEnd(epoch=1, position=9, said=8, hash="00ff")}, secrets={"master.key": "abc"},
)  # fmt: skip
CHUNKS = [bytes([n]) * 700 for n in range(5)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "one.backup"
    with private_file(path, "FILE") as file:
        writer = Writer(file)
        for chunk in CHUNKS:
            writer.write(chunk)
        writer.finish(MANIFEST)
    return path


def test_what_was_written_is_read(path: Path) -> None:
    archive = Archive(path)
    archive.verify()
    assert b"".join(archive.chunks()) == b"".join(CHUNKS)
    assert archive.manifest.logs == MANIFEST.logs
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_any_tar_can_take_it_apart(path: Path) -> None:
    with tarfile.open(path) as tar:
        safely = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}  # not before 3.11.4
        tar.extractall(path.parent, **safely)
    assert (path.parent / "database.dump").read_bytes() == b"".join(CHUNKS)


def test_every_flipped_byte_and_every_cut_is_found(path: Path) -> None:
    whole, content = path.read_bytes(), sum(len(c) for c in CHUNKS)
    manifest = whole.index(b'{\n "format"')
    places = [*range(512, 512 + content, 97), *range(manifest, whole.index(b"\n}", manifest), 7)]
    for place in places:
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(Failed, match=r"no whole backup|newer Vefa"):
            Archive(path).verify()
    for size in range(0, manifest + 100, 97):
        path.write_bytes(whole[:size])
        with pytest.raises(Failed, match="no whole backup"):
            Archive(path).verify()


def test_another_file_is_no_backup(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("hello")
    with pytest.raises(Failed, match="no backup of Vefa"):
        Archive(tmp_path / "x")
    with pytest.raises(Failed, match="cannot be read: No such file"):
        Archive(tmp_path / "y")


def test_one_of_a_newer_format_is_refused(tmp_path: Path) -> None:
    with private_file(tmp_path / "x", "FILE") as file:
        Writer(file).finish(MANIFEST.model_copy(update={"format": 2}))
    with pytest.raises(Failed, match="format 2, made by a newer Vefa"):
        Archive(tmp_path / "x")


def test_what_was_not_finished_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(TypeError), private_file(tmp_path / "x", "FILE") as file:
        file.writelines([b"half", None])  # type: ignore[list-item]
    assert list(tmp_path.iterdir()) == []


def test_sigterm_removes_what_is_half_made(tmp_path: Path) -> None:
    def writes() -> None:
        with stopped_by_term(), private_file(tmp_path / "x", "FILE") as file:
            file.write(b"half")
            os.kill(os.getpid(), signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt):
        writes()
    assert list(tmp_path.iterdir()) == []
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_file_that_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("mine")
    with pytest.raises(Failed, match="exists already"), private_file(tmp_path / "x", "FILE"):
        pass
    assert (tmp_path / "x").read_text() == "mine"
