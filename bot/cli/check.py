"""`aios-bot check`: does this bot, as it is set up here, fit its App, its installations and its fleets?"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import click

from bot.domain.errors import BotError, ExitCode


@click.command()
@click.option("--pull", is_flag=True, help="The service runs with --pull: no webhook has to arrive.")
def check(*, pull: bool) -> None:
    """Verify the installation from end to end, and say how to cure what is missing. Changes nothing."""
    from bot.github.app import App
    from bot.github.connection.credentials import find_credentials
    from bot.observability.log import register_secret
    from bot.onboarding.check.gather import read_facts
    from bot.onboarding.check.judge import FindingLevel, judge
    from bot.planner.renderer import Renderer
    from bot.service.database import open_store
    from bot.settings.service import read_settings

    settings = read_settings(pull=pull)
    if not settings.data.exists() and settings.credentials is None:
        raise BotError(f"there is no App yet, and no {settings.data}: `aios-bot serve` helps to make one")
    settings.data.mkdir(parents=True, exist_ok=True)
    store = open_store(settings.database_url.reveal())
    try:
        credentials = find_credentials(settings, store)
    finally:
        store.close()
    if credentials is None:
        raise BotError("there is no App yet: `aios-bot serve` prints the address of the page that makes one")
    register_secret(*credentials.secrets)
    app = App(api_url=settings.api_url, app_id=str(credentials.app_id), private_key=credentials.private_key.reveal())
    with tempfile.TemporaryDirectory(prefix="aios-bot-check-") as folder:
        renderer: Renderer | BotError
        try:
            renderer = Renderer(cache_root=Path(folder), secret_key=folder.encode())
        except BotError as problem:
            renderer = problem
        facts = read_facts(
            app, web_url=settings.html_url, public_url=settings.public_url, renderer=renderer, pull=pull
        )
    findings = judge(facts)
    for finding in findings:
        click.echo(f"{finding.verdict:4} {finding.name}: {finding.text}")
    failed = sum(finding.verdict is FindingLevel.FAIL for finding in findings)
    click.echo(f"{failed} to cure" if failed else "all is well")
    sys.exit(ExitCode.FAILED if failed else ExitCode.OK)
