"""Whether a bot, its App and its fleets fit together: facts in, findings out, each with its cure. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from bot.domain.values import Value
from bot.fleetfile import FLEET_FILE
from bot.github import manifest
from bot.onboarding.check.facts import Facts, FleetFacts, HookFacts, InstallationFacts


class FindingLevel(StrEnum):
    """How a finding counts. Only FAIL ends the command with a failure."""

    OK = "ok"
    NOTE = "note"
    FAIL = "FAIL"


class Finding(Value, frozen=True):
    """One thing that was looked at."""

    verdict: FindingLevel
    name: str
    text: str


def judge(facts: Facts) -> tuple[Finding, ...]:
    """Everything that was looked at, in the order in which a person mends it."""
    return (
        *_judge_machine(facts),
        *_judge_app(facts),
        *_judge_hook(facts, facts.hook),
        *_judge_installations(facts),
    )


def _judge_machine(facts: Facts) -> Iterator[Finding]:
    if facts.renderer_problem:
        yield _fail("rendering", facts.renderer_problem)
    else:
        yield _ok("rendering", facts.renderer)
    if facts.public_problem:
        yield _fail("public address", f"{facts.public_url} does not answer from here: {facts.public_problem}")
    elif facts.public_url:
        yield _ok("public address", facts.public_url)
    else:
        yield _note("public address", "AIOS_BOT_PUBLIC_URL is not set: reports link no plan pages")


def _judge_app(facts: Facts) -> Iterator[Finding]:
    where = f"set it at {facts.settings_url}/permissions; each account is then asked to accept it"
    lacking = manifest.find_lacking(facts.permissions)
    for one in lacking:
        yield _fail(f"permission {one.name}", f"{one.level} is missing, to {one.why}: {where}")
    for text in manifest.find_excess(facts.permissions):
        yield _note(
            "permission", f"{text} is granted and never used: take it away at {facts.settings_url}/permissions"
        )
    for event in manifest.find_unsubscribed(facts.events):
        yield _fail(f"event {event.name}", f"is not subscribed to ({event.why}): {where}")
    if not lacking:
        yield _ok("App", f"{facts.slug} has every permission that is used")


def _judge_hook(facts: Facts, hook: HookFacts) -> Iterator[Finding]:
    if facts.pull:
        yield _ok("webhook", "not needed: deliveries are fetched (serve --pull)")
        return
    if hook.url == manifest.NO_INGRESS or not hook.url:
        yield _fail(
            "webhook", f"GitHub has no address for it: run `serve --pull`, or set one at {facts.settings_url}"
        )
        return
    wanted = f"{facts.public_url}/webhook"
    if facts.public_url and hook.url != wanted:
        yield _fail(
            "webhook", f"GitHub sends to {hook.url}, and this bot is at {wanted}: set it at {facts.settings_url}"
        )
    if not hook.has_secret:
        yield _fail(
            "webhook secret", f"is not set: without it every delivery is refused; set it at {facts.settings_url}"
        )
    if hook.content_type != "json":
        yield _fail(
            "webhook", f"its content type is {hook.content_type}: set application/json at {facts.settings_url}"
        )
    if hook.insecure_tls:
        yield _note("webhook", "GitHub does not verify this bot's certificate: switch SSL verification on")
    if hook.failed:
        yield _note("deliveries", f"{hook.failed} of the newest {hook.delivered} failed, last {hook.last_failure}")
    elif hook.delivered:
        yield _ok("deliveries", f"the newest {hook.delivered} arrived")
    else:
        yield _note("deliveries", "GitHub has sent none yet")


def _judge_installations(facts: Facts) -> Iterator[Finding]:
    if not facts.installations:
        yield _fail("installation", f"the App is installed nowhere: {facts.settings_url}/installations")
    for one in facts.installations:
        yield from _judge_installation(one)
    fleets = [fleet for one in facts.installations for fleet in one.fleets]
    if facts.installations and not fleets:
        yield _note("fleets", f"no repository holds {FLEET_FILE}: `aios-bot fleet init` in a clone proposes one")
    for fleet in fleets:
        yield from _judge_fleet(fleet)


def _judge_installation(one: InstallationFacts) -> Iterator[Finding]:
    name = f"installation in {one.account}"
    if one.suspended:
        yield _fail(name, "is suspended: an owner of the account can wake it up")
        return
    lacking = manifest.find_lacking(one.permissions)
    if lacking:
        names = ", ".join(f"{permission.name}: {permission.level}" for permission in lacking)
        yield _fail(name, f"has not accepted {names}: an owner does so in the App's installation settings")
    if not one.repositories:
        yield _fail(name, "was given no repository: choose some in its settings")
    elif not lacking:
        yield _ok(name, f"{one.repositories} repositories")


def _judge_fleet(fleet: FleetFacts) -> Iterator[Finding]:
    name = f"fleet {fleet.repo}"
    if fleet.problem:
        yield _fail(name, fleet.problem)
        return
    hidden = [one for one in fleet.upstreams if one.upstream is not None and not one.visible]
    for one in hidden:
        yield _fail(name, f"{one.path} comes from {one.upstream}, which the App may not see: install it there too")
    for one in (one for one in fleet.upstreams if one.upstream is None):
        yield _note(name, f"{one.path} lies on another host: it is left alone")
    if not fleet.upstreams:
        yield _note(name, "has no submodule: there is nothing to keep up to date")
    if fleet.nodes and not fleet.has_workflow:
        yield _fail(name, f"has nodes and no .github/workflows/{fleet.workflow}: copy docs/examples/deploy.yml there")
    elif not fleet.nodes:
        yield _note(name, "has no nodes: pull requests are opened, and nothing is deployed; `aios-bot node add NAME`")
    if not hidden and (fleet.has_workflow or not fleet.nodes):
        yield _ok(name, f"{len(fleet.upstreams)} submodules, {fleet.nodes} nodes")


def _ok(name: str, text: str) -> Finding:
    return Finding(verdict=FindingLevel.OK, name=name, text=text)


def _note(name: str, text: str) -> Finding:
    return Finding(verdict=FindingLevel.NOTE, name=name, text=text)


def _fail(name: str, text: str) -> Finding:
    return Finding(verdict=FindingLevel.FAIL, name=name, text=text)
