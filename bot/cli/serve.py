"""Build the service from its settings, and run it."""

from __future__ import annotations

import logging
import time
from functools import partial
from typing import IO, TYPE_CHECKING

import click

from bot.domain.errors import BotError, ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.features.rollout.store import RolloutStore
    from bot.github.app import App
    from bot.github.connection.credentials import Vault
    from bot.planner.renderer import Renderer
    from bot.settings.values import Credentials, Settings
    from bot.storage.store import Store


@click.command()
@click.option(
    "--pull", is_flag=True, help="Fetch deliveries from GitHub instead of receiving webhooks, for example behind NAT."
)
def serve(*, pull: bool) -> None:
    """Run the service: process webhooks, maintain pull requests, dispatch orders."""
    from bot.service.memory import spare_memory

    spare_memory()  # before any thread is started, and before anything imports PyGithub or SQLAlchemy

    from bot.observability.log import configure_logging, register_secret
    from bot.planner.forkserver import shared_fork_server
    from bot.service.backfill import Puller
    from bot.service.metrics import declare_job_kinds, render_metrics
    from bot.service.server import end_on_signal
    from bot.service.server import serve as serve_http
    from bot.service.shutdown import Shutdown
    from bot.settings.service import read_settings
    from bot.web.app import create_app

    settings = read_settings(pull=pull)
    configure_logging(secrets=settings.secrets)
    for warning in settings.warnings:
        logging.getLogger("bot").warning("%s", warning)
    lock, store = open_data(settings)
    credentials = obtain_credentials(settings, store)
    if credentials is None:
        store.close()
        return
    register_secret(*credentials.secrets)
    service = Service(settings, credentials, store, redelivers=not pull)
    check_key_or_notify(service, credentials)
    declare_job_kinds()
    inbox, schedules = service.worker.inbox, service.schedules
    puller = Puller(service.backfill, store) if pull else None
    shutdown = Shutdown()
    with end_on_signal(shutdown):
        inbox.start(service.worker.handle, schedules=schedules.by_name())
        schedules.start()
        service.notifier.start()
        if puller is not None:
            puller.start()
        app = create_app(
            inbox,
            service.intake.plans,
            service.pages.fleets,
            receive=service.intake.receive,
            webhook_secret=None if pull else credentials.webhook_secret,
            guard=service.pages.guard,
            sign_in=service.pages.sign_in,
            public_url=settings.public_url,
            web_url=settings.html_url,
            render_metrics=partial(render_metrics, store),
            metrics_token=settings.metrics_token,
        )

        def stopping() -> None:
            inbox.begin_stop()
            schedules.stop()
            service.notifier.stop()
            if puller is not None:
                puller.stop()

        try:
            serve_http(app, settings.host, settings.port, shutdown=shutdown, stopping=stopping)
        finally:
            shutdown.begin()
            inbox.stop(timeout=shutdown.left())
            shared_fork_server().close()
            store.close()
            if lock is not None:
                lock.close()
    shutdown.leave()


def open_data(settings: Settings) -> tuple[IO[str] | None, Store]:
    """The lock of the data folder (with SQLite) and the database, once all else that a start needs is there."""
    from bot.git.git import check_git
    from bot.service.database import open_store
    from bot.service.server import check_address
    from bot.storage.folders import make_private_folder
    from bot.storage.lock import lock_folder

    check_git()
    check_address(settings.host, settings.port)  # before the database: another service may be using both
    make_private_folder(settings.data)
    url = settings.database_url.reveal()
    lock = lock_folder(settings.data) if url.startswith("sqlite") else None
    return lock, open_store(url)


