"""What people write in a fleet file and in a hub's file, as pydantic models. Pure.

The models decide what is accepted. From their JSON Schema (`reference.py`) come the checks of editors, the words
of the messages (`parse.py`) and the reference page. To add a field:

1. the attribute with its default, in its value (`fleet.py`): `pause: int = 0  # seconds` in `Deploy`;
2. the field under the same name, here: `pause: Duration = field("how long to wait", "10m")` in `DeploySection`;
3. `make docs`, which writes the reference page and the schema again.

A default is declared once, by the value. An example must be usable: the tests put each into a file. What depends
on several fields is in `checks.py`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, Strict, model_validator

from bot.domain.notices import NoticeSeverity
from bot.domain.platforms import Platform
from bot.domain.risk_rules import Tuning
from bot.domain.verbs import Verb
from bot.fleetfile import shapes
from bot.fleetfile.fleet import VERSION, PageAudience, ShowUpstream
from bot.fleetfile.kinds import (
    COMMAND,
    NULLABLE_MAPPING,
    Branch,
    CommandList,
    Duration,
    Glob,
    Label,
    Listed,
    Mapped,
    NonEmpty,
    Path,
    Principal,
    Repository,
    RuleId,
    StackKey,
    StackName,
    VariableName,
    VariableValue,
    Wave,
    refuse_truth_value,
    text,
)

KEY_ATTRIBUTES = {"nodes": "name", "submodules": "path"}
"""Mappings that become tuples of values, and the attribute that takes the key."""


def field(about: str, *examples: object, **limits: Any) -> Any:
    """A field that may be left out; `about` is one line for people, begins small and ends without a full stop."""
    return Field(default=None, description=about, examples=list(examples) or None, **limits)


class FileSection(BaseModel):
    """A mapping of the file. Nothing after the colon is an empty mapping."""

    model_config = ConfigDict(
        extra="forbid", strict=True, regex_engine="python-re", json_schema_extra=NULLABLE_MAPPING
    )

    @model_validator(mode="before")
    @classmethod
    def _empty(cls, fields: object) -> object:
        return {} if fields is None else fields


class DeploySection(FileSection):
    workflow: Annotated[str, text(shapes.WORKFLOW)] = field(
        "file name of the workflow that carries the orders", "deploy.yml"
    )
    waves: Annotated[
        list[Wave],
        Field(json_schema_extra={"errorMessage": "must be a list of lists such as `[[AIOS], [HP_LAB]]`"}),
    ] = field(
        "nodes that are deployed one wave after the other; those that no wave names come last, together",
        [["AIOS"], ["HP_LAB"]],
    )
    soak: Duration = field("how long a wave must have run before the next begins; left out: no time", "10m")
    offline_after: Duration = field("how long an order waits before its node counts as offline", "10m")
    stop_on_drift: bool = field("leave a node as it is when it changed since its last deploy (drift)")
    agent: Annotated[str, text(shapes.AGENT)] = field(
        "the aios-bot that nodes run, by the SHA-256 of its release's `agent.txt`; left out: what each has",
        f"0.3.0@sha256:{'0f' * 32}",
    )
    agent_from: Annotated[str, text(shapes.ADDRESS)] = field(
        "folder from which nodes fetch that release; left out: the release on GitHub",
        "https://mirror.example/aios-bot",
    )


class DriftSection(FileSection):
    every: Duration = field("how often each node is checked; `0s`: never", "1d")


class SubmoduleSection(FileSection):
    branch: Branch = field("upstream branch to follow; left out: what `.gitmodules` says", "main")
    stacks: Path = field("glob of the stack folders inside the submodule", "stacks/*")
    order: Listed[StackName] = field("stacks deployed first, in this order; the others after, by name", ["ingress"])
    wait_for_checks: bool = field("propose only commits whose checks are green")
    show_upstream: Annotated[ShowUpstream, Strict(strict=False)] = field(
        "show under pull requests of the upstream what they would change here; `auto`: unless this fleet is private "
        "and the upstream public"
    )


class HooksSection(FileSection):
    before: CommandList = field("run when the new files are there, before any container is touched", [COMMAND])
    after: CommandList = field("run when everything is healthy; one that fails puts everything back", [COMMAND])
    before_stack: Mapped[StackKey, CommandList] = field(
        "the same, before a stack that changes", {"secrets": [COMMAND]}
    )
    after_stack: Mapped[StackKey, CommandList] = field("the same, after a stack that changes", {"secrets": [COMMAND]})


class NodeSection(FileSection):
    platform: Annotated[Platform, Strict(strict=False)] = field("what it runs on")
    labels: Listed[Label] = field("labels of its runner; left out: `self-hosted` and its name", ["self-hosted"])
    root: Annotated[str, text(shapes.ROOT)] = field(
        "its own checkout of this repository, as the node spells the path", "/srv/aios", r"C:\aios-supercell"
    )
    stacks: Listed[StackName] = field("the stacks it runs; left out: all", ["ingress"])
    files: Mapped[StackKey, NonEmpty[Annotated[str, text(shapes.COMPOSE_FILE)]]] = field(
        "compose files of a stack; left out: what `docker compose` picks by itself",
        {"ingress": ["docker-compose.yml"]},
    )
    profiles: Listed[Annotated[str, text(shapes.PROFILE)]] = field("compose profiles that are active on it", ["gpu"])
    variables: Mapped[VariableName, VariableValue] = field(
        "what compose files may interpolate; public, so secrets stay on the node", {"AIOS_DOMAIN": "lab.example"}
    )
    hooks: HooksSection = field("commands that run on it around a deploy, in its checkout, without a shell")
    keep_edits: bool = field(
        "whether files that were changed by hand on it may stay, as long as no deploy brings them"
    )
    bootstrap: Listed[Annotated[str, text(shapes.SCRIPT)]] = field(
        "scripts of this repository that run once, in this order, when the machine joins", ["scripts/bootstrap.sh"]
    )
    watch: Mapped[StackKey, Duration] = field(
        "how long a stack must run well after its deploy, where no healthcheck passes before; left out: 15 seconds",
        {"ingress": "1m"},
    )
    who: Listed[Principal] = field(
        "who may change it by a command, any of the list, beside what `commands.who` requires; left out: the same",
        ["maintain"],
    )


class CommandsSection(FileSection):
    prefix: Annotated[str, text(shapes.PREFIX)] = field(
        "what a command begins with; `/aios` makes it `/aios deploy`", "/aios"
    )
    who: Mapped[Annotated[Verb, Strict(strict=False)], NonEmpty[Principal]] = field(
        "who may use a command, any of the list; left out: `write` and higher", {"deploy": ["maintain"]}
    )
    break_glass: Listed[Principal] = field(
        "who may override a lock, a missing review or a failed check with `because REASON`; left out: nobody",
        ["admin"],
    )


class LocksSection(FileSection):
    hours: int = field("how long a lock lasts when nobody unlocks it", 24, ge=1, le=720)


class ReviewSection(FileSection):
    required: Listed[Glob] = field("paths whose change needs an approving review", ["server/stacks/**"])
    optional: Listed[Glob] = field("paths whose change needs none; `required` wins", ["notes/**"])
    auto_merge: bool = field("let the bot's own pull requests merge when nothing in them needs a review")


class NotifySection(FileSection):
    severities: Listed[Annotated[NoticeSeverity, Strict(strict=False)]] = field(
        "what people are notified of at the operator's addresses; left out: all of it", ["urgent", "warning"]
    )
    quiet: Annotated[str, text(shapes.HOURS)] = field(
        "hours of the day, in UTC, in which only what is urgent is sent; left out: none", "22:00-07:00"
    )
    approval_after: Duration = field(
        "how long a pull request may wait for a person before a notice says so; `0s`: for ever", "1d"
    )


class FleetDocument(FileSection):
    """A whole fleet file."""

    version: Annotated[Literal[1], BeforeValidator(refuse_truth_value)] = field("format of the file", VERSION)
    bases: Listed[Branch] = field("branches whose pins are kept up to date; left out: the default branch", ["main"])
    labels: Listed[Label] = field("labels of the pull requests", ["dependencies"])
    hub: Repository = field(
        "repository of the same owner whose `docs/fleet/` shows this fleet; a hub with a list has to name it, too",
        "tecnocrat/AIOS",
    )
    publish: bool = field("let a public hub show this fleet although it, or what it pins, is private")
    deploy: DeploySection = field("how merges are deployed")
    drift: DriftSection = field("whether nodes still run what was deployed to them")
    submodules: Mapped[Annotated[str, text(shapes.PATH, called="the path")], SubmoduleSection] = field(
        "what is kept up to date; left out: every submodule", {"server": {}}
    )
    nodes: Mapped[Annotated[str, text(shapes.NODE_NAME, called="the name")], NodeSection] = field(
        "the machines; a name is also the GitHub environment", {"HP_LAB": {}}
    )
    commands: CommandsSection = field("who may use which command in a pull request")
    locks: LocksSection = field("a pull request's lock on a node")
    review: ReviewSection = field("which changes need an approving review")
    notify: NotifySection = field("which notices of this fleet are sent, where the bot's operator set addresses")
    risks: Mapped[RuleId, Annotated[Tuning, Strict(strict=False)]] = field(
        "risk rules that weigh more or less here", {"exposure.port_published": "risky"}
    )
    page: Annotated[PageAudience, Strict(strict=False)] = field(
        "who sees this fleet's page when the repository is public: those who may write to it, or everybody who "
        "signed in; a private repository's readers always do"
    )


class HubDocument(FileSection):
    """A whole file of a hub."""

    fleets: Listed[Repository] = field(
        "fleets of the same owner that it shows, if their own files name this hub", ["tecnocrat/aios-win"]
    )
