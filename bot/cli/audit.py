"""`aios-bot audit`: read the audit trail."""

from __future__ import annotations

import click

from bot.cli.groups import CommandGroup
from bot.cli.operations import open_database
from bot.domain.errors import BotError
from bot.domain.names import parse_repo_name


@click.group(cls=CommandGroup)
def audit() -> None:
    """Read the audit trail: who requested and approved what, by which plan and order, and the outcome."""


@audit.command()
@click.option("--fleet", "repo", help="Only this repository's records: owner/name.")
def export(repo: str | None) -> None:
    """Print every record as one line of JSON, oldest first. Reads AIOS_BOT_DATABASE_URL or AIOS_BOT_DATA."""
    import msgspec

    from bot.features.audit.store import AuditTrail

    try:
        fleet = parse_repo_name(repo) if repo else None
    except ValueError as problem:
        raise BotError(f"--fleet: {problem}") from None
    with open_database() as (store, _):
        for record in AuditTrail(store).read(fleet):
            click.echo(msgspec.json.encode(record).decode())
