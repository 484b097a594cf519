"""Read the changed files that services read, compare them, and say which may be shown.

What is mounted, put in as a config, or read as an env file is compared as text; the definition of a stack is not,
because the plan compares what compose makes of it. A secret's content is never shown, nor a file whose name says that
it holds secrets, nor an env file with a value that might be one; from the others secrets are taken out before.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from msgspec.structs import replace

from bot.domain.names import ServiceName
from bot.plan.causes import ReasonCode
from bot.plan.contents import changed_under, find_mounts
from bot.plan.files import diff_texts, find_lost_guards, first_difference
from bot.plan.model import FileDiff, NodePlan, Reason, SourceLine
from bot.plan.rendering import LostGuards, NodeChange, Rendered, Side, StackChange
from bot.planner.exits import PlanRedactor
from bot.planner.interpolation import read_settings
from bot.planner.snapshot import Snapshot
from bot.planner.snapshot_files import BlobReader, TooLargeError
from bot.redaction.recognise import is_secret_name
from bot.redaction.redact import KnownSecrets, known_from

_MAX_FILE = 256 * 1024  # bytes
_MAX_ALL = 2 * 1024 * 1024  # bytes of the files of one plan that are read
_MAX_FILES = 100
_DEFINITION = (".yml", ".yaml", ".json")
_HOLDS_SECRETS = re.compile(
    r"(?i)acme.*\.json|.*\.(?:key|pem|p12|pfx|jks|kdbx|crt|gpg|asc)|.*htpasswd.*|.*passwd.*|id_[a-z0-9]+|\.pgpass"
    r"|\.netrc|.*credential.*|users?_database.*|.*secret.*"
)
_CONTENT = (
    ReasonCode.BIND_CONTENT,
    ReasonCode.CONFIG_CONTENT,
    ReasonCode.SECRET_CONTENT,
    ReasonCode.SECURITY_PROFILE,
)


class ChangedFile(NamedTuple):
    """A changed file that services read, as it was and as it is; `why` says why its content is not known."""

    path: str
    old: str
    new: str
    kind: ReasonCode
    there: bool  # in the new version
    why: str = ""

    @property
    def first_line(self) -> SourceLine:
        """The first line that differs; of a file that is gone, its first."""
        line = first_difference(self.old, self.new) if self.there else 1
        return SourceLine(self.path, line, gone=not self.there)


def read_changed_files(changes: Iterable[NodeChange], old: Snapshot | None, new: Snapshot) -> tuple[ChangedFile, ...]:
    """Every changed file that a service of both versions mounts or takes settings from, by path."""
    if old is None:
        return ()
    kinds: dict[str, ReasonCode] = {}
    for change in changes:
        for stack in change.stacks:
            if stack.old is not None and stack.new is not None:
                for path, kind in _read_by(stack, change):
                    known = kinds.get(path, kind)
                    is_secret = ReasonCode.SECRET_CONTENT in (kind, known)
                    # A profile is no content of a service: who mounts the file as well counts.
                    known = kind if known is ReasonCode.SECURITY_PROFILE else known
                    kinds[path] = ReasonCode.SECRET_CONTENT if is_secret else known
    readers = [BlobReader(side, largest=_MAX_FILE) for side in (old, new)]
    paths = sorted(kinds)[:_MAX_FILES]
    for reader in readers:
        reader.fetch(paths)
    found, room = [], _MAX_ALL
    for path in paths:
        one = _read(path, kinds[path], readers, room)
        room -= len(one.old) + len(one.new)
        found.append(one)
    return tuple(found)


def keep_stricter(one: ChangedFile, other: ChangedFile) -> ChangedFile:
    """`one`, unless only the `other` reading of the same file knows it for a secret."""
    return other if other.kind is ReasonCode.SECRET_CONTENT else one


def _read_by(stack: StackChange, change: NodeChange) -> Iterator[tuple[str, ReasonCode]]:
    """The changed files behind the stack's mounts and settings."""
    for side in (stack.old, stack.new):
        if side is None or not isinstance(side.rendering, Rendered):
            continue
        for _, mount_kind, path in _mounted(side, stack, change):
            yield path, mount_kind
        for path in side.rendering.reads:
            if path in change.changed_for(stack) and not path.lower().endswith(_DEFINITION):
                yield path, ReasonCode.ENV_FILE


