"""Hold a node to what its order says, before anything is touched: its files, its services, and nothing graver.

The service gives no order that goes beyond the approved plan. The node does not rely on it: it compares the order
with the files that it is about to check out, and with what its own compose and its own containers make of it. What
turns out less or milder is done, and is in the report.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from bot.agent.orders import is_removal
from bot.agent.state import DeployedService
from bot.domain.names import ServiceName
from bot.engine.containers import Container
from bot.git.git import GitRepository
from bot.protocol.action import Action
from bot.protocol.order import Order, Refusal, RefusalReason
from bot.protocol.tree import TreeFile, digest_tree

_NAMED = 5  # things that a refusal names


def find_other_files(order: Order, fleet: GitRepository, submodule: GitRepository) -> Refusal | None:
    """The refusal of an order whose commits hold other files than its plan was made from. Both are in the clones."""
    if not order.tree or digest_tree(_read_files(order, fleet, submodule)) == order.tree:
        return None
    text = (
        f"plan {order.plan} was made from other files than {order.commit} with {order.submodule} at {order.pin} has"
    )
    return Refusal(reason=RefusalReason.OTHER_FILES, text=f"{text}: nobody approved these; ask for a new plan")


def _read_files(order: Order, fleet: GitRepository, submodule: GitRepository) -> Iterable[TreeFile]:
    """Every file that a checkout of the order holds, as the plan saw them (bot.planner.snapshot)."""
    found: dict[str, TreeFile] = {}
    for repository, commit, prefix in (
        (fleet, order.commit, ""),
        (submodule, order.pin, f"{order.submodule}/"),
    ):
        for entry in repository.list_tree(commit, recursive=True):
            if entry.kind != "tree":
                path = f"{prefix}{entry.path}"
                found[path] = TreeFile(path, entry.mode, entry.oid)
    return found.values()


def find_beyond(
    order: Order,
    *,
    models: Mapping[str, Mapping[str, Any]],
    containers: Iterable[Container],
    deployed: Mapping[tuple[str, ServiceName], DeployedService],
) -> Refusal | None:
    """The refusal of an order that would do more here than it says. Pure.

    `models` are the resolved models, by project, of the stacks that it changes; `containers` are there before it, and
    `deployed` is what the last good orders left, by project and service.
    """
    there = tuple(containers)
    beyond = [*_unnamed(order, models), *_removed(order, there), *_replaced(order, there, deployed)]
    if not beyond:
        return None
    more = f"; and {len(beyond) - _NAMED} more" if len(beyond) > _NAMED else ""
    return Refusal(reason=RefusalReason.BEYOND_ORDER, text="; ".join(beyond[:_NAMED]) + more)


def _unnamed(order: Order, models: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    named = _named(order)
    for project, model in models.items():
        for name in model.get("services", {}):
            if name not in named.get(project, ()):
                yield (
                    f"{project} has a service {name} on this node, which the order does not name: look for a "
                    "variable or a file that only this node has"
                )


def _removed(order: Order, containers: tuple[Container, ...]) -> Iterator[str]:
    """A project goes away with all of its containers, unless some folder goes on with it."""
    named = _named(order)
    going_on = {stack.project for stack in order.stacks if not is_removal(stack)}
    for project in dict.fromkeys(stack.project for stack in order.stacks if stack.project not in going_on):
        for name in sorted({one.service for one in containers if one.project == project} - named[project]):
            yield f"{project} would go with its service {name}, which the order does not name: remove that first"


def _named(order: Order) -> dict[str, set[ServiceName]]:
    """The services that the order names, by project."""
    named: dict[str, set[ServiceName]] = {}
    for stack in order.stacks:
        named.setdefault(stack.project, set()).update(one.service for one in stack.services)
    return named


def _replaced(
    order: Order, containers: tuple[Container, ...], deployed: Mapping[tuple[str, ServiceName], DeployedService]
) -> Iterator[str]:
    """Compose recreates a container that is not as it was deployed, also where it only is to add more beside it."""
    adds = {
        (stack.project, one.service): f"{stack.stack}/{one.service}"
        for stack in order.stacks
        for one in stack.services
        if one.action is Action.CREATE
    }
    for container in containers:
        key = (container.project, container.service)
        known = deployed.get(key)
        if known is not None and container.config != known.config and key in adds:
            where = adds.pop(key)
            yield (
                f"{where} would be recreated, and the order only adds containers to it: it runs with another "
                "configuration than the last order deployed"
            )
