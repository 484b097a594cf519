"""What of a node can be told without its platform: its folder, its engine's cure, its ports."""

from __future__ import annotations

import os
import socket

import pytest

from bot.agent.doctor import ENGINE_REMEDIES
from bot.engine.containers import HostPort
from bot.engine.ports import is_taken
from bot.settings.node import find_platform, read_node_settings

pytestmark = pytest.mark.portable


def test_the_platform_and_the_nodes_own_folder() -> None:
    termux = {"PREFIX": "/data/data/com.termux/files/usr", "PROGRAMDATA": r"D:\Data"}
    expected = "windows" if os.name == "nt" else "android"
    assert find_platform(termux) == expected
    folder = str(read_node_settings(termux).state)
    assert folder.endswith("aios-bot-node")
    assert folder.startswith("D:" if os.name == "nt" else "/data/data/com.termux/")


def test_every_platform_has_a_cure_for_an_engine_that_does_not_answer() -> None:
    assert find_platform() in ENGINE_REMEDIES
    assert "Docker Desktop" in ENGINE_REMEDIES["windows"]
    assert "DOCKER_HOST" in ENGINE_REMEDIES["android"]


def test_a_port_that_a_program_holds_is_taken_and_then_free() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = HostPort(number=holder.getsockname()[1], protocol="tcp", address="127.0.0.1")
        assert is_taken(port)
    assert not is_taken(port)
    assert not is_taken(HostPort(number=1, protocol="sctp"))


@pytest.mark.parametrize(
    ("one", "other", "meets"),
    [
        (("", "tcp"), ("127.0.0.1", "tcp"), True),
        (("10.0.0.1", "tcp"), ("127.0.0.1", "tcp"), False),
        (("", "tcp"), ("", "udp"), False),
    ],
)
def test_which_ports_cannot_be_held_together(one: tuple[str, str], other: tuple[str, str], meets: bool) -> None:
    first, second = (HostPort(number=80, protocol=protocol, address=address) for address, protocol in (one, other))
    assert first.conflicts_with(second) is meets
    assert second.conflicts_with(first) is meets
