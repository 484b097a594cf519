"""Jobs, deliveries and the web application, put together as the service does it."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from functools import partial

import msgspec
from flask import Flask

from bot.domain.events import Event, InstallationChanged
from bot.domain.names import DeliveryId
from bot.domain.verdicts import Permission
from bot.features.bump.store import PlanStore
from bot.features.fleets.jobs import Job
from bot.features.fleets.store import PinStore
from bot.features.rollout.store import RolloutStore
from bot.features.visitors.questions import AskGitHub, RepositoryAccess
from bot.features.visitors.read import Sights
from bot.features.visitors.store import SessionStore, TokenStore
from bot.github.ignored import IgnoredReason
from bot.queue.inbox import Inbox
from bot.queue.lanes import Delivery, QueuedJob
from bot.service.intake import Intake
from bot.service.metrics import render_metrics
from bot.service.router import AnyJob, decode_job, encode_job
from bot.settings.values import Secret
from bot.storage.store import Store
from bot.web.app import create_app
from bot.web.guard import Guard
from bot.web.operations import Check
from bot.web.reading import FleetStores, make_stores


def queued(*jobs: Job) -> tuple[QueuedJob, ...]:
    """The jobs as the queue stores them."""
    return tuple(encode_job(job) for job in jobs)


def handler(run: Callable[[AnyJob], object]) -> Callable[[QueuedJob], None]:
    """A handler of the queue that decodes each job before `run` sees it."""

    def handle(one: QueuedJob) -> None:
        run(decode_job(one))

    return handle


def delivery(*jobs: Job, guid: str = "", event: Event | None = None) -> Delivery:
    """A delivery that calls for these jobs; with none it concerns no fleet."""
    about = event or InstallationChanged(installation=7, action="created")  # type: ignore[arg-type]
    return Delivery(
        guid=DeliveryId(guid or str(uuid.uuid4())),
        name="installation",
        event=msgspec.json.encode(about).decode(),
        action=str(getattr(about, "action", "")),
        ignored="" if jobs else IgnoredReason.NO_FLEET_CONCERNED,
        jobs=queued(*jobs),
    )


def make_intake(inbox: Inbox) -> Intake:
    """The intake of a service on the inbox's database."""
    return Intake(inbox, PinStore(inbox.store), PlanStore(inbox.store))


def make_guard(store: Store, *, ask: AskGitHub | None = None, open_pages: bool = False) -> Guard:
    """Who may see what; without `ask` nobody has any permission."""
    nobody = RepositoryAccess(private=True, permission=Permission.NONE)
    sights = Sights(PinStore(store), ask or (lambda _fleet, _person: nobody), time.time)
    return Guard(SessionStore(store), TokenStore(store), sights, secure=False, open_pages=open_pages)


def make_fleet_stores(store: Store) -> FleetStores:
    """What a fleet's page reads."""
    return make_stores(store, RolloutStore(store, page_key=b"key"))


def make_app(
    inbox: Inbox,
    secret: Secret | None,
    *,
    metrics_token: Secret | None = None,
    guard: Guard | None = None,
    open_pages: bool = True,
    **checks: Check,
) -> Flask:
    """The web application of a service on the inbox's database."""
    intake = make_intake(inbox)
    stores = make_fleet_stores(inbox.store)
    return create_app(
        inbox,
        intake.plans,
        stores,
        receive=intake.receive,
        webhook_secret=secret,
        guard=guard or make_guard(inbox.store, open_pages=open_pages),
        sign_in=None,
        public_url="",
        web_url="https://github.com",
        render_metrics=partial(render_metrics, inbox.store),
        metrics_token=metrics_token,
        checks=checks,
    )


def make_locked_app(inbox: Inbox) -> Flask:
    """The same, where only who signed in or has a token sees anything."""
    return make_app(inbox, None, open_pages=False)
