"""Every end, refusal, failure and difference has its words; the page is held to them by the golden documents."""

from __future__ import annotations

import pytest

from bot.protocol.order import RefusalReason
from bot.protocol.outcome import DifferenceKind, FailureReason, OrderEnd
from tools.docs.node_outcomes import DIFFERENCES, ENDS, FAILURES, REFUSALS, render_outcomes

pytestmark = pytest.mark.portable


def test_every_word_is_explained_once() -> None:
    assert list(ENDS) == list(OrderEnd)
    assert set(REFUSALS) == set(RefusalReason)
    assert list(FAILURES) == list(FailureReason)
    assert list(DIFFERENCES) == list(DifferenceKind)
    page = render_outcomes()
    for word in (*OrderEnd, *RefusalReason, *FailureReason, *DifferenceKind):
        assert page.count(f"| `{word}` |") == 1, word
