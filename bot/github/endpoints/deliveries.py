"""The deliveries of the last three days, in GitHub's own list.

Source: GitHub's "REST API endpoints for GitHub App webhooks". Only a delivery's own page holds its payload.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime

from bot.domain.names import DeliveryId
from bot.domain.values import Wire
from bot.github.client import PAGE, Client

LIST = "/app/hook/deliveries"


class Attempt(Wire, frozen=True):
    """One attempt to deliver. Attempts of one delivery share its guid."""

    id: int
    guid: str
    delivered_at: datetime
    event: str
    status: str
    status_code: int = 0


class _Request(Wire, frozen=True):
    payload: dict[str, object] | None = None


class _Detail(Wire, frozen=True):
    request: _Request = _Request()


def list_attempts(client: Client) -> Iterator[Attempt]:
    """The attempts, newest first; a page is requested when the caller reaches it, and is free while unchanged."""
    path: str | None = f"{LIST}?per_page={PAGE}"
    while path is not None:
        page, path = client.page(path, Attempt)
        yield from page


def read_body(client: Client, attempt: Attempt) -> bytes | None:
    """The payload as JSON; None when GitHub no longer has it."""
    found = client.find(f"{LIST}/{attempt.id}", _Detail)
    if found is None or not found.request.payload:
        return None
    return json.dumps(found.request.payload).encode()


def redeliver(client: Client, attempt: Attempt) -> None:
    """Have GitHub deliver it once more, under the same guid."""
    client.send("POST", f"{LIST}/{attempt.id}/attempts")


def guid_of(attempt: Attempt) -> DeliveryId:
    """The delivery that the attempt belongs to."""
    return DeliveryId(attempt.guid.lower())
