"""Find what changed for the builders of a stack's images in a snapshot, and why an image cannot be built."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any, NamedTuple

from bot.domain.names import ServiceName
from bot.fleetfile import Node
from bot.plan.build_ignore import BuildIgnore, at_any_depth
from bot.plan.contents import changed_under
from bot.plan.image_sources import MAIN, ImageSources, Source, find_sources
from bot.plan.model import SourceLine
from bot.plan.node_paths import find_inside
from bot.plan.rendering import BuildProblem, Rendered, Rendering
from bot.planner.build_bases import DockerfileUse, brings_own, find_base_images, find_bases
from bot.planner.snapshot import Snapshot
from bot.planner.snapshot_files import BlobReader, OutsideError, SnapshotFiles, TooLargeError

_MAX_RULES = 64 * 1024  # bytes of an ignore file
_MAX_DOCKERFILE = 100_000  # bytes
_PROBLEMS_SHOWN = 3
_UNKNOWN = ImageSources((), None)


class Builds(NamedTuple):
    """Of one stack, by service: files that differ for the builder, why it fails, and what it builds on."""

    inputs: dict[ServiceName, tuple[str, ...]]
    problems: dict[ServiceName, BuildProblem]
    bases: Mapping[ServiceName, tuple[ServiceName, ...]] = MappingProxyType({})  # of the same stack
    base_images: Mapping[ServiceName, tuple[str, ...]] = MappingProxyType({})  # where a Dockerfile is understood


def read_builds(
    then: Rendering | None,
    now: Rendering | None,
    *,
    node: Node,
    old: Snapshot | None,
    new: Snapshot,
    changed: frozenset[str],
) -> Builds:
    """What the images of a stack are built from in `new`, against `old`; `then` and `now` are its renderings."""
    before = (then.model.get("services") or {}) if isinstance(then, Rendered) else {}
    model = now.model if isinstance(now, Rendered) else {}
    services = (model.get("services") or {}).items()
    builds = {service: spec["build"] for service, spec in services if isinstance(spec.get("build"), dict)}
    made = {service: _ImageBuild(build, node, new) for service, build in builds.items()}
    dockerfiles = {service: one.as_dockerfile for service, one in made.items()}
    found = Builds({}, {}, find_bases(model, dockerfiles), find_base_images(dockerfiles))
    for service, build in builds.items():
        here = made[service]
        there = _ImageBuild(build, node, old) if old is not None and service in before else None
        here.brings_own = brings_own(found.bases, dockerfiles, service)
        inputs = _changed_inputs(there, here, changed) if there else set()
        if inputs:
            found.inputs[ServiceName(service)] = tuple(sorted(inputs))
        is_other = inputs or (before.get(service) or {}).get("build") != build
        if is_other and (problem := _find_problem(there, here, node)):
            found.problems[ServiceName(service)] = problem
    return found


class _ImageBuild:
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
        found = find_sources(self.text, str(self.build.get("target") or ""), self.names)
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
                    text = BlobReader(self.snapshot, largest=_MAX_RULES).read(path)
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


def _changed_inputs(old: _ImageBuild, new: _ImageBuild, changed: frozenset[str]) -> set[str]:
    found: set[str] = set()
    dockerfile = new.dockerfile
    if dockerfile is not None and {dockerfile, old.real_dockerfile, new.real_dockerfile} & changed:
        effects = (old.sources.effect, new.sources.effect)
        if None in effects or effects[0] != effects[1]:
            found.add(dockerfile)
    found |= {folder for name, folder in old.folders.items() if name not in new.folders}  # a link leads out now
    for name, folder in new.folders.items():
        if old.folders.get(name) != folder:
            found.add(folder)  # a link on its way leads elsewhere
            continue
        if old.rules(name) != new.rules(name):
            found |= _reaching(old, name) ^ _reaching(new, name)
        for path in changed_under(changed, [folder]):
            entries = (side.snapshot.entries.get(path) for side in (old, new))
            if any(entry is not None and entry.kind == "commit" for entry in entries):
                found.add(path)  # what a submodule holds is not here
            elif old.takes(path, name) or new.takes(path, name):
                found.add(path)
    return found


def _reaching(side: _ImageBuild, name: str) -> set[str]:
    return {path for path in side.snapshot.files_under(side.folders[name]) if side.takes(path, name)}


def _find_problem(old: _ImageBuild | None, new: _ImageBuild, node: Node) -> BuildProblem | None:
    """Why the image cannot be built. What may be on the node although the repository does not have it is no more
    than likely: where a hook may make it, where git is told to ignore it, or where the old version lacks it too.
    """
    dockerfile, folder = new.dockerfile, new.folders.get(MAIN)
    if new.sources.problem:
        return BuildProblem(text=f"{dockerfile or 'its Dockerfile'}: {new.sources.problem}")
    has_hooks = bool(node.hooks.before or node.hooks.before_stack)
    if dockerfile is not None and not _is_there(new, dockerfile):
        is_likely = (
            has_hooks or _is_untracked(new, dockerfile) or (old is not None and not _is_there(old, dockerfile))
        )
        return BuildProblem(text=f"{dockerfile} is not in the repository", is_certain=not is_likely)
    missing = new.missing()
    if not missing or folder is None:
        return None
    before = old.missing() if old else {}
    certain: list[tuple[str, int]] = []
    likely: list[tuple[str, int]] = []
    for (path, why), source in missing.items():
        at = f"{dockerfile or 'dockerfile_inline'}, line {source.line}"
        absent = "not in" in why
        is_likely = absent and (
            has_hooks or (path, why) in before or _is_untracked(new, posixpath.join(folder, path))
        )
        (likely if is_likely else certain).append((f"{at} copies {path}, which {why}", source.line))
    shown = certain or likely
    more = f"; and {len(shown) - _PROBLEMS_SHOWN} more" if len(shown) > _PROBLEMS_SHOWN else ""
    return BuildProblem(
        text="; ".join(text for text, _ in shown[:_PROBLEMS_SHOWN]) + more,
        where=SourceLine(path=dockerfile, line=shown[0][1]) if dockerfile else None,
        is_certain=bool(certain),
    )


def _is_there(side: _ImageBuild, dockerfile: str) -> bool:
    """Whether a Dockerfile is there; a builder takes the name in small letters too."""
    folder, name = posixpath.split(dockerfile)
    if side.is_in_submodule(dockerfile):
        return True
    try:
        return any(side.files.find(path) for path in (dockerfile, posixpath.join(folder, name.lower())))
    except OutsideError:
        return True


def _is_untracked(side: _ImageBuild, path: str) -> bool:
    """Whether git is told to ignore `path`, so that the node may have it."""
    folder = posixpath.dirname(path)
    while True:
        ignore = posixpath.join(folder, ".gitignore")
        entry = side.snapshot.entries.get(ignore)
        if entry is not None and entry.kind == "blob":
            try:
                text = BlobReader(side.snapshot, largest=_MAX_RULES).read(ignore).decode("utf-8", "replace")
            except TooLargeError:
                return True
            rules = "\n".join(at_any_depth(line.strip()) for line in text.split("\n"))
            if BuildIgnore(rules).ignores(posixpath.relpath(path, folder or ".")):
                return True
        if not folder:
            return False
        folder = posixpath.dirname(folder)
