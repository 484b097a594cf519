"""Verify webhook deliveries, and hand them on to be stored before GitHub gets its response.

`accept` is pure. The blueprint answers 202 once a delivery is stored; its jobs run elsewhere.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import msgspec
from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import RequestEntityTooLarge

from bot.domain.names import DeliveryId
from bot.observability.log import log_context
from bot.observability.metrics import Counter
from bot.queue.inbox import Stored
from bot.settings.read import Secret

LARGEST_BODY = 25 * 1024 * 1024  # GitHub sends no larger one

REFUSED = Counter(
    "aios_bot_webhooks_refused_total",
    "Webhook requests refused, by the status of the response.",
    {"status": ("400", "401", "413", "415")},
)

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


class Receipt(NamedTuple):
    """What became of an accepted delivery. `ignored` says why it leads to no job, or is empty."""

    stored: Stored
    ignored: str


Receive = Callable[[Accepted], Receipt]  # stores a delivery with its jobs, in one transaction


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


def make_blueprint(receive: Receive, secret: Secret) -> Blueprint:
    """`POST /webhook`."""
    blueprint = Blueprint("webhook", __name__)

    @blueprint.post("/webhook")
    def post_delivery() -> tuple[Response, int]:
        request.max_content_length = LARGEST_BODY + 1  # one more, to see that there is more
        try:
            body = request.get_data(cache=False)
        except RequestEntityTooLarge:
            return _answer(413, f"the body is larger than {LARGEST_BODY} bytes")
        judged = accept(dict(request.headers), body, secret)
        if isinstance(judged, Rejected):
            REFUSED.inc(status=str(judged.status))
            _LOG.warning("webhook refused (%d): %s", judged.status, judged.message)
            return _answer(judged.status, judged.message)
        with log_context(delivery=judged.guid):
            stored, ignored = receive(judged)
            _LOG.info("%s %s%s", judged.name, stored, f", ignored: {ignored}" if ignored else "")
        if stored is Stored.DUPLICATE:
            return _answer(202, "this delivery is known already")
        return _answer(202, f"ignored: {ignored}" if ignored else "accepted")

    return blueprint


def _answer(status: int, message: str) -> tuple[Response, int]:
    return jsonify(message=message), status
