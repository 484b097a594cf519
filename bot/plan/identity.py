"""Identify a plan by everything that it says. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache

import msgspec

from bot.domain.names import CommitSha, PlanId
from bot.plan.model import Image, NodePlan, Reason, Risk, ServicePlan, SourceLine, StackPlan
from bot.redaction.redact import without_marks

_FIELDS_OF_FIRST_VERSION: Mapping[type, int] = {
    SourceLine: 2,
    Reason: 3,
    Risk: 4,
    Image: 2,
    ServicePlan: 8,
    StackPlan: 14,
    NodePlan: 3,
}
"""A field that was added later counts once it is set: so two versions of the bot give the same plan the same id."""


def identify_plan(base: CommitSha, old: CommitSha | None, new: CommitSha, nodes: tuple[NodePlan, ...]) -> PlanId:
    """The id of the plan from `old` to `new` on the fleet's commit `base`: changed by whatever the plan says."""
    identity = [base, old, new, to_builtins(nodes, _FIELDS_OF_FIRST_VERSION)]
    return PlanId(hashlib.sha256(msgspec.json.encode(identity, order="deterministic")).hexdigest()[:12])


def digest_effect(node: NodePlan) -> str:
    """SHA-256, in full, of what the plan does on `node`, and with which files; without base, head and pins.

    Two plans with the same digest do the same. Secret values are in it only as the keyed marks of `rendered`.
    """
    stacks = [
        {
            "stack": stack.stack,
            "made_of": [stack.folder, stack.files, stack.profiles, stack.project, stack.rendered, stack.inputs],
            "error": stack.error,
            "networks": stack.remade_networks,
            "risks": _risks(stack.risks),
            "services": [
                [one.service, one.action, one.signal, one.remaining, _risks(one.risks)] for one in stack.services
            ],
        }
        for stack in node.stacks
    ]
    hooks = [node.hooks] if node.hooks else []
    return hashlib.sha256(msgspec.json.encode([node.node, stacks, *hooks], order="deterministic")).hexdigest()


def _risks(risks: tuple[Risk, ...]) -> list[list[str]]:
    return sorted([risk.rule, risk.severity, without_marks(risk.text)] for risk in risks)


def to_builtins(value: object, always: Mapping[type, int] | None = None) -> object:
    """`value` as objects and lists, with every field; fields behind the first `always[type]` only if they are set."""
    if isinstance(value, tuple):
        return [to_builtins(item, always) for item in value]
    if not isinstance(value, msgspec.Struct):
        return value
    first = len(value.__struct_fields__) if always is None else always[type(value)]
    return {
        field.encode_name: to_builtins(content, always)
        for at, field in enumerate(_fields(type(value)))
        if (content := getattr(value, field.name)) != field.default or at < first
    }


@cache
def _fields(kind: type[msgspec.Struct]) -> tuple[msgspec.structs.FieldInfo, ...]:
    """The fields of `kind`; kept, since msgspec resolves every annotation at each call."""
    return msgspec.structs.fields(kind)
