"""The check `aios/review`: which rule asks for what, and what is missing. Pure."""

from __future__ import annotations

from bot.domain.names import PullNumber, RepoName
from bot.domain.notices import Topic
from bot.features.outbox.facts import Condition, Notice, WaitingPull, apply_rules
from bot.features.review.decide import Missing, Need, ReviewDecision
from bot.features.review.facts import MergeEffect, ReviewFacts
from bot.plan.report.check import CheckText
from bot.text import markdown as md

REVIEW_CHECK = "aios/review"
_MOST_PATHS = 20  # of one rule
_TITLES = {
    Missing.APPROVAL: "A person with write permission must approve the newest commit",
    Missing.OTHER_APPROVAL: "Someone other than the last pusher must approve the newest commit",
    Missing.SECOND_APPROVAL: "GitHub does not say who pushed the newest commit: a second person must approve it",
    Missing.CHANGES_REQUESTED: "A reviewer requested changes",
}
_HELD = {
    MergeEffect.UNPLANNED: "no plan of the merge could be made",
    MergeEffect.CHANGES: "the plan changes services",
    MergeEffect.RISKS: "the plan names risks",
    MergeEffect.UNREADABLE: "a stack could not be analysed",
}


def render_review(decision: ReviewDecision, *, note: str = "") -> CheckText:
    """What the check says. Missing reviews hold it back; everything else lets it pass."""
    if decision.missing is not Missing.NOTHING:
        title, conclusion = _TITLES[decision.missing], "action_required"
    elif decision.need is Need.REQUIRED:
        title, conclusion = f"Approved by {', '.join(decision.approved_by)}", "success"
    else:
        title, conclusion = "Nothing in this needs a review", "success"
    rows = [
        [
            "**required**" if one.need is Need.REQUIRED else "optional",
            md.text(one.rule),
            ", ".join(md.code(path) for path in one.paths[:_MOST_PATHS])
            + (f" and {len(one.paths) - _MOST_PATHS} more" if len(one.paths) > _MOST_PATHS else ""),
        ]
        for one in decision.matched
    ]
    table = md.table(["review", "rule", "paths"], rows) if rows else "No changed files found."
    held = f"Not merged automatically: {_HELD[decision.held]}." if decision.held in _HELD else ""
    rules = "Change these rules under `review:` in the fleet file; the first one that matches a path counts."
    summary = "\n\n".join(part for part in (table, held, note, rules) if part)
    return CheckText(title=title[:255], summary=summary[:60_000], text="", conclusion=conclusion)


def find_wait(facts: ReviewFacts, decision: ReviewDecision) -> str:
    """What the pull request waits for, when nothing but a person brings it further; else ""."""
    waits = facts.ours or decision.missing is not Missing.NOTHING
    merges = (facts.auto_merge or decision.auto_merge) and not decision.by_hand
    if facts.notify is None or facts.draft or merges or not waits:
        return ""
    return _TITLES.get(decision.missing, "ready to merge")


def describe_wait(
    facts: ReviewFacts, decision: ReviewDecision, *, number: PullNumber, title: str, since: int
) -> WaitingPull | None:
    """What the pages show of a pull request that waits for a person since then (seconds); None when it does not."""
    why = find_wait(facts, decision)
    if not why:
        return None
    to_merge = decision.missing is Missing.NOTHING
    return WaitingPull(
        number=number, title=title, author=facts.author, since=since, head=facts.head, why=why, to_merge=to_merge
    )


def describe_waiting(
    fleet: RepoName, facts: ReviewFacts, decision: ReviewDecision, *, number: PullNumber, since: int, url: str
) -> tuple[Condition, ...]:
    """What people are notified of when the pull request still waits, some time after `since` (seconds)."""
    rules, text = facts.notify, find_wait(facts, decision)
    if rules is None or not rules.approval_after or not text:
        return ()
    notice = Notice(topic=Topic.APPROVAL_WAITS, fleet=fleet, subject=f"#{number}", text=text, url=url)
    return apply_rules((Condition(notice=notice, due_at=since + rules.approval_after),), rules)
