"""Build what the pages need: who may see what, how people sign in, and what a fleet's page reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from bot.domain.names import InstallationId
from bot.features.fleets.store import PinStore
from bot.features.rollout.store import RolloutStore
from bot.features.visitors.read import Sights, ask_as_installation
from bot.features.visitors.store import SessionStore, TokenStore
from bot.github.app import App
from bot.github.endpoints.authorization import SignIn
from bot.settings.values import Credentials, Settings
from bot.storage.store import Store
from bot.web.guard import Guard
from bot.web.reading import FleetStores, make_stores


class Pages(NamedTuple):
    """`sign_in` is None without a client secret of the App."""

    guard: Guard
    sign_in: SignIn | None
    fleets: FleetStores


def build_pages(
    settings: Settings,
    credentials: Credentials,
    store: Store,
    *,
    app: App,
    statuses: RolloutStore,
    now: Callable[[], float],
) -> Pages:
    """The parts of the pages, on the service's database. `now`: in seconds since the epoch."""
    guard = Guard(
        SessionStore(store),
        TokenStore(store),
        Sights(PinStore(store), ask_as_installation(app), now),
        secure=settings.public_url.startswith("https://"),
        open_pages=settings.open_pages,
    )
    secret = credentials.client_secret
    sign_in = SignIn(app, settings.html_url, secret) if secret else None
    return Pages(
        guard, sign_in, make_stores(store, statuses, lambda one: app.budget(InstallationId(one)).read_left())
    )
