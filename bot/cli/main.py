"""The command line, and the only composition root: it reads the settings and wires the rooms together.

Each command imports what it needs when it runs: a node's deploy must not wait for the service's database
engine to load.
"""

from __future__ import annotations

import sys
import tempfile
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bot.cli import operations
from bot.cli.audit import audit
from bot.cli.check import check
from bot.cli.fleet import fleet
from bot.cli.join import add, join, leave, remove
from bot.cli.keys import keys
from bot.cli.node import node
from bot.domain.errors import BotError, ExitCode

if TYPE_CHECKING:
    from bot.features.world import World
    from bot.github.connection.credentials import Vault
    from bot.settings.read import Credentials, Settings
    from bot.storage.store import Store


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="aios-bot")
def aios_bot() -> None:
    """Make a fleet of Docker Compose machines run exactly what a person approved."""


for _command in (add, remove, join, leave):
    node.add_command(_command)
aios_bot.add_command(node)
aios_bot.add_command(operations.inbox)
aios_bot.add_command(operations.backup)
aios_bot.add_command(operations.restore)
aios_bot.add_command(check)
aios_bot.add_command(audit)
aios_bot.add_command(fleet)
aios_bot.add_command(keys)


@aios_bot.command()
@click.option("--pull", is_flag=True, help="Fetch the deliveries from GitHub instead of listening: behind NAT.")
def serve(*, pull: bool) -> None:
    """Run the service: take webhooks in, keep the pull requests, dispatch the orders."""
    import logging

    from bot.observability.log import configure_logging, register_secret
    from bot.queue.inbox import Inbox
    from bot.service.backfill import Puller
    from bot.service.schedules import Routine
    from bot.service.server import end_on_signal
    from bot.service.server import serve as serve_http
    from bot.service.shutdown import Ending
    from bot.service.worker import look_again
    from bot.settings.read import read_settings
    from bot.storage.store import Store
    from bot.web import fleet_page
    from bot.web.app import create_app

    settings = read_settings(pull=pull)
    configure_logging(secrets=settings.secrets)
    for warning in settings.warnings:
        logging.getLogger("bot").warning("%s", warning)
    settings.data.mkdir(parents=True, exist_ok=True)
    store = Store(settings.database_url.reveal())
    credentials = obtain_credentials(settings, store)
    if credentials is None:
        store.close()
        return
    register_secret(*credentials.secrets)
    world = build_world(settings, credentials, store)
    logging.getLogger("bot").info("rendering with %s", world.renderer.confinement)
    inbox = Inbox(store)
    routine = Routine(
        world,
        inbox,
        look_again,
        keep_days=settings.keep_days,
        mirrors_bytes=settings.mirrors_bytes,
        redelivers=not pull,
    )
    puller = Puller(routine.backfill, store) if pull else None
    ending = Ending()
    with end_on_signal(ending):
        inbox.start(routine.handle, schedules=routine.schedules())
        routine.start()
        if puller is not None:
            puller.start()
        app = create_app(inbox, None if pull else credentials.webhook_secret)
        fleet_page.register(app, world.fleets, web_url=world.web_url)

        def stopping() -> None:
            inbox.begin_stop()
            routine.stop()
            if puller is not None:
                puller.stop()

        try:
            serve_http(app, settings.host, settings.port, ending=ending, stopping=stopping)
        finally:
            ending.begin()
            inbox.stop(timeout=ending.left())
            store.close()
    ending.leave()


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
    from bot.service.shutdown import Ending
    from bot.web.setup import SetupDesk, create_setup_app

    ending = Ending()

    def register(code: str) -> str:
        registered = register_app(settings.api_url, code)
        vault.save(registered)
        return f"{registered.html_url}/installations/new"

    desk = SetupDesk(settings.html_url, settings.public_url, register, finished=ending.begin)

    def tell(port: int) -> None:
        home = settings.public_url or f"http://{'localhost' if settings.host == '0.0.0.0' else settings.host}:{port}"  # noqa: S104 - compared with, not bound to
        click.echo(
            f"No GitHub App yet. Open this address once, in your browser:\n\n  {home}/setup?token={desk.token}\n"
        )

    with end_on_signal(ending):
        serve(create_setup_app(desk), settings.host, settings.port, ready=tell, ending=ending)
    ending.over()


