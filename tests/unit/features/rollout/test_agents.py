"""Which agent an order names, and what a node that cannot take one is told."""

from __future__ import annotations

from typing import cast

import msgspec
import pytest

from bot.domain.names import CommitSha, DeploymentId, RepoName, SubmodulePath
from bot.features.rollout.decide.agents import TOO_OLD, AgentReason, decide_agent, reads_tree
from bot.features.rollout.facts import PastOrder, Stage
from bot.features.rollout.read.reports import find_newest_report
from bot.features.rollout.store import RolloutStore
from bot.fleetfile import Deploy
from bot.protocol.agent import AgentRelease, parse_agent, render_agent
from bot.protocol.order import UNDERSTOOD, OrderKind
from bot.protocol.outcome import MAX_DESCRIPTION_LENGTH, OrderEnd
from bot.protocol.report import Report

LOCK = "0f" * 32
NAMED = f"1.2.3@sha256:{LOCK}"
OLD = Report(version=1, number=7, end=OrderEnd.SUCCESS, text="")
NEW = msgspec.structs.replace(OLD, understands=("agent", "watch"))
GITHUB = "https://github.com/Tecnocrat/aios-bot/releases/download/v1.2.3"


@pytest.mark.parametrize("newest", [None, OLD, NEW])
def test_without_one_in_the_fleet_file_every_node_keeps_its_own(newest: Report | None) -> None:
    assert decide_agent(Deploy(agent_from="https://m.example"), newest) == (AgentReason.NONE_WANTED, None)


@pytest.mark.parametrize("newest", [None, NEW, msgspec.structs.replace(OLD, understands=("agent",))])
def test_a_node_that_joined_or_reported_since_is_named_one(newest: Report | None) -> None:
    assert decide_agent(Deploy(agent=NAMED), newest) == (AgentReason.NAMED, AgentRelease("1.2.3", GITHUB, LOCK))
    mirrored = decide_agent(Deploy(agent=NAMED, agent_from="https://m.example/x"), newest)
    assert mirrored.agent == AgentRelease("1.2.3", "https://m.example/x", LOCK)


@pytest.mark.parametrize(
    ("newest", "is_first", "reads"),
    [
        (None, True, True),
        (None, False, False),
        (OLD, True, False),
        (msgspec.structs.replace(OLD, understands=("agent", "watch")), True, False),
        (msgspec.structs.replace(OLD, understands=("tree",)), False, True),
    ],
)
def test_an_order_holds_its_files_where_the_node_reads_them(
    newest: Report | None, is_first: bool, reads: bool
) -> None:
    assert reads_tree(newest, is_first=is_first) is reads


@pytest.mark.parametrize("newest", [OLD, msgspec.structs.replace(OLD, understands=("watch",))])
def test_a_node_that_reported_before_is_told_to_join_again(newest: Report) -> None:
    assert decide_agent(Deploy(agent=NAMED), newest) == (AgentReason.TOO_OLD, None)
    assert TOO_OLD == "this node's aios-bot cannot be updated by an order: paste its join command again"
    assert len(TOO_OLD) <= MAX_DESCRIPTION_LENGTH


def test_the_reasons_have_the_words_that_are_logged() -> None:
    assert [str(reason) for reason in AgentReason] == ["none_wanted", "named", "too_old"]
    assert "agent" in UNDERSTOOD


def test_a_release_is_written_as_the_fleet_file_has_it() -> None:
    assert render_agent(parse_agent(NAMED)) == NAMED
    assert parse_agent(NAMED, url="https://m.example") == AgentRelease("1.2.3", "https://m.example", LOCK)


def test_the_newest_report_that_was_kept_counts() -> None:
    kept = {7: OLD, 5: msgspec.structs.replace(OLD, number=5)}

    class Statuses:
        def find_result(self, fleet: RepoName, number: DeploymentId) -> Report | None:
            assert fleet == "o/fleet"
            return kept.get(number)

    def newest(*numbers: int) -> Report | None:
        past = [
            PastOrder(
                number=DeploymentId(number),
                kind=OrderKind.DEPLOY,
                submodule=SubmodulePath("s"),
                commit=CommitSha("a" * 40),
                pin=CommitSha("b" * 40),
                marker="",
                stage=Stage.SUCCEEDED,
            )
            for number in numbers
        ]
        return find_newest_report(cast("RolloutStore", Statuses()), RepoName("o/fleet"), past)

    assert newest(9, 7, 5) == kept[7]
    assert newest(6, 5) == kept[5]
    assert newest(9) is None
    assert newest() is None
