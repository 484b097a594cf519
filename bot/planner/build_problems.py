"""Say why an image cannot be built from a snapshot, where that is known."""

from __future__ import annotations

import posixpath

from bot.fleetfile import Node
from bot.plan.build_ignore import BuildIgnore, at_any_depth
from bot.plan.image_sources import MAIN
from bot.plan.model import SourceLine
from bot.plan.rendering import BuildProblem
from bot.planner.image_build import MAX_RULES, ImageBuild
from bot.planner.snapshot_files import BlobReader, OutsideError, TooLargeError

_PROBLEMS_SHOWN = 3


def find_problem(old: ImageBuild | None, new: ImageBuild, node: Node) -> BuildProblem | None:
    """Why the image cannot be built. What may be on the node although the repository does not have it is no more
    than likely: where a hook may make it, where git ignores it, or where the old version lacks it too.
    """
    dockerfile, folder = new.dockerfile, new.folders.get(MAIN)
    if new.sources.problem:
        return BuildProblem(text=f"{dockerfile or 'its Dockerfile'}: {new.sources.problem}")
    has_hooks = bool(node.hooks.before or node.hooks.before_stack)
    if dockerfile is not None and not _is_there(new, dockerfile):
        is_likely = (
            has_hooks or _is_untracked(new, dockerfile) or (old is not None and not _is_there(old, dockerfile))
        )
        return BuildProblem(text=f"{dockerfile} is not in the repository", is_certain=not is_likely)
    missing = new.missing()
    if not missing or folder is None:
        return None
    before = old.missing() if old else {}
    certain: list[tuple[str, int]] = []
    likely: list[tuple[str, int]] = []
    for (path, why), source in missing.items():
        at = f"{dockerfile or 'dockerfile_inline'}, line {source.line}"
        absent = "not in" in why
        is_likely = absent and (
            has_hooks or (path, why) in before or _is_untracked(new, posixpath.join(folder, path))
        )
        (likely if is_likely else certain).append((f"{at} copies {path}, which {why}", source.line))
    shown = certain or likely
    more = f"; and {len(shown) - _PROBLEMS_SHOWN} more" if len(shown) > _PROBLEMS_SHOWN else ""
    return BuildProblem(
        text="; ".join(text for text, _ in shown[:_PROBLEMS_SHOWN]) + more,
        where=SourceLine(path=dockerfile, line=shown[0][1]) if dockerfile else None,
        is_certain=bool(certain),
    )


def _is_there(side: ImageBuild, dockerfile: str) -> bool:
    """Whether a Dockerfile is there; a builder takes the name in small letters too."""
    folder, name = posixpath.split(dockerfile)
    if side.is_in_submodule(dockerfile):
        return True
    try:
        return any(side.files.find(path) for path in (dockerfile, posixpath.join(folder, name.lower())))
    except OutsideError:
        return True


def _is_untracked(side: ImageBuild, path: str) -> bool:
    """Whether git ignores `path`, so that the node may have it."""
    folder = posixpath.dirname(path)
    while True:
        ignore = posixpath.join(folder, ".gitignore")
        entry = side.snapshot.entries.get(ignore)
        if entry is not None and entry.kind == "blob":
            try:
                text = BlobReader(side.snapshot, largest=MAX_RULES).read(ignore).decode("utf-8", "replace")
            except TooLargeError:
                return True
            rules = "\n".join(at_any_depth(line.strip()) for line in text.split("\n"))
            if BuildIgnore(rules).ignores(posixpath.relpath(path, folder or ".")):
                return True
        if not folder:
            return False
        folder = posixpath.dirname(folder)
