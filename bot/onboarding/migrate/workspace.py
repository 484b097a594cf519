"""Write the VS Code workspace file: the repository and its submodule as folders, the rest unchanged. Pure."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Collection

from bot.onboarding.migrate.jsonc import Edit, Item, JsonError, append_to_list, apply_edits, parse_jsonc


def new_workspace(*, name: str, submodule: str) -> str:
    """The text of a new workspace file."""
    return rewrite_workspace('{\n  "folders": []\n}\n', name=name, submodule=submodule, root="", old=())


def rewrite_workspace(text: str, *, name: str, submodule: str, root: str, old: Collection[str]) -> str:
    """`text` with `.` and `./SUBMODULE` among its folders. Raises JsonError.

    `root` is the folder's absolute path, `old` are earlier absolute paths of the submodule's content: entries for
    these are changed to the new path. Comments and layout are kept; a text that needs no change is returned as it is.
    """
    document = parse_jsonc(text)
    if document.members is None:
        raise JsonError("line 1: a workspace file must be a mapping")
    folders = document.members.get("folders")
    if folders is None:
        return _add_folders(text, document, name, submodule)
    if folders.items is None:
        raise JsonError(f"line {text.count(chr(10), 0, folders.start) + 1}: `folders` is not a list")
    edits: list[Edit] = []
    seen = set()
    wanted = {".": "", "./" + submodule: submodule}
    for item in folders.items:
        entry = (item.members or {}).get("path")
        if entry is None or not isinstance(entry.value, str):
            continue
        place = _place(entry.value, root=root, old=old, submodule=submodule)
        if place is None:
            continue
        seen.add(place)
        if _relative(entry.value) != place:
            spelled = next(spelling for spelling, where in wanted.items() if where == place)
            edits.append(Edit(entry.start, entry.end, json.dumps(spelled)))
    missing = [spelled for spelled, where in wanted.items() if where not in seen]
    if missing:
        edits += append_to_list(text, folders, [_entry(spelled, name, submodule) for spelled in missing])
    return apply_edits(text, edits)


def _add_folders(text: str, document: Item, name: str, submodule: str) -> str:
    line_end = "\r\n" if "\r\n" in text else "\n"
    entries = f",{line_end}".join(f"    {_entry(spelled, name, submodule)}" for spelled in (".", f"./{submodule}"))
    follows = "," if document.members else ""
    added = f'{line_end}  "folders": [{line_end}{entries}{line_end}  ]{follows}'
    tail = "" if document.members else line_end
    return apply_edits(text, [Edit(document.start + 1, document.start + 1, added + tail)])


def _entry(spelled: str, name: str, submodule: str) -> str:
    called = name if spelled == "." else submodule
    return f'{{ "path": {json.dumps(spelled)}, "name": {json.dumps(called, ensure_ascii=False)} }}'


def _relative(path: str) -> str | None:
    """`path` relative to the folder of the workspace file, "" for that folder itself; None if it is elsewhere."""
    normal = posixpath.normpath(path.replace("\\", "/"))
    if normal.startswith(("/", "..")) or ":" in normal:
        return None
    return "" if normal == "." else normal


def _place(path: str, *, root: str, old: Collection[str], submodule: str) -> str | None:
    """ "" if `path` is the folder itself, `submodule` if it is the submodule, else None."""
    relative = _relative(path)
    if relative is not None:
        return relative if relative in ("", submodule) else None
    absolute = _canonical(path if re.match(r"[\\/]|[A-Za-z]:", path) else f"{root}/{path}")
    if absolute == _canonical(root):
        return ""
    places = {_canonical(place) for place in old} | {_canonical(f"{root}/{submodule}")}
    return submodule if absolute in places else None


def _canonical(path: str) -> str:
    normal = posixpath.normpath(path.replace("\\", "/"))
    # Windows paths are not case-sensitive.
    return normal.lower() if ":" in normal[:2] else normal
