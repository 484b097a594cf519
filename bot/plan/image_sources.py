"""Find what of its build contexts an image is made from, by its Dockerfile. Pure.

Only what is certain is left out: where a source or a stage is not written out (a variable, a mount of the whole
context, ONBUILD), everything counts. What a base image's own ONBUILD does is not known here: everything counts where
the image's name says that it has one, and where the Dockerfile itself neither copies nor runs anything, unless the
base is built here too.
"""

from __future__ import annotations

import fnmatch
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from bot.plan.build_effect import describe_effect, index_stages, read_options, read_words, stages_named
from bot.plan.dockerfile import BuildStage, Dockerfile, Instruction, NotUnderstoodError, fill_in, parse_dockerfile

MAIN = ""
"""The name of the build's own context among its contexts."""

_MAX_PATTERNS = 20
_MAX_STAGES = 200
_MAX_PATH = 1024  # characters
_FLAGS = frozenset(
    (
        "from",
        "chown",
        "chmod",
        "link",
        "parents",
        "exclude",
        "keep-git-dir",
        "checksum",
        "unpack",
        "mount",
        "network",
        "security",
        "platform",
    )
)
_REMOTE = re.compile(r"[a-z+]+://|git@|github\.com/")
_VERBS = frozenset(
    (
        "add",
        "arg",
        "cmd",
        "copy",
        "entrypoint",
        "env",
        "expose",
        "healthcheck",
        "label",
        "maintainer",
        "onbuild",
        "run",
        "shell",
        "stopsignal",
        "user",
        "volume",
        "workdir",
    )
)


class Source(NamedTuple):
    """A path of a context that an instruction reads; `path` is relative to the context, "" for all of it."""

    context: str
    path: str
    line: int
    is_certain: bool = False  # the build fails without it


class ImageSources:
    """What the build of one image reads. `effect` says what it does with it: equal texts, equal images.

    `effect` is None where the Dockerfile is not understood: then it takes everything. `problem` says why the build
    cannot succeed whatever the contexts hold; "" where that is not known.
    """

    def __init__(self, sources: Iterable[Source], effect: str | None, problem: str = "") -> None:
        self.effect = effect
        self.problem = problem
        self.sources = tuple(dict.fromkeys(sources))
        self._plain: dict[str, set[str]] = {}
        self._patterns: dict[str, list[tuple[re.Pattern[str], ...]]] = {}
        for context, path in dict.fromkeys((source.context, source.path) for source in self.sources):
            patterns = self._patterns.setdefault(context, [])
            if not _is_pattern(path):
                self._plain.setdefault(context, set()).add(path)
            elif len(patterns) < _MAX_PATTERNS:
                patterns.append(tuple(map(_segment, path.split("/"))))
            else:
                self._plain.setdefault(context, set()).add("")

    def takes(self, path: str, context: str = MAIN) -> bool:
        """Whether `path`, relative to the context, can be part of the image."""
        if self.effect is None:
            return True
        context = _context_name(context)
        plain = self._plain.get(context, set())
        if "" in plain or any(above in plain for above in _with_parents(path)):
            return True
        parts = path.split("/")
        return any(
            len(parts) >= len(pattern) and all(one.match(part) for one, part in zip(pattern, parts, strict=False))
            for pattern in self._patterns.get(context, ())
        )

    def follow(self, links: Iterable[str], context: str = MAIN) -> ImageSources:
        """The same, where `links` are the context's symbolic links: one that a source leads through counts as all."""
        context = _context_name(context)
        above = {part for path in self._plain.get(context, ()) for part in _with_parents(path)}
        patterns = self._patterns.get(context, ())
        if not any(link in above or any(_may_lead(link, pattern) for pattern in patterns) for link in links):
            return self
        return ImageSources([*self.sources, Source(context, "", 0)], self.effect)


def _is_pattern(path: str) -> bool:
    return any(character in path for character in "*?[")


def _with_parents(path: str) -> Iterator[str]:
    """The path, and the folders above it."""
    at = len(path)
    while at > 0:
        yield path[:at]
        at = path.rfind("/", 0, at)


def _may_lead(link: str, pattern: tuple[re.Pattern[str], ...]) -> bool:
    parts = link.split("/")
    return len(parts) <= len(pattern) and all(one.match(part) for one, part in zip(pattern, parts, strict=False))


def _segment(text: str) -> re.Pattern[str]:
    """One part of a pattern. What stands in brackets is read in another way by Go: it fits anything."""
    return re.compile(fnmatch.translate("*" if "[" in text else text), re.DOTALL)


