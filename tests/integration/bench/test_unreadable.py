"""No kind of input that cannot be planned is silent; `python -m bench unreadable` tries them all."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.unreadable import KINDS, try_kind

_NAMED = ("broken YAML", "an unknown key of a service", "aliases that grow without end", "a link out of the checkout")


@pytest.mark.parametrize("name", _NAMED)
def test_what_cannot_be_planned_is_told_checked_and_held(name: str, tmp_path: Path) -> None:
    (kind,) = [kind for kind in KINDS if kind.name == name]
    found = try_kind(kind, tmp_path)
    assert (found.is_readable, found.reported, found.check, found.held) == (False, True, True, True)
    assert found.message
