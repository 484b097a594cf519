"""`aios-bot check`: verify that the settings here fit the App, its installations and its fleets."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import click

from bot.cli.terminal import show_verdicts, working
from bot.domain.errors import BotError, ExitCode, NoDataError
from bot.text.counts import plural

_STYLES = {"ok": "green", "note": "yellow", "FAIL": "bold red"}


@click.command()
@click.option("--pull", is_flag=True, help="Check a service that runs with --pull, which needs no webhook.")
def check(*, pull: bool) -> None:
    """Check the installation from end to end, and say how to fix each problem. Changes nothing."""
    from bot.github.app import App
    from bot.github.connection.credentials import find_credentials
    from bot.observability.log import register_secret
    from bot.onboarding.check.decide import CheckVerdict, decide_findings
    from bot.onboarding.check.read import read_facts
    from bot.planner.renderer import Renderer
    from bot.service.database import open_store
    from bot.settings.service import read_settings

    settings = read_settings(pull=pull)
    if not settings.data.exists() and settings.credentials is None:
        raise NoDataError(
            f"no App is set up, and there is no {settings.data}: run this in the service's folder with its settings; "
            "`aios-bot serve` creates an App"
        )
    credentials = settings.credentials
    if credentials is None:
        store = open_store(settings.database_url.reveal(), make=False)
        credentials = find_credentials(settings, store)
        store.close()
    if credentials is None:
        raise BotError("no App is set up: run `aios-bot serve` and open the address that it prints to create one")
    register_secret(*credentials.secrets)
    app = App(api_url=settings.api_url, app_id=str(credentials.app_id), private_key=credentials.private_key.reveal())
    with tempfile.TemporaryDirectory(prefix="aios-bot-check-") as folder:
        renderer: Renderer | BotError
        try:
            renderer = Renderer(cache_root=Path(folder), secret_key=folder.encode())
        except BotError as problem:
            renderer = problem
        with working("asking GitHub about the App, its installations and its fleets"):
            facts = read_facts(
                app,
                web_url=settings.html_url,
                public_url=settings.public_url,
                renderer=renderer,
                pull=pull,
                can_sign_in=credentials.client_secret is not None,
                open_pages=settings.open_pages,
            )
    findings = decide_findings(facts)
    show_verdicts((found.verdict, _STYLES[found.verdict], f"{found.name}: {found.text}") for found in findings)
    failed = sum(finding.verdict is CheckVerdict.FAIL for finding in findings)
    click.echo(f"{plural(failed, 'problem')} to fix" if failed else "all is well")
    sys.exit(ExitCode.FAILED if failed else ExitCode.OK)
