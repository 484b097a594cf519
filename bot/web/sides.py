"""A unified diff as two columns: the old version beside the new one. Pure."""

from __future__ import annotations

from bot.domain.values import Value


class DiffRow(Value, frozen=True):
    """A row of both columns; None: nothing stands there. `place`: `old` says where in the file the next rows are."""

    old: str | None = None
    new: str | None = None
    same: bool = False
    place: bool = False


def pair_lines(diff: str) -> tuple[DiffRow, ...]:
    """The rows of a unified diff: lines that were replaced stand beside those that replaced them, in order."""
    lines = diff.removesuffix("\n").split("\n")
    rows: list[DiffRow] = []
    removed: list[str] = []
    added: list[str] = []
    for line in lines[2:] if lines[0] == "--- old" else lines:
        mark = line[:1]
        if mark not in ("-", "+") or (mark == "-" and added):
            rows += _beside(removed, added)
            removed, added = [], []
        if mark in ("-", "+"):
            (removed if mark == "-" else added).append(line[1:])
        elif mark == "@":
            rows.append(DiffRow(old=line, place=True))
        elif line:
            rows.append(DiffRow(old=line[1:], new=line[1:], same=True))
    return (*rows, *_beside(removed, added))


def _beside(removed: list[str], added: list[str]) -> list[DiffRow]:
    def at(lines: list[str], index: int) -> str | None:
        return lines[index] if index < len(lines) else None

    return [DiffRow(old=at(removed, n), new=at(added, n)) for n in range(max(len(removed), len(added)))]
