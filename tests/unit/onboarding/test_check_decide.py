"""`aios-bot check` misses no problem, and every failure comes with its cure."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import msgspec
import pytest

from bot.domain.names import RepoName
from bot.github import manifest
from bot.onboarding.check.decide import CheckVerdict, decide_findings, find_moving_action
from bot.onboarding.check.facts import (
    CheckFacts,
    FleetCheckFacts,
    HookFacts,
    InstallationFacts,
    RequiredCheckFacts,
    UpstreamFacts,
)

FLEET = FleetCheckFacts(
    repo=RepoName("acme/fleet"),
    problem="",
    nodes=1,
    upstreams=(UpstreamFacts(path="server", upstream=RepoName("acme/server"), visible=True),),
)
INSTALLATION = InstallationFacts(
    account="acme", suspended=False, permissions=manifest.permissions(), repositories=2, fleets=(FLEET,)
)
HOOK = HookFacts(
    url="https://bot.acme.org/webhook", has_secret=True, content_type="json", insecure_tls=False, delivered=30
)
GOOD = CheckFacts(
    app_id=7,
    slug="aios-bot",
    settings_url="https://github.com/settings/apps/aios-bot",
    permissions=manifest.permissions(),
    events=tuple(manifest.events()),
    hook=HOOK,
    installations=(INSTALLATION,),
    renderer="bubblewrap",
    renderer_problem="",
    public_url="https://bot.acme.org",
    public_problem="",
    pull=False,
)


def changed(value: Any, **changes: Any) -> Any:
    return msgspec.structs.replace(value, **changes)


def but(**changes: Any) -> CheckFacts:
    found: CheckFacts = changed(GOOD, **changes)
    return found


def with_hook(**changes: Any) -> CheckFacts:
    return but(hook=changed(HOOK, **changes))


def with_installation(**changes: Any) -> CheckFacts:
    return but(installations=(changed(INSTALLATION, **changes),))


def with_fleet(**changes: Any) -> CheckFacts:
    return with_installation(fleets=(changed(FLEET, **changes),))


def test_a_good_installation_has_only_ok_findings() -> None:
    findings = decide_findings(GOOD)
    assert {finding.verdict for finding in findings} == {CheckVerdict.OK}
    assert {finding.name for finding in findings} >= {"rendering", "App", "deliveries", "fleet acme/fleet"}


READ_ONLY = manifest.permissions() | {"contents": "read"}
WRONG = [
    (but(renderer_problem="Docker Compose is missing"), "rendering", "Compose is missing"),
    (but(public_problem="ConnectionError"), "public address", "does not answer"),
    (but(permissions=READ_ONLY), "permission contents", "write is missing"),
    (but(events=()), "event push", "not subscribed"),
    (with_hook(url=manifest.NO_INGRESS), "webhook", "serve --pull"),
    (with_hook(url="https://old.acme.org/webhook"), "webhook", "this bot is at https://bot.acme.org/webhook"),
    (with_hook(has_secret=False), "webhook secret", "every delivery is refused"),
    (with_hook(content_type="form"), "webhook", "application/json"),
    (but(installations=()), "installation", "not installed anywhere"),
    (with_installation(suspended=True), "installation in acme", "suspended"),
    (with_installation(permissions=READ_ONLY), "installation in acme", "has not granted contents: write"),
    (with_installation(repositories=0), "installation in acme", "no repository"),
    (with_fleet(problem="aios-bot.yml:3: wrong"), "fleet acme/fleet", "aios-bot.yml:3: wrong"),
    (with_fleet(has_workflow=False), "fleet acme/fleet", "no .github/workflows/deploy.yml"),
    (
        with_fleet(upstreams=(UpstreamFacts(path="server", upstream=RepoName("acme/server")),)),
        "fleet acme/fleet",
        "cannot read",
    ),
]


@pytest.mark.parametrize("nodes", [1, 0])
def test_who_may_run_jobs_on_the_nodes_is_told_where_there_are_some(nodes: int) -> None:
    (fleet,) = [one for one in decide_findings(with_fleet(nodes=nodes)) if "submodule" in one.text]
    assert ("can run jobs on them" in fleet.text) == bool(nodes)


@pytest.mark.parametrize(("facts", "name", "words"), WRONG)
def test_each_problem_fails_with_its_cure(facts: CheckFacts, name: str, words: str) -> None:
    failed = [finding for finding in decide_findings(facts) if finding.verdict is CheckVerdict.FAIL]
    assert [finding for finding in failed if finding.name == name and words in finding.text], failed


NOTED = [
    (but(public_url=""), "AIOS_BOT_PUBLIC_URL is not set"),
    (but(permissions=manifest.permissions() | {"administration": "write"}), "never used: remove it"),
    (with_hook(insecure_tls=True), "SSL verification"),
    (with_hook(failed=2, last_failure="push: 502"), "2 of the newest 30 failed"),
    (with_hook(delivered=0), "sent none yet"),
    (with_installation(fleets=()), "fleet init"),
    (with_fleet(nodes=0), "node add"),
    (
        with_fleet(action="acme/aios-bot/actions/deploy@v0"),
        "deploy.yml runs acme/aios-bot/actions/deploy@v0, which changes with that name, and not the program",
    ),
    (with_fleet(upstreams=()), "no submodule"),
    (with_fleet(upstreams=(UpstreamFacts(path="server", upstream=None),)), "another host"),
]


@pytest.mark.parametrize(("facts", "words"), NOTED)
def test_what_may_be_intended_is_only_a_note(facts: CheckFacts, words: str) -> None:
    findings = decide_findings(facts)
    assert any(words in finding.text for finding in findings if finding.verdict is CheckVerdict.NOTE), findings
    assert not [finding for finding in findings if finding.verdict is CheckVerdict.FAIL]


COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("      - uses: Tecnocrat/aios-bot/actions/deploy@v0", "Tecnocrat/aios-bot/actions/deploy@v0"),
        ("        uses: 'acme/aios-bot@main'  # ours", "acme/aios-bot@main"),
        (f"      - uses: acme/aios-bot/actions/deploy@{COMMIT} # v0.3.0", ""),
        (f"      - uses: acme/aios-bot/actions/deploy@{COMMIT[:39]}", f"acme/aios-bot/actions/deploy@{COMMIT[:39]}"),
        ("      # uses: acme/aios-bot/actions/deploy@v0", ""),
        ("      - uses: actions/checkout@v4", ""),
        ("      - uses: acme/aios-bottle@v4", ""),
        ("      run: aios-bot node deploy", ""),
    ],
)
def test_an_action_of_ours_by_a_name_that_moves_is_found(line: str, found: str) -> None:
    assert find_moving_action(f"jobs:\n  deploy:\n    steps:\n{line}\n") == found


def test_the_first_that_moves_is_found_behind_one_that_does_not() -> None:
    lines = f"- uses: acme/aios-bot@{COMMIT}\n- uses: acme/aios-bot@v1\n- uses: acme/aios-bot@v2\n"
    assert find_moving_action(lines) == "acme/aios-bot@v1"


def test_the_workflow_of_a_new_fleet_uses_no_action_of_ours() -> None:
    assert find_moving_action((files("bot.onboarding.survey") / "deploy.yml").read_text(encoding="utf-8")) == ""


def test_a_bot_that_pulls_needs_no_webhook() -> None:
    findings = decide_findings(changed(with_hook(url="", has_secret=False, content_type="form"), pull=True))
    assert not [finding for finding in findings if finding.verdict is CheckVerdict.FAIL]


def required(*apps: int, name: str = "aios/plan") -> RequiredCheckFacts:
    return RequiredCheckFacts(branch="main", name=name, apps=frozenset(apps))


def found_of(facts: CheckFacts) -> list[tuple[CheckVerdict, str, str]]:
    return [(one.verdict, one.name, one.text) for one in decide_findings(facts) if "required" in one.name]


def test_a_required_check_that_any_app_can_post_is_no_gate() -> None:
    (found,) = found_of(with_fleet(required=(required(), required(7, name="aios/review"))))
    assert found == (
        CheckVerdict.FAIL,
        "required check aios/plan of acme/fleet",
        (
            "any App and any workflow that may write checks can post it: "
            "choose aios-bot as its source in the rule or protection of branch main"
        ),
    )


@pytest.mark.parametrize("apps", [(9,), (9, 7)])
def test_a_required_check_that_is_pinned_to_another_app_is_never_satisfied(apps: tuple[int, ...]) -> None:
    (found,) = found_of(with_fleet(required=(required(*apps),)))
    assert found == (
        CheckVerdict.FAIL,
        "required check aios/plan of acme/fleet",
        (
            "is pinned to another App (id 9), so this bot's own check does not satisfy it: "
            "choose aios-bot as its source in the rule or protection of branch main"
        ),
    )


def test_required_checks_that_only_this_app_can_post_are_well() -> None:
    assert found_of(with_fleet(required=(required(7), required(7, name="aios/review")))) == [
        (
            CheckVerdict.OK,
            "required checks of acme/fleet",
            "only aios-bot can post aios/plan on main, aios/review on main",
        )
    ]
    assert found_of(with_fleet()) == []
