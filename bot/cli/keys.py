"""`aios-bot keys ...`: show, rotate and retire the keys that sign orders.

Each command imports what it needs when it runs, as in bot.cli.main.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bot.cli.groups import CommandGroup
from bot.domain.errors import NoDataError
from bot.settings.environment import read_data_folder

if TYPE_CHECKING:
    from bot.storage.keyfiles import OrderKeys

_data_option = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="The service's data folder. Default: AIOS_BOT_DATA, otherwise `data`.",
)


@click.group(cls=CommandGroup)
def keys() -> None:
    """Show the keys that sign orders, and rotate them with an overlap."""


@keys.command()
@_data_option
def show(data: Path | None) -> None:
    """Print the public keys that nodes should trust now, and the command that adds them."""
    from bot.storage.keyfiles import read_or_make_order_keys

    _print_keys(read_or_make_order_keys(_folder(data)), _folder(data))


@keys.command()
@_data_option
def rotate(data: Path | None) -> None:
    """Make a new key. Until `keys retire`, both the new key and the previous one sign every order.

    The running service uses it from its next order on.
    """
    from bot.storage.keyfiles import rotate_order_keys

    _print_keys(rotate_order_keys(_folder(data)), _folder(data))
    click.echo("\nMake every node trust the new key, then run: aios-bot keys retire")


@keys.command()
@_data_option
def retire(data: Path | None) -> None:
    """End the overlap: the previous key stops signing."""
    from bot.storage.keyfiles import retire_order_key

    _print_keys(retire_order_key(_folder(data)), _folder(data))
    click.echo("\nOn each node, remove the old key: find it with aios-bot node show, and delete its file in keys/")


def _folder(data: Path | None) -> Path:
    from bot.storage.keyfiles import ORDERS_PRIVATE

    folder = (data or read_data_folder()) / "keys"
    if not (folder / ORDERS_PRIVATE).exists():
        raise NoDataError(
            f"there is no key in {folder}: run this in the service's folder, or name its data folder with --data; "
            "`aios-bot serve` makes the first key"
        )
    return folder


def _print_keys(found: OrderKeys, folder: Path) -> None:
    from bot.envelope.keys import parse_public_key
    from bot.storage.keyfiles import ORDERS_PUBLIC, PREVIOUS_PUBLIC, public_pem

    overlap = found.previous is not None
    for name, key, what in (
        (ORDERS_PUBLIC, found.current, "new"),
        (PREVIOUS_PUBLIC, found.previous, "until retired"),
    ):
        if key is not None:
            role = f"signs, {what}" if overlap else "signs"
            pem = public_pem(key)
            fingerprint = parse_public_key(pem.encode()).fingerprint
            click.echo(f"{fingerprint}  {role}  {folder / name}\n{pem}", nl=False)
    click.echo("\nOn a node: aios-bot node trust FILE")
