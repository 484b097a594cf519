"""The review rules: the decision matrix, a fleet's own rules, whose approval counts, when a merge needs nobody."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from bot.domain.names import CommitSha
from bot.domain.verdicts import Permission
from bot.features.review.decide import (
    BLIND,
    READ,
    Missing,
    Need,
    asks_by_name,
    decide_review,
    judge_plans,
    match_rule,
)
from bot.features.review.facts import MergeEffect, ReviewApproval, ReviewFacts
from bot.features.review.text import render_review
from bot.fleetfile import ReviewRules
from bot.protocol.action import Action
from tests import plans

HEAD, OLDER = CommitSha("a" * 40), CommitSha("b" * 40)

# The mission's own table, in the fleet and in `server`, then what hides beside it.
MATRIX = [
    ("scripts/windows-bootstrap/01-core-os-hardening.ps1", "bootstrap scripts", Need.OPTIONAL),
    ("docs/AIOS-DEPLOYMENT-GUIDE.md", "documentation", Need.OPTIONAL),
    ("README.md", "documentation", Need.OPTIONAL),
    ("server/stacks/ingress/docker-compose.yml", "compose stacks", Need.REQUIRED),
    ("stacks/ingress/docker-compose.yml", "compose stacks", Need.REQUIRED),
    ("stacks/ingress/dynamic/headers.yml", "compose stacks", Need.REQUIRED),
    ("stacks/ingress/README.md", "documents below a stack", Need.OPTIONAL),
    ("server/stacks/vault/LICENSE", "documents below a stack", Need.OPTIONAL),
    ("stacks/ingress/README.mdx", "compose stacks", Need.REQUIRED),
    ("docker-compose.override.yml", "compose stacks", Need.REQUIRED),
    ("docs/compose.yaml", "compose stacks", Need.REQUIRED),
    ("scripts/generate-tls-certs.ps1", "TLS scripts", Need.OPTIONAL),
    ("monitoring/prometheus.yml", "Prometheus configuration", Need.REQUIRED),
    ("server/prometheus/rules/cpu.yml", "Prometheus configuration", Need.REQUIRED),
    ("scripts/vault-manager.ps1", "Vault scripts", Need.REQUIRED),
    ("vault/init.sh", "Vault scripts", Need.REQUIRED),
    ("aios-win.code-workspace", "workspace files", Need.OPTIONAL),
    (".vscode/settings.json", "workspace files", Need.OPTIONAL),
    (".github/aios-bot.yml", "control files", Need.REQUIRED),
    (".github/workflows/deploy.yml", "control files", Need.REQUIRED),
    (".GitHub/docs/x.md", "control files", Need.REQUIRED),
    ("server/.github/README.md", "control files", Need.REQUIRED),
    ("docs/action.yml", "control files", Need.REQUIRED),
    (".gitmodules", "control files", Need.REQUIRED),
    ("server", "nothing else known", Need.REQUIRED),
    ("deploy.sh", "nothing else known", Need.REQUIRED),
    ("docs\n/x.sh", "nothing else known", Need.REQUIRED),
]
# Each pattern of the built-in rules by a path that no other one of its rule fits, and names that are nearly one.
PATTERNS = [
    ("a/server/stacks/ingress/notes.txt", "compose stacks", Need.REQUIRED),
    ("docs/my-compose-file.yml", "compose stacks", Need.REQUIRED),
    ("docs/Dockerfile.md", "compose stacks", Need.REQUIRED),
    ("docs/.env.md", "compose stacks", Need.REQUIRED),
    ("docs/old/prometheus/notes.md", "Prometheus configuration", Need.REQUIRED),
    ("docs/my-prometheus.yml", "Prometheus configuration", Need.REQUIRED),
    ("docs/my-prometheus.yaml", "Prometheus configuration", Need.REQUIRED),
    ("docs/how-vault-works.md", "Vault scripts", Need.REQUIRED),
    ("docs/the-vault-of/a/b.md", "Vault scripts", Need.REQUIRED),
    ("scripts/my-bootstrap-of/a/b.sh", "bootstrap scripts", Need.OPTIONAL),
    ("scripts/bootstrap.sh", "bootstrap scripts", Need.OPTIONAL),
    ("server/scripts/bootstrap/a.sh", "bootstrap scripts", Need.OPTIONAL),
    ("server/bootstrap.sh", "nothing else known", Need.REQUIRED),
    ("scripts/a/renew-tls.sh", "TLS scripts", Need.OPTIONAL),
    ("scripts/a/cert-renewal.sh", "TLS scripts", Need.OPTIONAL),
    ("server/renew-tls.sh", "nothing else known", Need.REQUIRED),
    ("server/cert-renewal.sh", "nothing else known", Need.REQUIRED),
    ("server/docs/picture.png", "documentation", Need.OPTIONAL),
    ("server/LICENSE", "documentation", Need.OPTIONAL),
    ("server/notes.txt", "nothing else known", Need.REQUIRED),
    ("server/.editorconfig", "workspace files", Need.OPTIONAL),
    ("server/.gitignore", "workspace files", Need.OPTIONAL),
    ("server/.gitattributes", "workspace files", Need.OPTIONAL),
    ("server/.gitlab-ci.yml", "nothing else known", Need.REQUIRED),
    ("actions/build/main.sh", "control files", Need.REQUIRED),
    ("docs/Action.yaml", "control files", Need.REQUIRED),
    ("docs/.gitmodules", "control files", Need.REQUIRED),
    ("docs/actions/notes.md", "documentation", Need.OPTIONAL),
]


@pytest.mark.parametrize(("path", "rule", "need"), [*MATRIX, *PATTERNS])
def test_the_decision_matrix(path: str, rule: str, need: Need) -> None:
    found = match_rule(path, ReviewRules())
    assert (found.name, found.need) == (rule, need)


def test_a_fleets_own_rules_come_first_and_required_wins() -> None:
    rules = ReviewRules(required=("notes/secret/**",), optional=("notes/**", "server/stacks/lab/**", ".github/**"))
    assert match_rule("notes/a/b.txt", rules).need is Need.OPTIONAL
    assert match_rule("notes/secret/b.txt", rules).need is Need.REQUIRED
    assert match_rule("server/stacks/lab/compose.yml", rules).need is Need.OPTIONAL
    assert match_rule(".github/aios-bot.yml", rules).need is Need.REQUIRED  # nobody rules that away


def approval(login: str = "ada", **changes: Any) -> ReviewApproval:
    given: dict[str, Any] = {"permission": Permission.WRITE, "approves": True, "commit": HEAD} | changes
    return ReviewApproval(login=login, **given)


def facts(*paths: str, **changes: Any) -> ReviewFacts:
    given: dict[str, Any] = {
        "complete": True,
        "rules": ReviewRules(auto_merge=True),
        "author": "aios-bot[bot]",
        "head": HEAD,
        "ours": True,
        "effect": MergeEffect.NOTHING,
    }
    return ReviewFacts(paths=paths, **(given | changes))


NEEDS = ("server/stacks/ingress/compose.yml", "docs/a.md")


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        (facts(*NEEDS), Missing.APPROVAL),
        (facts(*NEEDS, approvals=(approval(),)), Missing.NOTHING),
        (facts(*NEEDS, approvals=(approval(commit=OLDER),)), Missing.APPROVAL),
        (facts(*NEEDS, approvals=(approval(commit=None),)), Missing.APPROVAL),
        (facts(*NEEDS, approvals=(approval(permission=Permission.TRIAGE),)), Missing.APPROVAL),
        (facts(*NEEDS, approvals=(approval(permission=Permission.UNKNOWN),)), Missing.APPROVAL),
        (facts(*NEEDS, author="ada", approvals=(approval(),)), Missing.APPROVAL),
        (facts(*NEEDS, author="Ada", approvals=(approval(),)), Missing.APPROVAL),
        (facts(*NEEDS, pushed_by="ada", approvals=(approval(),)), Missing.OTHER_APPROVAL),
        (facts(*NEEDS, pushed_by="ADA", approvals=(approval(),)), Missing.OTHER_APPROVAL),
        (facts(*NEEDS, pushed_by="bob", approvals=(approval(),)), Missing.NOTHING),
        (facts(*NEEDS, pushed_by="ada", approvals=(approval(), approval("bob"))), Missing.NOTHING),
        (facts(*NEEDS, pushed_by=None, approvals=(approval(),)), Missing.SECOND_APPROVAL),
        (facts(*NEEDS, pushed_by=None, approvals=(approval(), approval("bob"))), Missing.NOTHING),
        (
            facts(*NEEDS, pushed_by=None, author="bob", approvals=(approval(), approval("bob"))),
            Missing.SECOND_APPROVAL,
        ),
        (facts(*NEEDS, pushed_by=None), Missing.APPROVAL),
        (facts("docs/a.md", pushed_by="ada", approvals=(approval(),)), Missing.NOTHING),
        (facts("docs/a.md", pushed_by=None, approvals=(approval(),)), Missing.NOTHING),
        (facts(*NEEDS, approvals=(approval(), approval("bob", approves=False))), Missing.CHANGES_REQUESTED),
        (
            facts(*NEEDS, approvals=(approval(), approval("bob", approves=False, commit=OLDER))),
            Missing.CHANGES_REQUESTED,  # until its author says otherwise, whatever was pushed since
        ),
        (
            facts(*NEEDS, approvals=(approval(), approval("eve", approves=False, permission=Permission.READ))),
            Missing.NOTHING,
        ),
        (facts("docs/a.md"), Missing.NOTHING),
        (facts("docs/a.md", approvals=(approval(approves=False),)), Missing.CHANGES_REQUESTED),
        (facts("docs/a.md", complete=False), Missing.APPROVAL),
        (facts(), Missing.APPROVAL),
    ],
)
def test_what_is_missing(given: ReviewFacts, missing: Missing) -> None:
    assert decide_review(given).missing is missing


def test_nothing_that_needs_a_person_ever_merges_by_itself() -> None:
    kinds: list[tuple[str, ...]] = [NEEDS, ("docs/a.md",), ("unknown",), (".github/aios-bot.yml",), ()]
    either = (True, False)
    for paths, complete, ours, allowed, held, on in itertools.product(kinds, either, either, either, either, either):
        words = (approval(approves=False),) if held else ()
        given = facts(
            *paths,
            complete=complete,
            ours=ours,
            rules=ReviewRules(auto_merge=allowed),
            approvals=words,
            auto_merge=on,
        )
        decision = decide_review(given)
        may = paths == ("docs/a.md",) and complete and ours and allowed and not held
        assert decision.auto_merge is (may and not on)
        assert decision.by_hand is (ours and on and not may)


def test_the_check_names_each_rule_with_its_paths() -> None:
    decision = decide_review(facts("docs/a.md", "docs/b.md", "server/stacks/x/compose.yml"))
    assert [(m.rule, m.need, len(m.paths)) for m in decision.matched] == [
        ("compose stacks", Need.REQUIRED, 1),
        ("documentation", Need.OPTIONAL, 2),
    ]


@pytest.mark.parametrize("effect", MergeEffect)
def test_only_a_plan_in_which_nothing_happens_merges_by_itself(effect: MergeEffect) -> None:
    decision = decide_review(facts("docs/a.md", effect=effect))
    may = effect is MergeEffect.NOTHING
    assert (decision.auto_merge, decision.held, decision.need) == (may, None if may else effect, Need.OPTIONAL)
    on = decide_review(facts("docs/a.md", effect=effect, auto_merge=True))
    assert (on.auto_merge, on.by_hand) == (False, not may)


def test_a_merge_of_which_nobody_said_what_it_does_needs_a_person() -> None:
    given = ReviewFacts(
        paths=("docs/a.md",),
        complete=True,
        rules=ReviewRules(auto_merge=True),
        author="aios-bot[bot]",
        head=HEAD,
        ours=True,
    )
    assert (decide_review(given).auto_merge, decide_review(given).held) == (False, MergeEffect.UNPLANNED)


@pytest.mark.parametrize(
    ("effect", "words"),
    [
        (MergeEffect.UNPLANNED, "no plan of the merge could be made"),
        (MergeEffect.CHANGES, "the plan changes services"),
        (MergeEffect.RISKS, "the plan names risks"),
        (MergeEffect.UNREADABLE, "a stack could not be analysed"),
    ],
)
def test_the_check_says_why_the_bot_does_not_merge(effect: MergeEffect, words: str) -> None:
    text = render_review(decide_review(facts("docs/a.md", effect=effect)))
    assert f"Not merged automatically: {words}." in text.summary
    assert (text.title, text.conclusion) == ("Nothing in this needs a review", "success")
    quiet = facts("docs/a.md", effect=effect, rules=ReviewRules())
    assert "does not merge" not in render_review(decide_review(quiet)).summary
    assert decide_review(facts("docs/a.md", effect=effect, approvals=(approval(approves=False),))).held is None


def test_what_is_read_needs_a_person_whatever_its_name() -> None:
    rules = ReviewRules(auto_merge=True, optional=("**",))
    decision = decide_review(
        facts("docs/a.md", "docs/b.md", "x/y", rules=rules, read=frozenset(("docs/b.md", "x/y")))
    )
    assert [(m.rule, m.need, m.paths) for m in decision.matched] == [
        (READ, Need.REQUIRED, ("docs/b.md", "x/y")),
        ("the fleet's own: optional", Need.OPTIONAL, ("docs/a.md",)),
    ]
    assert (decision.need, decision.missing, decision.auto_merge) == (Need.REQUIRED, Missing.APPROVAL, False)


def test_where_not_all_could_be_read_every_name_is_doubted() -> None:
    decision = decide_review(facts("docs/a.md", ".github/x", "server/stacks/x/compose.yml", blind=True))
    assert {(m.rule, m.need) for m in decision.matched} == {
        (BLIND, Need.REQUIRED),
        ("control files", Need.REQUIRED),
        ("compose stacks", Need.REQUIRED),
    }
    assert decide_review(facts("docs/a.md", blind=True, read=frozenset(("docs/a.md",)))).matched[0].rule == READ


def test_names_alone_ask_for_a_review_of_every_path_or_not() -> None:
    assert asks_by_name(("stacks/a.yml", "x"), ReviewRules())
    assert not asks_by_name(("stacks/a.yml", "docs/x.md"), ReviewRules())
    assert asks_by_name((), ReviewRules())


CALM = plans.stack("web", plans.service())
JUDGED = [
    ((), MergeEffect.NOTHING),
    ((CALM,), MergeEffect.NOTHING),
    ((plans.stack("web", plans.service(action=Action.RELOAD)),), MergeEffect.CHANGES),
    ((plans.stack("web", remade_networks=("n",)),), MergeEffect.CHANGES),
    ((plans.stack("web", new_variables=("n",)),), MergeEffect.CHANGES),
    ((plans.stack("web", risks=(plans.risk(),)),), MergeEffect.RISKS),
    ((plans.stack("web", plans.service(risks=(plans.risk(),))),), MergeEffect.RISKS),
    ((plans.stack("web", plans.service(action=Action.RELOAD, risks=(plans.risk(),))),), MergeEffect.RISKS),
    ((plans.stack("web", error="no"),), MergeEffect.UNREADABLE),
    ((plans.stack("web", risks=(plans.risk(),), error="no"),), MergeEffect.UNREADABLE),
    ((CALM, plans.stack("b", risks=(plans.risk(),)), plans.stack("c", error="no")), MergeEffect.UNREADABLE),
    ((CALM, plans.stack("b", plans.service(action=Action.RESTART)), CALM), MergeEffect.CHANGES),
]


@pytest.mark.parametrize(("stacks", "effect"), JUDGED)
def test_the_gravest_word_of_all_plans_counts(stacks: tuple[Any, ...], effect: MergeEffect) -> None:
    assert judge_plans([plans.plan(plans.node("A", *stacks))]) is effect
    assert (
        judge_plans([plans.plan(plans.node("A", CALM)), plans.plan(plans.node("A", CALM), plans.node("B", *stacks))])
        is effect
    )


def test_who_approves_is_named_without_who_pushed() -> None:
    given = facts(*NEEDS, pushed_by="ada", approvals=(approval(), approval("bob")))
    assert decide_review(given).approved_by == ("bob",)
    given = facts(*NEEDS, pushed_by=None, approvals=(approval(), approval("bob")))
    assert decide_review(given).approved_by == ("ada", "bob")
