"""Sort stacks by the networks, volumes and containers that one of them has and another needs.

Compose does not adopt a network or volume that something else created under its name, so the owner has to come first.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from bot.agent.errors import OrderFailedError
from bot.agent.orders import is_removal, services_with
from bot.engine.compose import ComposeStack
from bot.engine.docker import Docker
from bot.plan.stack_needs import sort_by_needs, stack_needs
from bot.protocol.action import Action
from bot.protocol.order import Order, StackOrder
from bot.protocol.outcome import FailureReason

_NETWORK_LABEL = "com.docker.compose.network"
_MADE = (Action.CREATE, Action.RECREATE, Action.REBUILD)

Models = Mapping[str, dict[str, Any]]
"""The resolved model of each stack, by project. It holds secrets, and must not leave the node."""


class SortedStacks(NamedTuple):
    """Stacks in the order in which to bring them up, and the networks to make first because no stack owns them."""

    stacks: tuple[StackOrder, ...]
    networks: tuple[str, ...]


def sort_by_owner(
    order: Order, stacks: Sequence[StackOrder], models: Models, root: Path, docker: Docker
) -> SortedStacks:
    """`stacks` with each owner before its users; or OrderFailedError when what a stack needs is not there."""
    leaving = {name for stack in stacks for name in stack.networks}
    labels = docker.network_labels(_NETWORK_LABEL)
    _check_adoption(stacks, models, labels, leaving)
    networks = frozenset(labels).difference(leaving)
    volumes = docker.volume_names() if any(_external(models[s.project], "volumes") for s in stacks) else frozenset()
    missing = {s.project: _external(models[s.project], "networks") - networks for s in stacks}
    without = {s.project: _mounted_external(s, models[s.project]) - volumes for s in stacks}
    needs = stack_needs(stacks, models)
    unowned: list[str] = []
    if any(missing.values()) or any(without.values()):
        owned = _all_models(order, models, root, docker)
        unowned = _find_networks(missing, owned, stacks, needs)
        _find_volumes(without, owned, stacks, needs)
    return SortedStacks(sort_by_needs(stacks, lambda stack: stack.project, needs), tuple(unowned))


def _all_models(order: Order, models: Models, root: Path, docker: Docker) -> list[tuple[StackOrder, dict[str, Any]]]:
    return [
        (stack, models.get(stack.project) or ComposeStack(docker, root, stack).read_model()[0])
        for stack in order.stacks
        if not is_removal(stack)
    ]


def _find_networks(
    missing: Mapping[str, Collection[str]],
    owned: Sequence[tuple[StackOrder, dict[str, Any]]],
    stacks: Sequence[StackOrder],
    needs: dict[str, set[str]],
) -> list[str]:
    """Add to `needs` who owns a missing network; the names of those that nobody owns."""
    owners = {name: stack for stack, model in owned for name in _own(model, "networks")}
    unowned = set()
    for project, names in missing.items():
        for name in names:
            owner = owners.get(name)
            if owner is None:
                unowned.add(name)
            elif owner not in stacks:
                raise OrderFailedError(
                    FailureReason.NETWORK,
                    f"the network {name} is gone, and {owner.stack}, which owns it, is not part of this order: "
                    f"bring {owner.stack} up first",
                )
            else:
                needs[project].add(owner.project)
    return sorted(unowned)


def _find_volumes(
    without: Mapping[str, Collection[str]],
    owned: Sequence[tuple[StackOrder, dict[str, Any]]],
    stacks: Sequence[StackOrder],
    needs: dict[str, set[str]],
) -> None:
    """Add to `needs` who owns a missing volume; OrderFailedError for one that nobody in the order makes."""
    owners = {name: stack for stack, model in owned for name in _own(model, "volumes")}
    for project, names in without.items():
        for name in sorted(names):
            owner = owners.get(name)
            if owner is None or owner not in stacks:
                stack = next(stack for stack in stacks if stack.project == project)
                raise OrderFailedError(
                    FailureReason.VOLUME,
                    f"{stack.stack} mounts the external volume {name}, which is not there: create it with "
                    f"`docker volume create {name}`, or correct its name",
                )
            needs[project].add(owner.project)


def _check_adoption(
    stacks: Sequence[StackOrder], models: Models, labels: Mapping[str, str], leaving: Collection[str]
) -> None:
    """OrderFailedError for a network that a stack is to own and that compose would refuse, as another made it.

    `labels`: the key of its stack's file of each network that is here, "" of one that compose did not make.
    """
    wanted = {
        spec.get("name") or key: (stack, key)
        for stack in stacks
        for key, spec in (models[stack.project].get("networks") or {}).items()
        if not (spec or {}).get("external")
    }
    for name, (stack, key) in wanted.items():
        if name in labels and name not in leaving and labels[name] != key:
            raise OrderFailedError(
                FailureReason.NETWORK,
                f"{stack.stack} is to own the network {name}, which is there and was not made by it: keep "
                "`external: true`, or remove the network once nothing is attached to it",
            )


def _external(model: Mapping[str, Any], section: str) -> set[str]:
    """Real names of a resolved model's networks or volumes that are not its own."""
    return {spec.get("name") or key for key, spec in _section(model, section) if spec.get("external")}


def _own(model: Mapping[str, Any], section: str) -> set[str]:
    return {spec.get("name") or key for key, spec in _section(model, section) if not spec.get("external")}


def _section(model: Mapping[str, Any], section: str) -> list[tuple[str, dict[str, Any]]]:
    return [(key, spec or {}) for key, spec in (model.get(section) or {}).items()]


def _mounted_external(stack: StackOrder, model: Mapping[str, Any]) -> set[str]:
    """The external volumes that services which the order recreates mount."""
    names = {key: spec.get("name") or key for key, spec in _section(model, "volumes") if spec.get("external")}
    return {
        names[mount["source"]]
        for service in services_with(stack, *_MADE)
        for mount in (model["services"].get(service) or {}).get("volumes") or ()
        if mount.get("type") == "volume" and mount.get("source") in names
    }
