"""Carry out an order that only reads: how the node differs from what was deployed, or what a deploy would do."""

from __future__ import annotations

from collections import Counter

from bot.agent.approved import find_beyond, find_other_files
from bot.agent.checkout import Checkout
from bot.agent.drift import find_differences
from bot.agent.errors import StateError, failure_reason_of
from bot.agent.node import LocalNode, post_status, report_outcome
from bot.agent.orders import adjust_order, changed_stacks
from bot.agent.outcomes import make_outcome
from bot.agent.owners import Models
from bot.agent.preflight import check_engine, prepare
from bot.agent.space import check_space, read_space
from bot.agent.state import find_deployed, find_last_good, is_after_failure
from bot.domain.errors import BotError
from bot.engine.containers import Container
from bot.engine.versions import EngineVersions
from bot.protocol.action import Action
from bot.protocol.order import Order, OrderKind, Refusal
from bot.protocol.outcome import Difference, FailureReason, OrderEnd, Outcome, ServiceOutcome
from bot.text.counts import plural


class ReadOnlyRun:
    """One order that only reads. For a plan it fetches; no file and no container is touched."""

    def __init__(self, node: LocalNode, order: Order, checkout: Checkout) -> None:
        self.node = node
        self.order = order
        self.checkout = checkout
        self.docker = node.docker.with_variables(order.variables)
        self.records = node.state.read_record()
        self.versions = EngineVersions()

    def carry_out(self) -> Outcome:
        """Everything from the first record to the last; never raises a BotError."""
        node, order = self.node, self.order
        try:
            node.state.begin(order, now=node.now())
            post_status(node, order, "in_progress", f"order {order.number} taken by {order.node}")
            outcome = self._compare()
            node.state.finish(order, outcome.end, outcome.text, now=node.now())
        except StateError as problem:
            outcome = make_outcome(
                order, self.checkout, OrderEnd.UNTOUCHED, str(problem), failure=FailureReason.RECORD
            )
        except BotError as problem:
            outcome = make_outcome(
                order,
                self.checkout,
                OrderEnd.UNTOUCHED,
                str(problem),
                failure=failure_reason_of(problem, FailureReason.FETCH),
            )
            node.state.finish(order, outcome.end, outcome.text, now=node.now())
        space = read_space(self.checkout.root, self.docker.data_folder)
        report_outcome(node, order, outcome, versions=self.versions, space=space)
        return outcome

    def _compare(self) -> Outcome:
        self.versions = check_engine(self.docker)
        self.node.log(str(self.versions))
        seen = self.docker.look_at(stack.project for stack in self.order.stacks)
        differences = find_differences(
            self.order,
            seen,
            deployed=find_deployed(self.records),
            position=self.checkout.position(self.order.submodule),
            edited=self.checkout.edited_files(self.order.submodule),
        )
        if self.order.kind is OrderKind.DRIFT:
            return make_outcome(
                self.order,
                self.checkout,
                OrderEnd.SUCCESS,
                _render_drift(self.order, differences),
                differences=differences,
            )
        planned = adjust_order(
            self.order,
            containers=seen.containers,
            differences=differences,
            is_first=find_last_good(self.records) is None,
            after_failure=is_after_failure(self.records),
        )
        position = self.checkout.position(self.order.submodule)
        if position is not None and position.pin is not None:
            refusal = (
                self.checkout.prepare(planned)
                or find_other_files(planned, *self.checkout.repositories(planned.submodule))
                or self._preflight(planned, seen.containers)
            )
            if refusal is not None:
                text = f"would be refused ({refusal.reason}): {refusal.text}"
                return make_outcome(self.order, self.checkout, OrderEnd.UNTOUCHED, text, differences=differences)
        services = tuple(
            ServiceOutcome(stack=stack.stack, service=was.service, predicted=was.action, actual=is_.action)
            for stack, now in zip(self.order.stacks, planned.stacks, strict=True)
            for was, is_ in zip(stack.services, now.services, strict=True)
        )
        return make_outcome(
            self.order,
            self.checkout,
            OrderEnd.SUCCESS,
            _render_plan(services),
            differences=differences,
            services=services,
        )

    def _preflight(self, planned: Order, containers: tuple[Container, ...]) -> Refusal | None:
        models: Models = {}
        if changed_stacks(planned):
            folder = self.node.state.folder
            places, engine = [self.checkout.root, folder], self.docker.data_folder()
            self.node.log(check_space(places, self.node.minimum_space, engine=engine))
            with self.checkout.exported(planned, folder / "preflight") as place:
                models = prepare(planned, place, self.docker, home=self.checkout.root, pull=False).models
        deployed = find_deployed(self.records)
        return find_beyond(self.order, models=models, containers=containers, deployed=deployed)


def _render_drift(order: Order, differences: tuple[Difference, ...]) -> str:
    """ "as deployed: 12 services", or the first difference and how many more there are."""
    if not differences:
        return f"as deployed: {plural(sum(len(stack.services) for stack in order.stacks), 'service')}"
    more = f" and {len(differences) - 1} more" if len(differences) > 1 else ""
    return f"not as deployed: {differences[0].where} {differences[0].text}{more}"


def _render_plan(services: tuple[ServiceOutcome, ...]) -> str:
    """ "would recreate 1, leave 11"."""
    counted = Counter(service.actual for service in services)
    done = [f"{action} {counted[action]}" for action in Action if action is not Action.NONE and counted[action]]
    return "would " + ", ".join([*done, f"leave {counted[Action.NONE]}"])
