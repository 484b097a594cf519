"""A stack's compose files with what they take in, and everything that compose reads for them."""

from __future__ import annotations

from typing import NamedTuple

from bot.plan.model import SourceLine
from bot.plan.rendering import OutsideFile
from bot.planner.interpolation import read_settings
from bot.planner.yaml_nodes import YamlNode


class RefusedError(Exception):
    """The stack must not be rendered. The message is for people and holds nothing secret."""

    def __init__(self, message: str, where: SourceLine | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.where = where


class ComposeGroup(NamedTuple):
    """Compose files that are merged in order, with one folder that their paths are relative to."""

    files: list[ComposeFile]
    folder: str


class ComposeFile(NamedTuple):
    """One compose file: where it stands, its documents, and what it takes in."""

    path: str  # as named
    real: str  # after links: where its lines are
    documents: tuple[YamlNode, ...]
    folder: str  # its relative paths start here
    includes: list[ComposeGroup]
    bases: dict[str, tuple[ComposeFile, str]]  # service -> the file and service that it extends


class ComposeInputs:
    """Everything that compose reads for one stack. `files` are as they will be written for it."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}  # as compose will name them
        self.folders: set[str] = set()  # must exist, though nothing in them is read
        self.paths: set[str] = set()  # as named, and after links
        self.interpolated_from: dict[str, str] = {}  # env files whose variables are put into compose files
        self.passed_on: dict[str, str] = {}  # env files that go into services' environments
        self.label_files: dict[int, str] = {}  # by the `id` of the node that names one, its path
        self.main = ComposeGroup([], "")
        self.remarks: dict[str, None] = {}  # what people have to know of files that could not be read
        self.outside: list[OutsideFile] = []  # what the node reads, and compose does not see here
        self.left_out: set[int] = set()  # the `id` of nodes that compose must not see

    def settings(self) -> list[tuple[str, str]]:
        """Name and value of everything that the env files set."""
        texts = [*self.interpolated_from.values(), *self.passed_on.values()]
        return [pair for text in texts for pair in read_settings(text)]
