"""Wire the pages and the webhook to the service behind them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from flask import Flask

from bot.features.rollout.store import Fleets
from bot.queue.inbox import Inbox
from bot.service.intake import receive_delivery
from bot.service.metrics import render_metrics
from bot.settings.read import Secret
from bot.web.app import create_app
from bot.web.operations import Check


def build_app(
    inbox: Inbox,
    webhook_secret: Secret | None,
    *,
    fleets: Fleets,
    web_url: str,
    checks: Mapping[str, Check] | None = None,
) -> Flask:
    """The service's WSGI application; see `create_app`."""
    return create_app(
        inbox,
        webhook_secret,
        receive=partial(receive_delivery, inbox),
        fleets=fleets,
        web_url=web_url,
        render_metrics=partial(render_metrics, inbox.store),
        checks=checks,
    )
