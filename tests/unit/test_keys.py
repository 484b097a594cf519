"""The service's own keys."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from bot.effects.keys import ORDERS_PUBLIC, Keys, read_or_make_keys
from bot.errors import BotError


def test_keys_are_made_once_and_only_we_can_read_them(tmp_path: Path) -> None:
    first = read_or_make_keys(tmp_path / "keys")
    again = read_or_make_keys(tmp_path / "keys")
    assert first.fingerprints == again.fingerprints
    assert first.orders.private_bytes_raw() == again.orders.private_bytes_raw()
    for name in ("orders.pem", "fingerprints.key"):
        assert stat.S_IMODE((tmp_path / "keys" / name).stat().st_mode) == 0o600
    public = load_pem_public_key((tmp_path / "keys" / ORDERS_PUBLIC).read_bytes())
    assert public == first.orders.public_key()


def test_two_processes_that_start_together_get_the_same_keys(tmp_path: Path) -> None:
    made: list[Keys] = []
    threads = [threading.Thread(target=lambda: made.append(read_or_make_keys(tmp_path))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({keys.fingerprints for keys in made}) == 1
    assert len({keys.orders.private_bytes_raw() for keys in made}) == 1
    assert {path.name for path in tmp_path.iterdir()} == {"orders.pem", "orders.pub.pem", "fingerprints.key"}


def test_a_key_of_another_kind_is_refused(tmp_path: Path) -> None:
    read_or_make_keys(tmp_path)
    (tmp_path / "orders.pem").write_bytes(_RSA)
    with pytest.raises(BotError, match="not an Ed25519 key"):
        read_or_make_keys(tmp_path)


def _rsa() -> bytes:
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


_RSA = _rsa()
