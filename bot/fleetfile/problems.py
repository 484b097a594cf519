"""What is wrong in a file that people wrote, line by line. Pure, and without the library that reads such files."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from bot.domain.errors import BotError


class Problem(NamedTuple):
    """One thing that is wrong in a file. `line` counts from 1."""

    line: int
    message: str


class YamlFileError(BotError):
    """A file cannot be used. `problems` are in the order of their lines."""

    def __init__(self, problems: Iterable[Problem], *, path: str) -> None:
        self.problems = tuple(sorted(set(problems)))
        self.path = path
        super().__init__("\n".join(f"{path}:{line}: {message}" for line, message in self.problems))
