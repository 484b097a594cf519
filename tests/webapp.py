"""The service's application over a queue, for tests."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Flask

from bot.cli.web import build_app
from bot.features.rollout.store import Fleets
from bot.queue.inbox import Inbox
from bot.settings.read import Secret
from bot.web.operations import Check

PAGE_KEY = b"key of the fleets' pages"


def make_app(inbox: Inbox, secret: Secret, *, checks: Mapping[str, Check] | None = None) -> Flask:
    fleets = Fleets(inbox.store, page_key=PAGE_KEY)
    return build_app(inbox, secret, fleets=fleets, web_url="https://github.com", checks=checks)
