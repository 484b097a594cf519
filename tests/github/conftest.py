"""A small AIOS whose service runs step by step."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.github.stepping import Stepper, stepping


@pytest.fixture
def steps(tmp_path: Path) -> Iterator[Stepper]:
    """Public repositories, everything granted, the first look done."""
    with stepping(tmp_path) as found:
        found.begin()
        yield found
