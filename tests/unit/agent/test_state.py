"""A node's record, as the node that it is now reads it, and a folder that cannot be written."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from msgspec.structs import replace

from bot.agent.errors import StateError
from bot.agent.state import NodeState, find_deployed, find_last_good, find_unfinished, used_numbers
from bot.domain.names import DeploymentId, NodeName, RepoName
from bot.protocol.order import Order
from bot.protocol.outcome import OrderEnd
from bot.storage import handed_lock
from tests.unit.agent.test_orders import order


@pytest.fixture
def state(tmp_path: Path) -> NodeState:
    return NodeState(tmp_path / "state")


def become(state: NodeState, fleet: str, node: str) -> None:
    """Join a fleet, as after `leave`: that takes node.json away, and the record stays."""
    (state.folder / "node.json").unlink(missing_ok=True)
    key = state.folder.parent / "key.pem"
    public = Ed25519PrivateKey.from_private_bytes(b"k" * 32).public_key()
    key.write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    state.trust(key, fleet=fleet, node=node, root=None)


def numbered(number: int, fleet: str, node: str = "N") -> Order:
    return replace(order(), number=DeploymentId(number), fleet=RepoName(fleet), node=NodeName(node))


def finish(state: NodeState, done: Order, end: OrderEnd = OrderEnd.SUCCESS) -> None:
    state.begin(done, now=1)
    state.finish(done, end, "", now=2)


def test_orders_of_a_fleet_that_the_node_left_bind_it_no_longer(state: NodeState) -> None:
    become(state, "a/b", "N")
    finish(state, numbered(7, "a/b"))
    state.begin(numbered(3_000_000_000, "a/b"), now=3)
    become(state, "c/d", "N")
    records = state.read_record()
    assert used_numbers(records) == frozenset()
    assert find_unfinished(records) is None
    assert find_last_good(records) is None
    assert find_deployed(records) == {}
    own = numbered(7, "c/d")  # the same number as one of the other fleet
    state.begin(own, now=4)
    unfinished = find_unfinished(state.read_record())
    assert unfinished is not None
    assert unfinished.begun.order == own
    state.finish(own, OrderEnd.SUCCESS, "", now=5)
    assert find_last_good(state.read_record()) == own
    assert len(state.read_record()) == 2


def test_orders_of_another_node_of_the_fleet_bind_it_no_longer(state: NodeState) -> None:
    become(state, "a/b", "N")
    finish(state, numbered(7, "a/b"))
    become(state, "a/b", "M")
    assert state.read_record() == ()


def test_a_node_that_returns_to_its_fleet_knows_the_numbers_of_before(state: NodeState) -> None:
    become(state, "a/b", "N")
    finish(state, numbered(7, "a/b"))
    become(state, "c/d", "N")
    finish(state, numbered(9, "c/d"))
    become(state, "a/b", "N")
    assert used_numbers(state.read_record()) == {7}


def test_the_record_of_a_folder_without_an_identity_is_whole(state: NodeState) -> None:
    finish(state, numbered(7, "a/b"))
    assert used_numbers(state.read_record()) == {7}


def test_a_disk_that_is_read_only_is_named_in_one_line(state: NodeState, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system", str(state.folder / "lock"))

    monkeypatch.setattr(handed_lock, "_try", refuse)
    with pytest.raises(StateError) as caught, state.lock():
        raise AssertionError("the lock was taken")
    assert str(caught.value) == f"{state.folder} cannot be written: Read-only file system; choose another path"


def test_an_error_of_the_work_is_not_taken_for_one_of_the_lock(state: NodeState) -> None:
    state.folder.mkdir()
    with pytest.raises(PermissionError, match="elsewhere"), state.lock():
        raise PermissionError(errno.EACCES, "elsewhere")
    with state.lock(timeout=0):
        pass  # and it was released
