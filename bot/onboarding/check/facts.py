"""The facts that `aios-bot check` reads. Frozen values, pure."""

from __future__ import annotations

from bot.domain.names import RepoName
from bot.domain.values import Value


class HookFacts(Value, frozen=True):
    """Where GitHub sends the App's webhooks, and how the newest deliveries went."""

    url: str
    has_secret: bool
    content_type: str
    insecure_tls: bool
    delivered: int = 0  # how many were read, newest first
    failed: int = 0
    last_failure: str = ""  # "push: 502 Invalid HTTP Response"


class UpstreamFacts(Value, frozen=True):
    """One submodule of a fleet. `upstream` None: it is on another host."""

    path: str
    upstream: RepoName | None
    visible: bool = False


class RequiredCheckFacts(Value, frozen=True):
    """One of our checks that a branch requires, and the ids of the Apps that it is pinned to; none: any App."""

    branch: str
    name: str
    apps: frozenset[int]


class FleetCheckFacts(Value, frozen=True):
    """One repository with a fleet file. `problem` is the parser's message, "" if the file is valid."""

    repo: RepoName
    problem: str
    nodes: int = 0
    workflow: str = "deploy.yml"
    has_workflow: bool = True
    action: str = ""  # of aios-bot, that the workflow uses by a branch or a tag: "acme/aios-bot/actions/deploy@v0"
    upstreams: tuple[UpstreamFacts, ...] = ()
    hub: RepoName | None = None
    hub_problem: str = ""  # why the hub leaves it out: a value of bot.features.hub.decide.HubReason, or "unseen"
    required: tuple[RequiredCheckFacts, ...] = ()


class HubCheckFacts(Value, frozen=True):
    """One repository with a list of fleets, and those of the list that do not name it."""

    repo: RepoName
    silent: tuple[RepoName, ...] = ()


class InstallationFacts(Value, frozen=True):
    """The App in one account."""

    account: str
    suspended: bool
    permissions: dict[str, str]
    personal: bool = False  # of a user's account, which can grant no permission of organisations
    settings_url: str = ""  # where its owner accepts permissions and chooses repositories
    repositories: int = 0
    fleets: tuple[FleetCheckFacts, ...] = ()
    hubs: tuple[HubCheckFacts, ...] = ()


class CheckFacts(Value, frozen=True):
    """All facts. `renderer_problem` and `public_problem` are "" if there is no problem."""

    app_id: int
    slug: str
    settings_url: str  # the App's settings page on GitHub
    permissions: dict[str, str]
    events: tuple[str, ...]
    hook: HookFacts
    installations: tuple[InstallationFacts, ...]
    renderer: str
    renderer_problem: str
    public_url: str
    public_problem: str
    pull: bool  # the bot fetches deliveries and needs no webhook
    can_sign_in: bool = True  # there is a client secret of the App
    open_pages: bool = False  # anyone on this machine sees the pages
