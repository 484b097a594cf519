"""Serve `POST /webhook`: verify a delivery, and respond once it is stored.

The response is 202; the jobs that follow from the delivery run elsewhere.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import RequestEntityTooLarge

from bot.github.webhook import LARGEST_BODY, Accepted, Rejected, accept
from bot.observability.log import log_context
from bot.queue.inbox import Receipt
from bot.service import metrics
from bot.settings.read import Secret

_LOG = logging.getLogger("bot.webhook")

Receive = Callable[[Accepted], tuple[Receipt, str]]
"""Stores an accepted delivery; whether it is new, and why nothing follows from it ("" when something does)."""


def make_blueprint(receive_delivery: Receive, secret: Secret) -> Blueprint:
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
            receipt, ignored = receive_delivery(judged)
            _LOG.info("%s %s%s", judged.name, receipt, f", ignored: {ignored}" if ignored else "")
        if receipt is Receipt.DUPLICATE:
            return _answer(202, "this delivery is known already")
        return _answer(202, f"ignored: {ignored}" if ignored else "accepted")

    return blueprint


def _answer(status: int, message: str) -> tuple[Response, int]:
    return jsonify(message=message), status
