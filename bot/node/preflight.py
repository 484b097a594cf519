"""What must hold before a node touches a container, and what it makes ready: images, and networks of nobody."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from bot.errors import BotError
from bot.names import ServiceName
from bot.node.docker import Docker, DockerError
from bot.node.order import Order, StackOrder
from bot.plan.model import Action

OLDEST_COMPOSE = (2, 40, 3)  # older ones start what a hostile include names (CVE-2025-62725)
OLDEST_ENGINE = (20, 10)
NETWORK_LABEL = "io.github.aios-bot.made-for"  # on a network that a node made because no stack owns it
_UNSET = re.compile(r'The \\?"([A-Za-z_][A-Za-z0-9_]*)\\?" variable is not set')
_NUMBER = re.compile(r"\d+")
_TO_START = (Action.CREATE, Action.RECREATE, Action.REBUILD, Action.RESTART)


class PreflightError(BotError):
    """Something that the order needs is missing; no container was touched."""


class Ready(NamedTuple):
    """The stacks in the order in which they are to be brought up, and what compose makes of each."""

    stacks: tuple[StackOrder, ...]
    models: Mapping[str, dict[str, Any]]  # by project; holds secrets


def check_engine(docker: Docker) -> str:
    """Versions of engine and compose in a line, or PreflightError when one is missing or too old."""
    try:
        engine = docker.run("version", "--format", "{{.Server.Version}}")
    except DockerError as problem:
        raise PreflightError(f"the Docker Engine cannot be reached: {problem}") from None
    try:
        compose = docker.run("compose", "version", "--short")
    except DockerError:
        raise PreflightError("`docker compose` is missing: install the docker-compose-plugin package") from None
    if parse_version(compose) < OLDEST_COMPOSE:
        raise PreflightError(f"docker compose {compose} is too old: install {_dotted(OLDEST_COMPOSE)} or newer")
    if parse_version(engine) < OLDEST_ENGINE:
        raise PreflightError(f"Docker Engine {engine} is too old: install {_dotted(OLDEST_ENGINE)} or newer")
    return f"engine {engine}, compose {compose}"


def parse_version(text: str) -> tuple[int, ...]:
    """The leading numbers of a version: "v2.40.3-desktop.1" is (2, 40, 3)."""
    return tuple(
        int(number) for number in _NUMBER.findall(text.split("-", maxsplit=1)[0].split("+", maxsplit=1)[0])[:3]
    )


def changed_stacks(order: Order) -> tuple[StackOrder, ...]:
    """Those stacks of which something is to be touched."""
    return tuple(s for s in order.stacks if any(service.action is not Action.NONE for service in s.services))


def services_with(stack: StackOrder, *actions: Action) -> tuple[ServiceName, ...]:
    """The stack's services that one of `actions` is ordered for."""
    return tuple(service.service for service in stack.services if service.action in actions)


def prepare(order: Order, root: Path, docker: Docker) -> Ready:
    """Check and make ready everything that the order's changed stacks need, or PreflightError naming all that lacks.

    Images are pulled first, so that nothing is stopped while a download runs. `root` holds the new commit.
    """
    stacks = tuple(s for s in changed_stacks(order) if not is_removal(s))
    models: dict[str, dict[str, Any]] = {}
    unset: dict[str, list[str]] = {}
    for stack in stacks:
        models[stack.project], said = docker.compose_warnings(root, stack)
        for name in dict.fromkeys(_UNSET.findall(said)):
            unset.setdefault(name, []).append(stack.stack)
    if unset:
        listed = ", ".join(f"{name} ({', '.join(stacks)})" for name, stacks in sorted(unset.items()))
        raise PreflightError(
            f"variables without a value: {listed}; set them in the fleet file, in the node's environment or in the "
            "stack's .env, or give them a default with ${NAME:-}"
        )
    for stack in stacks:
        _fetch_images(stack, models[stack.project], root, docker)
    return Ready(_owners_first(order, stacks, models, root, docker), models)


def settings_in(models: Mapping[str, dict[str, Any]]) -> tuple[tuple[str, str], ...]:
    """Names and values of all that the services of resolved models get as their environment."""
    environments = (
        service.get("environment") or {} for model in models.values() for service in model["services"].values()
    )
    return tuple((name, str(value)) for one in environments for name, value in one.items() if value)


def is_removal(stack: StackOrder) -> bool:
    """Whether all of the stack goes away."""
    return bool(stack.services) and all(
        service.action is Action.REMOVE and not service.remaining for service in stack.services
    )


def _fetch_images(stack: StackOrder, model: dict[str, Any], root: Path, docker: Docker) -> None:
    wanted: list[str] = []
    for service in services_with(stack, *_TO_START):
        spec = model["services"].get(service)
        if spec is None:
            raise PreflightError(f"{stack.stack} has no service {service} with the order's files and profiles")
        image, policy = spec.get("image", ""), spec.get("pull_policy", "")
        if spec.get("build") or not image:
            continue
        if policy == "never":
            if not docker.has_image(image):
                raise PreflightError(
                    f"{stack.stack}/{service}: image {image} is not here, and its policy forbids to pull"
                )
        elif policy == "always" or not docker.has_image(image):
            wanted.append(service)
    if wanted:
        docker.compose(root, stack, "pull", "--quiet", *wanted)


def _owners_first(
    order: Order, stacks: Sequence[StackOrder], models: dict[str, dict[str, Any]], root: Path, docker: Docker
) -> tuple[StackOrder, ...]:
    """`stacks` with each missing network's owner before its users; what nobody owns is made here.

    Compose refuses to adopt a network that somebody else made under its name, so an owner has to go first.
    """
    here = docker.networks()
    missing = {
        stack.project: {name for name, external in _networks(models[stack.project]) if external and name not in here}
        for stack in stacks
    }
    if not any(missing.values()):
        return tuple(stacks)
    owners: dict[str, StackOrder] = {}
    for stack in order.stacks:
        if is_removal(stack):
            continue
        model = models.get(stack.project) or docker.compose_warnings(root, stack)[0]
        owners |= {name: stack for name, external in _networks(model) if not external}
    for name in sorted(set().union(*missing.values())):
        owner = owners.get(name)
        if owner is None:
            docker.run("network", "create", "--label", f"{NETWORK_LABEL}={order.fleet}", name)
        elif owner not in stacks:
            raise PreflightError(
                f"the network {name} is gone, and {owner.stack}, which owns it, is not to be touched: "
                f"bring {owner.stack} up first"
            )
    return _sorted_by_need(stacks, missing, owners)


def _sorted_by_need(
    stacks: Sequence[StackOrder], missing: Mapping[str, set[str]], owners: Mapping[str, StackOrder]
) -> tuple[StackOrder, ...]:
    placed: list[StackOrder] = []
    waiting = list(stacks)
    while waiting:
        ready = next(
            (
                stack
                for stack in waiting
                if not any(owners.get(name) in waiting and owners[name] != stack for name in missing[stack.project])
            ),
            waiting[0],  # two stacks that own each other's network: compose will say so
        )
        waiting.remove(ready)
        placed.append(ready)
    return tuple(placed)


def _networks(model: dict[str, Any]) -> tuple[tuple[str, bool], ...]:
    """Real name of each network of a resolved model, and whether somebody else makes it."""
    networks = (model.get("networks") or {}).items()
    return tuple((spec.get("name") or key, bool(spec.get("external"))) for key, spec in networks)


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(str(number) for number in version)
