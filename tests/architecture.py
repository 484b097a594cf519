"""Reads docs/architecture.md, and records which of its steps a piece of work passes."""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

ROOT = Path(__file__).parents[1]
_STEP = re.compile(r"^\d+\. `(bot/[\w/]+\.py): ([\w.]+)`", re.M)


def read_steps(section: str) -> list[tuple[str, str]]:
    """File and function of each step that the section lists, in order."""
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    part = text.split(f"## {section}\n", 1)[1].split("\n## ", 1)[0]
    return [(path, name.rpartition(".")[2]) for path, name in _STEP.findall(part)]


@contextmanager
def recorded(steps: list[tuple[str, str]]) -> Iterator[list[tuple[str, str]]]:
    """Yields a list that fills with those of `steps` that are entered, in the order of their first call."""
    wanted, seen = set(steps), []
    lock = threading.Lock()

    def note(frame: FrameType, event: str, _argument: Any) -> None:
        if event != "call":
            return
        path = frame.f_code.co_filename
        step = (path[path.rfind("/bot/") + 1 :], frame.f_code.co_name)
        if step in wanted:
            with lock:
                if step not in seen:
                    seen.append(step)

    threading.setprofile(note)
    sys.setprofile(note)
    try:
        yield seen
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
