"""The check before compose runs: everything that compose would read, followed through the snapshot.

Nothing outside the checkout may be read: no absolute or home path, no address, no `..` or link that leads out,
no variable that could become one of these. What is inside is collected with its content, so that compose is
given those files and nothing else. Bind mounts may name any path, because compose reads nothing there.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from bot.plan.model import SourceLine
from bot.planner import yaml_nodes
from bot.planner.checkout import Checkout, OutsideError, TooLargeError
from bot.planner.interpolation import UnknowableError, possible_texts
from bot.planner.yaml_nodes import Mapping, Node, Scalar, YamlRefusedError, parse_yaml, write_yaml

LARGEST_FILE = 1024 * 1024  # bytes of one env file; compose files have a smaller limit of their own
_MOST_FILES = 300
_DEEPEST = 24  # includes within includes, extends of extends

_REMOTE = re.compile(
    r"(?i)[a-z][a-z0-9+.-]*://|oci:|git@|[\w.-]+@[\w.-]+:|(?:www\.)?(?:github|gitlab)\.com/|.*\.git(?:#.*)?$"
)
_DRIVE = re.compile(r"[A-Za-z]:")
_NAMED_CONTEXT = re.compile(r"(?i)(?:docker-image|service|target|oci-layout):")


class RefusedError(Exception):
    """The stack must not be rendered. The message is for people and holds nothing secret."""

    def __init__(self, message: str, where: SourceLine | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.where = where


class Group(NamedTuple):
    """Compose files that are merged in order, with one folder that their paths are relative to."""

    files: list[File]
    folder: str


class File(NamedTuple):
    """One compose file: where it stands, its documents, and what it takes in."""

    path: str  # as named
    real: str  # after links: where its lines are
    documents: tuple[Node, ...]
    folder: str  # its relative paths start here
    includes: list[Group]
    bases: dict[str, tuple[File, str]]  # service -> the file and service that it extends


class Reads:
    """Everything that compose reads for one stack. `files` are ready to be written out."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}  # as compose will name them
        self.folders: set[str] = set()  # must exist, though nothing in them is read
        self.paths: set[str] = set()  # as named, and after links
        self.interpolated_from: dict[str, str] = {}  # env files whose variables are put into compose files
        self.passed_on: dict[str, str] = {}  # env files that go into services' environments
        self.main = Group([], "")


def check_reads(checkout: Checkout, *, folder: str, files: Sequence[str], known: dict[str, str]) -> Reads:
    """Follow everything that compose reads for `files` in `folder`, or RefusedError with file and line.

    `known` are the variables whose value is certain. What is not there is left out: compose says so itself.
    """
    walk = _Walk(checkout, known)
    walk.env_file(posixpath.join(folder, ".env"), None, interpolates=True)
    walk.reads.main = walk.group([walk.inside(name, folder, None) for name in files], folder, depth=0)
    walk.reads.folders.add(folder)
    return walk.reads


