"""Check what an order needs before anything is touched, and pull its images.

The order's commit is written to a folder of its own for this, while everything that runs keeps running.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from bot.agent.errors import OrderFailedError
from bot.agent.orders import changed_stacks, is_removal, services_with
from bot.agent.owners import Models, sort_by_owner
from bot.domain.names import ServiceName, StackName
from bot.domain.versions import parse_version
from bot.engine.compose import ComposeStack
from bot.engine.docker import Docker, DockerError
from bot.engine.ports import find_port_conflicts, requested_ports
from bot.engine.programs import OLDEST_ENGINE
from bot.engine.versions import EngineVersions, UnfitEngineError, check_versions
from bot.plan.engine_versions import describe_lacks, find_lacks, read_engine
from bot.plan.followers import made_images
from bot.plan.image_sources import image_name
from bot.protocol.action import Action
from bot.protocol.order import Order, StackOrder
from bot.protocol.outcome import FailureReason

NETWORK_LABEL = "io.github.aios-bot.made-for"  # on a network that a node made because no stack owns it
_UNSET = re.compile(r'The \\?"([A-Za-z_][A-Za-z0-9_]*)\\?" variable is not set')
_REQUIRED = re.compile(r"required variable ([A-Za-z_][A-Za-z0-9_]*) is missing a value")  # ${NAME:?}
_MADE = (Action.CREATE, Action.RECREATE, Action.REBUILD)
_TO_START = (*_MADE, Action.RESTART)


class PreflightError(OrderFailedError):
    """Something that the order needs is missing; no container was touched."""


class PreflightResult(NamedTuple):
    """What preflight found: the stacks, in the order in which to bring them up."""

    stacks: tuple[StackOrder, ...]
    models: Models
    networks: tuple[str, ...]  # to create: no stack owns them, and they do not exist


_NOTHING = PreflightResult((), {}, ())
_AT_ONCE = 4  # stacks that compose reads side by side


def check_engine(docker: Docker, *, needs_compose: bool = True) -> EngineVersions:
    """Versions of engine and compose, or PreflightError when one is missing or too old; compose only if needed."""
    try:
        return check_versions(docker, needs_compose=needs_compose)
    except UnfitEngineError as problem:
        raise PreflightError(FailureReason.ENGINE, str(problem)) from None


def prepare(
    order: Order,
    root: Path,
    docker: Docker,
    *,
    home: Path | None = None,
    later: Collection[StackName] = (),
    only: StackName | None = None,
    pull: bool = True,
) -> PreflightResult:
    """Check everything that the order's changed stacks need, and pull their images; or PreflightError.

    Images are pulled now, so that nothing is stopped while a download runs. `root` holds the new commit; `home` is
    the checkout from which untracked files are linked. Stacks in `later` that cannot be read yet are left out.
    """
    stacks = tuple(s for s in changed_stacks(order) if not is_removal(s) and only in (None, s.stack))
    if not stacks:
        return _NOTHING
    models = _read_models(stacks, root, docker, homes=(root, home or root), later=later)
    stacks = tuple(s for s in stacks if s.project in models)
    _check_services(stacks, models)
    check_needs(stacks, models, partial(check_engine, docker))
    _check_ports(order, stacks, models, docker)
    ready = sort_by_owner(order, stacks, models, root, docker)
    made = {  # by the order's builds, which come later
        image
        for stack in stacks
        for service in services_with(stack, Action.CREATE, Action.REBUILD)
        for image in made_images(stack.project, service, models[stack.project]["services"][service])
    }
    for stack in stacks if pull else ():
        _fetch_images(stack, models[stack.project], root, docker, made)
    return PreflightResult(ready.stacks, models, ready.networks)


def create_networks(order: Order, names: Iterable[str], docker: Docker) -> None:
    """Create the networks that stacks share and none of them owns, or DockerError."""
    wanted = tuple(names)
    here = docker.network_names() if wanted else frozenset()
    for name in wanted:
        if name not in here:
            docker.create_network(name, label=f"{NETWORK_LABEL}={order.fleet}")


def container_settings(models: Models) -> tuple[tuple[str, str], ...]:
    """Name and value of every variable that resolved models give their services."""
    environments = (
        service.get("environment") or {} for model in models.values() for service in model["services"].values()
    )
    return tuple((name, str(value)) for one in environments for name, value in one.items() if value)


def find_unset(stacks: Iterable[StackOrder], root: Path, docker: Docker) -> tuple[str, ...]:
    """The variables without a value of the stacks in the checkout at `root`. One unreadable otherwise names none."""
    names: set[str] = set()
    for stack in stacks:
        try:
            _, words = ComposeStack(docker, root, stack).read_model()
        except DockerError as problem:
            words = str(problem)
        names |= {*_UNSET.findall(words), *_REQUIRED.findall(words)}
    return tuple(sorted(names))


def _read_models(
    stacks: Sequence[StackOrder], root: Path, docker: Docker, *, homes: Sequence[Path], later: Collection[StackName]
) -> dict[str, dict[str, Any]]:
    models: dict[str, dict[str, Any]] = {}
    unset: dict[str, list[str]] = {}
    for stack in stacks:
        _check_inside(stack, root, homes)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        reading = [pool.submit(ComposeStack(docker, root, stack).read_model) for stack in stacks]
    for stack, read in zip(stacks, reading, strict=True):
        try:
            model, warnings = read.result()
        except DockerError as problem:
            if stack.stack not in later:
                raise PreflightError(FailureReason.STACK, f"{stack.stack} cannot be read: {problem}") from None
            continue
        names = dict.fromkeys(_UNSET.findall(warnings))
        if names and stack.stack in later:
            continue
        models[stack.project] = model
        for name in names:
            unset.setdefault(name, []).append(stack.stack)
    if unset:
        listed = ", ".join(f"{name} ({', '.join(stacks)})" for name, stacks in sorted(unset.items()))
        raise PreflightError(
            FailureReason.VARIABLE,
            f"variables without a value: {listed}; set them in the fleet file, in the node's environment or in the "
            "stack's .env, or give them a default with ${NAME:-}",
        )
    return models


def _check_inside(stack: StackOrder, root: Path, homes: Sequence[Path]) -> None:
    """Refuse a compose file that is a link out of the checkout: nobody approved it."""
    inside = tuple(home.resolve() for home in homes)
    for name in stack.files:
        file = (root / stack.folder / name).resolve()
        if not any(file.is_relative_to(home) for home in inside):
            raise PreflightError(FailureReason.STACK, f"{stack.stack}: {name} leads out of the checkout")


def _check_services(stacks: Sequence[StackOrder], models: Models) -> None:
    for stack in stacks:
        for service in services_with(stack, *_TO_START):
            if service not in models[stack.project]["services"]:
                text = f"{stack.stack} has no service {service} with the order's files and profiles"
                raise PreflightError(FailureReason.STACK, text)


def check_needs(stacks: Sequence[StackOrder], models: Models, read_versions: Callable[[], EngineVersions]) -> None:
    """Refuse what this engine does not have, before compose does, half way. Versions are read where they matter."""
    made = [(str(s.stack), services_with(s, *_MADE), models[s.project]) for s in stacks]
    if not find_lacks(made, OLDEST_ENGINE, ()):
        return
    versions = read_versions()
    engine = read_engine(versions.engine)
    lacks = [one for one in find_lacks(made, engine, parse_version(versions.compose)) if one[1].is_refused]
    if lacks:
        text = "; ".join(describe_lacks(lacks, engine))
        raise PreflightError(FailureReason.ENGINE, f"{text}: upgrade the engine, or take the setting out")


def _check_ports(order: Order, stacks: Sequence[StackOrder], models: Models, docker: Docker) -> None:
    bindings = [
        binding
        for stack in stacks
        for binding in requested_ports(stack.project, services_with(stack, *_MADE), models[stack.project])
    ]
    if not bindings:
        return
    leaving = [(s.project, name) for s in order.stacks for name in services_with(s, *_MADE, Action.REMOVE)]
    conflicts = find_port_conflicts(bindings, docker.running_containers(), leaving, docker)
    if conflicts:
        text = "; ".join(conflicts)
        raise PreflightError(FailureReason.PORT, f"{text}: stop what holds it, or publish another port")


def _fetch_images(
    stack: StackOrder, model: dict[str, Any], root: Path, docker: Docker, made: Collection[str]
) -> None:
    wanted: list[ServiceName] = []
    specs = {service: model["services"][service] for service in services_with(stack, *_TO_START)}
    ready = {
        service: spec
        for service, spec in specs.items()
        if spec.get("image") and not spec.get("build") and image_name(spec["image"]) not in made
    }
    here = docker.image_ids(spec["image"] for spec in ready.values() if spec.get("pull_policy") != "always")
    for service, spec in ready.items():
        if spec["image"] in here and spec.get("pull_policy") != "always":
            continue
        if spec.get("pull_policy") == "never":
            text = f"{stack.stack}/{service}: the image {spec['image']} is not here, and its pull_policy is `never`"
            raise PreflightError(FailureReason.IMAGE, text)
        wanted.append(service)
    if wanted:
        try:
            ComposeStack(docker, root, stack).pull(wanted)
        except DockerError as problem:
            raise PreflightError(FailureReason.IMAGE, str(problem)) from None
