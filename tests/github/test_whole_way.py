"""Every lag and refusal of GitHub at once."""

from __future__ import annotations

from pathlib import Path

from tests.github.stepping import stepping
from tests.github.whole_way import be_unkind, go


def test_every_lag_and_refusal_at_once(tmp_path: Path) -> None:
    """A personal account on an old server whose lists lag, and a locked conversation: everything arrives."""
    with stepping(tmp_path, prepare=be_unkind) as steps:
        steps.begin()
        go(steps)
