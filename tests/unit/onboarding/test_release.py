"""Which agent a release holds is read from its lock, whose hash then decides."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from bot.domain.errors import BotError
from bot.onboarding.join.release import MAX_LOCK, read_release
from bot.protocol.agent import AgentRelease
from tests.releases import serve

LOCK = "# pip: p\nclick==8.1.0 \\\n    --hash=sha256:00\naios-bot==1.2.3 \\\n    --hash=sha256:00\n"


def test_a_release_is_its_version_its_address_and_its_locks_hash(tmp_path: Path) -> None:
    (tmp_path / "agent.txt").write_text(LOCK)
    with serve(tmp_path) as place:
        found = read_release(place.url + "/")
    assert found == AgentRelease(version="1.2.3", url=place.url, lock=hashlib.sha256(LOCK.encode()).hexdigest())


@pytest.mark.parametrize("text", ["click==8.1.0 \\\n", "", LOCK + "#" * MAX_LOCK])
def test_what_is_no_lock_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "agent.txt").write_text(text)
    with serve(tmp_path) as place, pytest.raises(BotError, match="is no agent's lock: name another release"):
        read_release(place.url)


def test_a_release_that_is_not_there_is_told(tmp_path: Path) -> None:
    with serve(tmp_path) as place, pytest.raises(BotError, match=r"cannot be read .*404.*--agent installed"):
        read_release(place.url)
    with pytest.raises(BotError) as unreachable:
        read_release("http://127.0.0.1:1/release")
    assert str(unreachable.value).startswith(
        "http://127.0.0.1:1/release/agent.txt cannot be read (ConnectionError): name another release"
    )
    with pytest.raises(BotError, match="file:///x is not the address of a release"):
        read_release("file:///x")
