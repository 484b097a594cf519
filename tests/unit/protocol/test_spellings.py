"""Every word that is stored or sent keeps its spelling: other versions read it."""

from __future__ import annotations

from enum import StrEnum

import pytest

from bot.domain.risk_rules import Tuning
from bot.domain.severity import Severity
from bot.protocol import PROTOCOL_VERSION
from bot.protocol.action import Action
from bot.protocol.order import PAYLOAD_TYPE, HookTime, MismatchPolicy, OrderKind, RefusalReason
from bot.protocol.outcome import DifferenceKind, FailureReason, OrderEnd

pytestmark = pytest.mark.portable


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Action, "none reload restart create recreate rebuild remove"),
        (OrderKind, "deploy rollback restore plan-only drift"),
        (MismatchPolicy, "stop continue"),
        (HookTime, "before after"),
        (OrderEnd, "success rolled_back failed untouched refused"),
        (
            RefusalReason,
            (
                "malformed bad_signature other_fleet other_node not_yet_valid expired already_used older_number "
                "requires_update "
                "unsupported other_repository withdrawn wrong_commit wrong_pin local_edits local_commits "
                "drifted in_the_way other_files beyond_order"
            ),
        ),
        (
            FailureReason,
            (
                "engine record fetch disk stack variable image network volume port hook checkout apply unhealthy "
                "agent interrupted"
            ),
        ),
        (DifferenceKind, "missing extra changed image_moved unwell edited moved"),
        (Severity, "info notice risky"),
        (Tuning, "off info notice risky"),
    ],
)
def test_a_word_is_spelled_as_other_versions_read_it(kind: type[StrEnum], words: str) -> None:
    assert " ".join(kind) == words


def test_an_order_is_signed_as_such() -> None:
    assert PAYLOAD_TYPE == "application/vnd.aios-bot.order+json"
    assert PROTOCOL_VERSION == 1
