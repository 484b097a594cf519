"""`aios-bot token ...`: make, list and revoke the tokens by which machines read the API."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import click

from bot.cli.groups import CommandGroup
from bot.cli.operations import open_database
from bot.domain.errors import BotError
from bot.domain.names import parse_repo_name
from bot.text.terminal import printable


@click.group(cls=CommandGroup)
def token() -> None:
    """Make, list and revoke tokens by which a program reads one fleet's state at /api/v1."""


@token.command()
@click.argument("repo")
@click.option("--days", default=90, show_default=True, type=click.IntRange(1, 366), help="How long it lasts.")
@click.option("--about", default="", help="What it is for, shown by `token list`.")
def add(repo: str, days: int, about: str) -> None:
    """Print a new token for the fleet REPO (owner/name). It is shown only once: only its hash is kept."""
    from bot.features.visitors.store import TokenStore

    try:
        fleet = parse_repo_name(repo)
    except ValueError as problem:
        raise BotError(f"REPO: {problem}") from None
    with open_database() as (store, _):
        click.echo(TokenStore(store).add(fleet, about, days=days))


@token.command("list")
def list_() -> None:
    """List the tokens: id, fleet, when it ends, what it is for. Never the token itself."""
    from bot.features.visitors.store import TokenStore

    with open_database() as (store, _):
        for one in TokenStore(store).list():
            ends = datetime.fromtimestamp(one.ends_at / 1000, UTC).strftime("%Y-%m-%d %H:%M")
            ended = " (ended)" if one.ends_at / 1000 <= time.time() else ""
            click.echo(f"{one.id}  {one.fleet}  until {ends}{ended}  {printable(one.about)}".rstrip())


@token.command()
@click.argument("token_id", metavar="ID")
def revoke(token_id: str) -> None:
    """Revoke the token with this ID immediately (see `token list`)."""
    from bot.features.visitors.store import TokenStore

    with open_database() as (store, _):
        if not TokenStore(store).revoke(token_id):
            raise BotError(f"there is no token {token_id!r}: `aios-bot token list` shows them")
    click.echo(f"{token_id} revoked")
