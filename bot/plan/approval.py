"""Compare what an order will do on a node with the plans that people approved. Pure.

An approval holds for what the plan showed: the files that the stacks will then consist of, what happens to each
service, and its risks. What is less, or milder, is approved by it as well; what goes beyond it is not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bot.domain.names import NodeName
from bot.plan.model import NodePlan, Plan, Risk, StackPlan
from bot.protocol.action import Action
from bot.redaction.redact import without_marks

_GRAVITY = {action: rank for rank, action in enumerate(Action)}


def find_node(plan: Plan | None, node: NodeName) -> NodePlan | None:
    """The part of `plan` for `node`, if it has one."""
    return next((one for one in plan.nodes if one.node == node), None) if plan is not None else None


def find_unapproved(actual: NodePlan, approved: NodePlan, earlier: Iterable[NodePlan] = ()) -> tuple[str, ...]:
    """One line for each thing in which `actual` goes beyond `approved`; nothing when it is approved.

    `earlier` are approved plans that the node was not given yet: what they do may be done together with this one,
    but what the stacks consist of afterwards is `approved`'s word alone.
    """
    plans = (approved, *earlier)
    found = tuple(line for stack in actual.stacks for line in _judge_stack(stack, approved, plans))
    same = actual.hooks in ("", approved.hooks)
    return found if same else (*found, "its hooks, or files that they run, are not those of the approved plan")


def _judge_stack(stack: StackPlan, approved: NodePlan, plans: tuple[NodePlan, ...]) -> Iterator[str]:
    own = next((one for one in approved.stacks if one.stack == stack.stack), None)
    if own is None:
        yield f"{stack.stack}: the approved plan does not name this stack"
        return
    if stack.error is not None and own.error is None:
        yield f"{stack.stack}: it cannot be analysed, and could be when the plan was made"
    elif not _same_files(stack, own):
        yield f"{stack.stack}: its files are not those that the plan was made from"
    known = [one for plan in plans for one in plan.stacks if one.stack == stack.stack]
    yield from _judge_risks(stack.stack, stack.risks, [risk for one in known for risk in one.risks])
    for service in stack.services:
        where = f"{stack.stack}/{service.service}"
        planned = [one for other in known for one in other.services if one.service == service.service]
        gravest = max((one.action for one in planned), key=_GRAVITY.__getitem__, default=Action.NONE)
        if _GRAVITY[service.action] > _GRAVITY[gravest]:
            yield f"{where}: {service.action}, where {gravest} is approved"
        yield from _judge_risks(where, service.risks, [risk for one in planned for risk in one.risks])


def _judge_risks(where: str, risks: Iterable[Risk], known: Iterable[Risk]) -> Iterator[str]:
    approved = {(risk.rule, without_marks(risk.text)) for risk in known}
    for risk in risks:
        if (risk.rule, without_marks(risk.text)) not in approved:
            yield f"{where}: a risk that no approved plan names: {risk.text} [{risk.rule}]"


def _same_files(one: StackPlan, other: StackPlan) -> bool:
    """Whether two plans make the stack of the same things. A plan of an older version has no `inputs`."""
    same = _made_of(one) == _made_of(other)
    return same and (not (one.inputs and other.inputs) or one.inputs == other.inputs)


def _made_of(stack: StackPlan) -> tuple[object, ...]:
    return stack.folder, stack.files, stack.profiles, stack.project, stack.rendered
