"""How an order ended on its node, as a value, and how that reads. Pure."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum

from bot.domain.names import CommitSha, ServiceName, StackName, short
from bot.domain.values import StoredValue, Value
from bot.protocol.action import Action
from bot.protocol.order import Order, RefusalReason

NAMED_STACKS = 2  # of an order for more, only their number is told
MAX_DESCRIPTION_LENGTH = 140  # characters of a deployment status's description


class OrderEnd(StrEnum):
    """How an order ended on the node."""

    SUCCESS = "success"
    ROLLED_BACK = "rolled_back"  # it failed, and what ran before runs again
    FAILED = "failed"  # it failed, and what ran before could not be put back
    UNTOUCHED = "untouched"  # it failed before anything was touched
    REFUSED = "refused"  # it was not allowed to begin; nothing was touched


class FailureReason(StrEnum):
    """Why an order did not end in success. What a node may not do at all is a RefusalReason."""

    ENGINE = "engine"  # it cannot be reached, or it or compose is too old
    RECORD = "record"  # the node's own folder cannot be written
    FETCH = "fetch"  # the commit could not be brought here
    DISK = "disk"  # too little space is left
    STACK = "stack"  # compose cannot read a stack, or it has no such service
    VARIABLE = "variable"  # a variable has no value
    IMAGE = "image"  # an image cannot be pulled, and is not there
    NETWORK = "network"  # an external network is gone, and its owner is not to be touched
    VOLUME = "volume"  # an external volume is not there
    PORT = "port"  # a port is held by somebody else
    HOOK = "hook"  # a command of the fleet file failed
    CHECKOUT = "checkout"  # the files could not be brought to the commit
    APPLY = "apply"  # compose or the engine refused a change
    UNHEALTHY = "unhealthy"  # what was brought up is not well
    AGENT = "agent"  # the order names another agent, which could not be installed
    INTERRUPTED = "interrupted"  # the node lost its power, or its process, in between


class ServiceOutcome(StoredValue, frozen=True):
    """One service of the order: what the plan said, and what was seen to happen."""

    stack: StackName
    service: ServiceName
    predicted: Action
    actual: Action

    @property
    def as_predicted(self) -> bool:
        """Whether the plan was right. A signal leaves no trace, and a rebuild is seen as a recreation."""
        seen_as = {Action.RELOAD: Action.NONE, Action.REBUILD: Action.RECREATE}
        return seen_as.get(self.predicted, self.predicted) is self.actual


class DifferenceKind(StrEnum):
    """In what way a node is not as its last good order left it."""

    MISSING = "missing"  # a service has no running container
    EXTRA = "extra"  # a container of one of our projects that no stack defines
    CHANGED = "changed"  # a container is configured otherwise than its stack says
    IMAGE_MOVED = "image_moved"  # its image's tag names another image now
    UNHEALTHY = "unwell"  # it runs, and is not healthy
    EDITED = "edited"  # a tracked file of the checkout was changed by hand
    MOVED = "moved"  # the checkout stands at another commit or pin

    @classmethod
    def _missing_(cls, _value: object) -> DifferenceKind:
        """The report of a newer node is read: the difference's words say in what way."""
        return cls.CHANGED


class Difference(StoredValue, frozen=True):
    """One thing that is not as it was left. `stack` and `service` are "" where it concerns the node as a whole."""

    kind: DifferenceKind
    text: str  # one line for people; no secrets
    stack: str = ""
    service: str = ""

    @property
    def where(self) -> str:
        """ "ingress/traefik"."""
        return "/".join(filter(None, (self.stack, self.service))) or "the node"


class DiskSpace(StoredValue, frozen=True):
    """A disk of the node, in bytes, and what lies on it: "checkout", "images", or "checkout and images"."""

    use: str
    free: int
    size: int


class UnhealthyService(Value, frozen=True):
    """A service that did not come up, and why; `log` is the end of what it wrote."""

    project: str
    service: ServiceName
    text: str
    log: str = ""


class OrderStep(Value, frozen=True):
    """One step of the deploy, and how long it took."""

    name: str
    seconds: float


