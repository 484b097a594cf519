"""Metrics of the requests to GitHub and of each installation's budget."""

from __future__ import annotations

from enum import StrEnum

from bot.observability.metrics import Counter, Gauge


class DeferralReason(StrEnum):
    """Why work on GitHub was put off."""

    SPACING = "spacing"  # our own pause between writes
    RESERVE = "reserve"  # the rest of the hour's requests is kept for people's commands
    PRIMARY = "primary_limit"
    SECONDARY = "secondary_limit"
    OUTAGE = "outage"  # no answer, or a server error


REQUESTS = Counter(
    "aios_bot_github_requests_total",
    "Requests to GitHub's API, by the class of the response's status; none: there was no response.",
    {"method": ("GET", "POST", "PATCH", "PUT", "DELETE"), "status": ("2xx", "304", "3xx", "4xx", "5xx", "none")},
)
TOKENS = Counter("aios_bot_github_tokens_total", "Installation tokens requested.")
DEFERRALS = Counter("aios_bot_github_put_off_total", "Work put off, by reason.", {"why": DeferralReason})
SPACING_SECONDS = Counter("aios_bot_github_spacing_seconds_total", "Seconds that writes waited for their turn.")
BUDGET = Gauge("aios_bot_github_budget", "Requests an installation may make in an hour.", {"installation": None})
BUDGET_LEFT = Gauge("aios_bot_github_budget_left", "Requests left of the budget.", {"installation": None})
BUDGET_RESET = Gauge(
    "aios_bot_github_budget_reset_seconds",
    "When the budget is reset, in seconds since the Unix epoch.",
    {"installation": None},
)
