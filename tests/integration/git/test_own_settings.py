"""A clone's settings are listed once, and again as soon as anything by which git finds or reads them is another."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.git.git import run_in_checkout
from bot.git.own_settings import OwnSettings
from tests.gitworld import commit, git, new_repository

Asked = list[tuple[str, ...]]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """Every command that lists settings."""
    found: Asked = []

    def note(folder: Path, *arguments: str, **options: object) -> bytes:
        found.append(arguments)
        return run_in_checkout(folder, *arguments, **options)  # type: ignore[arg-type]  # passed on as they came

    monkeypatch.setattr("bot.git.own_settings.run_in_checkout", note)
    return found


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A fleet's checkout with a submodule."""
    server, fleet = new_repository(tmp_path / "server"), new_repository(tmp_path / "fleet")
    pin = commit(server, {"x": "1"})
    modules = '[submodule "server"]\n\tpath = server\n\turl = ../server\n'
    commit(fleet, {".gitmodules": modules}, pins={"server": pin})
    options = ("-c", "protocol.file.allow=always", "clone", "--quiet", "--recurse-submodules")
    git(tmp_path, *options, str(fleet), "root")
    return tmp_path / "root"


def test_git_is_asked_once_while_nothing_changes(root: Path, asked: Asked) -> None:
    for folder in (root, root / "server"):
        own = OwnSettings(folder)
        listed = {own.list(environment={}) for _ in range(5)}
        assert len(listed) == 1
        assert "local\0core.bare\nfalse" in listed.pop()
    assert len(asked) == 2


def _same_size_and_time(root: Path) -> None:
    path = root / ".git/config"
    before = path.stat()
    git(root, "config", "filter.x.clean", "EVIL")
    text = path.read_text().replace("EVIL", "FINE")
    path.write_text(text)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _of_the_work_tree(root: Path) -> None:
    git(root, "config", "extensions.worktreeConfig", "true")
    (root / ".git/config.worktree").write_text("[filter]\n\tx = 1\n")


def _of_the_submodule(root: Path) -> None:
    git(root / "server", "config", "filter.x.clean", "EVIL")


def _another_folder(root: Path) -> None:
    other = new_repository(root.parent / "other")
    git(other, "config", "filter.x.clean", "EVIL")
    (root / "server/.git").write_text(f"gitdir: {other / '.git'}\n")


def _another_common_folder(root: Path) -> None:
    other = new_repository(root.parent / "other")
    git(other, "config", "filter.x.clean", "EVIL")
    (root / ".git/commondir").write_text(f"{other / '.git'}\n")


@pytest.mark.parametrize(
    "change", [_same_size_and_time, _of_the_work_tree, _of_the_submodule, _another_folder, _another_common_folder]
)
def test_a_change_is_seen(root: Path, change: Callable[[Path], None]) -> None:
    folder = root / "server" if change in {_of_the_submodule, _another_folder} else root
    own = OwnSettings(folder)
    if change is _same_size_and_time:
        git(root, "config", "filter.x.clean", "EVIL")
    before = own.list(environment={})
    change(root)
    after = own.list(environment={})
    assert after != before
    assert after == OwnSettings(folder).list(environment={})


def test_a_clone_that_includes_files_is_asked_each_time(root: Path, asked: Asked) -> None:
    git(root, "config", "include.path", "more")
    own = OwnSettings(root)
    assert "filter" not in own.list(environment={})
    (root / ".git/more").write_text('[filter "x"]\n\tclean = EVIL\n')
    assert "local\0filter.x.clean\nEVIL" in own.list(environment={})
    assert len(asked) == 2


def test_a_setting_that_came_while_git_listed_is_not_missed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write_meanwhile(folder: Path, *arguments: str, **options: object) -> bytes:
        found = run_in_checkout(folder, *arguments, **options)  # type: ignore[arg-type]  # passed on as they came
        git(root, "config", "filter.x.clean", "EVIL")
        return found

    own = OwnSettings(root)
    monkeypatch.setattr("bot.git.own_settings.run_in_checkout", write_meanwhile)
    assert "EVIL" not in own.list(environment={})
    assert "EVIL" in own.list(environment={})
