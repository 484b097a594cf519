"""Keep a node that runs its first version for the tests that leave it as it is: a deploy of it takes seconds.

Whatever a test did to files is undone. A node whose containers, networks, volumes or images are not exactly as they
were is removed, and the next test begins with a new one.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from sandbox.engine import Engine, SeparateEngine
from tests.engine import KEPT, empty, remove_kept
from tests.nodeworld import NodeWorld, deployed_node

_CONTAINER = (
    "{{.Id}} {{.Name}} {{.Image}} {{.State.Status}} {{.State.StartedAt}} {{.RestartCount}} "
    "{{range $name, $it := .NetworkSettings.Networks}}{{$name}}={{$it.IPAddress}} {{end}}"
)


@dataclass
class _Kept:
    world: NodeWorld
    files: Path  # its folder, as it was
    held: str  # what its engine held


class KeptNodes:
    """At most one node of this process's engine that nothing has changed yet."""

    def __init__(self, engine: SeparateEngine) -> None:
        self._engine = engine
        self._kept: _Kept | None = None

    def take(self, make: Callable[[], NodeWorld]) -> NodeWorld:
        """The node that was kept, or a new one. Give it back with `give_back`."""
        if self._kept is None:
            remove_kept()
            try:
                world = make()
            except BaseException:
                empty(self._engine)
                raise
            files = world.folder.with_name(f"{world.folder.name}.kept")
            shutil.copytree(world.folder, files, symlinks=True)
            self._kept = _Kept(world, files, read_engine(world.engine))
        kept = self._kept
        KEPT.clear()
        fresh = NodeWorld(kept.world.folder, kept.world.engine, kept.world.prefix, key=kept.world.key)
        return replace(fresh, number=kept.world.number, told=[*kept.world.told], reports=[*kept.world.reports])

    def give_back(self) -> None:
        """Make the node's files what they were; remove it all if more than files has changed."""
        kept = self._kept
        if kept is None:
            return
        KEPT.append(self._forget)  # whoever wants an empty engine next removes it
        if read_engine(kept.world.engine) == kept.held:
            restore(kept.files, kept.world.folder)
        else:
            KEPT.clear()
            self._forget()

    def _forget(self) -> None:
        kept, self._kept = self._kept, None
        if kept is not None:
            empty(self._engine)
            for folder in (kept.files, kept.world.folder):
                shutil.rmtree(folder, ignore_errors=True)


def read_engine(engine: Engine) -> str:
    """Everything that the engine holds, but for images that no container runs."""
    docker = engine.docker
    ids = docker("ps", "--all", "--quiet", "--no-trunc").split()
    containers = sorted(docker("inspect", "--format", _CONTAINER, *ids).splitlines()) if ids else []
    names = sorted(set(docker("ps", "--all", "--format", "{{.Image}}").splitlines()))
    images = docker("image", "inspect", "--format", "{{.Id}} {{.RepoTags}}", *names) if names else ""
    networks = docker("network", "ls", "--quiet", "--no-trunc")
    volumes = docker("volume", "ls", "--quiet")
    return "\n".join([*containers, images, networks, volumes])


def restore(source: Path, place: Path) -> None:
    """Make `place` what `source` is. What is the same stays: a container may have it mounted."""
    for found in list(place.iterdir()):
        if not _same_kind(source / found.name, found):
            _remove(found)
    for wanted in source.iterdir():
        found = place / wanted.name
        if wanted.is_dir() and not wanted.is_symlink():
            if found.exists():
                restore(wanted, found)
            else:
                shutil.copytree(wanted, found, symlinks=True)
        elif not _same_file(wanted, found):
            if _is_own_file(wanted) and _is_own_file(found):
                found.chmod(0o600)
                found.write_bytes(wanted.read_bytes())  # in place: a container may have the file itself mounted
                shutil.copystat(wanted, found)
                continue
            _remove(found)
            shutil.copy2(wanted, found, follow_symlinks=False)
    shutil.copystat(source, place)


def _is_own_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink() and path.stat().st_uid == os.getuid()


def _same_kind(wanted: Path, found: Path) -> bool:
    if wanted.is_symlink() or found.is_symlink():
        return wanted.is_symlink() and found.is_symlink()
    return (wanted.is_dir() and found.is_dir()) or (wanted.is_file() and found.is_file())


def _same_file(wanted: Path, found: Path) -> bool:
    if wanted.is_symlink() or not found.exists():
        return wanted.is_symlink() and found.is_symlink() and wanted.readlink() == found.readlink()
    before, now = wanted.stat(), found.stat()
    same = (before.st_mode, before.st_size, before.st_uid) == (now.st_mode, now.st_size, now.st_uid)
    return same and wanted.read_bytes() == found.read_bytes()


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@pytest.fixture(scope="session")
def kept_nodes(shared_engine: SeparateEngine) -> KeptNodes:
    """The node that tests of this process leave for each other."""
    return KeptNodes(shared_engine)


@pytest.fixture
def node_world(
    kept_nodes: KeptNodes,
    shared_engine: SeparateEngine,
    node_images: None,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[NodeWorld]:
    """A node that runs the first version."""
    yield kept_nodes.take(lambda: deployed_node(tmp_path_factory.mktemp("node"), shared_engine))
    kept_nodes.give_back()
