"""Every end, refusal, trouble and difference has its words; the page is held to them by the golden documents."""

from __future__ import annotations

import pytest

from bot.protocol.ending import End
from bot.protocol.order import RefusalReason
from bot.protocol.outcome import DifferenceKind
from bot.protocol.reasons import DIFFERENCES, ENDS, REFUSALS, TROUBLES, render_outcomes
from bot.protocol.trouble import Trouble

pytestmark = pytest.mark.portable


def test_every_word_is_explained_once() -> None:
    assert list(ENDS) == list(End)
    assert set(REFUSALS) == set(RefusalReason)
    assert list(TROUBLES) == list(Trouble)
    assert list(DIFFERENCES) == list(DifferenceKind)
    page = render_outcomes()
    for word in (*End, *RefusalReason, *Trouble, *DifferenceKind):
        assert page.count(f"| `{word}` |") == 1, word
