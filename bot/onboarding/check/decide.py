"""Decide whether a bot, its App and its fleets fit together. Each problem comes with its cure. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum

from bot.domain.values import Value
from bot.fleetfile import FLEET_FILE, HUB_FILE
from bot.github import manifest
from bot.onboarding.check.facts import CheckFacts, FleetCheckFacts, HookFacts, InstallationFacts
from bot.text.counts import plural


class CheckVerdict(StrEnum):
    """How serious a finding is. Only FAIL makes the command fail."""

    OK = "ok"
    NOTE = "note"
    FAIL = "FAIL"


class CheckFinding(Value, frozen=True):
    """The result of one check."""

    verdict: CheckVerdict
    name: str
    text: str


_ACTION = re.compile(
    r"""^[ \t]*(?:-[ \t]+)?uses:[ \t]*["']?([\w.-]{1,100}/aios-bot[/@][^\s"'#]{1,200})""", re.MULTILINE
)
_COMMIT = re.compile(r"[0-9a-f]{40}")


def find_moving_action(workflow: str) -> str:
    """The first action of aios-bot that `workflow` uses by a branch or a tag; "" when there is none."""
    for found in _ACTION.findall(workflow):
        if not _COMMIT.fullmatch(found.rpartition("@")[2]):
            return str(found)
    return ""


def decide_findings(facts: CheckFacts) -> tuple[CheckFinding, ...]:
    """The result of every check, in the order in which to fix problems."""
    return (
        *_check_machine(facts),
        *_check_app(facts),
        _check_sign_in(facts),
        *_check_hook(facts, facts.hook),
        *_check_installations(facts),
    )


def _check_machine(facts: CheckFacts) -> Iterator[CheckFinding]:
    if facts.renderer_problem:
        yield _fail("rendering", facts.renderer_problem)
    else:
        yield _ok("rendering", facts.renderer)
    if facts.public_problem:
        yield _fail("public address", f"{facts.public_url} does not answer from this machine: {facts.public_problem}")
    elif facts.public_url:
        yield _ok("public address", facts.public_url)
    else:
        yield _note("public address", "AIOS_BOT_PUBLIC_URL is not set, so reports have no links to plan pages")


def _check_app(facts: CheckFacts) -> Iterator[CheckFinding]:
    where = f"set it at {facts.settings_url}/permissions; each account then has to accept it"
    lacking = manifest.find_lacking(facts.permissions)
    for one in lacking:
        yield _fail(f"permission {one.name}", f"{one.level} is missing, needed to {one.why}: {where}")
    for text in manifest.find_excess(facts.permissions):
        yield _note("permission", f"{text} is granted but never used: remove it at {facts.settings_url}/permissions")
    for event in manifest.find_unsubscribed(facts.events):
        yield _fail(f"event {event.name}", f"is not subscribed to ({event.why}): {where}")
    if not lacking:
        yield _ok("App", f"{facts.slug} has every permission that it needs")


def _check_sign_in(facts: CheckFacts) -> CheckFinding:
    """GitHub tells nobody which callback URLs an App has, so that the one that is needed is always named."""
    if facts.open_pages:
        return _ok("sign-in", "not needed: AIOS_BOT_PAGES is open, and only this machine reaches the pages")
    home = facts.public_url or "http://127.0.0.1"
    callback = f"its callback URLs at {facts.settings_url} have to list {home}{manifest.SIGNED_IN_PATH}"
    if facts.can_sign_in:
        return _ok("sign-in", f"with the App's client secret; {callback}")
    return _note(
        "sign-in",
        f"nobody can see the pages: generate a client secret at {facts.settings_url} and set GITHUB_CLIENT_SECRET "
        f"to it; {callback}",
    )


def _check_hook(facts: CheckFacts, hook: HookFacts) -> Iterator[CheckFinding]:
    if facts.pull:
        yield _ok("webhook", "not needed: deliveries are fetched (serve --pull)")
        return
    if hook.url == manifest.NO_INGRESS or not hook.url:
        yield _fail("webhook", f"no address is set: run `serve --pull`, or set one at {facts.settings_url}")
        return
    wanted = f"{facts.public_url}/webhook"
    if facts.public_url and hook.url != wanted:
        yield _fail(
            "webhook", f"GitHub sends to {hook.url}, but this bot is at {wanted}: change it at {facts.settings_url}"
        )
    if not hook.has_secret:
        yield _fail("webhook secret", f"is not set, so every delivery is refused: set it at {facts.settings_url}")
    if hook.content_type != "json":
        yield _fail(
            "webhook", f"its content type is {hook.content_type}: set application/json at {facts.settings_url}"
        )
    if hook.insecure_tls:
        yield _note("webhook", "GitHub does not verify this bot's certificate: enable SSL verification")
    if hook.failed:
        yield _note("deliveries", f"{hook.failed} of the newest {hook.delivered} failed, last {hook.last_failure}")
    elif hook.delivered:
        yield _ok("deliveries", f"the newest {hook.delivered} arrived")
    else:
        yield _note("deliveries", "GitHub has sent none yet")


