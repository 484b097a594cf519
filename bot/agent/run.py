"""Carry out an order that changes things: fetch, preflight, check out, apply, watch; roll back when it fails.

Everything that can be checked while the old version keeps running is checked first. Once the record holds the order's
`touching` line, a failure, a kill or a power cut ends in what that line describes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from bot.agent.approved import find_beyond, find_other_files
from bot.agent.change import Change
from bot.agent.checkout import Checkout, CheckoutPosition
from bot.agent.drift import find_differences
from bot.agent.errors import StateError, failure_reason_of
from bot.agent.health import UnhealthyError
from bot.agent.node import LocalNode, post_status, report_outcome
from bot.agent.orders import (
    adjust_order,
    as_planned,
    changed_stacks,
    compare_services,
    stacks_behind_hooks,
)
from bot.agent.outcomes import make_outcome
from bot.agent.preflight import PreflightResult, check_engine, prepare
from bot.agent.rollback import roll_back
from bot.agent.space import check_space, read_space
from bot.agent.state import deployed_services, find_deployed, find_last_good, is_after_failure
from bot.domain.errors import BotError
from bot.engine.compose import preload
from bot.engine.containers import Container, Holding
from bot.engine.docker import ContainersSeen
from bot.engine.versions import EngineVersions
from bot.protocol.order import MismatchPolicy, Order, OrderKind, Refusal, RefusalReason
from bot.protocol.outcome import (
    Difference,
    FailureReason,
    OrderEnd,
    OrderStep,
    Outcome,
    ServiceOutcome,
    UnhealthyService,
    render_success,
)


class _Refused(Exception):  # noqa: N818 - a result, not an error
    def __init__(self, reason: RefusalReason, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class DeployRun:
    """One order that changes things, and what its steps pass on to each other."""

    def __init__(self, node: LocalNode, order: Order, checkout: Checkout) -> None:
        self.node = node
        self.order = order
        self.checkout = checkout
        self.docker = node.docker.with_variables(order.variables)
        self.steps: list[OrderStep] = []
        records = node.state.read_record()
        self.last_good = find_last_good(records)
        self.deployed = find_deployed(records)
        self.after_failure = is_after_failure(records)
        self.planned = order  # as it was approved: what happens is compared with that
        self.before: tuple[Container, ...] = ()
        self.holdings: dict[str, Holding] = {}
        self.after: tuple[Container, ...] = ()
        self.differences: tuple[Difference, ...] = ()
        self.is_unfinished = False
        self.versions = EngineVersions()
        self.data_folder: Callable[[], Path | None] = self.docker.data_folder

    def carry_out(self, *, obstacle: BotError | None = None) -> Outcome:
        """Everything from the first record to the last. With an `obstacle` nothing is touched."""
        node, order = self.node, self.order
        try:
            held = self.checkout.position(order.submodule)
        except BotError as problem:
            held, obstacle = None, obstacle or problem
        try:
            node.state.begin(
                order, now=node.now(), commit=held.commit if held else None, pin=held.pin if held else None
            )
        except StateError as problem:
            outcome = self._outcome(
                OrderEnd.UNTOUCHED, f"nothing was touched: {problem}", failure=FailureReason.RECORD
            )
        else:
            taken = f"order {order.number} taken by {order.node}"
            with ThreadPoolExecutor(1) as beside:  # left before the last status is posted
                posted = beside.submit(post_status, node, order, "in_progress", taken)
                outcome = self._finish(self._deploy(obstacle))
            fault = posted.exception()
            if fault is not None:  # of ours; the report still tells how it ended
                node.log(f"the deployment's status `in_progress` could not be posted: {fault!r}")
        space = read_space(self.checkout.root, self.data_folder)
        report_outcome(node, order, outcome, versions=self.versions, space=space)
        return outcome

    def _finish(self, outcome: Outcome) -> Outcome:
        if self.is_unfinished:  # the next start recovers it
            return outcome
        try:
            if outcome.end is OrderEnd.SUCCESS:
                deployed = deployed_services(self.after)
            else:
                deployed = deployed_services(self._containers()) if outcome.end is OrderEnd.ROLLED_BACK else ()
            self.node.state.finish(
                self.order,
                outcome.end,
                outcome.text,
                now=self.node.now(),
                commit=outcome.commit,
                pin=outcome.pin,
                deployed=deployed,
            )
        except BotError as problem:
            self.node.log(f"the end of order {self.order.number} could not be recorded: {problem}")
        return outcome

    def _deploy(self, obstacle: BotError | None) -> Outcome:
        """Everything between the first record and the last."""
        try:
            if obstacle is not None:
                raise obstacle
            back_to, ready = self._prepare()
        except _Refused as refused:
            return self._outcome(OrderEnd.REFUSED, str(refused), refusal=refused.reason)
        except BotError as problem:
            failure = failure_reason_of(problem, FailureReason.FETCH)
            return self._outcome(OrderEnd.UNTOUCHED, f"nothing was touched: {problem}", failure=failure)
        change = Change(self.node, self.order, self.checkout, self.docker, before=self.before, step=self._step)
        try:
            change.carry_out(ready)
        except BotError as problem:
            return self._roll_back(back_to, problem)
        self.after = self._containers()
        planned = as_planned(self.planned, change.settled)
        services = compare_services(planned, self.before, self.after, change.kinds)
        return self._outcome(OrderEnd.SUCCESS, render_success(self.order, services), services=services)

    def _prepare(self) -> tuple[CheckoutPosition | None, PreflightResult]:
        """Where a rollback returns to, and what to bring up. Nothing that runs is touched here."""
        needs_compose = bool(changed_stacks(self.order))
        if needs_compose:
            preload()
        with ThreadPoolExecutor(1) as later, ThreadPoolExecutor(1) as beside:
            engine = beside.submit(check_engine, self.docker, needs_compose=needs_compose)  # both read one answer
            if needs_compose:
                self.data_folder = beside.submit(self.docker.data_folder).result
            if not (self.checkout.root / ".git").exists():
                self._note_engine(engine)  # nothing is cloned for an engine that is not there
            look = cache(lambda: later.submit(self.docker.look_at, [stack.project for stack in self.order.stacks]))
            with self._step("fetch"):
                try:
                    refusal = self.checkout.prepare(self.order, when_fetched=look)
                except BotError as problem:
                    self.node.log(f"the fetch failed: {problem}")
                    self._note_engine(engine)  # without an engine no fetch helps: it is the reason to give
                    raise
                self._check(refusal)
            self._note_engine(engine)
        return self._check_and_pull(look().result)

    def _note_engine(self, engine: Future[EngineVersions]) -> None:
        """Wait for the check of the engine, which runs beside the fetch."""
        if not self.versions.engine:
            with self._step("engine"):
                self.versions = engine.result()
            self.node.log(str(self.versions))

    def _check_and_pull(self, look: Callable[[], ContainersSeen]) -> tuple[CheckoutPosition | None, PreflightResult]:
        """What `_prepare` returns, once the order's commits are here. `look` returns what ran then."""
        node, checkout = self.node, self.checkout
        held = checkout.position(self.order.submodule)
        is_first = held is None or held.pin is None
        if not is_first:
            self._check_approved_files()
        back_to = held
        if self.after_failure and self.last_good is not None:  # the last one failed for good, and left anything
            back_to = CheckoutPosition(self.last_good.commit, self.last_good.pin)
        seen = look()
        self.before, self.holdings, ordered = seen.containers, seen.holdings, self.order
        self._compare(held, seen)
        if is_first:  # nothing runs from here, and there is no checkout beside which to write the new files
            with self._step("check out"):
                node.state.touch(self.order, self.before)
                checkout.move(self.order, CheckoutPosition(self.order.commit, self.order.pin))
            self._check_approved_files()  # the submodule was not here before
        with self._step("preflight"):
            ready = self._preflight(is_first=is_first)
            beyond = find_beyond(ordered, models=ready.models, containers=self.before, deployed=self.deployed)
            self._check(beyond)
        if not is_first:
            node.state.touch(self.order, self.before)
        return back_to, ready

    def _check_approved_files(self) -> None:
        self._check(find_other_files(self.order, *self.checkout.repositories(self.order.submodule)))

    def _check(self, refusal: Refusal | None) -> None:
        if refusal is not None:
            raise _Refused(refusal.reason, refusal.text)

    def _compare(self, held: CheckoutPosition | None, seen: ContainersSeen) -> None:
        """Compare what runs with where the plan starts; by the order's rule refuse, or adjust the order."""
        order = self.order
        self.differences = find_differences(
            order, seen, deployed=self.deployed, position=held, edited=self.checkout.found_edited
        )
        if self.differences and order.on_drift is MismatchPolicy.STOP:
            more = f" and {len(self.differences) - 1} more" if len(self.differences) > 1 else ""
            first = self.differences[0]
            raise _Refused(RefusalReason.DRIFTED, f"not where the plan starts: {first.where} {first.text}{more}")
        self.order = adjust_order(
            order,
            containers=self.before,
            differences=self.differences,
            is_first=self.last_good is None,
            after_failure=self.after_failure,
        )
        is_empty = self.last_good is None and not self.before  # its first order is to create everything
        if is_empty or order.kind is OrderKind.RESTORE:
            self.planned = self.order

    def _preflight(self, *, is_first: bool) -> PreflightResult:
        node, order, root = self.node, self.order, self.checkout.root
        if not changed_stacks(order):
            return prepare(order, root, self.docker)
        node.log(check_space([root, node.state.folder], node.minimum_space, engine=self.data_folder()))
        later = stacks_behind_hooks(order)
        if is_first:
            return prepare(order, root, self.docker, later=later)
        with self.checkout.exported(order, node.state.folder / "preflight") as place:
            return prepare(order, place, self.docker, home=root, later=later)

    def _roll_back(self, back_to: CheckoutPosition | None, problem: BotError) -> Outcome:
        """After a failure: put back what was touched; the outcome states both."""
        self.node.log(f"failed: {problem}; putting back what ran before")
        with self._step("put back"):
            back = roll_back(
                self.order,
                to=back_to,
                last_good=self.last_good,
                before=self.before,
                checkout=self.checkout,
                docker=self.docker,
                timeouts=self.node.timeouts,
                holdings=self.holdings,
            )
        self.is_unfinished = not back.reached
        end = OrderEnd.ROLLED_BACK if back.good else OrderEnd.FAILED
        unhealthy = problem.unhealthy if isinstance(problem, UnhealthyError) else ()
        failure = failure_reason_of(problem, FailureReason.APPLY)
        return self._outcome(end, f"{problem}; {back.text}", unhealthy=unhealthy, failure=failure)

    def _containers(self) -> tuple[Container, ...]:
        return self.docker.containers(stack.project for stack in self.order.stacks)

    def _outcome(
        self,
        end: OrderEnd,
        text: str,
        *,
        refusal: RefusalReason | None = None,
        failure: FailureReason | None = None,
        services: tuple[ServiceOutcome, ...] = (),
        unhealthy: tuple[UnhealthyService, ...] = (),
    ) -> Outcome:
        return make_outcome(
            self.order,
            self.checkout,
            end,
            text,
            refusal=refusal,
            failure=failure,
            services=services,
            differences=self.differences,
            unhealthy=unhealthy,
            steps=tuple(self.steps),
        )

    @contextmanager
    def _step(self, name: str) -> Iterator[None]:
        self.node.log(f"- {name}")
        start = time.monotonic()
        try:
            yield
        finally:
            self.steps.append(OrderStep(name=name, seconds=round(time.monotonic() - start, 3)))
