"""Every meter of the service, in one list: what /metrics shows, and docs/reference/metrics.md tells.

Labels are closed: kinds of looks, events and reasons come from the types that define them (bot.observability.meters).
"""

from __future__ import annotations

from enum import StrEnum
from typing import get_args

from bot.features.bump.decide import BumpReason
from bot.features.commands.decide.reasons import CommandReason
from bot.features.drift.decide import DriftReason
from bot.features.rollout.decide.rollout import RolloutReason
from bot.github.events import Event
from bot.github.ignored import IgnoredReason
from bot.observability.meters import Counter, Gauge, Histogram, Registry


def _tags(union: object) -> tuple[str, ...]:
    return tuple(str(kind.__struct_config__.tag) for kind in get_args(union))


EVENTS = _tags(Event)
LOOKS = (
    *("hub", "bump", "rollout", "drift", "fleet", "installation", "around", "deliveries"),
    *("upstream_pull", "upstream", "command", "acknowledge", "review", "pull_end", "asked"),
)


class Way(StrEnum):
    """How a delivery came in."""

    WEBHOOK = "webhook"
    FETCHED = "fetched"  # from GitHub's list: missed, or the service has no ingress


class Fate(StrEnum):
    """What became of one run of a look."""

    DONE = "done"
    HELD = "held"  # the outside asked to wait
    TRIED_AGAIN = "tried_again"
    FAILED = "failed"


class Waiting(StrEnum):
    """Why a request to GitHub was put off."""

    SPACING = "spacing"  # our own pause between writes
    RESERVE = "reserve"  # what is left of the hour is kept for people's commands
    PRIMARY = "primary_limit"
    SECONDARY = "secondary_limit"
    OUTAGE = "outage"  # no answer, or an error of GitHub's


DELIVERIES = Counter(
    "aios_bot_deliveries_total", "Deliveries stored, by the way they came.", {"event": EVENTS, "way": tuple(Way)}
)
DUPLICATES = Counter("aios_bot_deliveries_known_total", "Deliveries that were stored already.", {"way": tuple(Way)})
IGNORED = Counter(
    "aios_bot_deliveries_ignored_total",
    "Stored deliveries that lead to no work, by reason.",
    {"reason": tuple(IgnoredReason)},
)
REFUSED = Counter(
    "aios_bot_webhooks_refused_total",
    "Requests turned away at the door, by the status answered.",
    {"status": ("400", "401", "413", "415")},
)
RUNS = Counter("aios_bot_looks_total", "Runs of looks, by what became of them.", {"look": LOOKS, "fate": tuple(Fate)})
RUN_SECONDS = Histogram("aios_bot_look_seconds", "How long a run of a look took.", {"look": LOOKS})
DECISIONS = Counter(
    "aios_bot_decisions_total",
    "Decisions taken, by their reason.",
    {"look": LOOKS, "reason": tuple(dict.fromkeys([*BumpReason, *RolloutReason, *CommandReason, *DriftReason]))},
)
PREDICTIONS = Counter(
    "aios_bot_services_deployed_total",
    "Services of orders that ended, by whether what happened to them is what the plan said.",
    {"result": ("as_planned", "otherwise")},
)
OPEN_LOOKS = Gauge("aios_bot_queue_looks", "Looks in the queue.", {"state": ("waiting", "held", "running")})
OLDEST = Gauge("aios_bot_queue_oldest_seconds", "Age of the oldest look that is due and not done.")
OPEN_DELIVERIES = Gauge("aios_bot_deliveries", "Deliveries in the database.", {"state": ("received", "failed")})
REQUESTS = Counter(
    "aios_bot_github_requests_total",
    "Requests to GitHub's API, by the class of the answer's status; none: no answer came.",
    {"method": ("GET", "POST", "PATCH", "PUT", "DELETE"), "status": ("2xx", "304", "3xx", "4xx", "5xx", "none")},
)
TOKENS = Counter("aios_bot_github_tokens_total", "Installation tokens asked for.")
PUT_OFF = Counter("aios_bot_github_put_off_total", "Work put off, by why.", {"why": tuple(Waiting)})
SPACED = Counter("aios_bot_github_spacing_seconds_total", "Seconds that writes waited for the one before.")
BUDGET = Gauge("aios_bot_github_budget", "Requests an installation may make in an hour.", {"installation": None})
BUDGET_LEFT = Gauge("aios_bot_github_budget_left", "Requests left of them.", {"installation": None})
BUDGET_RESET = Gauge(
    "aios_bot_github_budget_reset_seconds", "When they are given anew, in seconds since 1970.", {"installation": None}
)
BACKFILLS = Counter(
    "aios_bot_backfills_total", "Comparisons with GitHub's list of deliveries.", {"outcome": ("done", "failed")}
)
DISK = Gauge("aios_bot_disk_bytes", "Disk in use.", {"what": ("mirrors", "renderings", "database")})
MEMORY = Gauge("process_resident_memory_bytes", "Resident memory size in bytes.")
STARTED = Gauge("process_start_time_seconds", "Start time of the process since 1970 in seconds.")

REGISTRY = Registry(
    (
        *(DELIVERIES, DUPLICATES, IGNORED, REFUSED, OPEN_DELIVERIES),
        *(RUNS, RUN_SECONDS, DECISIONS, PREDICTIONS, OPEN_LOOKS, OLDEST),
        *(REQUESTS, TOKENS, PUT_OFF, SPACED, BUDGET, BUDGET_LEFT, BUDGET_RESET),
        *(BACKFILLS, DISK, MEMORY, STARTED),
    )
)
