"""Store webhook deliveries together with the jobs they lead to."""

from __future__ import annotations

from enum import StrEnum
from typing import get_args

from bot.features.commands.store import People, bind_plans
from bot.github.events import Event, Ping, parse_event
from bot.github.ignored import Ignored, IgnoredReason
from bot.observability.metrics import Counter
from bot.queue.inbox import Inbox, Taken
from bot.queue.ledger import Delivery
from bot.service.router import route
from bot.web.webhook import Accepted, Receipt


class DeliverySource(StrEnum):
    """How a delivery reached the service."""

    WEBHOOK = "webhook"
    FETCHED = "fetched"  # from GitHub's list: it was missed, or the service has no ingress


DELIVERIES = Counter(
    "aios_bot_deliveries_total",
    "Deliveries stored, by source.",
    {"event": [str(kind.__struct_config__.tag) for kind in get_args(Event)], "way": DeliverySource},
)
DUPLICATES = Counter(
    "aios_bot_deliveries_known_total", "Deliveries that were stored before.", {"way": DeliverySource}
)
IGNORED = Counter(
    "aios_bot_deliveries_ignored_total",
    "Stored deliveries that lead to no job, by reason.",
    {"reason": (*IgnoredReason, "no_fleet_concerned")},
)


def receive_delivery(inbox: Inbox, accepted: Accepted, *, source: DeliverySource = DeliverySource.WEBHOOK) -> Receipt:
    """Parse a delivery, route it to jobs, and store both in one transaction.

    What a command is bound to, the plan that its pull request shows, is read here: at the moment of arrival.
    """
    event = parse_event(accepted.name, accepted.body)
    if isinstance(event, Ignored):
        delivery = Delivery(guid=accepted.guid, name=accepted.name, event=event)
    else:
        looks = bind_plans(route(event, inbox.store.pins()), People(inbox.store))
        delivery = Delivery(guid=accepted.guid, name=accepted.name, event=event, looks=looks)
    taken = inbox.take_in(delivery)
    _count(delivery, taken, source)
    return Receipt(taken, event.reason if isinstance(event, Ignored) else "")


def _count(delivery: Delivery, taken: Taken, source: DeliverySource) -> None:
    if taken is Taken.DUPLICATE:
        DUPLICATES.inc(way=source)
        return
    DELIVERIES.inc(event=str(delivery.event.__struct_config__.tag), way=source)
    if isinstance(delivery.event, Ignored):
        IGNORED.inc(reason=delivery.event.reason)
    elif not delivery.looks and not isinstance(delivery.event, Ping):
        IGNORED.inc(reason="no_fleet_concerned")
