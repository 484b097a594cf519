"""The door: who may come in, and what is written down before anybody is answered.

`accept` is pure. The blueprint stores an accepted delivery durably and answers 202; the work is done elsewhere.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import RequestEntityTooLarge

from bot.domain.names import DeliveryId
from bot.features.commands.store import People, bind_plans
from bot.github.events import Ping, parse_event
from bot.github.ignored import Ignored
from bot.observability.log import log_context
from bot.queue.inbox import Inbox, Taken
from bot.queue.ledger import Delivery
from bot.service import metrics
from bot.service.metrics import Way
from bot.service.router import route
from bot.settings.values import Secret

LARGEST_BODY = 25 * 1024 * 1024  # GitHub sends no larger one

_LOG = logging.getLogger("bot.webhook")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_EVENT_NAME = re.compile(r"[a-z0-9_]{1,64}")
_SIGNATURE = re.compile(r"sha256=[0-9a-f]{64}")


@dataclass(frozen=True)
class Accepted:
    """A delivery that GitHub signed. `body` is a JSON object, not looked into yet."""

    guid: DeliveryId
    name: str
    body: bytes


@dataclass(frozen=True)
class Rejected:
    """An HTTP status and a sentence for whoever set the webhook up. Nothing of it is stored."""

    status: int
    message: str


def accept(headers: Mapping[str, str], body: bytes, secret: Secret) -> Accepted | Rejected:
    """Judge a request by its headers (names in any case) and its raw body. Never raises.

    Source: GitHub's "Validating webhook deliveries" and "Webhook events and payloads".
    """
    given = {name.lower(): text for name, text in headers.items()}
    if len(body) > LARGEST_BODY:
        return Rejected(413, f"the body is larger than {LARGEST_BODY} bytes")
    signature = given.get("x-hub-signature-256")
    if signature is None:
        return Rejected(401, "X-Hub-Signature-256 is missing: set a webhook secret in the App's settings")
    # Shape first: compare_digest refuses text that is not ASCII.
    if not _SIGNATURE.fullmatch(signature) or not hmac.compare_digest(signature, sign(body, secret)):
        return Rejected(401, "X-Hub-Signature-256 does not fit: is the webhook secret the same on both sides?")
    content_type = given.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != "application/json":
        return Rejected(415, "set the webhook's content type to application/json")
    guid, name = given.get("x-github-delivery", ""), given.get("x-github-event", "")
    if not _UUID.fullmatch(guid):
        return Rejected(400, "X-GitHub-Delivery is missing or no UUID")
    if not _EVENT_NAME.fullmatch(name):
        return Rejected(400, "X-GitHub-Event is missing or no event name")
    try:
        body.decode()  # fields that are skipped are not checked by the decoder
        msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return Rejected(400, "the body is not a JSON object")
    return Accepted(guid=DeliveryId(guid.lower()), name=name, body=body)


def sign(body: bytes, secret: Secret) -> str:
    """The X-Hub-Signature-256 that belongs to `body`."""
    return "sha256=" + hmac.new(secret.reveal().encode(), body, hashlib.sha256).hexdigest()


def take_in(accepted: Accepted, inbox: Inbox, *, way: Way = Way.WEBHOOK) -> tuple[Taken, str]:
    """Parse, route and store an accepted delivery; the second value says why nothing follows, or is empty.

    Also the way of a delivery that was fetched from GitHub's list.
    """
    event = parse_event(accepted.name, accepted.body)
    if isinstance(event, Ignored):
        delivery = Delivery(guid=accepted.guid, name=accepted.name, event=event)
    else:
        looks = bind_plans(route(event, inbox.store.pins()), People(inbox.store))
        delivery = Delivery(guid=accepted.guid, name=accepted.name, event=event, looks=looks)
    taken = inbox.take_in(delivery)
    _count(delivery, taken, way)
    return taken, event.reason if isinstance(event, Ignored) else ""


def _count(delivery: Delivery, taken: Taken, way: Way) -> None:
    if taken is Taken.DUPLICATE:
        metrics.DUPLICATES.count(way=way)
        return
    metrics.DELIVERIES.count(event=str(delivery.event.__struct_config__.tag), way=way)
    if isinstance(delivery.event, Ignored):
        metrics.IGNORED.count(reason=delivery.event.reason)
    elif not delivery.looks and not isinstance(delivery.event, Ping):
        metrics.IGNORED.count(reason="no_fleet_concerned")


def make_blueprint(inbox: Inbox, secret: Secret) -> Blueprint:
    """`POST /webhook`."""
    blueprint = Blueprint("webhook", __name__)

    @blueprint.post("/webhook")
    def receive() -> tuple[Response, int]:
        request.max_content_length = LARGEST_BODY + 1  # one more, to see that there is more
        try:
            body = request.get_data(cache=False)
        except RequestEntityTooLarge:
            return _answer(413, f"the body is larger than {LARGEST_BODY} bytes")
        judged = accept(dict(request.headers), body, secret)
        if isinstance(judged, Rejected):
            metrics.REFUSED.count(status=str(judged.status))
            _LOG.warning("webhook refused (%d): %s", judged.status, judged.message)
            return _answer(judged.status, judged.message)
        with log_context(delivery=judged.guid):
            taken, ignored = take_in(judged, inbox)
            _LOG.info("%s %s%s", judged.name, taken, f", ignored: {ignored}" if ignored else "")
        if taken is Taken.DUPLICATE:
            return _answer(202, "this delivery is known already")
        return _answer(202, f"ignored: {ignored}" if ignored else "accepted")

    return blueprint


def _answer(status: int, message: str) -> tuple[Response, int]:
    return jsonify(message=message), status
