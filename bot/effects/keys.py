"""The service's own keys: made once, kept in files that only it can read, outside the database."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from bot.errors import BotError

ORDERS_PUBLIC = "orders.pub.pem"  # to be trusted by the nodes
_ORDERS = "orders.pem"
_FINGERPRINTS = "fingerprints.key"


class Keys(NamedTuple):
    """`orders` signs orders; `fingerprints` keys the hashes that stand for secrets in plans."""

    orders: Ed25519PrivateKey
    fingerprints: bytes


def read_or_make_keys(folder: Path) -> Keys:
    """The keys in `folder`, made if they are not there. The public half lies beside them, for the nodes."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    made = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    pem = read_or_write(folder / _ORDERS, made)
    orders = load_pem_private_key(pem, password=None)
    if not isinstance(orders, Ed25519PrivateKey):
        raise BotError(f"{folder / _ORDERS} is not an Ed25519 key; move it away and a new one is made")
    public = orders.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (folder / ORDERS_PUBLIC).write_bytes(public)
    return Keys(orders=orders, fingerprints=read_or_write(folder / _FINGERPRINTS, secrets.token_bytes(32)))


def read_or_write(path: Path, content: bytes) -> bytes:
    """What `path` holds; `content`, written there whole, if it holds nothing yet."""
    if not path.exists():
        fresh = path.with_suffix(f".{secrets.token_hex(4)}")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
        try:
            os.link(fresh, path)  # atomic, and the first of two processes wins
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return path.read_bytes()
