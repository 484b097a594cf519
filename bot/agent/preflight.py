"""What must hold before a node touches anything, and what it makes ready: the images.

It looks at the order's commit laid out in a folder of its own, while everything runs on as it is.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from bot.agent.docker import Docker, DockerError
from bot.agent.failures import OrderFailedError
from bot.agent.ports import find_port_conflicts, wished_ports
from bot.domain.names import ServiceName, StackName
from bot.protocol.action import Action
from bot.protocol.order import HookTime, Order, StackOrder
from bot.protocol.outcome import FailureReason

OLDEST_COMPOSE = (2, 40, 3)  # older ones start what a hostile include names (CVE-2025-62725)
OLDEST_ENGINE = (20, 10)
OLDEST_PODMAN = (4, 4)  # the first whose Docker API carries compose's labels and health
NETWORK_LABEL = "io.github.aios-bot.made-for"  # on a network that a node made because no stack owns it
_UNSET = re.compile(r'The \\?"([A-Za-z_][A-Za-z0-9_]*)\\?" variable is not set')
_NUMBER = re.compile(r"\d+")
_MADE = (Action.CREATE, Action.RECREATE, Action.REBUILD)
_TO_START = (*_MADE, Action.RESTART)

Models = Mapping[str, dict[str, Any]]
"""What compose makes of each stack, by project. It holds secrets: keep it here."""


class PreflightError(OrderFailedError):
    """Something that the order needs is missing; no container was touched."""


class Ready(NamedTuple):
    """The stacks in the order in which they are to be brought up."""

    stacks: tuple[StackOrder, ...]
    models: Models
    networks: tuple[str, ...]  # that no stack owns, and that are not there: to be made


NOTHING = Ready((), {}, ())


def check_engine(docker: Docker, *, alone: bool = False) -> str:
    """Versions of engine and compose in a line, or PreflightError when one is missing or too old.

    `alone`: compose will not be asked for anything.
    """
    try:
        name, engine = _server(docker)
    except DockerError as problem:
        raise PreflightError(FailureReason.ENGINE, f"the Docker Engine cannot be reached: {problem}") from None
    _check_version(name, engine, OLDEST_PODMAN if name == "Podman" else OLDEST_ENGINE)
    if alone:
        return f"{name} {engine}"
    try:
        compose = docker.run("compose", "version", "--short")
    except DockerError:
        told = "`docker compose` is missing: install the docker-compose-plugin package"
        raise PreflightError(FailureReason.ENGINE, told) from None
    _check_version("docker compose", compose, OLDEST_COMPOSE)
    return f"{name} {engine}, compose {compose}"


def _check_version(what: str, found: str, oldest: tuple[int, ...]) -> None:
    if parse_version(found) < oldest:
        told = f"{what} {found} is too old: install {_dotted(oldest)} or newer"
        raise PreflightError(FailureReason.ENGINE, told)


def _server(docker: Docker) -> tuple[str, str]:
    """Name and version of what answers; Podman's socket speaks Docker's language and says its own version."""
    form = "{{.Server.Version}}{{range .Server.Components}}|{{.Name}}{{end}}"
    version, *components = docker.run("version", "--format", form).split("|")
    return ("Podman" if "Podman Engine" in components else "Docker Engine"), version


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


def is_removal(stack: StackOrder) -> bool:
    """Whether all of the stack goes away."""
    return bool(stack.services) and all(
        service.action is Action.REMOVE and not service.remaining for service in stack.services
    )


def made_by_hooks(order: Order) -> frozenset[StackName]:
    """Changed stacks before which a hook runs: what they need may be there only after it."""
    before = {hook.stack for hook in order.hooks if hook.when is HookTime.BEFORE}
    return frozenset(s.stack for s in changed_stacks(order) if before & {s.stack, None})


def prepare(
    order: Order,
    root: Path,
    docker: Docker,
    *,
    home: Path | None = None,
    later: Collection[StackName] = (),
    only: StackName | None = None,
    pull: bool = True,
) -> Ready:
    """Check and make ready everything that the order's changed stacks need, or PreflightError naming all that lacks.

    Images are pulled, so that nothing is stopped while a download runs. `root` holds the new commit; `home` is the
    checkout that its untracked files are linked from. Stacks in `later` that cannot be read yet are left out.
    """
    stacks = tuple(s for s in changed_stacks(order) if not is_removal(s) and only in (None, s.stack))
    if not stacks:
        return NOTHING
    models = _read_models(stacks, root, docker, homes=(root, home or root), later=later)
    stacks = tuple(s for s in stacks if s.project in models)
    _check_services(stacks, models)
    _check_ports(order, stacks, models, docker)
    ready = _owners_first(order, stacks, models, root, docker)
    for stack in stacks if pull else ():
        _fetch_images(stack, models[stack.project], root, docker)
    return ready


def make_networks(order: Order, names: Iterable[str], docker: Docker) -> None:
    """Make the networks that stacks share and none of them owns, or DockerError."""
    wanted = tuple(names)
    here = docker.networks() if wanted else frozenset()
    for name in wanted:
        if name not in here:
            docker.run("network", "create", "--label", f"{NETWORK_LABEL}={order.fleet}", name)


def settings_in(models: Models) -> tuple[tuple[str, str], ...]:
    """Names and values of all that the services of resolved models get as their environment."""
    environments = (
        service.get("environment") or {} for model in models.values() for service in model["services"].values()
    )
    return tuple((name, str(value)) for one in environments for name, value in one.items() if value)


def _read_models(
    stacks: Sequence[StackOrder], root: Path, docker: Docker, *, homes: Sequence[Path], later: Collection[StackName]
) -> dict[str, dict[str, Any]]:
    models: dict[str, dict[str, Any]] = {}
    unset: dict[str, list[str]] = {}
    for stack in stacks:
        _check_inside(stack, root, homes)
        try:
            model, said = docker.compose_warnings(root, stack)
        except DockerError as problem:
            if stack.stack not in later:
                raise PreflightError(FailureReason.STACK, f"{stack.stack} cannot be read: {problem}") from None
            continue
        names = dict.fromkeys(_UNSET.findall(said))
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
    """A compose file that is a link out of the checkout is another person's file."""
    inside = tuple(home.resolve() for home in homes)
    for name in stack.files:
        file = (root / stack.folder / name).resolve()
        if not any(file.is_relative_to(home) for home in inside):
            raise PreflightError(FailureReason.STACK, f"{stack.stack}: {name} leads out of the checkout")


