"""`aios-bot notify`: try the addresses that notices are sent to."""

from __future__ import annotations

import uuid

import click

from bot.cli.groups import CommandGroup
from bot.domain.errors import BotError, SettingsError


@click.group(cls=CommandGroup)
def notify() -> None:
    """Try the addresses that notices are sent to (AIOS_BOT_NOTIFY)."""


@notify.command()
def test() -> None:
    """Send a test message to every address, and report which failed. Reads AIOS_BOT_NOTIFY."""
    from bot.domain.notices import NoticeSeverity
    from bot.features.notices.apply.address import Posted, check_installed, make_targets
    from bot.features.notices.text import TEST
    from bot.observability.log import configure_logging
    from bot.settings.service import read_notify_settings

    addresses = [one.reveal() for one in read_notify_settings()]
    configure_logging(level="WARNING", secrets=addresses)
    if not addresses:
        raise SettingsError("AIOS_BOT_NOTIFY is not set: there is no address to send to")
    check_installed()
    refused = 0
    for target in make_targets(addresses):
        taken = target.post(TEST, NoticeSeverity.INFO, uuid.uuid4().hex) is Posted.TAKEN
        refused += not taken
        click.echo(f"{target.name}: {'sent' if taken else 'not taken'}")
    if refused:
        raise BotError(f"{refused} of {len(addresses)} addresses failed; the lines above say why")
