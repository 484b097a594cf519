"""`aios-bot keys ...`: the keys that sign orders, changed without a moment in which a node refuses good ones.

Each command imports what it needs when it runs, as in bot.cli.main.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from bot.storage.keyfiles import OrderKeys

_data_option = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="The service's folder. Default: AIOS_BOT_DATA, else `data`.",
)


@click.group()
def keys() -> None:
    """The keys that sign orders: show them to nodes, change them with an overlap."""


@keys.command()
@_data_option
def show(data: Path | None) -> None:
    """Print every public key that nodes should trust now, and how to make them."""
    from bot.storage.keyfiles import read_or_make_order_keys

    _tell(read_or_make_order_keys(_folder(data)), _folder(data))


@keys.command()
@_data_option
def rotate(data: Path | None) -> None:
    """Make a new key. Until `keys retire` it and the one before sign every order, so no node has to hurry.

    The running service takes it with its next order.
    """
    from bot.storage.keyfiles import rotate_order_keys

    _tell(rotate_order_keys(_folder(data)), _folder(data))
    click.echo("\nTell every node to trust the new key, then: aios-bot keys retire")


@keys.command()
@_data_option
def retire(data: Path | None) -> None:
    """End the overlap: the key from before the rotation signs no more."""
    from bot.storage.keyfiles import retire_order_key

    _tell(retire_order_key(_folder(data)), _folder(data))
    click.echo("\nOn each node, remove the old key: aios-bot node show, then delete its file below keys/")


def _folder(data: Path | None) -> Path:
    from bot.settings.environment import read_data_folder

    return (data or read_data_folder()) / "keys"


def _tell(found: OrderKeys, folder: Path) -> None:
    from bot.envelope.keys import parse_public_key
    from bot.storage.keyfiles import ORDERS_PUBLIC, PREVIOUS_PUBLIC, public_pem

    overlap = found.previous is not None
    for name, key, what in (
        (ORDERS_PUBLIC, found.current, "new"),
        (PREVIOUS_PUBLIC, found.previous, "until retired"),
    ):
        if key is not None:
            said = f"signs, {what}" if overlap else "signs"
            pem = public_pem(key)
            fingerprint = parse_public_key(pem.encode()).fingerprint
            click.echo(f"{fingerprint}  {said}  {folder / name}\n{pem}", nl=False)
    click.echo("\nOn a node: aios-bot node trust FILE")
