"""Orders that only read: how the node differs from what was deployed, or what a deploy would do."""

from __future__ import annotations

from collections import Counter

from bot.agent.apply import with_absent, with_disturbed
from bot.agent.checkout import Checkout
from bot.agent.drift import find_differences
from bot.agent.failures import failure_reason_of
from bot.agent.node import Node, post, report
from bot.agent.preflight import changed_stacks, check_engine, prepare
from bot.agent.space import check_space
from bot.agent.state import StateError, find_last_good, find_left, is_after_failure
from bot.domain.errors import BotError
from bot.protocol.action import Action
from bot.protocol.order import Order, OrderKind
from bot.protocol.outcome import Difference, FailureReason, OrderEnd, Outcome, ServiceOutcome, render_description


class Look:
    """Carries out one order that reads only. It fetches for a plan; no file and no container is touched."""

    def __init__(self, node: Node, order: Order, checkout: Checkout) -> None:
        self.node = node
        self.order = order
        self.checkout = checkout
        self.docker = node.docker.with_variables(order.variables)
        self.records = node.state.read_record()

    def carry_out(self) -> Outcome:
        """From the first record to the last; never raises a BotError."""
        node, order = self.node, self.order
        try:
            node.state.begin(order, now=node.now())
            post(node, order, "in_progress", f"order {order.number} taken by {order.node}")
            outcome = self._look()
            node.state.finish(order, outcome.end, outcome.text, now=node.now())
        except StateError as problem:
            outcome = self._outcome(OrderEnd.UNTOUCHED, str(problem), failure=FailureReason.RECORD)
        except BotError as problem:
            outcome = self._outcome(
                OrderEnd.UNTOUCHED, str(problem), failure=failure_reason_of(problem, FailureReason.FETCH)
            )
            node.state.finish(order, outcome.end, outcome.text, now=node.now())
        report(node, order, outcome)
        post(node, order, "success" if outcome.end is OrderEnd.SUCCESS else "failure", render_description(outcome))
        return outcome

    def _look(self) -> Outcome:
        self.node.tell(check_engine(self.docker))
        containers = self.docker.containers(stack.project for stack in self.order.stacks)
        position = self.checkout.position(self.order.submodule)
        differences = find_differences(
            self.order,
            containers=containers,
            left=find_left(self.records),
            images=self.docker.images(container.image_name for container in containers),
            position=position,
            edited=self.checkout.edited_files(self.order.submodule),
        )
        if self.order.kind is OrderKind.DRIFT:
            return self._outcome(OrderEnd.SUCCESS, _say_drift(self.order, differences), differences=differences)
        planned = self.order
        if find_last_good(self.records) is None:
            planned = with_absent(planned, containers)
        elif is_after_failure(self.records):
            planned = with_disturbed(planned, differences)
        if position is not None and position.pin is not None:
            refusal = self.checkout.prepare(planned)
            if refusal is not None:
                text = f"would be refused ({refusal.reason}): {refusal.text}"
                return self._outcome(OrderEnd.UNTOUCHED, text, differences=differences)
            self._try_out(planned)
        services = tuple(
            ServiceOutcome(stack=stack.stack, service=was.service, predicted=was.action, actual=is_.action)
            for stack, now in zip(self.order.stacks, planned.stacks, strict=True)
            for was, is_ in zip(stack.services, now.services, strict=True)
        )
        return self._outcome(OrderEnd.SUCCESS, _say_plan(services), differences=differences, services=services)

    def _try_out(self, planned: Order) -> None:
        if changed_stacks(planned):
            folder = self.node.state.folder
            self.node.tell(check_space(self.docker, [self.checkout.root, folder], self.node.least))
            with self.checkout.laid_out(planned, folder / "preflight") as place:
                prepare(planned, place, self.docker, home=self.checkout.root, pull=False)

    def _outcome(
        self,
        end: OrderEnd,
        text: str,
        *,
        failure: FailureReason | None = None,
        differences: tuple[Difference, ...] = (),
        services: tuple[ServiceOutcome, ...] = (),
    ) -> Outcome:
        position = self.checkout.position(self.order.submodule)
        return Outcome(
            end=end,
            text=text,
            order=self.order,
            failure=failure,
            commit=position.commit if position else None,
            pin=position.pin if position else None,
            services=services,
            differences=differences,
        )


def _say_drift(order: Order, differences: tuple[Difference, ...]) -> str:
    """ "as deployed: 12 services", or the first difference and how many more there are."""
    if not differences:
        return f"as deployed: {sum(len(stack.services) for stack in order.stacks)} services"
    more = f" and {len(differences) - 1} more" if len(differences) > 1 else ""
    return f"not as deployed: {differences[0].where} {differences[0].text}{more}"


def _say_plan(services: tuple[ServiceOutcome, ...]) -> str:
    """ "would recreate 1, leave 11"."""
    counted = Counter(service.actual for service in services)
    done = [f"{action} {counted[action]}" for action in Action if action is not Action.NONE and counted[action]]
    return "would " + ", ".join([*done, f"leave {counted[Action.NONE]}"])
