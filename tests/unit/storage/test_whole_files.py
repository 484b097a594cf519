"""A file is as it was or as it is to be, whatever stops its writing."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from bot.storage.whole_files import write_whole


def test_a_file_is_made_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    write_whole(path, b"one\n")
    assert path.read_bytes() == b"one\n"
    write_whole(path, b"")
    assert path.read_bytes() == b""
    assert [entry.name for entry in tmp_path.iterdir()] == ["state.json"]


@pytest.mark.parametrize("call", ["write", "fsync", "replace"])
def test_what_stops_it_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    path = tmp_path / "state.json"
    write_whole(path, b"old")

    def stop(*_given: object, **_named: object) -> None:
        raise OSError(28, "No space left on device")

    if call == "write":
        monkeypatch.setattr(os, "fdopen", stop)
    elif call == "fsync":
        monkeypatch.setattr(os, "fsync", stop)
    else:
        monkeypatch.setattr(Path, "replace", stop)
    with pytest.raises(OSError, match="No space") as caught:
        write_whole(path, b"new")
    assert caught.value.filename == (None if call == "replace" else str(path)), "what is full has a name"
    monkeypatch.undo()
    assert path.read_bytes() == b"old"
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"


def test_its_mode_is_its_own_also_after_a_stop(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    left = tmp_path / "secret.new"
    left.write_bytes(b"left by a stop")
    left.chmod(0o644)
    write_whole(path, b"x", mode=0o600)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_content_is_on_the_disk_before_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    happened: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def note_fsync(number: int) -> None:
        happened.append("fsync")
        fsync(number)

    def note_replace(path: Path, to: Path) -> Path:
        happened.append("replace")
        return replace(path, to)

    monkeypatch.setattr(os, "fsync", note_fsync)
    monkeypatch.setattr(Path, "replace", note_replace)
    write_whole(tmp_path / "state.json", b"x")
    assert happened == ["fsync", "replace"]