def build_world(settings: Settings, credentials: Credentials, store: Store) -> World:
    """The outside as the service sees it."""
    import time

    from bot.features.commands.store import People
    from bot.features.rollout.store import Fleets
    from bot.features.world import World
    from bot.github.client import App
    from bot.planner.renderer import Renderer
    from bot.storage.keyfiles import read_or_make_fingerprint_key, read_or_make_order_keys

    folder = settings.data / "keys"
    fingerprint_key = read_or_make_fingerprint_key(folder)
    read_or_make_order_keys(folder)  # at once, so that nodes can be told to trust them
    return World(
        app=App(
            api_url=settings.api_url,
            app_id=str(credentials.app_id),
            private_key=credentials.private_key.reveal(),
        ),
        web_url=settings.html_url,
        mirrors=settings.data / "mirrors",
        memory=store,
        people=People(store),
        fleets=Fleets(store, page_key=fingerprint_key),
        renderer=Renderer(cache_root=settings.data / "renderings", secret_key=fingerprint_key),
        order_keys=lambda: read_or_make_order_keys(folder).all,
        public_url=settings.public_url,
        now=time.time,
    )


@aios_bot.command()
@click.option("--repo", default=".", type=click.Path(exists=True, file_okay=False, path_type=Path), show_default=True)
@click.option("--submodule", default="server", show_default=True, help="Path of the submodule in the repository.")
@click.option("--from", "old", help="The pin to start from. Default: the one that HEAD pins.")
@click.option("--to", "new", help="The pin to plan for. Default: what is checked out in the submodule.")
@click.option(
    "--fleet",
    "fleet_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Fleet file to use. Default: HEAD's .github/aios-bot.yml.",
)
@click.option("--format", "form", type=click.Choice(["text", "markdown", "json"]), default="text", show_default=True)
def plan(  # noqa: PLR0917 - one parameter per option of the command
    repo: Path, submodule: str, old: str | None, new: str | None, fleet_file: Path | None, form: str
) -> None:
    """Say what moving a submodule's pin will do to every running service, from a local checkout."""
    from bot.cli.plan import read_local_plan
    from bot.features.bump.text import render_body
    from bot.plan.report.links import Links
    from bot.plan.report.text import render_json, render_text
    from bot.planner.renderer import Renderer

    with tempfile.TemporaryDirectory(prefix="aios-bot-plan-") as folder:
        renderer = Renderer(cache_root=Path(folder), secret_key=folder.encode())
        made = read_local_plan(
            repo=repo, submodule=submodule, old=old, new=new, fleet_file=fleet_file, renderer=renderer
        )
    match form:
        case "json":
            click.echo(render_json(made))
        case "markdown":
            click.echo(render_body(made, Links()))
        case _:
            click.echo(render_text(made))


@aios_bot.command()
@click.option("--merge/--wait", "by_itself", default=None, help="Merge by itself, or wait for a person to.")
def demo(by_itself: bool | None) -> None:
    """Show the whole way on this machine: an embedded GitHub, a push, a plan, a merge, a deployed node."""
    from sandbox.demo import has_terminal, run_demo

    run_demo(by_itself=not has_terminal() if by_itself is None else by_itself)


@aios_bot.command(add_help_option=False, context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def sandbox(arguments: tuple[str, ...]) -> None:
    """Run an embedded GitHub on this machine, with a small AIOS in it, until Ctrl-C."""
    from sandbox.command import sandbox as command

    command.main(args=list(arguments), prog_name="aios-bot sandbox", standalone_mode=False)


def main() -> None:
    """Run a command; expected errors print one message, a bug prints everything."""
    try:
        aios_bot(standalone_mode=False)
    except click.ClickException as problem:
        problem.show()
        sys.exit(ExitCode.USAGE)
    except click.exceptions.Abort:
        sys.exit(130)
    except BotError as problem:
        click.echo(f"aios-bot: {problem}", err=True)
        sys.exit(problem.exit_code)
    except Exception:  # noqa: BLE001 - the last resort: a bug is printed in full, with its own exit code
        traceback.print_exc()
        sys.exit(ExitCode.BUG)
