"""Collect everything that compose would read for a stack, and refuse what it must not read.

Nothing outside the checkout may be read: no absolute or home path, no address, no `..` or link that leads out,
no variable that could become one of these. What is inside is collected with its content, so that compose gets
those files and nothing else. Bind mounts may name any path, because compose reads nothing there.

Env files may stand on the node alone, as secrets should: one that is not here counts as empty, one that lies
outside is not given to compose, and a remark says so. Where it lies is kept for the risks, because the node reads it.
Files of secrets and configs are only named, since compose opens none of them.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence

from bot.domain.names import ServiceName
from bot.engine.setting_names import rename_settings
from bot.plan.model import SourceLine
from bot.plan.rendering import OUTSIDE, OutsideFile
from bot.planner.checkout_paths import REMOTE_CONTEXT, find_inside, find_way_out
from bot.planner.compose_files import ComposeFile, ComposeGroup, ComposeInputs, RefusedError
from bot.planner.interpolation import UnknowableError, possible_texts
from bot.planner.snapshot_files import OutsideError, SnapshotFiles, TooLargeError
from bot.planner.stack_files import MAX_FILE
from bot.planner.yaml_dialect import YamlRefusedError
from bot.planner.yaml_fields import choices, field, items, mappings
from bot.planner.yaml_nodes import YamlMapping, YamlNode, YamlScalar, parse_yaml, write_yaml

_MAX_FILES = 300
_SHOWN = 120  # characters of a path in a remark
_MAX_DEPTH = 24  # includes within includes, extends of extends

_NAMED_CONTEXT = re.compile(r"(?i)(?:docker-image|service|target|oci-layout):")


def collect_inputs(
    checkout: SnapshotFiles, *, folder: str, files: Sequence[str], known: dict[str, str]
) -> ComposeInputs:
    """Follow everything that compose reads for `files` in `folder`, or RefusedError with file and line.

    `known` are the variables whose value is certain. What is not there is left out: compose says so itself.
    """
    walk = _Walk(checkout, known, folder)
    walk.env_file(posixpath.join(folder, ".env"), None, interpolates=True)
    walk.inputs.main = walk.group([find_inside(name, folder, None) for name in files], folder, depth=0)
    walk.inputs.folders.add(folder)
    return walk.inputs


class _Walk:
    def __init__(self, checkout: SnapshotFiles, known: dict[str, str], stack: str) -> None:
        self.checkout = checkout
        self.known = known
        self.stack = stack  # its folder, in which compose runs
        self.inputs = ComposeInputs()
        self._parsed: dict[tuple[str, str, bool], ComposeFile] = {}

    def group(self, paths: Sequence[str], folder: str, *, depth: int) -> ComposeGroup:
        found = [self.compose_file(path, folder, None, depth=depth) for path in paths]
        return ComposeGroup([file for file in found if file], folder)

    def compose_file(
        self, path: str, folder: str, where: SourceLine | None, *, depth: int, extended: bool = False
    ) -> ComposeFile | None:
        if depth > _MAX_DEPTH:
            raise RefusedError(f"more than {_MAX_DEPTH} compose files take in one another", where)
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
        file = ComposeFile(path, real, documents, folder, [], {})
        self._parsed[path, folder, extended] = file
        for document in documents:
            if isinstance(document, YamlMapping):
                self.document(file, document, depth=depth, extended=extended)
        self.add_file(path, real, write_yaml(documents, self.inputs.left_out).encode())
        return file

    def document(self, file: ComposeFile, document: YamlMapping, *, depth: int, extended: bool) -> None:
        for name, service in mappings(document.get("services")):
            self.service(file, name, service, depth=depth)
        if extended:
            return  # compose takes nothing but the service from an extended file
        for _, job in mappings(document.get("jobs")):
            self.container(file, "", job)
        for entry in items(document.get("include")):
            self.include(file, entry, depth=depth)
        for section in ("configs", "secrets"):
            for _, resource in mappings(document.get(section)):
                self.mentioned(file, field(resource, "file"), f"a file of {section}")

    def include(self, file: ComposeFile, entry: YamlNode, *, depth: int) -> None:
        if isinstance(entry, YamlScalar):
            entry = YamlMapping({"path": (entry, entry)}, entry.line)
        paths = items(field(entry, "path"))
        if not paths:
            return
        project = field(entry, "project_directory")
        for candidates in choices([self.texts(file, item, "include") for item in paths]):
            named = [find_inside(text, file.folder, self.at(file, paths[0])) for text in candidates]
            folders = [posixpath.dirname(named[0])]
            if isinstance(project, YamlScalar) and not project.is_null and project.text:
                where = self.at(file, project)
                folders = [find_inside(t, file.folder, where) for t in self.texts(file, project, "project_directory")]
            for folder in folders:
                self.folder(folder, self.at(file, paths[0]))
                self.include_env_files(file, entry, folder)
                group = self.group(named, folder, depth=depth + 1)
                if group.files:
                    file.includes.append(group)

    def include_env_files(self, file: ComposeFile, entry: YamlNode, folder: str) -> None:
        listed = items(field(entry, "env_file"))
        if not listed:
            self.env_file(posixpath.join(folder, ".env"), None, interpolates=True)
        for item in listed:
            for path in self.read_paths(file, item, "env_file", item, service=""):
                self.env_file(path, self.at(file, item), interpolates=True, called="env_file")

    def service(self, file: ComposeFile, name: str, service: YamlMapping, *, depth: int) -> None:
        self.extends(file, name, service, depth=depth)
        self.container(file, name, service)
        for hook in items(service.get("pre_start")):
            if isinstance(hook, YamlMapping):
                self.container(file, name, hook)
        self.mentioned(file, field(service.get("credential_spec"), "file"), "the file of credential_spec")
        self.build(file, service.get("build"))

    def container(self, file: ComposeFile, name: str, container: YamlMapping) -> None:
        """The files whose content compose puts into a container of the service `name`: its own, a hook's, a job's."""
        for item in items(container.get("env_file")):
            listed = field(item, "path") if isinstance(item, YamlMapping) else item
            required = field(item, "required")
            optional = isinstance(required, YamlScalar) and required.text.lower() == "false"
            for path in self.read_paths(file, listed, "env_file", item, service=name):
                called = "" if optional else "env_file"
                self.env_file(path, self.at(file, item), interpolates=False, called=called)
        for item in items(container.get("label_file")):
            paths = self.read_paths(file, item, "label_file", item, service=name)
            self.inputs.label_files |= {id(item): path for path in paths[:1]}  # that of the env files comes first
            for path in paths:
                real = self.find(path, self.at(file, item))
                content = self.content(real, self.at(file, item)) if real else None
                if real and content is not None:
                    self.add_file(path, real, content)
                elif real is None:
                    self.absent("label_file", path)

    def extends(self, file: ComposeFile, name: str, service: YamlMapping, *, depth: int) -> None:
        extends = service.get("extends")
        of = extends if isinstance(extends, YamlScalar) else field(extends, "service")
        if not isinstance(of, YamlScalar):
            return
        named = field(extends, "file")
        if named is None:
            file.bases[name] = (file, of.text)
            return
        for path, where in self.paths(file, named, "extends: file"):
            folder = posixpath.dirname(path)
            base = self.compose_file(path, folder, where, depth=depth + 1, extended=True)
            if base:
                file.bases[name] = (base, of.text)

    def build(self, file: ComposeFile, build: YamlNode | None) -> None:
        context = build if isinstance(build, YamlScalar) else field(build, "context")
        for folder, _ in self.contexts(file, context, "build"):
            dockerfile = field(build, "dockerfile")
            if isinstance(dockerfile, YamlScalar) and not dockerfile.is_null:
                for text in self.texts(file, dockerfile, "dockerfile"):
                    where = self.at(file, dockerfile)
                    self.find(find_inside(text, folder, where), where)
            else:
                self.find(posixpath.join(folder, "Dockerfile"), None)
        more = field(build, "additional_contexts")
        named = [value for _, value in more.pairs.values()] if isinstance(more, YamlMapping) else items(more)
        for item in named:
            inner = item
            if isinstance(item, YamlScalar) and not isinstance(more, YamlMapping):
                inner = item._replace(text=item.text.partition("=")[2])
            list(self.contexts(file, inner, "additional_contexts"))

    def contexts(self, file: ComposeFile, node: YamlNode | None, what: str) -> Iterator[tuple[str, SourceLine]]:
        """Build contexts are folders; addresses are left alone, because rendering fetches nothing."""
        if isinstance(node, YamlScalar) and not (_NAMED_CONTEXT.match(node.text) or REMOTE_CONTEXT.match(node.text)):
            for path, where in self.paths(file, node, what):
                self.find(path, where)
                yield path, where

    def mentioned(self, file: ComposeFile, node: YamlNode | None, what: str) -> None:
        """A file that compose opens only when it starts containers."""
        try:
            for path, where in self.paths(file, node, what):
                self.find(path, where)
        except RefusedError:
            if isinstance(node, YamlScalar):
                self.remark(f"{what}, {node.text[:_SHOWN]}, is not in the repository: its content is not compared")

    def read_paths(
        self, file: ComposeFile, node: YamlNode | None, what: str, item: YamlNode, *, service: str
    ) -> list[str]:
        """The paths that `node` may become; none where one leads outside, and then compose does not see `item`."""
        inside, outside = [], []
        try:
            texts = self.texts(file, node, what)
        except RefusedError:
            texts, outside = (), [OUTSIDE]
        for text in texts:
            try:
                path = find_inside(text, file.folder, None, what)
                self.checkout.find(path)
                inside.append(path)
            except RefusedError:
                outside.append(find_way_out(text, file.folder))
            except OutsideError as problem:
                outside.append(problem.target if problem.target.startswith(("/", "~")) else OUTSIDE)
        if not outside:
            return inside
        self.inputs.left_out.add(id(item))
        if isinstance(node, YamlScalar):
            self.remark(f"{what} {node.text[:_SHOWN]} is not in the repository: what it sets is not compared")
            self.inputs.outside += [
                OutsideFile(ServiceName(service), what, p, self.at(file, node)) for p in outside if p
            ]
        return []

    def absent(self, what: str, path: str) -> None:
        """A file that only the node may have: compose gets an empty one."""
        self.inputs.files[path] = b""
        self.remark(f"{what} {path[:_SHOWN]} is not in the repository: what it sets is not compared")

    def remark(self, text: str) -> None:
        self.inputs.remarks[text] = None

    def at(self, file: ComposeFile, node: YamlNode) -> SourceLine:
        return SourceLine(path=file.real, line=node.line)

    def texts(self, file: ComposeFile, node: YamlNode | None, what: str) -> tuple[str, ...]:
        if not isinstance(node, YamlScalar) or node.is_null or not node.text:
            return ()
        known = self.known | {"PWD": posixpath.relpath(f"/{self.stack}", f"/{file.folder}")}
        try:
            return possible_texts(node.text, known, self.inputs.interpolated_from.values())
        except UnknowableError as problem:
            raise RefusedError(
                f"{what} names a file through a variable, and {problem}; write the path itself", self.at(file, node)
            ) from None

    def paths(self, file: ComposeFile, node: YamlNode | None, what: str) -> Iterator[tuple[str, SourceLine]]:
        for text in self.texts(file, node, what):
            if text and isinstance(node, YamlScalar):
                where = self.at(file, node)
                yield find_inside(text, file.folder, where, what), where

    def find(self, path: str, where: SourceLine | None) -> str | None:
        try:
            return self.checkout.find(path)
        except OutsideError as problem:
            raise RefusedError(f"{path[:100]!r}: {problem}", where) from None

    def folder(self, path: str, where: SourceLine | None) -> None:
        real = self.find(path, where)
        if real is not None and self.checkout.is_folder(real):
            self.inputs.folders.add(path)

    def content(self, real: str, where: SourceLine | None) -> bytes | None:
        if ":" not in self.checkout.state_of(real):
            return None  # a folder or another submodule
        try:
            return self.checkout.read(real)
        except TooLargeError:
            raise RefusedError(f"{real[:100]!r} is larger than {MAX_FILE // 1024} KiB", where) from None

    def env_file(self, path: str, where: SourceLine | None, *, interpolates: bool, called: str = "") -> None:
        """Read an env file. `called` is how people call one that compose requires."""
        real = self.find(path, where)
        content = self.content(real, where) if real else None
        if real is None or content is None:
            if called and real is None:
                self.absent(called, path)
            return
        text = content.decode("utf-8", "replace")
        into = self.inputs.interpolated_from if interpolates else self.inputs.passed_on
        into[path] = text
        renamed = rename_settings(text) if interpolates else text
        self.add_file(path, real, content if renamed == text else renamed.encode())

    def add_file(self, path: str, real: str, content: bytes) -> None:
        self.inputs.files[path] = content
        self.inputs.paths |= {path, real}
        if len(self.inputs.files) > _MAX_FILES:
            raise RefusedError(f"the stack reads more than {_MAX_FILES} files")
