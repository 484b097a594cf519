"""The judge of GraphQL itself: what GitHub knows passes, and everything else is told."""

from __future__ import annotations

from typing import Any

import pytest

from tests.graphql_judge import judge_graphql

ASK = "query($owner: String!, $name: String!) { repository(owner: $owner, name: $name) { "
ASK_STATE = f"{ASK} pullRequest(number: 3) {{ reviewDecision }} }} }}"
VARIABLES = {"owner": "acme", "name": "fleet"}
APPROVED: dict[str, Any] = {"repository": {"pullRequest": {"reviewDecision": "APPROVED"}}}


def test_what_github_knows_passes() -> None:
    assert judge_graphql(ASK_STATE, VARIABLES, APPROVED).faults == ()
    assert judge_graphql(ASK_STATE, VARIABLES, None).faults == ()


@pytest.mark.parametrize(
    ("query", "variables", "data"),
    [
        (ASK, VARIABLES, None),  # no whole query
        (ASK_STATE.replace("reviewDecision", "verdict"), VARIABLES, None),
        (ASK_STATE, {"owner": "acme"}, None),
        (ASK_STATE, {"owner": "acme", "name": 3}, None),
        (ASK_STATE, VARIABLES, {"repository": {"pullRequest": {"reviewDecision": "MAYBE"}}}),
        (ASK_STATE, VARIABLES, {"repository": {"pullRequest": {"decision": "APPROVED"}}}),
        (ASK_STATE, VARIABLES, {**APPROVED, "more": 1}),
    ],
)
def test_what_it_does_not_know_is_told(query: str, variables: dict[str, Any], data: dict[str, Any] | None) -> None:
    assert judge_graphql(query, variables, data).faults