def _mounted(side: Side, stack: StackChange, change: NodeChange) -> Iterator[tuple[ServiceName, ReasonCode, str]]:
    model = side.rendering.model if isinstance(side.rendering, Rendered) else {}
    for service in model.get("services") or {}:
        for mount in find_mounts(service, model, change.node):
            place = side.places.get(mount.source)
            for path in changed_under(change.changed_for(stack), [place.path if place else mount.source]):
                yield ServiceName(service), mount.code, path


def _read(path: str, kind: ReasonCode, readers: list[BlobReader], room: int) -> ChangedFile:
    there = [_is_file(reader.snapshot, path) for reader in readers]
    why, texts = "", ["", ""]
    try:
        raw = [reader.read(path) if is_there else b"" for reader, is_there in zip(readers, there, strict=True)]
    except TooLargeError:
        raw, why = [], "is too large to be compared here"
    if not why and sum(map(len, raw)) > room:
        why = "is left out for length"
    elif any(b"\0" in content for content in raw):
        why = "is not text"
    elif not why:
        texts = [content.decode("utf-8", "replace") for content in raw]
    return ChangedFile(path, texts[0], texts[1], kind, there[1], why)


def _is_file(snapshot: Snapshot, path: str) -> bool:
    entry = snapshot.entries.get(path)
    return entry is not None and entry.kind == "blob"


def show_files(
    files: Iterable[ChangedFile], changes: Iterable[NodeChange], redactor: PlanRedactor
) -> tuple[FileDiff, ...]:
    """The diffs as they may leave the process."""
    hidden = frozenset(
        value
        for change in changes
        for stack in change.stacks
        for side in (stack.old, stack.new)
        if side is not None and isinstance(side.rendering, Rendered)
        for value in (*side.rendering.hidden, *side.rendering.in_names)
    )
    known = KnownSecrets(everywhere=hidden)
    return tuple(_show(one, known, redactor) for one in files)


def _show(one: ChangedFile, known: KnownSecrets, redactor: PlanRedactor) -> FileDiff:
    why = one.why or _kept_back(one)
    if why:
        return FileDiff(path=one.path, note=why)
    diff = diff_texts(redactor.file(one.old, known), redactor.file(one.new, known))
    note = f"{diff.left_out} more lines" if diff.left_out else "" if diff.text else "changed its mode alone"
    return FileDiff(path=one.path, diff=diff.text, note=note)


def _kept_back(one: ChangedFile) -> str:
    name = posixpath.basename(one.path)
    if one.kind is ReasonCode.SECRET_CONTENT:
        return "is a secret: its content is never shown"
    if _HOLDS_SECRETS.fullmatch(name) or is_secret_name(name.partition(".")[0]):
        return "is not shown: by its name it holds secrets"
    if one.kind is ReasonCode.ENV_FILE or name == ".env" or name.endswith(".env"):
        known = known_from([pair for text in (one.old, one.new) for pair in read_settings(text)])
        if known.everywhere or known.in_free_text:
            return "is not shown: a value in it may be a secret"
    return ""


def add_lost_guards(change: NodeChange, files: Iterable[ChangedFile]) -> NodeChange:
    """`change` with what its services lose of authentication and TLS in files that they mount."""
    lost = {
        one.path: LostGuards(words, one.first_line)
        for one in files
        if one.kind in (ReasonCode.BIND_CONTENT, ReasonCode.CONFIG_CONTENT)
        and (words := find_lost_guards(one.old, one.new))
    }
    if not lost:
        return change
    stacks = []
    for stack in change.stacks:
        own: dict[ServiceName, tuple[LostGuards, ...]] = {}
        if stack.old is not None and stack.new is not None:
            for service, _, path in dict.fromkeys(_mounted(stack.new, stack, change)):
                if path in lost:
                    own[service] = (*own.get(service, ()), lost[path])
        stacks.append(replace(stack, lost_guards=own) if own else stack)
    return replace(change, stacks=tuple(stacks))


def point_at_files(plan: NodePlan, files: Iterable[ChangedFile]) -> NodePlan:
    """`plan` whose reasons about a file's content lead to the first line that differs."""
    lines = {one.path: one.first_line for one in files}
    stacks = tuple(
        replace(
            stack,
            services=tuple(
                replace(service, reasons=tuple(_point(reason, lines) for reason in service.reasons))
                for service in stack.services
            ),
        )
        for stack in plan.stacks
    )
    return replace(plan, stacks=stacks) if lines else plan


def _point(reason: Reason, lines: Mapping[str, SourceLine]) -> Reason:
    where = lines.get(reason.where.path) if reason.where and reason.code in _CONTENT else None
    return replace(reason, where=where) if where else reason