class _Walk:
    def __init__(self, checkout: Checkout, known: dict[str, str]) -> None:
        self.checkout = checkout
        self.known = known
        self.reads = Reads()
        self._parsed: dict[tuple[str, str, bool], File] = {}

    def group(self, paths: Sequence[str], folder: str, *, depth: int) -> Group:
        found = [self.compose_file(path, folder, None, depth=depth) for path in paths]
        return Group([file for file in found if file], folder)

    def compose_file(
        self, path: str, folder: str, where: SourceLine | None, *, depth: int, extended: bool = False
    ) -> File | None:
        if depth > _DEEPEST:
            raise RefusedError(f"more than {_DEEPEST} compose files take in one another", where)
        before = self._parsed.get((path, folder, extended))
        real = self.find(path, where)
        if before or real is None:
            return before
        content = self.content(real, where)
        if content is None:
            return None
        try:
            documents = parse_yaml(content)
        except YamlRefusedError as problem:
            raise RefusedError(problem.message, SourceLine(path=real, line=problem.line)) from None
        file = File(path, real, documents, folder, [], {})
        self._parsed[path, folder, extended] = file
        self.note(path, real, write_yaml(documents).encode())
        for document in documents:
            if isinstance(document, Mapping):
                self.document(file, document, depth=depth, extended=extended)
        return file

    def document(self, file: File, document: Mapping, *, depth: int, extended: bool) -> None:
        services = document.get("services")
        if isinstance(services, Mapping):
            for name, (_, service) in services.pairs.items():
                if isinstance(service, Mapping):
                    self.service(file, name, service, depth=depth)
        if extended:
            return  # compose takes nothing but the service from an extended file
        for entry in _items(document.get("include")):
            self.include(file, entry, depth=depth)
        for section in ("configs", "secrets"):
            resources = document.get(section)
            for _, resource in (resources.pairs if isinstance(resources, Mapping) else {}).values():
                self.mentioned(file, _field(resource, "file"), f"a file of {section}")

    def include(self, file: File, entry: Node, *, depth: int) -> None:
        if isinstance(entry, Scalar):
            entry = Mapping({"path": (entry, entry)}, entry.line)
        paths = _items(_field(entry, "path"))
        if not paths:
            return
        project = _field(entry, "project_directory")
        for candidates in _choices([self.texts(file, item, "include") for item in paths]):
            named = [self.inside(text, file.folder, self.at(file, paths[0])) for text in candidates]
            folders = [posixpath.dirname(named[0])]
            if isinstance(project, Scalar) and not project.is_null and project.text:
                where = self.at(file, project)
                folders = [self.inside(t, file.folder, where) for t in self.texts(file, project, "project_directory")]
            for folder in folders:
                self.folder(folder, self.at(file, paths[0]))
                self.include_env_files(file, entry, folder)
                group = self.group(named, folder, depth=depth + 1)
                if group.files:
                    file.includes.append(group)

    def include_env_files(self, file: File, entry: Node, folder: str) -> None:
        listed = _items(_field(entry, "env_file"))
        if not listed:
            self.env_file(posixpath.join(folder, ".env"), None, interpolates=True)
        for item in listed:
            for text in self.texts(file, item, "include: env_file"):
                where = self.at(file, item)
                self.env_file(self.inside(text, file.folder, where), where, interpolates=True)

    def service(self, file: File, name: str, service: Mapping, *, depth: int) -> None:
        self.extends(file, name, service, depth=depth)
        for item in _items(service.get("env_file")):
            listed = _field(item, "path") if isinstance(item, Mapping) else item
            for path, where in self.paths(file, listed, "env_file"):
                self.env_file(path, where, interpolates=False)
        for item in _items(service.get("label_file")):
            for path, where in self.paths(file, item, "label_file"):
                real = self.find(path, where)
                content = self.content(real, where) if real else None
                if real and content is not None:
                    self.note(path, real, content)
        self.mentioned(file, _field(service.get("credential_spec"), "file"), "the file of credential_spec")
        self.build(file, service.get("build"))

    def extends(self, file: File, name: str, service: Mapping, *, depth: int) -> None:
        extends = service.get("extends")
        of = extends if isinstance(extends, Scalar) else _field(extends, "service")
        if not isinstance(of, Scalar):
            return
        named = _field(extends, "file")
        if named is None:
            file.bases[name] = (file, of.text)
            return
        for path, where in self.paths(file, named, "extends: file"):
            folder = posixpath.dirname(path)
            base = self.compose_file(path, folder, where, depth=depth + 1, extended=True)
            if base:
                file.bases[name] = (base, of.text)

    def build(self, file: File, build: Node | None) -> None:
        context = build if isinstance(build, Scalar) else _field(build, "context")
        for folder, _ in self.contexts(file, context, "build"):
            dockerfile = _field(build, "dockerfile")
            if isinstance(dockerfile, Scalar) and not dockerfile.is_null:
                for text in self.texts(file, dockerfile, "dockerfile"):
                    where = self.at(file, dockerfile)
                    self.look_at(self.inside(text, folder, where), where)
            else:
                self.look_at(posixpath.join(folder, "Dockerfile"), None)
        more = _field(build, "additional_contexts")
        named = [value for _, value in more.pairs.values()] if isinstance(more, Mapping) else _items(more)
        for item in named:
            inner = item
            if isinstance(item, Scalar) and not isinstance(more, Mapping):
                inner = item._replace(text=item.text.partition("=")[2])
            list(self.contexts(file, inner, "additional_contexts"))

    def contexts(self, file: File, node: Node | None, what: str) -> Iterator[tuple[str, SourceLine]]:
        """Build contexts are folders; addresses are left alone, because rendering fetches nothing."""
        if isinstance(node, Scalar) and not (_NAMED_CONTEXT.match(node.text) or _REMOTE.match(node.text)):
            for path, where in self.paths(file, node, what):
                self.look_at(path, where)
                yield path, where

    def mentioned(self, file: File, node: Node | None, what: str) -> None:
        """A file that compose opens only when it starts containers."""
        for path, where in self.paths(file, node, what):
            self.look_at(path, where)

    # The smallest steps: from a node to texts, to paths, to contents.

    def at(self, file: File, node: Node) -> SourceLine:
        return SourceLine(path=file.real, line=node.line)

    def texts(self, file: File, node: Node | None, what: str) -> tuple[str, ...]:
        if not isinstance(node, Scalar) or node.is_null or not node.text:
            return ()
        try:
            return possible_texts(node.text, self.known, self.reads.interpolated_from.values())
        except UnknowableError as problem:
            raise RefusedError(
                f"{what} names a file through a variable, and {problem}; write the path itself", self.at(file, node)
            ) from None

    def paths(self, file: File, node: Node | None, what: str) -> Iterator[tuple[str, SourceLine]]:
        for text in self.texts(file, node, what):
            if text and isinstance(node, Scalar):
                where = self.at(file, node)
                yield self.inside(text, file.folder, where, what), where

    def inside(self, text: str, folder: str, where: SourceLine | None, what: str = "a compose file") -> str:
        """`text` as a path of the checkout, or RefusedError."""
        shown = f"{what}: {text[:100]!r}"
        if _REMOTE.match(text):
            raise RefusedError(f"{shown} is an address; only files of the checkout are read", where)
        slashed = text.replace("\\", "/")
        if slashed.startswith(("/", "~")) or _DRIVE.match(slashed) or "\0" in text:
            raise RefusedError(f"{shown} lies outside the checkout; write a path relative to this folder", where)
        for spelling in (text, slashed):
            path = posixpath.normpath(posixpath.join(folder, spelling))
            if path == ".." or path.startswith("../"):
                raise RefusedError(f"{shown} leads out of the checkout", where)
        path = posixpath.normpath(posixpath.join(folder, text))
        return "" if path == "." else path

    def find(self, path: str, where: SourceLine | None) -> str | None:
        try:
            return self.checkout.find(path)
        except OutsideError as problem:
            raise RefusedError(f"{path[:100]!r}: {problem}", where) from None

    def look_at(self, path: str, where: SourceLine | None) -> None:
        self.find(path, where)

    def folder(self, path: str, where: SourceLine | None) -> None:
        real = self.find(path, where)
        if real is not None and self.checkout.is_folder(real):
            self.reads.folders.add(path)

    def content(self, real: str, where: SourceLine | None) -> bytes | None:
        if ":" not in self.checkout.look(real):
            return None  # a folder or another submodule
        try:
            return self.checkout.read(real)
        except TooLargeError:
            raise RefusedError(f"{real[:100]!r} is larger than {LARGEST_FILE // 1024} KiB", where) from None

    def env_file(self, path: str, where: SourceLine | None, *, interpolates: bool) -> None:
        real = self.find(path, where)
        content = self.content(real, where) if real else None
        if real is None or content is None:
            return
        self.note(path, real, content)
        into = self.reads.interpolated_from if interpolates else self.reads.passed_on
        into[path] = content.decode("utf-8", "replace")

    def note(self, path: str, real: str, content: bytes) -> None:
        self.reads.files[path] = content
        self.reads.paths |= {path, real}
        if len(self.reads.files) > _MOST_FILES:
            raise RefusedError(f"the stack reads more than {_MOST_FILES} files")


def _field(node: Node | None, name: str) -> Node | None:
    return node.get(name) if isinstance(node, Mapping) else None


def _items(node: Node | None) -> list[Node]:
    if node is None:
        return []
    return list(node.items) if isinstance(node, yaml_nodes.Sequence) else [node]


def _choices(options: list[tuple[str, ...]]) -> list[list[str]]:
    """Ways to choose one of each; with several possible names for one file, each in turn."""
    first = [choice[0] for choice in options if choice]
    found = [first] if first else []
    for at, choice in enumerate(options):
        found += [[*first[:at], other, *first[at + 1 :]] for other in choice[1:]]
    return found