class Service:
    """The service's parts, built once and wired to each other."""

    def __init__(
        self,
        settings: Settings,
        credentials: Credentials,
        store: Store,
        *,
        redelivers: bool,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`redelivers`: whether GitHub can reach this service by webhook. `now`: in seconds since the epoch."""
        from bot.cli.pages import build_pages
        from bot.features.audit.store import AuditTrail
        from bot.features.bump.read import PlanTools
        from bot.features.bump.run import BumpTools
        from bot.features.bump.store import PlanStore
        from bot.features.commands.run import CommandTools
        from bot.features.commands.store import CommandStore, RecentCommandStore
        from bot.features.fleets.run import FleetTools
        from bot.features.fleets.store import PinStore
        from bot.features.holds.store import HoldStore
        from bot.features.outbox.pulls import WaitingPulls
        from bot.features.outbox.store import Outbox
        from bot.features.review.run import ReviewTools
        from bot.features.rollout.run import RolloutTools
        from bot.features.rollout.store import RolloutStore
        from bot.features.upstream.run import UpstreamTools
        from bot.features.visitors.store import SessionStore
        from bot.git.mirrors import Mirrors
        from bot.github.app import App
        from bot.queue.inbox import Inbox
        from bot.service.ability import Ability
        from bot.service.backfill import Backfill
        from bot.service.intake import Intake
        from bot.service.notifier import Notifier, make_tools
        from bot.service.router import make_runners
        from bot.service.schedules import Schedules
        from bot.service.worker import Worker
        from bot.storage.keyfiles import read_or_make_fingerprint_key, read_or_make_order_keys

        keys = settings.data / "keys"
        fingerprint_key = read_or_make_fingerprint_key(keys)
        read_or_make_order_keys(keys)  # at once, so that nodes can be told to trust them
        self.app = app = App(
            api_url=settings.api_url,
            app_id=str(credentials.app_id),
            private_key=credentials.private_key.reveal(),
        )
        self.statuses = RolloutStore(store, page_key=fingerprint_key)
        renderer = make_renderer(settings, self.statuses, fingerprint_key)
        mirrors, pins, plans = (
            Mirrors(settings.data / "mirrors", settings.html_url),
            PinStore(store),
            PlanStore(store),
        )
        audit, holds, outbox, sessions = AuditTrail(store), HoldStore(store), Outbox(store), SessionStore(store)
        fleets, planning = (
            FleetTools(app, mirrors, pins, now),
            PlanTools(renderer, plans, settings.public_url),
        )
        bump = BumpTools(fleets, planning, holds)
        rollout = RolloutTools(
            fleets, planning, holds, self.statuses, lambda: read_or_make_order_keys(keys).all, outbox
        )
        inbox = Inbox(store)
        self.intake = Intake(inbox, pins, plans)
        self.backfill = Backfill(app.client, self.intake, redelivers=redelivers)
        runners = make_runners(
            CommandTools(fleets, bump, rollout, CommandStore(store), audit, RecentCommandStore()),
            ReviewTools(fleets, planning, audit, outbox, WaitingPulls(store)),
            UpstreamTools(fleets, planning),
            sessions,
            self.backfill.run_job,
        )
        self.worker = Worker(app, mirrors, pins, inbox, runners, Ability(outbox, now), now)
        self.notices = make_tools([one.reveal() for one in settings.notify], outbox, pins, now)
        self.notifier = Notifier(self.notices, store)
        self.schedules = Schedules(inbox, mirrors, plans, settings.keep_days, settings.mirrors_bytes)
        self.pages = build_pages(settings, credentials, store, app=app, statuses=self.statuses, now=now)


def make_renderer(settings: Settings, statuses: RolloutStore, fingerprint_key: bytes) -> Renderer:
    """The renderer, which has to be as new as the compose of every node that has reported one."""
    from bot.plan.compose_versions import find_newer
    from bot.planner.forkserver import shared_fork_server
    from bot.planner.renderer import Renderer

    renderer = Renderer(
        cache_root=settings.data / "renderings",
        secret_key=fingerprint_key,
        versions_of=statuses.find_versions,
        guard=shared_fork_server(),
    )
    log = logging.getLogger("bot")
    log.info("rendering with %s; Docker Compose %s", renderer.confinement.description, renderer.compose)
    for newer in find_newer(statuses.all_compose_versions(), renderer.compose):
        log.warning(
            "a node has Docker Compose %s, newer than the %s of this service: update it", newer, renderer.compose
        )
    return renderer


class KeyRefusedError(BotError):
    """GitHub does not accept the App's key."""

    exit_code = ExitCode.KEY_REFUSED


def check_key(app: App, credentials: Credentials) -> None:
    """Raise KeyRefusedError when GitHub refuses the App's key. A GitHub that does not answer is no reason to end."""
    from bot.github.errors import CredentialsRefused

    try:
        app.login()
    except CredentialsRefused as problem:
        raise KeyRefusedError(
            f"GitHub ({app.api_url}) does not accept the key as one of App {credentials.app_id} ({problem}): set "
            "GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY of the same App, and check this machine's clock"
        ) from None
    except BotError as problem:
        logging.getLogger("bot").warning("%s does not answer yet: %s", app.api_url, problem)


def check_key_or_notify(service: Service, credentials: Credentials) -> None:
    """The same, and those who get notices hear of a key that is refused: the service ends at once."""
    from bot.domain.notices import Topic
    from bot.features.notices.run import send_notices
    from bot.features.outbox.facts import Condition, Notice

    outbox, now = service.notices.outbox, int(service.notices.now())
    try:
        check_key(service.app, credentials)
    except KeyRefusedError as problem:
        notice = Notice(topic=Topic.BOT_UNABLE, text=str(problem))
        outbox.replace(None, "key", (Condition(notice=notice),), now=now)
        for target in service.notices.targets:
            send_notices(service.notices, target, gather=0)
        raise
    outbox.replace(None, "key", (), now=now)


def obtain_credentials(settings: Settings, store: Store) -> Credentials | None:
    """The App's credentials: the environment's, else those of the set-up page, which is served until it has some.

    None when somebody ended the service before.
    """
    from bot.github.connection.credentials import Vault, find_credentials

    if find_credentials(settings, store) is None:
        serve_setup(settings, Vault(store, settings.data / "keys"))
    return find_credentials(settings, store)


def serve_setup(settings: Settings, vault: Vault) -> None:
    """Serve the set-up page until an App is registered, or somebody ends the service."""
    from bot.github.endpoints.registration import register_app
    from bot.service.server import end_on_signal, serve
    from bot.service.shutdown import Shutdown
    from bot.web.app import create_setup_app
    from bot.web.setup import AppSetup

    shutdown = Shutdown()

    def register(code: str) -> str:
        registered = register_app(settings.api_url, code)
        vault.save(registered)
        return f"{registered.html_url}/installations/new"

    app_setup = AppSetup(settings.html_url, settings.public_url, register, finished=shutdown.begin)

    def tell(port: int) -> None:
        home = settings.public_url or f"http://{'localhost' if settings.host == '0.0.0.0' else settings.host}:{port}"  # noqa: S104 - compared with, not bound to
        click.echo(
            f"No GitHub App yet. Open this address once, in your browser:\n\n  {home}/setup?token={app_setup.token}\n"
        )

    with end_on_signal(shutdown):
        serve(create_setup_app(app_setup), settings.host, settings.port, ready=tell, shutdown=shutdown)
    shutdown.over()
