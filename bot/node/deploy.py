"""One order, from its envelope to a proven result: verify, record, check out, make ready, apply, watch, or put back.

Nothing but a verified order is obeyed, its number is used up before anything is touched, and what happened is
told in the record, in the deployment's statuses and in the Outcome.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Protocol

from bot.errors import BotError
from bot.names import DeploymentId, ServiceName
from bot.node.apply import apply_stack, observe, remove_stack, with_absent
from bot.node.checkout import Checkout, Position
from bot.node.docker import Container, Docker
from bot.node.health import PATIENCE, Patience, Unwell, wait_until_well
from bot.node.order import Order, OrderKind, Refusal, RefusalReason, verify_order
from bot.node.outcome import (
    Outcome,
    ServiceOutcome,
    Step,
    render_description,
    render_success,
    render_unwell,
)
from bot.node.preflight import (
    Ready,
    changed_stacks,
    check_engine,
    is_removal,
    prepare,
    services_with,
    settings_in,
)
from bot.node.rollback import roll_back
from bot.node.safe_git import Access
from bot.node.state import Begun, End, Finished, NodeState, find_last_good, find_unfinished, used_numbers
from bot.plan.model import Action


class StatusSink(Protocol):
    """Where a deployment's statuses go."""

    def post(self, deployment: DeploymentId, state: str, description: str) -> None:
        """`state` is one of GitHub's; `description` has at most 140 characters."""

    def report(self, order: Order, outcome: Outcome) -> None:
        """Tell how the order ended, service by service (bot.node.report); before the final status."""

    def is_withdrawn(self, deployment: DeploymentId) -> bool:
        """Whether the bot ended the deployment before this node came to its order."""


class Node(NamedTuple):
    """What a deploy works with."""

    state: NodeState
    docker: Docker
    access: Access
    sink: StatusSink
    now: Callable[[], float]  # seconds since the epoch
    tell: Callable[[str], None]  # a line for the person or the job's log
    root: Path | None = None  # overrides the order's
    patience: Patience = PATIENCE


class _UnhealthyError(BotError):
    """What was brought up is not well."""

    def __init__(self, unwell: tuple[Unwell, ...]) -> None:
        super().__init__(render_unwell(unwell))
        self.unwell = unwell


_FINAL_STATE = {
    End.SUCCESS: "success",
    End.ROLLED_BACK: "failure",
    End.FAILED: "failure",
    End.UNTOUCHED: "failure",
    End.REFUSED: "failure",
}


def deploy(envelope: str, node: Node) -> Outcome:
    """Carry out the order in `envelope` on this node, and tell everybody how it ended.

    Raises BotError only when the node itself is not set up; whatever the order leads to is in the Outcome.
    """
    identity = node.state.read_identity()
    with node.state.lock():
        records = node.state.read_record()
        used = used_numbers(records)
        order = verify_order(
            envelope,
            public_keys=node.state.read_keys(),
            fleet=identity.fleet,
            node=identity.node,
            now=node.now(),
            last_number=max(used, default=0),
            used=used,
        )
        if isinstance(order, Order) and order.kind is OrderKind.PLAN_ONLY:
            order = Refusal(
                reason=RefusalReason.UNSUPPORTED, text="this version carries out no plan-only orders", order=order
            )
        elif isinstance(order, Order) and _is_withdrawn(node, order):
            told = "the bot withdrew this order before the node came to it; a newer one follows"
            order = Refusal(reason=RefusalReason.WITHDRAWN, text=told)
        if isinstance(order, Refusal):
            return _refused(node, order)
        root = node.root or (Path(order.root or identity.root).expanduser() if order.root or identity.root else None)
        if root is None:
            told = "neither the order nor this node names a checkout: set `root` in the fleet file"
            return _refused(node, Refusal(reason=RefusalReason.OTHER_REPOSITORY, text=told, order=order))
        return _Run(node, order, Checkout(root, node.access)).carry_out()