def _check_services(stacks: Sequence[StackOrder], models: Models) -> None:
    for stack in stacks:
        for service in services_with(stack, *_TO_START):
            if service not in models[stack.project]["services"]:
                told = f"{stack.stack} has no service {service} with the order's files and profiles"
                raise PreflightError(FailureReason.STACK, told)


def _check_ports(order: Order, stacks: Sequence[StackOrder], models: Models, docker: Docker) -> None:
    wishes = [
        wish
        for stack in stacks
        for wish in wished_ports(stack.project, services_with(stack, *_MADE), models[stack.project])
    ]
    if not wishes:
        return
    leaving = [(s.project, name) for s in order.stacks for name in services_with(s, *_MADE, Action.REMOVE)]
    conflicts = find_port_conflicts(wishes, docker.running(), leaving, docker)
    if conflicts:
        told = "; ".join(conflicts)
        raise PreflightError(FailureReason.PORT, f"{told}: end who holds it, or publish another port")


def _fetch_images(stack: StackOrder, model: dict[str, Any], root: Path, docker: Docker) -> None:
    wanted: list[str] = []
    for service in services_with(stack, *_TO_START):
        spec = model["services"][service]
        image, policy = spec.get("image", ""), spec.get("pull_policy", "")
        if spec.get("build") or not image:
            continue
        if policy == "never":
            if not docker.image(image):
                told = f"{stack.stack}/{service}: image {image} is not here, and its policy forbids to pull"
                raise PreflightError(FailureReason.IMAGE, told)
        elif policy == "always" or not docker.image(image):
            wanted.append(service)
    if wanted:
        try:
            docker.follow(root, stack, "pull", *wanted)
        except DockerError as problem:
            raise PreflightError(FailureReason.IMAGE, str(problem)) from None


def _owners_first(order: Order, stacks: Sequence[StackOrder], models: Models, root: Path, docker: Docker) -> Ready:
    """`stacks` with each missing network's owner before its users.

    Compose refuses to adopt a network that somebody else made under its name, so an owner has to go first.
    """
    here = docker.networks().difference(name for stack in stacks for name in stack.networks)
    missing = {
        stack.project: {name for name, external in _networks(models[stack.project]) if external and name not in here}
        for stack in stacks
    }
    if not any(missing.values()):
        return Ready(tuple(stacks), models, ())
    owners: dict[str, StackOrder] = {}
    for stack in order.stacks:
        if is_removal(stack):
            continue
        model = models.get(stack.project) or docker.compose_warnings(root, stack)[0]
        owners |= {name: stack for name, external in _networks(model) if not external}
    of_nobody = []
    for name in sorted(set().union(*missing.values())):
        owner = owners.get(name)
        if owner is None:
            of_nobody.append(name)
        elif owner not in stacks:
            raise PreflightError(
                FailureReason.NETWORK,
                f"the network {name} is gone, and {owner.stack}, which owns it, is not to be touched: "
                f"bring {owner.stack} up first",
            )
    return Ready(_sorted_by_need(stacks, missing, owners), models, tuple(of_nobody))


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
