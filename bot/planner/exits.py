"""Hide secrets in a plan: the one way out of what was decided on the real model."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from msgspec.structs import replace

from bot.plan.model import NodePlan, Reason, Risk, ServicePlan, StackPlan
from bot.plan.rendering import NodeChange, Rendered
from bot.redaction.redact import LONG_SECRET, KnownSecrets, Redactor

_WORD = re.compile(r"[^\s/:@,=]+")
_NAMED = ("image", "container_name", "hostname", "network_mode")


def names_of(model: Mapping[str, Any]) -> Iterator[str]:
    """The names of a model, which stand in clear: of services, images, networks, paths."""
    yield str(model.get("name", ""))
    for section in ("services", "networks", "volumes", "secrets", "configs"):
        for name, body in (model.get(section) or {}).items():
            yield str(name)
            for field in ("name", "file"):
                yield from _words((body or {}).get(field))
    for body in (model.get("services") or {}).values():
        for field in _NAMED:
            yield from _words(body.get(field))
        for volume in body.get("volumes") or ():
            yield from _words(volume.get("source"))
            yield from _words(volume.get("target"))
        yield from _words((body.get("build") or {}).get("context"))


def _words(value: object) -> Iterator[str]:
    """A name or path, and its parts: "library/postgres:16" gives "library", "postgres", "16" and itself."""
    if isinstance(value, str):
        yield value
        for word in _WORD.findall(value):
            yield word
            yield word.partition(".")[0]


Hide = Callable[[str], str]


class PlanRedactor:
    """Hides secrets in the texts of one plan, with marks that cannot be compared with those of another plan.

    `plan` is what identifies it: fleet, submodule, pins, commit.
    """

    def __init__(self, base: Redactor, plan: tuple[str, ...]) -> None:
        self._base = base
        self._plan = plan
        self._hides: dict[frozenset[str], Hide] = {}

    def shown(self, values: frozenset[str]) -> Hide:
        """What turns a text of the plan into what may leave the process: without `values` and whatever looks secret.

        Nodes that run the same stack have the same texts: each is read once.
        """
        if values not in self._hides:
            known = KnownSecrets(everywhere=values)
            self._hides[values] = cache(
                lambda text: self._base.marks_of_plan(self._base.shown(text, known), *self._plan)
            )
        return self._hides[values]

    def file(self, text: str, known: KnownSecrets) -> str:
        """The text of a file, as it may leave the process."""
        return self._base.marks_of_plan(self._base.text(text, known), *self._plan)


def hide_secrets(plan: NodePlan, change: NodeChange, redactor: PlanRedactor) -> NodePlan:
    """`plan` as it may leave the process: no text of it holds a secret of the stacks of `change`."""
    renderings = [
        side.rendering
        for stack in change.stacks
        for side in (stack.old, stack.new)
        if side is not None and isinstance(side.rendering, Rendered)
    ]
    values = frozenset(value for one in renderings for value in one.hidden)
    put = frozenset(value for one in renderings for value in one.in_names)
    names = (name for stack in change.stacks for model in stack.models for name in names_of(model))
    hide = redactor.shown(_not_in(values, names) | put)
    return replace(plan, stacks=tuple(_hide_stack(stack, hide) for stack in plan.stacks))


def _not_in(values: Iterable[str], names: Iterable[str]) -> frozenset[str]:
    """The values that are no part of a name, and the long ones. Without short ones, no name is looked at."""
    long = frozenset(value for value in values if len(value) >= LONG_SECRET)
    short = frozenset(values) - long
    every = "\n".join(names) if short else ""
    return long | {value for value in short if value not in every}


def _hide_stack(stack: StackPlan, hide: Hide) -> StackPlan:
    return replace(
        stack,
        services=tuple(_hide_service(service, hide) for service in stack.services),
        risks=_hide_risks(stack.risks, hide),
        remarks=tuple(hide(text) for text in stack.remarks),
        error=None if stack.error is None else hide(stack.error),
    )


def _hide_service(service: ServicePlan, hide: Hide) -> ServicePlan:
    reasons = tuple(_hide_reason(reason, hide) for reason in service.reasons)
    image = replace(service.image, name=hide(service.image.name)) if service.image else None
    return replace(
        service, reasons=reasons, risks=_hide_risks(service.risks, hide), diff=hide(service.diff), image=image
    )


def _hide_reason(reason: Reason, hide: Hide) -> Reason:
    return replace(reason, text=hide(reason.text))


def _hide_risks(risks: tuple[Risk, ...], hide: Hide) -> tuple[Risk, ...]:
    return tuple(replace(risk, text=hide(risk.text)) for risk in risks)
