"""What `aios-bot check` finds out, as values. Pure."""

from __future__ import annotations

from bot.domain.names import RepoName
from bot.domain.values import Value


class HookFacts(Value, frozen=True):
    """Where GitHub sends the App's webhooks, and how the newest of them went."""

    url: str
    has_secret: bool
    content_type: str
    insecure_tls: bool
    delivered: int = 0  # of the newest ones
    failed: int = 0
    last_failure: str = ""  # "push: 502 Invalid HTTP Response"


class UpstreamFacts(Value, frozen=True):
    """One submodule of a fleet. `upstream` None: it lies on another host."""

    path: str
    upstream: RepoName | None
    visible: bool = False


class FleetFacts(Value, frozen=True):
    """One repository with a fleet file. `problem` is what its parser says, "" when it is right."""

    repo: RepoName
    problem: str
    nodes: int = 0
    workflow: str = "deploy.yml"
    has_workflow: bool = True
    upstreams: tuple[UpstreamFacts, ...] = ()


class InstallationFacts(Value, frozen=True):
    """The App in one account."""

    account: str
    suspended: bool
    permissions: dict[str, str]
    repositories: int = 0
    fleets: tuple[FleetFacts, ...] = ()


class Facts(Value, frozen=True):
    """The whole. Empty texts of `renderer_problem` and `public_problem` mean that all is well."""

    slug: str
    settings_url: str  # the App's own page, for the cure
    permissions: dict[str, str]
    events: tuple[str, ...]
    hook: HookFacts
    installations: tuple[InstallationFacts, ...]
    renderer: str
    renderer_problem: str
    public_url: str
    public_problem: str
    pull: bool  # the bot fetches deliveries: no webhook has to arrive
