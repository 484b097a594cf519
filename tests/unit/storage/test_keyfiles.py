"""The service's own keys: made once, and changed with an overlap."""

from __future__ import annotations

import errno
import os
import stat
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from bot.agent.state import NodeState
from bot.cli.main import aios_bot
from bot.envelope.keys import PublicKey
from bot.features.rollout.apply.signing import sign_order
from bot.protocol.order import Order, Refusal, RefusalReason
from bot.storage.keyfiles import (
    ORDERS_PUBLIC,
    PREVIOUS_PUBLIC,
    KeysError,
    OrderKeys,
    read_or_make_fingerprint_key,
    read_or_make_order_keys,
    retire_order_key,
    rotate_order_keys,
)
from tests.unit.agent.test_verify import verify
from tests.unit.protocol.test_order import FLEET, NODE, make_order


def raw(key: Ed25519PrivateKey) -> bytes:
    return key.private_bytes_raw()


def test_keys_are_made_once_and_only_we_can_read_them(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    first, again = read_or_make_order_keys(folder), read_or_make_order_keys(folder)
    assert raw(first.current) == raw(again.current)
    assert read_or_make_fingerprint_key(folder) == read_or_make_fingerprint_key(folder)
    for name in ("orders.pem", "fingerprints.key"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
    assert load_pem_public_key((folder / ORDERS_PUBLIC).read_bytes()) == first.current.public_key()


def test_two_processes_that_start_together_get_the_same_keys(tmp_path: Path) -> None:
    made: list[tuple[OrderKeys, bytes]] = []

    def start() -> None:
        made.append((read_or_make_order_keys(tmp_path), read_or_make_fingerprint_key(tmp_path)))

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({fingerprints for _, fingerprints in made}) == 1
    assert len({raw(orders.current) for orders, _ in made}) == 1
    assert {path.name for path in tmp_path.iterdir()} == {"orders.pem", "orders.pub.pem", "fingerprints.key"}


@pytest.mark.parametrize("what", ["rsa", "nonsense"])
def test_a_key_of_another_kind_is_refused(tmp_path: Path, what: str) -> None:
    read_or_make_order_keys(tmp_path)
    (tmp_path / "orders.pem").write_bytes(_RSA if what == "rsa" else b"nonsense")
    with pytest.raises(KeysError, match="move it away"):
        read_or_make_order_keys(tmp_path)


def takes(order: str, *trusted: Ed25519PublicKey) -> bool:
    answer = verify(order, public_keys=[PublicKey(key.public_bytes_raw()) for key in trusted])
    if isinstance(answer, Refusal):
        assert answer.reason is RefusalReason.BAD_SIGNATURE
    return isinstance(answer, Order)


def test_no_node_refuses_a_good_order_at_any_moment_of_a_rotation(tmp_path: Path) -> None:
    """Whatever a node trusts in the overlap: the key from before, the new one, or both."""
    old = read_or_make_order_keys(tmp_path).current.public_key()
    both = rotate_order_keys(tmp_path)
    new = both.current.public_key()
    assert new != old
    assert both.previous is not None
    assert both.previous.public_key() == old
    order = sign_order(make_order(), *read_or_make_order_keys(tmp_path).all)
    assert [takes(order, old), takes(order, new), takes(order, old, new)] == [True] * 3
    assert not takes(order, Ed25519PrivateKey.generate().public_key())
    assert stat.S_IMODE((tmp_path / "orders.previous.pem").stat().st_mode) == 0o600

    after = retire_order_key(tmp_path)
    order = sign_order(make_order(), *after.all)
    assert [takes(order, old), takes(order, new)] == [False, True]
    assert not (tmp_path / PREVIOUS_PUBLIC).exists()


def test_one_rotation_at_a_time(tmp_path: Path) -> None:
    with pytest.raises(KeysError, match="no rotation is under way"):
        retire_order_key(tmp_path)
    keys = rotate_order_keys(tmp_path)
    with pytest.raises(KeysError, match="keys retire"):
        rotate_order_keys(tmp_path)
    assert [raw(key) for key in read_or_make_order_keys(tmp_path).all] == [raw(key) for key in keys.all]


def test_a_full_disk_is_named_by_the_key_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", stop)
    with pytest.raises(OSError, match=r"No space left on device: '.*orders\.pub\.pem'"):
        read_or_make_order_keys(tmp_path)
    monkeypatch.setattr(os, "fdopen", stop)
    with pytest.raises(OSError, match=r"No space left on device: '.*orders"):
        rotate_order_keys(tmp_path)


def test_a_rotation_that_died_in_between_goes_on(tmp_path: Path) -> None:
    old = read_or_make_order_keys(tmp_path).current
    (tmp_path / "orders.previous.pem").hardlink_to(tmp_path / "orders.pem")
    assert read_or_make_order_keys(tmp_path).previous is None
    keys = rotate_order_keys(tmp_path)
    assert keys.previous is not None
    assert raw(keys.previous) == raw(old)


def test_the_commands_tell_what_a_node_is_to_trust(tmp_path: Path) -> None:
    def run(*arguments: str) -> str:
        done = CliRunner().invoke(aios_bot, ["keys", *arguments, "--data", str(tmp_path)], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.output

    folder = tmp_path / "keys"
    read_or_make_order_keys(folder)  # as `serve` makes them
    shown = run("show")
    assert shown.count("BEGIN PUBLIC KEY") == 1
    shown = run("rotate")
    assert shown.count("BEGIN PUBLIC KEY") == 2
    node = NodeState(tmp_path / "node")
    for name in (PREVIOUS_PUBLIC, ORDERS_PUBLIC):
        node.trust(folder / name, fleet=FLEET, node=NODE, root=None)
    assert {key.fingerprint for key in node.read_keys()} == {
        line.split()[0] for line in shown.splitlines() if "  signs, " in line
    }
    assert "PRIVATE" not in shown
    assert run("retire").count("BEGIN PUBLIC KEY") == 1


def _rsa() -> bytes:
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


_RSA = _rsa()
