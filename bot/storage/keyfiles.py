"""Create, read and rotate the service's own keys: files that only it can read, outside the database.

The keys of orders sign, so a rotation is an overlap in which both keys sign every order; MultiFernet rotates keys
that encrypt (bot.github.connection.credentials).
"""

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

from bot.domain.errors import BotError
from bot.storage.whole_files import naming

ORDERS_PUBLIC = "orders.pub.pem"  # what the nodes trust
PREVIOUS_PUBLIC = "orders.previous.pub.pem"  # during a rotation
ORDERS_PRIVATE = "orders.pem"
_PREVIOUS = "orders.previous.pem"
_FINGERPRINTS = "fingerprints.key"


class KeysError(BotError):
    """The keys cannot be used, or changed, as they are."""


class OrderKeys(NamedTuple):
    """The keys that sign each order. During a rotation both do, so that a node that trusts either accepts it."""

    current: Ed25519PrivateKey
    previous: Ed25519PrivateKey | None = None  # None: no rotation is in progress

    @property
    def all(self) -> tuple[Ed25519PrivateKey, ...]:
        return (self.current,) if self.previous is None else (self.current, self.previous)


def read_or_make_order_keys(folder: Path) -> OrderKeys:
    """The keys in `folder` that sign orders, created if there is none. Their public keys are written beside them."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    current = _load(folder / ORDERS_PRIVATE, read_or_write(folder / ORDERS_PRIVATE, _new_pem()))
    _write_public(folder / ORDERS_PUBLIC, current)
    previous = None
    if (folder / _PREVIOUS).exists():
        previous = _load(folder / _PREVIOUS, (folder / _PREVIOUS).read_bytes())
        _write_public(folder / PREVIOUS_PUBLIC, previous)
    else:
        (folder / PREVIOUS_PUBLIC).unlink(missing_ok=True)
    if previous is not None and previous.private_bytes_raw() == current.private_bytes_raw():
        previous = None  # a rotation that was interrupted; the next one continues from here
    return OrderKeys(current, previous)


def read_or_make_fingerprint_key(folder: Path) -> bytes:
    """The key of the hashes that replace secrets in plans, created if there is none."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return read_or_write(folder / _FINGERPRINTS, secrets.token_bytes(32))


def rotate_order_keys(folder: Path) -> OrderKeys:
    """Begin a rotation: create a key that signs beside the current one. KeysError during another rotation."""
    keys = read_or_make_order_keys(folder)
    if keys.previous is not None:
        raise KeysError(
            "a rotation is under way: when every node trusts the new key, end it with `aios-bot keys retire`"
        )
    if not (folder / _PREVIOUS).exists():
        os.link(folder / ORDERS_PRIVATE, folder / _PREVIOUS)  # from here on no key that signs is lost
    fresh = folder / f"{ORDERS_PRIVATE}.{secrets.token_hex(4)}"
    _write_private(fresh, _new_pem())
    fresh.replace(folder / ORDERS_PRIVATE)
    return read_or_make_order_keys(folder)


def retire_order_key(folder: Path) -> OrderKeys:
    """End a rotation: the previous key stops signing. KeysError when no rotation is in progress."""
    keys = read_or_make_order_keys(folder)
    if keys.previous is None:
        raise KeysError("no rotation is under way: `aios-bot keys rotate` begins one")
    (folder / _PREVIOUS).unlink()
    return read_or_make_order_keys(folder)


def public_pem(key: Ed25519PrivateKey) -> str:
    """The public key, for `aios-bot node trust` on a node."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _new_pem() -> bytes:
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _load(path: Path, pem: bytes) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError):
        raise KeysError(f"{path} is no private key in PEM form; move it away and a new one is made") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise KeysError(f"{path} is not an Ed25519 key; move it away and a new one is made")
    return key


def _write_public(path: Path, key: Ed25519PrivateKey) -> None:
    pem = public_pem(key).encode()
    if not path.exists() or path.read_bytes() != pem:
        fresh = path.with_suffix(f".{secrets.token_hex(4)}")
        with naming(path):
            fresh.write_bytes(pem)
        fresh.replace(path)


def _write_private(path: Path, content: bytes) -> None:
    with naming(path), os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)


def read_or_write(path: Path, content: bytes) -> bytes:
    """The content of `path`. A missing file is created with `content`, atomically."""
    if not path.exists():
        fresh = path.with_suffix(f".{secrets.token_hex(4)}")
        _write_private(fresh, content)
        try:
            os.link(fresh, path)  # atomic, and the first of two processes wins
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return path.read_bytes()
