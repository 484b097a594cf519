"""Make an order's changes on a node, once everything that can be checked before is checked."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from msgspec.structs import replace

from bot.agent.apply import apply_stack, build, let_go, remove_services, remove_stacks
from bot.agent.checkout import Checkout, CheckoutPosition
from bot.agent.handover import claims_of_order, replaced_containers
from bot.agent.health import UnhealthyError, wait_until_healthy
from bot.agent.hooks import hooks_for, run_hook
from bot.agent.node import LocalNode
from bot.agent.orders import (
    changed_stacks,
    depends_on_builds,
    is_changed,
    is_removal,
    services_to_watch,
    watch_seconds,
)
from bot.agent.outcomes import failing_as
from bot.agent.preflight import PreflightResult, container_settings, create_networks, prepare
from bot.agent.verdicts import ServiceKind, find_kinds
from bot.domain.names import ServiceName, StackName
from bot.engine.containers import Container
from bot.engine.docker import Docker
from bot.protocol.order import HookTime, Order, StackOrder
from bot.protocol.outcome import FailureReason


class Change:
    """One order's changes. `before` are the containers from before it; `step` names what is done, and times it."""

    def __init__(
        self,
        node: LocalNode,
        order: Order,
        checkout: Checkout,
        docker: Docker,
        *,
        before: tuple[Container, ...],
        step: Callable[[str], AbstractContextManager[None]],
    ) -> None:
        self.node = node
        self.order = order
        self.checkout = checkout
        self.docker = docker
        self.before = before
        self.step = step
        self.settled = order  # with what was left to do once the images were built
        self.kinds: dict[tuple[str, ServiceName], ServiceKind] = {}  # of the stacks that were brought up

    def carry_out(self, ready: PreflightResult) -> None:
        """Make the changes. Raises BotError when they have to be rolled back."""
        order, docker, checkout = self.order, self.docker, self.checkout
        with self.step("remove"):
            # First, so that no folder disappears under a container that still mounts it.
            remove_stacks(docker, order)
        with self.step("check out"), failing_as(FailureReason.CHECKOUT):
            checkout.move(order, CheckoutPosition(order.commit, order.pin))
        self._run_hooks(HookTime.BEFORE, None)
        if hooks_for(order, HookTime.BEFORE, None):
            own = {hook.stack for hook in order.hooks if hook.when is HookTime.BEFORE and hook.stack}
            ready = prepare(order, checkout.root, docker, later=frozenset(filter(None, own)))
        create_networks(order, ready.networks, docker)
        models = dict(ready.models)
        built = {
            stack.project: self._build(stack, models[stack.project])
            for stack in ready.stacks
            if not hooks_for(order, HookTime.BEFORE, stack.stack)  # its hook may make what it is built from
        }
        with self.step("make room"):
            for stack in changed_stacks(order):
                if not is_removal(stack):
                    remove_services(docker, stack)
            stacks = self.settled.stacks
            let_go(docker, claims_of_order(stacks, models), replaced_containers(stacks, self.before))
        for stack in _stacks_to_bring_up(order, ready):
            if is_changed(built.get(stack.project, stack)):
                models |= self._bring_up(stack, models, built.get(stack.project))
        with self.step("watch"):
            self._watch({project: services_to_watch(self.settled, project, self.kinds) for project in models})
        self._run_hooks(HookTime.AFTER, None)

    def _build(self, stack: StackOrder, model: dict[str, Any]) -> StackOrder:
        """Build the images of one stack; the stack, with what is left to do."""
        settled = stack
        if depends_on_builds(stack):
            with self.step(f"build {stack.stack}"):
                settled = build(self.docker, self.checkout.root, stack, model, self.before)
        for was, now in zip(stack.services, settled.services, strict=True):
            if was is not now:
                what = f"that of {', '.join(was.follows)}" if was.follows else "its image"
                self.node.log(f"{stack.stack}/{was.service}: {what} came out the same")
        self.settled = replace(
            self.settled, stacks=tuple(settled if one is stack else one for one in self.settled.stacks)
        )
        return settled

    def _bring_up(
        self, stack: StackOrder, models: dict[str, dict[str, Any]], built: StackOrder | None
    ) -> dict[str, dict[str, Any]]:
        """Bring up one stack, `built` already or not, with its own hooks; its resolved models as they are then."""
        order, root = self.order, self.checkout.root
        self._run_hooks(HookTime.BEFORE, stack.stack)
        if stack.project not in models or hooks_for(order, HookTime.BEFORE, stack.stack):
            ready = prepare(order, root, self.docker, only=stack.stack)
            create_networks(order, ready.networks, self.docker)
            models = dict(ready.models)
        self.docker = self.docker.with_container_settings(container_settings(models))
        built = built or self._build(stack, models[stack.project])
        with self.step(f"apply {stack.stack}"):
            self.kinds |= find_kinds(stack.project, models[stack.project])
            to_watch = services_to_watch(self.settled, stack.project, self.kinds)

            def watch(services: tuple[ServiceName, ...]) -> None:
                self._watch({stack.project: tuple(s for s in services if s in to_watch)}, is_last=False)

            apply_stack(self.docker, root, built, models[stack.project], watch=watch)
        self._run_hooks(HookTime.AFTER, stack.stack)
        return models

    def _run_hooks(self, when: HookTime, stack: StackName | None) -> None:
        for hook in hooks_for(self.order, when, stack):
            if changed_stacks(self.order):
                with self.step(f"{when} {stack or 'all'}: {hook.command[0]}"):
                    run_hook(hook, self.order, self.checkout.root, self.docker, self.node.log)

    def _watch(self, watched: dict[str, tuple[ServiceName, ...]], *, is_last: bool = True) -> None:
        """Raise UnhealthyError unless all is well; before the last change one good sample is enough to go on."""
        timeouts, seconds = self.node.timeouts, watch_seconds(self.order)
        if not is_last:
            timeouts, seconds = timeouts._replace(samples=1, watch=0.0), {}
        unhealthy = wait_until_healthy(
            self.docker, watched, known=self.before, kinds=self.kinds, watch=seconds, timeouts=timeouts
        )
        if unhealthy:
            raise UnhealthyError(unhealthy)


def _stacks_to_bring_up(order: Order, ready: PreflightResult) -> tuple[StackOrder, ...]:
    """The stacks that could be read before anything was touched, then those that hooks prepare."""
    rest = (s for s in changed_stacks(order) if not is_removal(s) and s not in ready.stacks)
    return (*ready.stacks, *rest)
