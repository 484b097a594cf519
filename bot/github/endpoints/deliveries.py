"""GitHub's own list of what it delivered to the App, or tried to: three days of it.

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
    """Newest first, a page at a time, as far as the caller reads. Looking again at an unchanged list is free."""
    path: str | None = f"{LIST}?per_page={PAGE}"
    while path is not None:
        page, path = client.page(path, Attempt)
        yield from page


def read_body(client: Client, attempt: Attempt) -> bytes | None:
    """What was to be delivered, as JSON; None when GitHub does not have it any more."""
    found = client.find(f"{LIST}/{attempt.id}", _Detail)
    if found is None or not found.request.payload:
        return None
    return json.dumps(found.request.payload).encode()


def ask_again(client: Client, attempt: Attempt) -> None:
    """Have GitHub deliver it once more, under the same guid."""
    client.send("POST", f"{LIST}/{attempt.id}/attempts")


def guid_of(attempt: Attempt) -> DeliveryId:
    """The delivery that the attempt belongs to."""
    return DeliveryId(attempt.guid.lower())
