"""Compose's rendering of one stack at one pin for one node: as it is, to decide from, and as people may see it."""

from __future__ import annotations

from typing import Any, NamedTuple

from bot.domain.names import CommitSha, ServiceName, StackName
from bot.domain.values import Value
from bot.fleetfile import Node
from bot.plan.model import SourceLine

CHECKOUT = "/fleet"
"""Where every checkout is mounted while it is rendered, so that old and new paths compare."""


OUTSIDE = ".."
"""Somewhere on the node: a link leads out of the checkout in a way that cannot be followed."""


class Variable(Value, frozen=True):
    """A variable that the stack's files interpolate. `default` is None when it has none."""

    name: str
    default: str | None = None
    required: bool = False  # `${NAME:?}`: compose refuses to go on without it


class OutsideFile(Value, frozen=True):
    """A file outside the checkout whose content the node's compose puts into a container, its labels, or the stack.

    `path` is absolute, below `~`, begins with `..` and starts at the checkout, or is OUTSIDE.
    """

    service: ServiceName  # "" for the stack as a whole
    key: str  # "env_file"
    path: str
    where: SourceLine


class Rendered(Value, frozen=True, tag="rendered"):
    """Compose's canonical model (`docker compose config --format json`), with its secrets: everything is decided from
    it, and nothing of it leaves the process but through `bot.planner.exits`.

    `shown` is the same model with a mark in place of each secret value; its keys, names, images and paths are those
    of `model`. `hidden` are secret values that no text may show, `in_names` those that a variable put into a name.
    Paths inside the checkout stand under CHECKOUT. `reads` are the files compose read, from the checkout, sorted.
    `sources` maps a dotted place of the model ("services.web.image") to its source line. `remarks` say what the
    rendering does not know.
    `contents` are marks of what the model does not show (bot.planner.unseen_contents), by the place of the secret,
    config or AI model ("secrets.token"). `conditional` are the variables that only a node knows and in whose place
    compose puts another text where they are set (`${NAME:+text}`), each with a digest of the stack's files.
    `outside` are env files and label files outside the checkout, which compose reads on the node alone.
    """

    model: dict[str, Any]
    reads: tuple[str, ...] = ()
    variables: tuple[Variable, ...] = ()
    sources: dict[str, SourceLine] = {}
    shown: dict[str, Any] = {}
    hidden: tuple[str, ...] = ()
    in_names: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    contents: dict[str, str] = {}
    conditional: dict[str, str] = {}
    outside: tuple[OutsideFile, ...] = ()

    def __repr__(self) -> str:
        return f"Rendered({self.model.get('name')!r}, {len(self.model.get('services') or {})} services)"

    @property
    def for_people(self) -> dict[str, Any]:
        """The model in which secrets are marks."""
        return self.shown or self.model

    @property
    def for_risks(self) -> dict[str, Any]:
        """The model as it is, but for environments: of a variable a rule has to know whether it is a secret."""
        services = {name: dict(body) for name, body in (self.model.get("services") or {}).items()}
        for name, body in (self.for_people.get("services") or {}).items():
            if "environment" in body and name in services:
                services[name]["environment"] = body["environment"]
        return self.model | {"services": services}


class Unreadable(Value, frozen=True, tag="unreadable"):
    """Compose (or the check before it) refused the stack: its own message, redacted."""

    message: str
    where: SourceLine | None = None
    variables: tuple[Variable, ...] = ()  # as far as they are known


Rendering = Rendered | Unreadable


class Place(Value, frozen=True):
    """What a path of the checkout leads to, links followed. `kind` is "file", "folder" or "" for nothing.

    `outside`: where a link leads that leads out of the checkout, as an absolute path, or OUTSIDE.
    """

    path: str
    kind: str = ""
    survives: bool = True  # of a folder: some file stays, so that git keeps the folder itself
    outside: str = ""


class Side(Value, frozen=True):
    """One stack on one node at one pin. `places` are the paths of the checkout that its services mount."""

    rendering: Rendering
    files: tuple[str, ...] = ()  # compose files in order, relative to the stack's folder
    profiles: tuple[str, ...] = ()
    places: dict[str, Place] = {}  # as the model names them, relative to the checkout -> where they lead
    pointers: tuple[str, ...] = ()  # mounted files of which git has only a Git LFS pointer


class LostGuards(NamedTuple):
    """What a mounted file names less often than before of authentication, TLS and lists of addresses."""

    words: tuple[str, ...]
    where: SourceLine  # the first line that differs


class BuildProblem(Value, frozen=True):
    """Why an image cannot be built. Not certain: the node may have what the repository does not."""

    text: str
    where: SourceLine | None = None
    is_certain: bool = True


class StackChange(Value, frozen=True):
    """One stack on one node, before and after: what changes and risks are judged from. Never stored.

    `old` or `new` is None where the stack is not there. Paths are POSIX and relative to the checkout.
    """

    stack: StackName
    folder: str
    old: Side | None = None
    new: Side | None = None
    build_inputs: dict[ServiceName, tuple[str, ...]] = {}  # changed files that reach an image's build
    unread_builds: dict[ServiceName, frozenset[str]] = {}  # settings of builds that change, and not the image
    build_bases: dict[ServiceName, tuple[ServiceName, ...]] = {}  # the services whose images it may be built on
    base_images: dict[ServiceName, tuple[str, ...]] = {}  # by name, those that it may be built on
    lost_guards: dict[ServiceName, tuple[LostGuards, ...]] = {}
    build_problems: dict[ServiceName, BuildProblem] = {}  # of services whose image is rebuilt, if they are touched
    was: StackName | None = None  # the old stack, where its folder moved
    old_pin: CommitSha | None = None  # of the old side, where the stack was deployed apart from the node's others
    changed: frozenset[str] | None = None  # since that pin, as NodeChange has it; None: what the node's says

    @property
    def models(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Compose's model before and after; empty where the stack is not there or cannot be read."""
        old, new = (side.rendering if side else None for side in (self.old, self.new))
        return (
            old.model if isinstance(old, Rendered) else {},
            new.model if isinstance(new, Rendered) else {},
        )


class NodeChange(Value, frozen=True):
    """All stacks of one node, in the order in which they are deployed."""

    node: Node
    stacks: tuple[StackChange, ...]
    changed: frozenset[str] = frozenset()  # files of the whole checkout whose content or mode differs

    def changed_for(self, stack: StackChange) -> frozenset[str]:
        """The changed files, seen from what `stack` runs."""
        return self.changed if stack.changed is None else stack.changed