def _check_installations(facts: CheckFacts) -> Iterator[CheckFinding]:
    if not facts.installations:
        yield _fail(
            "installation", f"the App is not installed anywhere: install it at {facts.settings_url}/installations"
        )
    for one in facts.installations:
        yield from _check_installation(one)
    fleets = [fleet for one in facts.installations for fleet in one.fleets]
    if facts.installations and not fleets:
        yield _note("fleets", f"no repository has {FLEET_FILE}: run `aios-bot fleet init` in a clone to propose one")
    for fleet in fleets:
        yield from _check_fleet(fleet)
        yield from _check_hub(fleet)
        yield from _check_required(fleet, facts)
    for hub in (hub for one in facts.installations for hub in one.hubs):
        for silent in hub.silent:
            yield _note(
                f"hub {hub.repo}",
                f"lists {silent}, whose own fleet file does not name it, so it is not shown: "
                f"write `hub: {hub.repo}` there",
            )


def _check_installation(one: InstallationFacts) -> Iterator[CheckFinding]:
    name = f"installation in {one.account}"
    if one.suspended:
        yield _fail(name, "is suspended: an owner of the account can unsuspend it")
        return
    lacking = manifest.find_lacking(one.permissions, personal=one.personal)
    where = f"at {one.settings_url}" if one.settings_url else "in the App's installation settings"
    for permission in lacking:
        yield _fail(
            name,
            f"has not granted {permission.name}: {permission.level}, so the bot cannot {permission.why}: "
            f"an owner accepts it {where}",
        )
    if not one.repositories:
        yield _fail(name, "has access to no repository: choose some in its settings")
    elif not lacking:
        yield _ok(name, f"{one.repositories} repositories")


def _check_fleet(fleet: FleetCheckFacts) -> Iterator[CheckFinding]:
    name = f"fleet {fleet.repo}"
    if fleet.problem:
        yield _fail(name, fleet.problem)
        return
    hidden = [one for one in fleet.upstreams if one.upstream is not None and not one.visible]
    for one in hidden:
        yield _fail(name, f"{one.path} comes from {one.upstream}, which the App cannot read: install it there too")
    for one in (one for one in fleet.upstreams if one.upstream is None):
        yield _note(name, f"{one.path} is on another host: it is ignored")
    if not fleet.upstreams:
        yield _note(name, "has no submodule, so there is nothing to keep up to date")
    if fleet.nodes and not fleet.has_workflow:
        yield _fail(name, f"has nodes but no .github/workflows/{fleet.workflow}: copy docs/examples/deploy.yml to it")
    elif fleet.action:
        yield _note(
            name,
            f".github/workflows/{fleet.workflow} runs {fleet.action}, which changes with that name, and not "
            "the program that `node join` installed: copy docs/examples/deploy.yml to it",
        )
    elif not fleet.nodes:
        yield _note(name, "has no nodes, so nothing is deployed: add one with `aios-bot node add NAME`")
    if not hidden and (fleet.has_workflow or not fleet.nodes):
        reach = "; who may push a workflow to it can run jobs on them (docs/security.md)" if fleet.nodes else ""
        yield _ok(name, f"{plural(len(fleet.upstreams), 'submodule')}, {plural(fleet.nodes, 'node')}{reach}")


_HUB = {
    "not_listed": "{hub} has a list of its own, which does not name it, so it is not shown there: add it to {file}",
    "would_publish": "{hub} is public, and this fleet or what it pins is not, so it is not shown there: write "
    "`publish: true` in the fleet file if everybody may see it",
    "unseen": "the App cannot read {hub}: install it there too",
}


def _check_hub(fleet: FleetCheckFacts) -> Iterator[CheckFinding]:
    if fleet.hub_problem in _HUB:
        text = _HUB[fleet.hub_problem].format(hub=fleet.hub, file=HUB_FILE)
        yield _note(f"fleet {fleet.repo}", text)


def _check_required(fleet: FleetCheckFacts, facts: CheckFacts) -> Iterator[CheckFinding]:
    """A required check is a gate only if nobody else can open it."""
    pinned = [one for one in fleet.required if one.apps == {facts.app_id}]
    for one in fleet.required:
        name = f"required check {one.name} of {fleet.repo}"
        where = f"in the rule or protection of branch {one.branch}"
        if not one.apps:
            text = "any App and any workflow that may write checks can post it"
            yield _fail(name, f"{text}: choose {facts.slug} as its source {where}")
        elif one not in pinned:
            others = ", ".join(str(app) for app in sorted(one.apps - {facts.app_id}))
            text = f"is pinned to another App (id {others}), so this bot's own check does not satisfy it"
            yield _fail(name, f"{text}: choose {facts.slug} as its source {where}")
    if pinned and len(pinned) == len(fleet.required):
        names = ", ".join(f"{one.name} on {one.branch}" for one in pinned)
        yield _ok(f"required checks of {fleet.repo}", f"only {facts.slug} can post {names}")


def _ok(name: str, text: str) -> CheckFinding:
    return CheckFinding(verdict=CheckVerdict.OK, name=name, text=text)


def _note(name: str, text: str) -> CheckFinding:
    return CheckFinding(verdict=CheckVerdict.NOTE, name=name, text=text)


def _fail(name: str, text: str) -> CheckFinding:
    return CheckFinding(verdict=CheckVerdict.FAIL, name=name, text=text)
