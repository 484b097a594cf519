"""Register the App: exchange the manifest flow's code for its credentials."""

from __future__ import annotations

import re
import secrets

from bot.domain.errors import BotError
from bot.domain.values import Wire
from bot.github.app import App, connect
from bot.github.connection.credentials import Registered
from bot.github.errors import NotFound

_CODE = re.compile(r"[A-Za-z0-9_-]{1,200}")


class _Conversion(Wire, frozen=True):
    """The registered App, with the secrets that only this response has."""

    id: int
    slug: str
    html_url: str
    pem: str
    webhook_secret: str | None = None
    client_secret: str = ""


def register_app(api_url: str, code: str) -> Registered:
    """Register the App that was created from our manifest. `code` works once, within an hour.

    An App without a webhook secret gets one: without it anybody could send events.
    """
    if not _CODE.fullmatch(code):
        raise BotError("GitHub sent no code along: start again from the set-up page")
    try:
        made = connect(api_url).post(f"/app-manifests/{code}/conversions", _Conversion, {})
    except NotFound:
        raise BotError("GitHub does not know this code: it works once and for an hour; start again") from None
    secret = made.webhook_secret or secrets.token_hex(32)
    if not made.webhook_secret:
        client = App(api_url=api_url, app_id=str(made.id), private_key=made.pem).client()
        client.send("PATCH", "/app/hook/config", {"secret": secret, "content_type": "json"})
    return Registered(
        api_url=api_url,
        app_id=made.id,
        slug=made.slug,
        html_url=made.html_url,
        private_key=made.pem,
        webhook_secret=secret,
        client_secret=made.client_secret,
    )
