"""The issue that tells how a node differs from what it was given. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from bot.domain.names import NodeName, PullNumber, RepoName, SubmodulePath, short
from bot.domain.notices import Topic
from bot.domain.verbs import Verb, spell_verb
from bot.features.drift.decide import DriftFacts, fingerprint_of
from bot.features.outbox.facts import Condition, Notice
from bot.features.rollout.facts import PastOrder, Stage
from bot.features.rollout.text import render_differences
from bot.protocol.order import OrderKind
from bot.protocol.outcome import Difference
from bot.text import markdown as md
from bot.text import markers
from bot.text.counts import plural

MOST_ROWS = 100
_MARKER = re.compile(re.escape(markers.DRIFT) + r" (\S+) (\S+) ([0-9a-f]*) -->")


class IssueText(NamedTuple):
    """What the issue says."""

    title: str
    body: str


class DriftMarker(NamedTuple):
    """By which the issue is found again."""

    node: str
    submodule: str
    fingerprint: str


def render_drift(
    node: NodeName,
    submodule: SubmodulePath,
    differences: Sequence[Difference],
    asked: PastOrder,
    *,
    pull: PullNumber | None,
    prefix: str,
) -> IssueText:
    """The issue while there is something to tell. `pull` brought what the node runs; `prefix` is of the commands."""
    count = len(differences)
    log = md.link(short(asked.commit), asked.log_url)
    rows = render_differences((node, one) for one in differences[:MOST_ROWS])
    more = f"\n\nand {count - MOST_ROWS} more" if count > MOST_ROWS else ""
    body = (
        f"{md.code(node)} no longer matches {md.code(submodule)} `{short(asked.pin)}`, its last deploy ({log})."
        f"\n\n{rows}{more}\n\n"
        f"{_say_cure(node, pull, prefix)}, or commit the manual changes. Another deploy restores only the services "
        "that it changes. This issue closes automatically once the node matches its last deploy.\n\n"
        f"{_marker(node, submodule, fingerprint_of(differences))}"
    )
    return IssueText(title=f"{node} has drifted: {plural(count, 'difference')}", body=body)


def _say_cure(node: NodeName, pull: PullNumber | None, prefix: str) -> str:
    command = md.code(spell_verb(Verb.DEPLOY, node, prefix=prefix))
    where = f"#{pull}" if pull else "the pull request whose merge it runs"
    return f"To restore what was removed or changed by hand, comment {command} on {where}"


def render_settled(node: NodeName, submodule: SubmodulePath) -> str:
    """The issue's body when it closes."""
    return f"{md.code(node)} matches its last deploy of {md.code(submodule)} again.\n\n{_marker(node, submodule, '')}"


def describe_condition(fleet: RepoName, facts: DriftFacts) -> Condition:
    """What people are notified of; without a `state` there is nothing that differs, or nobody looks."""
    answer = (facts.answer or ()) if facts.every else ()
    first = f"{answer[0].where}: {answer[0].text}" if answer else ""
    text = f"{facts.submodule}: {first}" + (f", and {len(answer) - 1} more" if len(answer) > 1 else "")
    url = next((o.log_url for o in facts.past if o.kind is OrderKind.DRIFT and o.stage is Stage.SUCCEEDED), "")
    notice = Notice(topic=Topic.DRIFT, fleet=fleet, subject=facts.node.name, text=text, url=url)
    return Condition(notice=notice, state=fingerprint_of(answer))


def _marker(node: NodeName, submodule: SubmodulePath, fingerprint: str) -> str:
    return f"{markers.DRIFT} {node} {submodule} {fingerprint} -->"


def parse_drift_marker(body: str) -> DriftMarker | None:
    """The marker in an issue's body, if it is one of these."""
    found = _MARKER.search(body)
    return DriftMarker(*found.groups()) if found else None
