"""What people are notified of about a node that differs."""

from __future__ import annotations

import msgspec

from bot.domain.names import NodeName, RepoName
from bot.domain.notices import Topic
from bot.features.drift.decide import DriftFacts, fingerprint_of
from bot.features.drift.text import describe_condition
from bot.features.outbox.facts import Condition, Notice
from bot.features.rollout.facts import Stage
from bot.fleetfile import Node
from bot.protocol.outcome import Difference
from tests.unit.features.drift.test_decide import GOOD, MISSING, NOW, asked
from tests.unit.features.rollout.test_orders import SERVER

FACTS = DriftFacts(
    node=Node(name=NodeName("A")),
    submodule=SERVER,
    every=86_400,
    now=NOW,
    past=(asked(Stage.SUCCEEDED, log_url="https://x/4"), GOOD),
    on_base=True,
    answer=MISSING,
    issue=None,
)


def described(**changes: object) -> Condition:
    return describe_condition(RepoName("a/b"), msgspec.structs.replace(FACTS, **changes))


def test_it_names_the_first_difference_and_counts_the_others() -> None:
    notice = Notice(
        topic=Topic.DRIFT,
        fleet=RepoName("a/b"),
        subject="A",
        text="server: ingress/traefik: has no container",
        url="https://x/4",
    )
    assert described() == Condition(notice=notice, state=fingerprint_of(MISSING))
    more: tuple[Difference, ...] = (*MISSING, msgspec.structs.replace(MISSING[0], text="is another image"))
    assert described(answer=more).notice.text == "server: ingress/traefik: has no container, and 1 more"
    assert described(past=(asked(Stage.FAILED, log_url="https://x/4"), GOOD)).notice.url == ""


def test_without_a_difference_or_a_check_there_is_nothing_to_tell() -> None:
    for changes in ({"answer": ()}, {"answer": None}, {"every": 0}):
        assert described(**changes).state == ""
        assert described(**changes).thing == "drift A"
