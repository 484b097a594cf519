"""The metric of decisions. Each feature declares the reasons of its own decisions where it counts them."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from bot.observability.metrics import Counter

DECISIONS = Counter("aios_bot_decisions_total", "Decisions, by reason.", {"look": (), "reason": ()})


def decision_counter(look: str, reasons: type[StrEnum]) -> Callable[[StrEnum], None]:
    """A function that counts one decision by its reason, which is one of `reasons`.

    count_decision = decision_counter("bump", BumpReason)
    count_decision(decision.reason)
    """
    DECISIONS.declare(look=(look,), reason=reasons)
    return lambda reason: DECISIONS.inc(look=look, reason=reason)
