"""Look at the build of one image in a snapshot: its contexts, its Dockerfile, and what it takes of them."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

from bot.fleetfile import Node
from bot.plan.build_ignore import BuildIgnore
from bot.plan.image_sources import MAIN, ImageSources, Source, find_sources
from bot.plan.node_paths import find_inside
from bot.planner.build_bases import DockerfileUse
from bot.planner.snapshot import Snapshot
from bot.planner.snapshot_files import BlobReader, OutsideError, SnapshotFiles, TooLargeError

MAX_RULES = 64 * 1024  # bytes of an ignore file
_MAX_DOCKERFILE = 100_000  # bytes
_UNKNOWN = ImageSources((), None)


class ImageBuild:
    """The build of one image from one snapshot."""

    def __init__(self, build: Mapping[str, Any], node: Node, snapshot: Snapshot) -> None:
        self.build = build
        self.snapshot = snapshot
        self.files = SnapshotFiles(BlobReader(snapshot, largest=_MAX_DOCKERFILE))
        more = {str(name): str(value) for name, value in (build.get("additional_contexts") or {}).items()}
        self.names = tuple(more)
        # By the context's name, its folder in the checkout; those elsewhere are not here.
        self.folders = {
            name: folder
            for name, place in {**more, MAIN: str(build.get("context") or "/")}.items()
            if (folder := self._folder(find_inside(place, node))) is not None
        }
        self.dockerfile = self._find_dockerfile(node)
        self.brings_own = False  # whether the image that it is built on has instructions for it
        self.has_plain_base = False  # whether it is known to have none

    def _folder(self, inside: str | None) -> str | None:
        """A context's real folder, links followed; as it is named where nothing stands there."""
        if inside is None:
            return None
        try:
            return self.files.find(inside) or inside
        except OutsideError:
            return None

    def _find_dockerfile(self, node: Node) -> str | None:
        """The Dockerfile's path in the checkout; None where it is elsewhere, or written in the compose file."""
        if "dockerfile_inline" in self.build:
            return None
        name = str(self.build.get("dockerfile") or "Dockerfile")
        if name.startswith("/"):
            return find_inside(name, node)
        if MAIN not in self.folders:
            return None
        path = posixpath.normpath(posixpath.join(self.folders[MAIN], name))
        return None if path.startswith("../") else path

    @cached_property
    def real_dockerfile(self) -> str | None:
        """The file that the Dockerfile's path leads to; None where there is none in the repository."""
        try:
            real = self.files.find(self.dockerfile) if self.dockerfile is not None else None
        except OutsideError:
            return None
        return real if real is not None and self._is_file(real) else None

    def _is_file(self, path: str) -> bool:
        return (entry := self.snapshot.entries.get(path)) is not None and entry.kind == "blob"

    @cached_property
    def text(self) -> str | None:
        """The Dockerfile; None where it is not there or cannot be read here."""
        if "dockerfile_inline" in self.build:
            return str(self.build["dockerfile_inline"])
        try:
            return self.files.read(self.real_dockerfile).decode("utf-8", "replace") if self.real_dockerfile else None
        except TooLargeError:
            return None

    @property
    def as_dockerfile(self) -> DockerfileUse:
        """How the Dockerfile is built."""
        return DockerfileUse(self.text, str(self.build.get("target") or ""), self.build.get("args") or {})

    @cached_property
    def sources(self) -> ImageSources:
        """What the Dockerfile reads."""
        other_frontend = "BUILDKIT_SYNTAX" in (self.build.get("args") or {})
        if self.text is None or other_frontend or self.brings_own or any("::" in name for name in self.names):
            return _UNKNOWN
        target = str(self.build.get("target") or "")
        found = find_sources(self.text, target, self.names, has_plain_base=self.has_plain_base)
        for name, folder in self.folders.items():
            prefix = f"{folder}/" if folder else ""
            links = [path.removeprefix(prefix) for path in self.snapshot.links if path.startswith(prefix)]
            found = found.follow(links, name)
        return found

    def rules(self, name: str) -> str:
        """The text of a context's ignore file; the Dockerfile's own comes before it."""
        for path in self._ignore_files(name):
            entry = self.snapshot.entries.get(path)
            if entry is not None and entry.kind == "blob":
                try:
                    text = BlobReader(self.snapshot, largest=MAX_RULES).read(path)
                except TooLargeError:
                    return ""  # then everything counts
                return text.decode("utf-8", "replace")
        return ""

    def _ignore_files(self, name: str) -> Iterator[str]:
        if name == MAIN and self.dockerfile is not None:
            yield f"{self.dockerfile}.dockerignore"
        yield posixpath.join(self.folders[name], ".dockerignore")

    @cached_property
    def ignores(self) -> dict[str, BuildIgnore]:
        """By context, what stays behind."""
        return {name: BuildIgnore(self.rules(name)) for name in self.folders}

    def takes(self, path: str, name: str) -> bool:
        """Whether a path of the checkout is there and can become part of the image, from that context."""
        folder = self.folders[name]
        prefix = f"{folder}/" if folder else ""
        if path not in self.snapshot.entries or not path.startswith(prefix):
            return False
        inside = path.removeprefix(prefix)
        return not self.ignores[name].ignores(inside) and self.sources.takes(inside, name)

    def is_in_submodule(self, path: str) -> bool:
        """Whether `path` is below a nested submodule, whose files are not here."""
        return any(self.files.state_of(str(parent)) == "submodule" for parent in PurePosixPath(path).parents)

    def missing(self) -> dict[tuple[str, str], Source]:
        """What is copied and not in the main context: by the path in it, and why."""
        folder = self.folders.get(MAIN)
        if folder is None:
            return {}
        found = {}
        for source in self.sources.sources:
            why = self._why_missing(folder, source.path) if source.is_certain else ""
            if why:
                found[source.path, why] = source
        return found

    def _why_missing(self, folder: str, inside: str) -> str:
        path = posixpath.normpath(posixpath.join(folder, inside))
        try:
            real = self.files.find(path)
        except OutsideError:
            return ""
        if real is None:
            return "" if self.is_in_submodule(path) else "is not in the repository"
        if real != path or not inside or not self.ignores[MAIN].ignores(inside):
            return ""
        files = self.snapshot.files_under(path) if self.files.is_folder(path) else ()
        prefix = f"{folder}/" if folder else ""
        is_kept = any(not self.ignores[MAIN].ignores(one.removeprefix(prefix)) for one in files)
        return "" if is_kept else "is left out by .dockerignore"