def _refused(node: Node, refusal: Refusal) -> Outcome:
    outcome = Outcome(end=End.REFUSED, text=refusal.text, order=refusal.order, refusal=refusal.reason)
    if refusal.order is not None:
        _report(node, refusal.order, outcome)
        _post(node, refusal.order, "failure", render_description(outcome))
    return outcome


def _post(node: Node, order: Order, state: str, description: str) -> None:
    try:
        node.sink.post(order.number, state, description)
    except BotError as problem:  # GitHub being away is no reason to leave a node half done
        node.tell(f"the deployment's status `{state}` could not be posted: {problem}")


def _report(node: Node, order: Order, outcome: Outcome) -> None:
    try:
        node.sink.report(order, outcome)
    except BotError as problem:
        node.tell(f"the report could not be posted (the job needs `checks: write`): {problem}")


def _is_withdrawn(node: Node, order: Order) -> bool:
    try:
        return node.sink.is_withdrawn(order.number)
    except BotError as problem:  # the order itself is good
        node.tell(f"whether the order still stands could not be read: {problem}")
        return False


class _Run:
    """One order under way; holds what the stations hand on to each other."""

    def __init__(self, node: Node, order: Order, checkout: Checkout) -> None:
        self.node = node
        self.order = order
        self.checkout = checkout
        self.docker = node.docker.with_variables(order.variables)
        self.steps: list[Step] = []
        records = node.state.read_record()
        self.last_good = find_last_good(records)
        self.interrupted = find_unfinished(records)
        last = next((record for record in reversed(records) if isinstance(record, Finished)), None)
        self.trusts_checkout = self.interrupted is None and (last is None or last.end is not End.FAILED)
        self.before: tuple[Container, ...] = ()

    def carry_out(self) -> Outcome:
        node, order = self.node, self.order
        held = self.checkout.position(order.submodule)
        node.state.begin(order, now=node.now(), commit=held.commit if held else None, pin=held.pin if held else None)
        _post(node, order, "in_progress", f"order {order.number} taken by {order.node}")
        outcome = self._go()
        position = self.checkout.position(order.submodule)
        node.state.finish(
            order,
            outcome.end,
            outcome.text,
            now=node.now(),
            commit=position.commit if position else None,
            pin=position.pin if position else None,
        )
        _report(node, order, outcome)
        _post(node, order, _FINAL_STATE[outcome.end], render_description(outcome))
        return outcome

    def _go(self) -> Outcome:
        """Everything between the two records."""
        node, order = self.node, self.order
        back_to: Position | None = None
        try:
            with self._step("engine"):
                node.tell(check_engine(self.docker))
            if self.interrupted is not None:
                self._heal(self.interrupted)
            with self._step("fetch"):
                refusal = self.checkout.prepare(order)
            if refusal:
                return self._end(End.REFUSED, refusal.text, refusal=refusal.reason)
            back_to = self._position_to_return_to()
            self.before = self.docker.containers(stack.project for stack in order.stacks)
            if self.last_good is None:
                self.order = with_absent(order, self.before)
        except BotError as problem:
            return self._end(End.UNTOUCHED, f"nothing was touched: {problem}")
        try:
            self._change()
        except BotError as problem:
            unwell = problem.unwell if isinstance(problem, _UnhealthyError) else ()
            return self._return(back_to, str(problem), unwell)
        services = self._observed()
        return self._end(End.SUCCESS, render_success(order, services), services=services)

    def _change(self) -> None:
        """Touch things. Raises BotError when the node is to be put back."""
        order, docker = self.order, self.docker
        with self._step("remove"):
            # First, so that no folder vanishes under a container that still mounts it.
            for stack in filter(is_removal, changed_stacks(order)):
                remove_stack(docker, stack)
        with self._step("check out"):
            self.checkout.move(order, Position(order.commit, order.pin))
        with self._step("make ready"):
            ready = prepare(order, self.checkout.root, docker)
        docker = self.docker = docker.with_settings(settings_in(ready.models))
        for stack in ready.stacks:
            with self._step(f"apply {stack.stack}"):
                apply_stack(docker, self.checkout.root, stack)
                self._watch({stack.project: _to_watch(ready, stack.project, order)}, samples=1)
        with self._step("watch"):
            self._watch({stack.project: _to_watch(ready, stack.project, order) for stack in ready.stacks})

    def _watch(self, watched: dict[str, tuple[ServiceName, ...]], *, samples: int | None = None) -> None:
        patience = self.node.patience
        if samples is not None:
            patience = patience._replace(samples=samples)
        unwell = wait_until_well(self.docker, watched, known=self.before, patience=patience)
        if unwell:
            raise _UnhealthyError(unwell)

    def _return(self, back_to: Position | None, problem: str, unwell: tuple[Unwell, ...]) -> Outcome:
        """After a failure: put back what was touched, and say both."""
        self.node.tell(f"failed: {problem}; putting back what ran before")
        with self._step("put back"):
            back = roll_back(
                self.order,
                to=back_to,
                last_good=self.last_good,
                before=self.before,
                checkout=self.checkout,
                docker=self.docker,
                patience=self.node.patience,
            )
        end = End.ROLLED_BACK if back.good else End.FAILED
        return self._end(end, f"{problem}; {back.text}", unwell=unwell)

    def _heal(self, begun: Begun) -> None:
        """The process died in the middle of an order: finish what git was doing then, backwards."""
        self.node.tell(f"order {begun.order.number} was begun and never finished")
        commits = [commit for commit in (begun.order.commit, begun.commit) if commit]
        pins = [pin for pin in (begun.order.pin, begun.pin) if pin]
        with self._step("heal"):
            for name in self.checkout.heal(self.order.submodule, commits, pins):
                self.node.tell(f"half written by that order, put back: {name}")
            self.docker.settle([stack.project for stack in self.order.stacks])

    def _position_to_return_to(self) -> Position | None:
        """What is checked out now; after an order that went wrong, what the last good one left."""
        if not self.trusts_checkout and self.last_good is not None:
            return Position(self.last_good.commit, self.last_good.pin)
        if self.interrupted is not None:
            return Position(self.interrupted.commit, self.interrupted.pin) if self.interrupted.commit else None
        return self.checkout.position(self.order.submodule)

    def _observed(self) -> tuple[ServiceOutcome, ...]:
        after = self.docker.containers(stack.project for stack in self.order.stacks)
        return tuple(
            ServiceOutcome(
                stack=stack.stack,
                service=ordered.service,
                predicted=ordered.action,
                actual=observe(self.before, after, ordered.service, stack.project),
            )
            for stack in self.order.stacks
            for ordered in stack.services
        )

    def _end(
        self,
        end: End,
        text: str,
        *,
        refusal: RefusalReason | None = None,
        services: tuple[ServiceOutcome, ...] = (),
        unwell: tuple[Unwell, ...] = (),
    ) -> Outcome:
        position = self.checkout.position(self.order.submodule)
        return Outcome(
            end=end,
            text=text,
            order=self.order,
            refusal=refusal,
            commit=position.commit if position else None,
            pin=position.pin if position else None,
            services=services,
            unwell=unwell,
            steps=tuple(self.steps),
            interrupted=self.interrupted.order.number if self.interrupted else None,
        )

    @contextmanager
    def _step(self, name: str) -> Iterator[None]:
        self.node.tell(f"- {name}")
        start = time.monotonic()
        try:
            yield
        finally:
            self.steps.append(Step(name=name, seconds=round(time.monotonic() - start, 3)))


def _to_watch(ready: Ready, project: str, order: Order) -> tuple[ServiceName, ...]:
    """The stack's services that were touched and must be well now; those scaled to nothing have no container."""
    stack = next(stack for stack in order.stacks if stack.project == project)
    touched = services_with(stack, Action.CREATE, Action.RECREATE, Action.REBUILD, Action.RESTART, Action.RELOAD)
    services = ready.models[project]["services"]
    return tuple(name for name in touched if _replicas(services.get(name) or {}) != 0)


def _replicas(spec: dict[str, object]) -> object:
    deployed = spec.get("deploy")
    return deployed.get("replicas", 1) if isinstance(deployed, dict) else spec.get("scale", 1)
