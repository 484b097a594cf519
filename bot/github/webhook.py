"""Judge a webhook request by its headers and body: a delivery that GitHub signed, or why not. Pure.

Source: GitHub's "Validating webhook deliveries" and "Webhook events and payloads".
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from bot.domain.names import DeliveryId
from bot.settings.values import Secret

LARGEST_BODY = 25 * 1024 * 1024  # bytes; GitHub sends no larger one

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_EVENT_NAME = re.compile(r"[a-z0-9_]{1,64}")
_SIGNATURE = re.compile(r"sha256=[0-9a-f]{64}")


@dataclass(frozen=True)
class Accepted:
    """A delivery that GitHub signed. `body` is a JSON object whose fields are not parsed yet."""

    guid: DeliveryId
    name: str
    body: bytes


@dataclass(frozen=True)
class Rejected:
    """The HTTP status to respond with, and a sentence for whoever set the webhook up. Nothing is stored."""

    status: int
    message: str


def accept(headers: Mapping[str, str], body: bytes, secret: Secret) -> Accepted | Rejected:
    """The delivery of a request with these headers (names in any case) and this raw body. Never raises."""
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
