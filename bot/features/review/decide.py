"""Which changes a person has to look at, and whether one did. Pure.

The built-in rules are the fleet's decision matrix: compose stacks, Prometheus configuration and Vault scripts need
a review; documentation (also beside a stack), bootstrap scripts, TLS scripts and workspace files do not. A fleet's
own rules come before them. What no rule knows needs a review. What decides who may do what always does, and so does
what a stack, a hook or a workflow reads, whatever its name and whatever a fleet says.

The bot merges only what changes nothing that runs: names alone never decide that.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from bot.domain.names import CommitSha
from bot.domain.values import Value
from bot.domain.verdicts import Permission
from bot.features.review.facts import MergeEffect, ReviewApproval, ReviewFacts, is_control_file
from bot.fleetfile import ReviewRules
from bot.plan.model import Plan, StackPlan
from bot.text.globs import matches_glob


class Need(StrEnum):
    """Whether a change needs an approving review."""

    REQUIRED = "required"
    OPTIONAL = "optional"


class ReviewRule(Value, frozen=True):
    """Paths, and what their change needs. The first rule that matches a path counts."""

    name: str
    need: Need
    globs: tuple[str, ...]


CONTROL = "control files"
READ = "read by a stack, a hook or a workflow"
BLIND = "perhaps read by a stack that could not be analysed"
UNKNOWN = "nothing else known"
BUILT_IN = (
    ReviewRule(
        name="documents below a stack", need=Need.OPTIONAL, globs=("**/stacks/**/*.md", "**/stacks/**/LICENSE")
    ),
    ReviewRule(
        name="compose stacks",
        need=Need.REQUIRED,
        globs=("**/stacks/**", "**/*compose*.yml", "**/*compose*.yaml", "**/Dockerfile*", "**/.env*"),
    ),
    ReviewRule(
        name="Prometheus configuration",
        need=Need.REQUIRED,
        globs=("**/prometheus/**", "**/*prometheus*.yml", "**/*prometheus*.yaml"),
    ),
    ReviewRule(name="Vault scripts", need=Need.REQUIRED, globs=("**/*vault*", "**/*vault*/**")),
    ReviewRule(
        name="bootstrap scripts",
        need=Need.OPTIONAL,
        globs=("scripts/*bootstrap*/**", "scripts/*bootstrap*", "**/scripts/bootstrap/**"),
    ),
    ReviewRule(name="TLS scripts", need=Need.OPTIONAL, globs=("scripts/**/*tls*", "scripts/**/*cert*")),
    ReviewRule(name="documentation", need=Need.OPTIONAL, globs=("**/docs/**", "**/*.md", "**/LICENSE")),
    ReviewRule(
        name="workspace files",
        need=Need.OPTIONAL,
        globs=("**/*.code-workspace", "**/.vscode/**", "**/.editorconfig", "**/.gitignore", "**/.gitattributes"),
    ),
)


class Matched(Value, frozen=True):
    """A rule and the paths that fell to it."""

    rule: str
    need: Need
    paths: tuple[str, ...]


class Missing(StrEnum):
    """What a pull request still lacks."""

    NOTHING = "nothing"
    APPROVAL = "approval"
    OTHER_APPROVAL = "other_approval"  # only who pushed the newest commit approved
    SECOND_APPROVAL = "second_approval"  # nobody knows who pushed it: of two people, one did not
    CHANGES_REQUESTED = "changes_requested"


class ReviewDecision(Value, frozen=True):
    """What the check says. `by_itself`: the bot may merge it; `auto_merge`: for that, switch it on.

    `by_hand`: switch it off, because a person is needed.
    `held`: names ask for nobody and the fleet lets the bot merge, but this is what the merge would do.
    """

    matched: tuple[Matched, ...]
    need: Need
    missing: Missing
    approved_by: tuple[str, ...] = ()
    by_itself: bool = False
    auto_merge: bool = False
    by_hand: bool = False
    held: MergeEffect | None = None


def decide_review(facts: ReviewFacts) -> ReviewDecision:
    """Which rule asks for what, and what is missing."""
    matched = _match_all(facts)
    needs = {one.need for one in matched}
    need = Need.REQUIRED if Need.REQUIRED in needs or not facts.complete or not matched else Need.OPTIONAL
    words = {a.login: a for a in facts.approvals if a.permission.reaches(Permission.WRITE)}
    objecting = any(not word.approves for word in words.values())
    willing = find_willing(words.values(), author=facts.author, head=facts.head)
    # An approval is of somebody else's work: who pushed the newest commit is no judge of it.
    approved = tuple(login for login in willing if facts.pushed_by is None or not _is_same(login, facts.pushed_by))
    missing = Missing.NOTHING
    if objecting:
        missing = Missing.CHANGES_REQUESTED
    elif need is Need.REQUIRED and not willing:
        missing = Missing.APPROVAL
    elif need is Need.REQUIRED and not approved:
        missing = Missing.OTHER_APPROVAL
    elif need is Need.REQUIRED and facts.pushed_by is None and len(approved) == 1:
        missing = Missing.SECOND_APPROVAL
    asks_nobody = need is Need.OPTIONAL and facts.ours and facts.rules.auto_merge and not objecting
    by_itself = asks_nobody and facts.effect is MergeEffect.NOTHING
    return ReviewDecision(
        matched=matched,
        need=need,
        missing=missing,
        approved_by=approved,
        by_itself=by_itself,
        auto_merge=by_itself and not facts.auto_merge,
        by_hand=facts.ours and facts.auto_merge and not by_itself,
        held=facts.effect if asks_nobody and not by_itself else None,
    )


def find_willing(approvals: Iterable[ReviewApproval], *, author: str, head: CommitSha) -> tuple[str, ...]:
    """Who approves the commit `head`, and did not open the pull request. Permissions are not looked at."""
    return tuple(
        one.login for one in approvals if one.approves and one.commit == head and not _is_same(one.login, author)
    )


def _is_same(login: str, other: str) -> bool:
    return login.lower() == other.lower()


def judge_plans(plans: Iterable[Plan]) -> MergeEffect:
    """The gravest thing that the plans of one merge say; none: nothing is deployed by it."""
    found = {_judge_stack(stack) for plan in plans for node in plan.nodes for stack in node.stacks}
    graver = (MergeEffect.UNREADABLE, MergeEffect.RISKS, MergeEffect.CHANGES)
    return next((effect for effect in graver if effect in found), MergeEffect.NOTHING)


def _judge_stack(stack: StackPlan) -> MergeEffect:
    if stack.error is not None:
        return MergeEffect.UNREADABLE
    if stack.risks or any(service.risks for service in stack.services):
        return MergeEffect.RISKS
    touched = stack.changed or stack.remade_networks or stack.new_variables
    return MergeEffect.CHANGES if touched else MergeEffect.NOTHING


def asks_by_name(paths: Iterable[str], rules: ReviewRules) -> bool:
    """Whether the names of `paths` alone ask for a review of every one of them."""
    return all(match_rule(path, rules).need is Need.REQUIRED for path in paths)


def _match_all(facts: ReviewFacts) -> tuple[Matched, ...]:
    found: dict[tuple[str, Need], list[str]] = {}
    for path in facts.paths:
        rule = _judge_path(path, facts)
        found.setdefault((rule.name, rule.need), []).append(path)
    listed = (Matched(rule=name, need=need, paths=tuple(paths)) for (name, need), paths in found.items())
    return tuple(sorted(listed, key=lambda one: (list(Need).index(one.need), one.rule)))


def _judge_path(path: str, facts: ReviewFacts) -> ReviewRule:
    """The rule that `path` falls to. What its name allows, what reads it may forbid."""
    rule = match_rule(path, facts.rules)
    if rule.need is Need.REQUIRED or not (facts.blind or path in facts.read):
        return rule
    return ReviewRule(name=READ if path in facts.read else BLIND, need=Need.REQUIRED, globs=())


def match_rule(path: str, rules: ReviewRules) -> ReviewRule:
    """The rule that the name of `path` falls to."""
    if is_control_file(path):
        return ReviewRule(name=CONTROL, need=Need.REQUIRED, globs=())
    own = (
        ReviewRule(name="the fleet's own: required", need=Need.REQUIRED, globs=rules.required),
        ReviewRule(name="the fleet's own: optional", need=Need.OPTIONAL, globs=rules.optional),
    )
    unknown = ReviewRule(name=UNKNOWN, need=Need.REQUIRED, globs=())
    return next((rule for rule in (*own, *BUILT_IN) if any(matches_glob(path, glob) for glob in rule.globs)), unknown)
