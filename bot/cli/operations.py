"""`aios-bot inbox ...`, `backup` and `restore`: inspect and repair the queue, save and restore the database."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bot.cli.groups import CommandGroup
from bot.cli.terminal import show_table, working
from bot.text.terminal import printable

if TYPE_CHECKING:
    from bot.queue.admin import DeliveryRow
    from bot.storage.store import Store


@click.group(cls=CommandGroup)
def inbox() -> None:
    """Inspect webhook deliveries and their jobs, retry or cancel them. Works beside a running service."""


@inbox.command("list")
@click.option(
    "--state",
    "states",
    multiple=True,
    help="Only deliveries in this state: received, done, ignored, failed or cancelled; may be repeated.",
)
@click.option("--most", default=50, show_default=True, type=click.IntRange(1, 10_000), help="How many at most.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")
def list_(states: tuple[str, ...], most: int, *, as_json: bool) -> None:
    """List deliveries, newest first."""
    from bot.queue import admin

    with open_database() as (store, _):
        rows = admin.list_deliveries(store, states=states, most=most)
        if as_json:
            for row in rows:
                click.echo(_as_json(row))
        else:
            show_table(("received", "delivery", "state", "event", "reason"), map(_cells, rows))


@inbox.command()
@click.argument("guid")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def show(guid: str, *, as_json: bool) -> None:
    """Show one delivery and its jobs. The beginning of its GUID is enough."""
    from bot.queue import admin

    with open_database() as (store, _):
        row = admin.find_delivery(store, guid)
        if as_json:
            click.echo(_as_json(row))
            return
        click.echo(_line(row))
        click.echo(printable(f"  event: {row.event}"))
        for job in row.jobs:
            held = f" until {_when(job.not_before)}" if job.state == "held" else ""
            click.echo(f"  {job.state}{held}, tried {job.attempts} times: {printable(job.body)}")
            if job.error:
                click.echo(printable(f"    {job.error}"))


@inbox.command()
@click.argument("guid")
def retry(guid: str) -> None:
    """Run the delivery's failed, cancelled and held jobs again, within a minute."""
    from bot.queue import admin

    with open_database() as (store, _):
        row = admin.find_delivery(store, guid)
        click.echo(f"{row.guid}: {admin.retry(store, row.guid)} to run again")


@inbox.command()
@click.argument("guid")
def cancel(guid: str) -> None:
    """Cancel the delivery's waiting jobs. Running ones are not interrupted."""
    from bot.queue import admin

    with open_database() as (store, _):
        row = admin.find_delivery(store, guid)
        gone, running = admin.cancel(store, row.guid)
        click.echo(f"{row.guid}: {gone} cancelled" + (f", {running} still running" if running else ""))


@click.command()
@click.argument("target", type=click.Path(dir_okay=False, path_type=Path))
def backup(target: Path) -> None:
    """Write the database and the keys to one file, also while the service runs. The file contains secrets."""
    from bot.storage.backup import write_backup

    with open_database() as (store, data), working(f"writing {target}"):
        counts = write_backup(store, data / "keys", target)
    click.echo(f"{target}: " + ", ".join(f"{count} {name}" for name, count in counts.items()))


@click.command()
@click.argument("source", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def restore(source: Path) -> None:
    """Fill an empty database (SQLite or PostgreSQL) and data folder from a backup, before the service starts."""
    from bot.storage.backup import read_backup

    with open_database(make=True) as (store, data), working(f"reading {source}"):
        counts = read_backup(store, data / "keys", source)
    click.echo(f"restored: {', '.join(f'{count} {name}' for name, count in counts.items())}")


@contextmanager
def open_database(*, make: bool = False) -> Iterator[tuple[Store, Path]]:
    """The database that the settings name, and the data folder. NoDataError when there is none, unless `make`."""
    from bot.observability.log import configure_logging
    from bot.service.database import open_store
    from bot.settings.service import read_store_settings
    from bot.storage.folders import make_private_folder

    settings = read_store_settings()
    configure_logging(level="WARNING", secrets=settings.secrets)
    if make:
        make_private_folder(settings.data)
    store = open_store(settings.database_url.reveal(), make=make)
    try:
        yield store, settings.data
    finally:
        store.close()


def _line(row: DeliveryRow) -> str:
    return "  ".join(_cells(row)).rstrip()


def _cells(row: DeliveryRow) -> tuple[str, ...]:
    name = f"{row.name}.{row.action}" if row.action else row.name
    return (_when(row.received_at), row.guid, f"{row.state:<9}", name, row.reason)


def _when(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _as_json(row: DeliveryRow) -> str:
    import msgspec

    whole = msgspec.to_builtins(row)
    whole["event"] = json.loads(row.event)
    # This output has called jobs "looks" since the first release.
    whole["looks"] = [
        {"look": json.loads(job.pop("body")), **job} for job in (dict(one) for one in whole.pop("jobs"))
    ]
    return json.dumps(whole, ensure_ascii=False)
