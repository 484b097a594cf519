"""Read the App, its webhook, its installations and the fleets in them, for `aios-bot check`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import requests

from bot.domain.errors import BotError
from bot.domain.names import BranchName, InstallationId, RepoName, parse_repo_name
from bot.domain.values import Wire
from bot.features.fleets.jobs import Access
from bot.features.fleets.read import PERMISSIONS
from bot.fleetfile import FLEET_FILE, Fleet, parse_fleet
from bot.fleetfile.problems import YamlFileError
from bot.git.gitmodules import parse_gitmodules, resolve_upstream
from bot.github.app import App
from bot.github.client import Client
from bot.github.connection.grants import Installation
from bot.github.endpoints import people, repository
from bot.github.endpoints.repository import Repository
from bot.onboarding.check.decide import find_moving_action
from bot.onboarding.check.facts import (
    CheckFacts,
    FleetCheckFacts,
    HookFacts,
    InstallationFacts,
    RequiredCheckFacts,
    UpstreamFacts,
)
from bot.onboarding.check.hubs import find_hub_problem, read_hubs, read_text
from bot.planner.renderer import Renderer

NEWEST = 30  # deliveries that are read
ANSWER_LIMIT = 10  # seconds for the public address


class _Owner(Wire, frozen=True):
    login: str
    type: str = "User"


class _App(Wire, frozen=True):
    id: int
    slug: str
    html_url: str
    permissions: dict[str, str]
    events: tuple[str, ...]
    owner: _Owner | None = None


class _Hook(Wire, frozen=True):
    url: str = ""
    content_type: str = "form"
    insecure_ssl: str | int = "0"
    secret: str | None = None


class _Delivery(Wire, frozen=True):
    event: str
    status: str
    status_code: int
    delivered_at: str


class _BaseError(BotError):
    """A base branch that the fleet file lists cannot be worked on."""


def read_facts(
    app: App,
    *,
    web_url: str,
    public_url: str,
    renderer: Renderer | BotError,
    pull: bool,
    can_sign_in: bool,
    open_pages: bool,
) -> CheckFacts:
    """Read all facts; changes nothing. Raises BotError if GitHub does not know the App."""
    client = app.client()
    own = client.get("/app", _App)
    return CheckFacts(
        app_id=own.id,
        slug=own.slug,
        settings_url=_settings_url(own, web_url),
        permissions=own.permissions,
        events=own.events,
        hook=_read_hook(client),
        installations=tuple(
            _read_installation(app, one, web_url=web_url) for one in client.list("/app/installations", Installation)
        ),
        renderer="" if isinstance(renderer, BotError) else renderer.confinement.description,
        renderer_problem=str(renderer) if isinstance(renderer, BotError) else "",
        public_url=public_url,
        public_problem=_find_public_problem(public_url),
        pull=pull,
        can_sign_in=can_sign_in,
        open_pages=open_pages,
    )


def _settings_url(own: _App, web_url: str) -> str:
    organization = own.owner is not None and own.owner.type == "Organization"
    owner = f"organizations/{own.owner.login}/" if organization and own.owner else ""
    return f"{web_url}/{owner}settings/apps/{own.slug}"


def _read_hook(client: Client) -> HookFacts:
    hook = client.get("/app/hook/config", _Hook)
    newest = client.list("/app/hook/deliveries", _Delivery, most=NEWEST)
    failed = [one for one in newest if one.status != "OK"]
    return HookFacts(
        url=hook.url,
        has_secret=bool(hook.secret),
        content_type=hook.content_type,
        insecure_tls=str(hook.insecure_ssl) == "1",
        delivered=len(newest),
        failed=len(failed),
        last_failure=f"{failed[0].event} at {failed[0].delivered_at}: {failed[0].status}" if failed else "",
    )


def _read_installation(app: App, one: Installation, *, web_url: str) -> InstallationFacts:
    account = one.account.login if one.account else "?"
    if one.suspended_at is not None:
        return InstallationFacts(account=account, suspended=True, permissions=one.permissions)
    client = app.as_installation(InstallationId(one.id))
    found = repository.find_repositories(client)
    known = {repo.full_name.lower(): repo for repo in found}
    read = (_read_fleet(app, one, client, repo, known, web_url=web_url) for repo in found if not repo.archived)
    fleets = tuple(fleet for fleet in read if fleet is not None)
    return InstallationFacts(
        account=account,
        suspended=False,
        permissions=one.permissions,
        personal=one.account is not None and one.account.type == "User",
        settings_url=one.html_url,
        repositories=len(found),
        fleets=fleets,
        hubs=read_hubs(client, known, fleets),
    )


def _read_fleet(
    app: App, one: Installation, client: Client, repo: Repository, known: Mapping[str, Repository], *, web_url: str
) -> FleetCheckFacts | None:
    name = parse_repo_name(repo.full_name)
    text = read_text(client, name, FLEET_FILE)
    if text is None:
        return None
    try:
        file = parse_fleet(text)
    except YamlFileError as problem:
        return FleetCheckFacts(repo=name, problem=str(problem))
    default = BranchName(repo.default_branch)
    problems, upstreams = _read_bases(app, one, client, name, file.bases or (default,), web_url=web_url)
    if problems:
        return FleetCheckFacts(repo=name, problem="; ".join(problems))
    workflow = read_text(client, name, f".github/workflows/{file.deploy.workflow}")
    return FleetCheckFacts(
        repo=name,
        problem="",
        nodes=len(file.nodes),
        workflow=file.deploy.workflow,
        has_workflow=workflow is not None,
        action=find_moving_action(workflow or ""),
        upstreams=upstreams,
        hub=file.hub,
        hub_problem=find_hub_problem(client, name, file, upstreams, known),
        required=_read_required(client, name, file.bases or (default,)),
    )


def _read_required(client: Client, name: RepoName, bases: Sequence[BranchName]) -> tuple[RequiredCheckFacts, ...]:
    return tuple(
        RequiredCheckFacts(branch=base, name=check, apps=apps)
        for base in bases
        if repository.find_branch(client, name, base) is not None
        for check, apps in sorted(people.read_required_sources(client, name, base).items())
        if check.startswith(people.OWN_CHECKS)
    )


def _read_bases(
    app: App, one: Installation, client: Client, name: RepoName, bases: Sequence[BranchName], *, web_url: str
) -> tuple[tuple[str, ...], tuple[UpstreamFacts, ...]]:
    """What is wrong with any of the bases, and the submodules of all of them, each once."""
    problems: list[str] = []
    found: dict[UpstreamFacts, None] = {}
    for base in bases:
        try:
            file = _read_base(client, name, base)
        except _BaseError as problem:
            problems.append(str(problem))
        else:
            found |= dict.fromkeys(_read_upstreams(app, one, client, name, file, base=base, web_url=web_url))
    return tuple(problems), tuple(found)


def _read_base(client: Client, name: RepoName, base: BranchName) -> Fleet:
    """The fleet file of a base. Raises _BaseError when the base cannot be worked on."""
    text = read_text(client, name, FLEET_FILE, ref=base)
    if text is None:
        raise _BaseError(f"lists the base branch {base}, which has no {FLEET_FILE}: nothing is done there")
    try:
        return parse_fleet(text)
    except YamlFileError as problem:
        raise _BaseError(f"branch {base}: {problem}") from None


def _read_upstreams(
    app: App, one: Installation, client: Client, name: RepoName, file: Fleet, *, base: BranchName, web_url: str
) -> tuple[UpstreamFacts, ...]:
    """The submodules of a base, seen with the very token that the service asks for when it works on them."""
    stanzas = parse_gitmodules(read_text(client, name, ".gitmodules", ref=base) or "").stanzas
    kept = {submodule.path for submodule in file.submodules}
    wanted = [stanza for stanza in stanzas if not kept or stanza.path in kept]
    upstreams = {stanza.path: resolve_upstream(stanza.url, fleet=name, web_url=web_url) for stanza in wanted}
    repositories = (name, *sorted({upstream for upstream in upstreams.values() if upstream is not None}))
    working = app.as_installation(
        InstallationId(one.id), repositories=repositories, permissions=PERMISSIONS[Access.WRITE]
    )
    found = []
    for stanza in wanted:
        upstream = upstreams[stanza.path]
        visible = upstream is not None and repository.find_repository(working, upstream) is not None
        found.append(UpstreamFacts(path=stanza.path, upstream=upstream, visible=visible))
    return tuple(found)


def _find_public_problem(public_url: str) -> str:
    if not public_url:
        return ""
    try:
        answer = requests.get(f"{public_url}/healthz", timeout=ANSWER_LIMIT)
    except requests.RequestException as problem:
        return type(problem).__name__
    return "" if answer.ok else f"{answer.status_code} from /healthz"