def find_sources(
    text: str, target: str = "", contexts: Iterable[str] = (), *, has_plain_base: bool = False
) -> ImageSources:
    """What the Dockerfile `text` reads for `target` ("": its last stage); `contexts` names the additional ones.

    `has_plain_base`: its base images are known to leave no instructions for it.
    """
    try:
        dockerfile = parse_dockerfile(text)
        wanted = _find_target(dockerfile, target)
        if not wanted:
            problem = f"it has no stage {target}" if dockerfile.stages else "it has no FROM"
            return ImageSources((), None, problem)
        needed, whole = _find_needed(dockerfile, wanted, frozenset(map(_context_name, contexts)))
        sources = [source for stage in needed for step in stage.steps for source in _sources_of(step)]
        takes_nothing = not any(step.verb in ("add", "copy", "run") for stage in needed for step in stage.steps)
        if takes_nothing and not has_plain_base:
            sources.append(Source(MAIN, "", 0))  # what else would it be for?
    except (NotUnderstoodError, RecursionError):
        return ImageSources((), None)
    effect = describe_effect(dockerfile, needed, wanted)
    return ImageSources([*sources, *(Source(context, "", 0) for context in sorted(whole))], effect)


def find_images(
    text: str, target: str = "", arguments: Mapping[str, str | None] = MappingProxyType({})
) -> frozenset[str] | None:
    """The images that the Dockerfile `text` reads for `target`, as `image_name` spells them; None: it may be any.

    `arguments` are those of the build; None: only the node knows.
    """
    try:
        dockerfile = fill_in(parse_dockerfile(text), arguments)
        needed, _ = _find_needed(dockerfile, _find_target(dockerfile, target), frozenset())
    except (NotUnderstoodError, RecursionError):
        return None
    found = {reference for stage in needed for reference, _ in _references(stage)}
    return None if any("$" in reference for reference in found) else frozenset(map(image_name, found))


def _find_needed(file: Dockerfile, wanted: list[int], contexts: frozenset[str]) -> tuple[list[BuildStage], set[str]]:
    """The stages that the wanted ones are made of, in their order, and the contexts that are read as a whole."""
    if len(file.stages) > _MAX_STAGES:
        raise NotUnderstoodError("it has too many stages")
    places = index_stages(file)
    waiting = list(wanted)
    seen: set[int] = set()
    whole: set[str] = set()
    while waiting:
        number = waiting.pop()
        if number in seen:
            continue
        seen.add(number)
        stage = file.stages[number]
        if "onbuild" in stage.base:
            raise NotUnderstoodError("the base image brings instructions of its own")
        for reference, is_whole in _references(stage):
            if "$" in reference:
                waiting += range(number)  # it may be any of them
                whole |= contexts
                continue
            if is_whole:
                whole |= contexts & {_context_name(reference)}
            waiting += stages_named(places, reference, number)
    return [file.stages[number] for number in sorted(seen)], whole


def _find_target(file: Dockerfile, target: str) -> list[int]:
    if not target:
        return [len(file.stages) - 1] if file.stages else []
    found = [at for at, stage in enumerate(file.stages) if stage.name == target.lower()]
    if not found and target.isdecimal() and int(target[:9]) < len(file.stages):
        found = [int(target[:9])]
    return found


def _context_name(name: str) -> str:
    """One spelling of a context's name, which may be that of an image."""
    return image_name(name) if name != MAIN else MAIN


def image_name(name: str) -> str:
    """One spelling of an image's name."""
    plain = name.lower().removeprefix("docker.io/").removeprefix("library/")
    return plain if ":" in plain.rpartition("/")[2] or "@" in plain else f"{plain}:latest"


def _references(stage: BuildStage) -> Iterator[tuple[str, bool]]:
    """The stages, images and contexts that a stage reads; True: as a whole."""
    yield stage.base, True
    for step in stage.steps:
        for name, value in step.flags:
            if name == "from":
                yield value.lower(), False
            elif name == "mount" and (options := read_options(value)).get("from"):
                yield options["from"].lower(), True


def _sources_of(step: Instruction) -> Iterator[Source]:
    unknown = [name for name, _ in step.flags if name not in _FLAGS]
    if unknown or step.verb not in _VERBS or step.verb == "onbuild":
        raise NotUnderstoodError(f"line {step.line}: {' '.join([step.verb, *unknown])}")
    if step.verb == "run":
        for options in (read_options(value) for name, value in step.flags if name == "mount"):
            kind = options.get("type", "bind")
            if kind not in ("bind", "cache", "tmpfs", "secret", "ssh"):
                raise NotUnderstoodError(f"line {step.line}: a mount of an unknown kind")
            if kind == "bind" and not options.get("from"):
                yield Source(MAIN, _plain_path(options.get("source", ""), step.line), step.line)
    elif step.verb in ("copy", "add"):
        flags = dict(step.flags)
        context = _context_name(flags.get("from", MAIN))
        for word in read_words(step)[:-1]:
            if word.startswith("<<") or (step.verb == "add" and _REMOTE.match(word)):
                continue
            path = _plain_path(word, step.line)
            is_certain = context == MAIN and not (
                ":" in path or _is_pattern(path) or {"parents", "exclude"} & {*flags}
            )
            yield Source(context, path, step.line, is_certain)


def _plain_path(word: str, line: int) -> str:
    """The path that a source names, below its context."""
    if any(character in word for character in "$\\`\"'") or "**" in word or len(word) > _MAX_PATH:
        raise NotUnderstoodError(f"line {line}: {word}")
    return posixpath.normpath(f"/{word}").lstrip("/")
