"""One order under way: fetch, make ready, check out, apply, watch; or put back what ran before.

Everything that can be found out while the old version runs on is found out first. From the record's `touching`
line on, a failure, a kill or a power cut ends in what that line describes.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from bot.agent.apply import apply_stack, observe, remove_stack, to_watch, with_absent, with_disturbed
from bot.agent.checkout import Checkout, Position
from bot.agent.containers import Container
from bot.agent.drift import find_differences
from bot.agent.failures import OrderFailedError, failure_reason_of
from bot.agent.health import wait_until_well
from bot.agent.hooks import hooks_for, run_hook
from bot.agent.node import Node, post, report
from bot.agent.preflight import (
    Ready,
    changed_stacks,
    check_engine,
    is_removal,
    made_by_hooks,
    make_networks,
    prepare,
    settings_in,
)
from bot.agent.rollback import roll_back
from bot.agent.space import check_space
from bot.agent.state import Left, StateError, find_last_good, find_left, is_after_failure
from bot.domain.errors import BotError
from bot.domain.names import ServiceName, StackName
from bot.protocol.order import HookTime, MismatchPolicy, Order, RefusalReason, StackOrder
from bot.protocol.outcome import (
    Difference,
    FailureReason,
    OrderEnd,
    OrderStep,
    Outcome,
    ServiceOutcome,
    UnhealthyService,
    render_description,
    render_success,
    render_unhealthy,
)

FINAL_STATE = {end: "success" if end is OrderEnd.SUCCESS else "failure" for end in OrderEnd}


class UnhealthyError(OrderFailedError):
    """What was brought up is not well."""

    def __init__(self, unhealthy: tuple[UnhealthyService, ...]) -> None:
        super().__init__(FailureReason.UNHEALTHY, render_unhealthy(unhealthy))
        self.unhealthy = unhealthy


class _Refused(Exception):  # noqa: N818 - an answer, not an error
    def __init__(self, reason: RefusalReason, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class Run:
    """Carries out one order that changes things; holds what the stations hand on to each other."""

    def __init__(self, node: Node, order: Order, checkout: Checkout) -> None:
        self.node = node
        self.order = order
        self.checkout = checkout
        self.docker = node.docker.with_variables(order.variables)
        self.steps: list[OrderStep] = []
        records = node.state.read_record()
        self.last_good = find_last_good(records)
        self.left = find_left(records)
        self.after_failure = is_after_failure(records)
        self.before: tuple[Container, ...] = ()
        self.after: tuple[Container, ...] = ()
        self.differences: tuple[Difference, ...] = ()
        self.is_unfinished = False

    def carry_out(self, *, obstacle: BotError | None = None) -> Outcome:
        """From the first record to the last. With an `obstacle` the order is taken, and nothing is touched for it."""
        node, order = self.node, self.order
        held = self.checkout.position(order.submodule)
        try:
            node.state.begin(
                order, now=node.now(), commit=held.commit if held else None, pin=held.pin if held else None
            )
        except StateError as problem:
            outcome = self._end(OrderEnd.UNTOUCHED, f"nothing was touched: {problem}", failure=FailureReason.RECORD)
        else:
            post(node, order, "in_progress", f"order {order.number} taken by {order.node}")
            outcome = self._finish(self._go(obstacle))
        report(node, order, outcome)
        post(node, order, FINAL_STATE[outcome.end], render_description(outcome))
        return outcome

    def _finish(self, outcome: Outcome) -> Outcome:
        if self.is_unfinished:  # the next start goes on with it
            return outcome
        try:
            if outcome.end is OrderEnd.SUCCESS:
                left = left_by(self.after)
            else:
                left = left_by(self._now()) if outcome.end is OrderEnd.ROLLED_BACK else ()
            self.node.state.finish(
                self.order,
                outcome.end,
                outcome.text,
                now=self.node.now(),
                commit=outcome.commit,
                pin=outcome.pin,
                left=left,
            )
        except BotError as problem:
            self.node.tell(f"the end of order {self.order.number} could not be recorded: {problem}")
        return outcome

    def _go(self, obstacle: BotError | None) -> Outcome:
        """Everything between the two records."""
        try:
            if obstacle is not None:
                raise obstacle
            back_to, ready = self._make_ready()
        except _Refused as answer:
            return self._end(OrderEnd.REFUSED, str(answer), refusal=answer.reason)
        except BotError as problem:
            failure = failure_reason_of(problem, FailureReason.FETCH)
            return self._end(OrderEnd.UNTOUCHED, f"nothing was touched: {problem}", failure=failure)
        try:
            self._change(ready)
        except BotError as problem:
            return self._return(back_to, problem)
        services = self._observed()
        return self._end(OrderEnd.SUCCESS, render_success(self.order, services), services=services)

    def _make_ready(self) -> tuple[Position | None, Ready]:
        """Where to return to, and what is to be brought up. Nothing of what runs is touched here."""
        node, docker, checkout = self.node, self.docker, self.checkout
        with self._step("engine"):
            node.tell(check_engine(docker, alone=not changed_stacks(self.order)))
        with self._step("fetch"):
            refusal = checkout.prepare(self.order)
            if refusal:
                raise _Refused(refusal.reason, refusal.text)
        back_to = self._position_to_return_to()
        self.before = self._now()
        self._compare()
        held = checkout.position(self.order.submodule)
        is_first = held is None or held.pin is None
        if is_first:  # there is nothing that runs from here, and nothing beside which the files could be laid out
            with self._step("check out"):
                node.state.touch(self.order, self.before)
                checkout.move(self.order, Position(self.order.commit, self.order.pin))
        with self._step("preflight"):
            ready = self._preflight(is_first=is_first)
        if not is_first:
            node.state.touch(self.order, self.before)
        return back_to, ready

    def _compare(self) -> None:
        """What runs, with where the plan starts: the order's own rule decides what a difference means."""
        order = self.order
        self.differences = find_differences(
            order,
            containers=self.before,
            left=self.left,
            images=self.docker.images(container.image_name for container in self.before),
            position=self.checkout.position(order.submodule),
            edited=self.checkout.edited_files(order.submodule),
        )
        if self.differences and order.on_drift is MismatchPolicy.STOP:
            more = f" and {len(self.differences) - 1} more" if len(self.differences) > 1 else ""
            first = self.differences[0]
            raise _Refused(RefusalReason.DRIFTED, f"not where the plan starts: {first.where} {first.text}{more}")
        if self.last_good is None:
            self.order = with_absent(order, self.before)
        elif self.after_failure:
            self.order = with_disturbed(order, self.differences)

    def _preflight(self, *, is_first: bool) -> Ready:
        node, order, root = self.node, self.order, self.checkout.root
        if not changed_stacks(order):
            return prepare(order, root, self.docker)
        node.tell(check_space(self.docker, [root, node.state.folder], node.least))
        later = made_by_hooks(order)
        if is_first:
            return prepare(order, root, self.docker, later=later)
        with self.checkout.laid_out(order, node.state.folder / "preflight") as place:
            return prepare(order, place, self.docker, home=root, later=later)

    def _change(self, ready: Ready) -> None:
        """Touch things. Raises BotError when the node is to be put back."""
        order, docker, checkout = self.order, self.docker, self.checkout
        with self._step("remove"):
            # First, so that no folder vanishes under a container that still mounts it.
            for stack in filter(is_removal, changed_stacks(order)):
                remove_stack(docker, stack)
        with self._step("check out"), _meaning(FailureReason.CHECKOUT):
            checkout.move(order, Position(order.commit, order.pin))
        self._run_hooks(HookTime.BEFORE, None)
        if hooks_for(order, HookTime.BEFORE, None):
            own = {hook.stack for hook in order.hooks if hook.when is HookTime.BEFORE and hook.stack}
            ready = prepare(order, checkout.root, docker, later=frozenset(filter(None, own)))
        make_networks(order, ready.networks, docker)
        models = dict(ready.models)
        for stack in _with_rest(order, ready):
            models |= self._bring_up(stack, models)
        with self._step("watch"):
            self._watch({project: to_watch(order, project, model) for project, model in models.items()})
        self._run_hooks(HookTime.AFTER, None)

    def _bring_up(self, stack: StackOrder, models: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        """One stack with its own hooks; what compose makes of it now."""
        order, root = self.order, self.checkout.root
        self._run_hooks(HookTime.BEFORE, stack.stack)
        if stack.project not in models or hooks_for(order, HookTime.BEFORE, stack.stack):
            ready = prepare(order, root, self.docker, only=stack.stack)
            make_networks(order, ready.networks, self.docker)
            models = dict(ready.models)
        self.docker = self.docker.with_settings(settings_in(models))
        with self._step(f"apply {stack.stack}"):
            apply_stack(self.docker, root, stack)
            self._watch({stack.project: to_watch(order, stack.project, models[stack.project])}, samples=1)
        self._run_hooks(HookTime.AFTER, stack.stack)
        return models

    def _run_hooks(self, when: HookTime, stack: StackName | None) -> None:
        for hook in hooks_for(self.order, when, stack):
            if changed_stacks(self.order):
                with self._step(f"{when} {stack or 'all'}: {hook.command[0]}"):
                    run_hook(hook, self.order, self.checkout.root, self.docker, self.node.tell)

    def _watch(self, watched: dict[str, tuple[ServiceName, ...]], *, samples: int | None = None) -> None:
        patience = self.node.patience
        if samples is not None:
            patience = patience._replace(samples=samples)
        unhealthy = wait_until_well(self.docker, watched, known=self.before, patience=patience)
        if unhealthy:
            raise UnhealthyError(unhealthy)

    def _return(self, back_to: Position | None, problem: BotError) -> Outcome:
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
        self.is_unfinished = not back.reached
        end = OrderEnd.ROLLED_BACK if back.good else OrderEnd.FAILED
        unhealthy = problem.unhealthy if isinstance(problem, UnhealthyError) else ()
        failure = failure_reason_of(problem, FailureReason.APPLY)
        return self._end(end, f"{problem}; {back.text}", unhealthy=unhealthy, failure=failure)

    def _position_to_return_to(self) -> Position | None:
        """What is checked out now; after an order that went wrong for good, what the last good one left."""
        if self.after_failure and self.last_good is not None:
            return Position(self.last_good.commit, self.last_good.pin)
        return self.checkout.position(self.order.submodule)

    def _now(self) -> tuple[Container, ...]:
        return self.docker.containers(stack.project for stack in self.order.stacks)

    def _observed(self) -> tuple[ServiceOutcome, ...]:
        self.after = after = self._now()
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
        end: OrderEnd,
        text: str,
        *,
        refusal: RefusalReason | None = None,
        failure: FailureReason | None = None,
        services: tuple[ServiceOutcome, ...] = (),
        unhealthy: tuple[UnhealthyService, ...] = (),
    ) -> Outcome:
        position = self.checkout.position(self.order.submodule)
        return Outcome(
            end=end,
            text=text,
            order=self.order,
            refusal=refusal,
            failure=failure,
            commit=position.commit if position else None,
            pin=position.pin if position else None,
            services=services,
            differences=self.differences,
            unhealthy=unhealthy,
            steps=tuple(self.steps),
        )

    @contextmanager
    def _step(self, name: str) -> Iterator[None]:
        self.node.tell(f"- {name}")
        start = time.monotonic()
        try:
            yield
        finally:
            self.steps.append(OrderStep(name=name, seconds=round(time.monotonic() - start, 3)))


def left_by(containers: Iterable[Container]) -> tuple[Left, ...]:
    """How every service of an order's stacks is left."""
    return tuple(
        Left(project=c.project, service=c.service, image=c.image, config=c.config, runs=c.status == "running")
        for c in containers
    )


def _with_rest(order: Order, ready: Ready) -> tuple[StackOrder, ...]:
    """The stacks to bring up: those that could be read before anything was touched, then those that hooks prepare."""
    rest = (s for s in changed_stacks(order) if not is_removal(s) and s not in ready.stacks)
    return (*ready.stacks, *rest)


@contextmanager
def _meaning(failure: FailureReason) -> Iterator[None]:
    """What fails inside fails for this reason, unless the error names its own."""
    try:
        yield
    except OrderFailedError:
        raise
    except BotError as problem:
        raise OrderFailedError(failure, str(problem)) from None
