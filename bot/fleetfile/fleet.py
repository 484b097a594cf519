"""The values that a fleet file becomes: frozen, with their defaults, and JSON by msgspec. Pure.

Jobs, records and invitations store nodes and submodules, so their field names are a stored format.
What the file may say is declared in `models.py`; a test holds the two together.
"""

from __future__ import annotations

from enum import StrEnum

from bot.domain.names import BranchName, NodeName, RepoName, StackName, SubmodulePath
from bot.domain.notices import NoticeSeverity
from bot.domain.platforms import Platform
from bot.domain.risk_rules import Tuning
from bot.domain.values import StoredValue, Value

VERSION = 1
"""The one version of the format."""

Wave = tuple[NodeName, ...]
Command = tuple[str, ...]
Principals = tuple[str, ...]
"""Any one of them is enough: a permission (`write`), `team:SLUG` or `person:LOGIN`."""

DEFAULT_WHO: Principals = ("write",)


class ShowUpstream(StrEnum):
    """Whether pull requests of the upstream show what they would change in this fleet."""

    AUTO = "auto"  # unless that would reveal a private fleet's names to readers of a public upstream
    ALWAYS = "always"
    NEVER = "never"


class Deploy(Value, frozen=True):
    """How a merge reaches the nodes. Times are in seconds."""

    workflow: str = "deploy.yml"
    waves: tuple[Wave, ...] = ()  # as written; see `waves_of`
    soak: int = 0  # between the end of a wave and the next
    offline_after: int = 600  # that an order waits for its runner
    stop_on_drift: bool = False
    agent: str = ""  # VERSION@sha256:LOCK, see `agent_of`; "": whatever each node has
    agent_from: str = ""  # folder of that release's files; "": where releases are published


class DriftRules(Value, frozen=True):
    """How often nodes are checked for changes since their last deploy."""

    every: int = 86_400  # seconds; 0: never


class Submodule(StoredValue, frozen=True):
    """A submodule that the bot keeps up to date."""

    path: SubmodulePath
    branch: BranchName | None = None  # None: .gitmodules' branch, else the upstream's default branch
    stacks: str = "stacks/*"  # glob of stack folders inside the submodule
    order: tuple[StackName, ...] = ()  # deployed first, in this order; the others after, by name
    wait_for_checks: bool = False
    show_upstream: ShowUpstream = ShowUpstream.AUTO


class Hooks(StoredValue, frozen=True):
    """Commands that run in the node's checkout of the new commit, without a shell, before and after its change."""

    before: tuple[Command, ...] = ()  # around all stacks
    after: tuple[Command, ...] = ()
    before_stack: dict[StackName, tuple[Command, ...]] = {}  # around one stack that changes
    after_stack: dict[StackName, tuple[Command, ...]] = {}


class Node(StoredValue, frozen=True):
    """One machine. `stacks` empty means every stack."""

    name: NodeName
    platform: Platform = Platform.LINUX
    labels: tuple[str, ...] = ()  # of its runner; empty: self-hosted and the node's name
    root: str = ""  # its checkout, as the node spells it; empty: the platform's default
    stacks: tuple[StackName, ...] = ()
    files: dict[StackName, tuple[str, ...]] = {}  # compose files per stack, relative to its folder
    profiles: tuple[str, ...] = ()
    variables: dict[str, str] = {}  # public: shown in plans; secrets stay on the node
    hooks: Hooks = Hooks()
    keep_edits: bool = False
    bootstrap: tuple[str, ...] = ()  # scripts of the fleet repository, run once when the machine joins
    watch: dict[StackName, int] = {}  # seconds per stack for which it must run well after a deploy
    who: Principals = ()  # who may change this node by a command, beside the command's own rule; empty: no more

    @property
    def runner_labels(self) -> tuple[str, ...]:
        """The labels that its jobs ask for."""
        return self.labels or ("self-hosted", self.name)


class Commands(Value, frozen=True):
    """Who may use which command. A command that `who` does not name is for `write` and higher."""

    prefix: str = "/"
    who: dict[str, Principals] = {}
    break_glass: Principals = ()  # empty: nobody

    def who_may(self, verb: str) -> Principals:
        """Who may use a command."""
        return self.who.get(verb, DEFAULT_WHO)


class Locks(Value, frozen=True):
    """How long a lock keeps a node for its pull request."""

    hours: int = 24


class ReviewRules(Value, frozen=True):
    """A fleet's own rules, applied before the built-in ones; `required` wins over `optional`."""

    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    auto_merge: bool = False


class PageAudience(StrEnum):
    """Who may see the fleet's page when its repository is public."""

    WRITERS = "writers"
    READERS = "readers"  # anyone who has signed in


class NoticeRules(Value, frozen=True):
    """What the fleet wants people to be notified of, beside what GitHub shows."""

    severities: tuple[NoticeSeverity, ...] = tuple(NoticeSeverity)
    quiet: str = ""  # `22:00-07:00` in UTC, in which only what is urgent is sent; "": never
    approval_after: int = 86_400  # seconds that a pull request may wait for a person; 0: never told


class Fleet(Value, frozen=True):
    """A fleet repository's own description of itself."""

    version: int = VERSION
    bases: tuple[BranchName, ...] = ()  # empty: the default branch
    labels: tuple[str, ...] = ("dependencies", "aios-bot")  # of bump pull requests
    hub: RepoName | None = None
    publish: bool = False  # a public hub may show this fleet, although it or an upstream is private
    deploy: Deploy = Deploy()
    drift: DriftRules = DriftRules()
    submodules: tuple[Submodule, ...] = ()  # empty: every submodule of .gitmodules
    nodes: tuple[Node, ...] = ()
    commands: Commands = Commands()
    locks: Locks = Locks()
    review: ReviewRules = ReviewRules()
    notify: NoticeRules = NoticeRules()
    risks: dict[str, Tuning] = {}  # by the ids of bot.domain.risk_rules
    page: PageAudience = PageAudience.WRITERS


class Hub(Value, frozen=True):
    """The fleets that a hub lets in. Each must name the hub in its own file, too."""

    fleets: tuple[RepoName, ...] = ()


def waves_of(deploy: Deploy, nodes: tuple[Node, ...]) -> tuple[Wave, ...]:
    """Every node in exactly one wave: those that no wave names come last, together."""
    names = tuple(node.name for node in nodes)
    named = {name for wave in deploy.waves for name in wave}
    waves = [tuple(name for name in wave if name in names) for wave in deploy.waves]
    return tuple(wave for wave in (*waves, tuple(name for name in names if name not in named)) if wave)
