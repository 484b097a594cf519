"""Find what changed for the builders of a stack's images between two snapshots."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from bot.domain.names import ServiceName
from bot.fleetfile import Node
from bot.plan.contents import changed_under
from bot.plan.rendering import BuildProblem, Rendered, Rendering
from bot.planner.build_bases import brings_own, find_base_images, find_bases, find_plain
from bot.planner.build_problems import find_problem
from bot.planner.image_build import ImageBuild
from bot.planner.same_build import find_unread
from bot.planner.snapshot import Snapshot


class Builds(NamedTuple):
    """Of one stack, by service: files that differ for the builder, why it fails, and what it builds on."""

    inputs: dict[ServiceName, tuple[str, ...]]
    problems: dict[ServiceName, BuildProblem]
    bases: Mapping[ServiceName, tuple[ServiceName, ...]] = MappingProxyType({})  # of the same stack
    base_images: Mapping[ServiceName, tuple[str, ...]] = MappingProxyType({})  # where a Dockerfile is understood
    unread: Mapping[ServiceName, frozenset[str]] = MappingProxyType({})  # settings that change, and not the image


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
    made = {service: ImageBuild(build, node, new) for service, build in builds.items()}
    dockerfiles = {service: one.as_dockerfile for service, one in made.items()}
    unread: dict[ServiceName, frozenset[str]] = {}
    found = Builds({}, {}, find_bases(model, dockerfiles), find_base_images(dockerfiles), unread)
    plain = find_plain(model, dockerfiles)
    for service, build in builds.items():
        here = made[service]
        there = ImageBuild(build, node, old) if old is not None and service in before else None
        here.brings_own = brings_own(found.bases, dockerfiles, service)
        here.has_plain_base = service in plain
        if there is not None:
            there.has_plain_base = here.has_plain_base and there.text == here.text
        inputs = _changed_inputs(there, here, changed) if there else set()
        was = (before.get(service) or {}).get("build")
        if old is not None and isinstance(was, dict) and was != build:
            same = find_unread(ImageBuild(was, node, old), here)
            unread[ServiceName(service)] = same
            inputs = set() if "context" in same else inputs
        if inputs:
            found.inputs[ServiceName(service)] = tuple(sorted(inputs))
        is_other = inputs or was != build
        if is_other and (problem := find_problem(there, here, node)):
            found.problems[ServiceName(service)] = problem
    return found


def _changed_inputs(old: ImageBuild, new: ImageBuild, changed: frozenset[str]) -> set[str]:
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
            elif any(
                side.takes(one, name) for one in (path, *_turned(old, new, path, folder)) for side in (old, new)
            ):
                found.add(path)
    return found


def _turned(old: ImageBuild, new: ImageBuild, path: str, context: str) -> Iterator[str]:
    """The folders that came or went with a file: they are copied also where the file itself is left out."""
    folder = posixpath.dirname(path)
    while len(folder) > len(context):
        if (folder in old.snapshot.entries) is not (folder in new.snapshot.entries):
            yield folder
        folder = posixpath.dirname(folder)


def _reaching(side: ImageBuild, name: str) -> set[str]:
    return {path for path in side.snapshot.files_under(side.folders[name]) if side.takes(path, name)}