class Outcome(Value, frozen=True):
    """How an order ended. `text` is one line for people; `commit` and `pin` are what the checkout holds now."""

    end: OrderEnd
    text: str
    order: Order | None = None  # None when it was refused before its signature was found good
    refusal: RefusalReason | None = None
    failure: FailureReason | None = None  # in what way it went wrong; None when it did not, or when it was refused
    commit: CommitSha | None = None
    pin: CommitSha | None = None
    services: tuple[ServiceOutcome, ...] = ()
    differences: tuple[Difference, ...] = ()  # found by a read-only order, or before touching anything
    unhealthy: tuple[UnhealthyService, ...] = ()
    steps: tuple[OrderStep, ...] = ()
    interrupted: int | None = None  # number of an earlier order that was begun and never finished
    engine: str = ""  # the node's: "Docker Engine 28.5.1"; "" where it cannot be read
    compose: str = ""  # the version of the node's compose: "2.40.3"
    agent: str = ""  # the version of the program that carried it out
    space: tuple[DiskSpace, ...] = ()  # at the end; () where it cannot be read


_PAST = {
    Action.CREATE: "created",
    Action.RECREATE: "recreated",
    Action.REBUILD: "rebuilt",
    Action.RESTART: "restarted",
    Action.RELOAD: "reloaded",
    Action.REMOVE: "removed",
}


def render_success(order: Order, services: tuple[ServiceOutcome, ...]) -> str:
    """ "runs 12 stacks of server@a1b2c3d: 1 recreated, 9 untouched": nothing is said of what it was not for."""
    counted = Counter(service.actual for service in services)
    done = [f"{counted[action]} {past}" for action, past in _PAST.items() if counted[action]]
    if counted[Action.NONE]:
        done.append(f"{counted[Action.NONE]} untouched")
    wrong = sum(not service.as_predicted for service in services)
    names = [stack.stack for stack in order.stacks]
    stacks = ", ".join(names) if len(names) <= NAMED_STACKS else f"{len(names)} stacks"
    told = (
        f"runs {stacks or 'nothing'} of {order.submodule}@{short(order.pin)}: {', '.join(done) or 'nothing to run'}"
    )
    return f"{told}; {wrong} not as planned" if wrong else told


def render_unhealthy(unhealthy: tuple[UnhealthyService, ...]) -> str:
    """ "ingress/traefik exited with code 1 and 2 more"."""
    more = f" and {len(unhealthy) - 1} more" if len(unhealthy) > 1 else ""
    return f"{unhealthy[0].project}/{unhealthy[0].service} {unhealthy[0].text}{more}"


def render_description(outcome: Outcome) -> str:
    """The outcome in the length of a deployment status."""
    text = f"refused ({outcome.refusal}): {outcome.text}" if outcome.refusal else outcome.text
    return text if len(text) <= MAX_DESCRIPTION_LENGTH else text[: MAX_DESCRIPTION_LENGTH - 1].rstrip() + "…"


def render_outcome(outcome: Outcome) -> str:
    """The outcome for a terminal or a job's log: what happened to each service, why it failed, how long it took."""
    said = f"{outcome.end} ({outcome.refusal})" if outcome.refusal else outcome.end
    lines = [f"{said}: {outcome.text}"]
    if outcome.interrupted is not None:
        lines.append(f"note: order {outcome.interrupted} was begun earlier and never finished")
    for service in outcome.services:
        if service.predicted is not Action.NONE or not service.as_predicted:
            wrong = "" if service.as_predicted else f"  (planned: {service.predicted})"
            lines.append(f"  {service.stack}/{service.service}: {service.actual}{wrong}")
    lines += [f"  {one.kind}: {one.where} {one.text}" for one in outcome.differences]
    for one in outcome.unhealthy:
        lines.append(f"  {one.project}/{one.service} {one.text}; its last lines:")
        lines += [f"    | {line}" for line in one.log.splitlines()]
    lines += [f"  {step.name}: {step.seconds:.1f} s" for step in outcome.steps]
    return "\n".join(lines)
