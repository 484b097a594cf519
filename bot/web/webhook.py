"""Serve `POST /webhook`: verify a delivery, and respond once it is stored.

The response is 202; the jobs that follow from the delivery run elsewhere.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import NamedTuple

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import RequestEntityTooLarge

from bot.github.webhook import LARGEST_BODY, Accepted, Rejected, accept
from bot.observability.log import log_context
from bot.observability.metrics import Counter
from bot.queue.inbox import Stored
from bot.settings.values import Secret

REFUSED = Counter(
    "aios_bot_webhooks_refused_total",
    "Webhook requests refused, by the status of the response.",
    {"status": ("400", "401", "413", "415")},
)

_LOG = logging.getLogger("bot.webhook")


class Receipt(NamedTuple):
    """What became of an accepted delivery. `ignored` says why it leads to no job, or is empty."""

    stored: Stored
    ignored: str


Receive = Callable[[Accepted], Receipt]  # stores a delivery with its jobs, in one transaction


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
