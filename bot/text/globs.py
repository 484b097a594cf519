"""Match paths against the globs that people write in a fleet file. Pure.

Two other languages stay what they are elsewhere: a `.dockerignore`'s (`bot.plan.build_ignore`: character classes,
escapes, exceptions, and a folder's rule holds for all below it), and that of a submodule's `stacks`
(`bot.planner.stacks.find_stacks`: character classes, and `**` is no more than `*`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple


def matches_glob(path: str, glob: str) -> bool:
    """Whether all of `path` fits: `**` is any number of folders, `*` any part of one name, `?` one character of it.

    Every other character is itself, brackets too; case counts. Time grows with the lengths of both, and no faster.
    It is no pattern of `re`: the path `aaaa...` and the glob `*a*a*a*a*b` would hold the interpreter.
    """
    program = _compile(glob)
    if not all(literal in path for literal in program.literals):
        return False
    states = _follow(program, 1)
    for character in path:
        advanced = (states & program.advance.get(character, program.other)) << 1
        if character == "/":
            left = (states & program.within) >> 1  # a folder's name has ended
            states = advanced | left | (states & program.stay_anywhere)
        else:
            states = advanced | (states & program.stay_in_name)
        states = _follow(program, states)
        if not states:
            return False
    return bool(states & program.end)


class _Program(NamedTuple):
    """A glob as a machine that is in several states at once: bit sets, the lowest bit is the first state.

    `advance`: states that go to the next one with a character; `other` with one that the glob does not name, which is
    no slash. `within`: states inside of a folder's name of `**/`. `skip`, `skip_folders`: states that need nothing.
    """

    literals: tuple[str, ...]
    advance: Mapping[str, int]
    other: int
    stay_in_name: int
    stay_anywhere: int
    within: int
    skip: int
    skip_folders: int
    end: int


def _follow(program: _Program, states: int) -> int:
    """`states`, and those that are reached from them without a character."""
    while True:
        more = states | (states & program.skip) << 1 | (states & program.skip_folders) << 2
        if more == states:
            return states
        states = more


@cache
def _compile(glob: str) -> _Program:
    tokens = [token for token in re.split(r"(\*\*/|\*\*|\*|\?)", glob) if token]
    signs = ("**/", "**", "*", "?")
    literals = tuple(token for token in tokens if token not in signs)
    named = dict.fromkeys("".join(literals), 0) | {"/": 0}
    any_of_name, stay_in_name, stay_anywhere, within, skip, skip_folders = 0, 0, 0, 0, 0, 0
    bit = 1
    for token in tokens:
        match token:
            case "**/":
                any_of_name |= bit
                within |= bit << 1
                stay_in_name |= bit << 1
                skip_folders |= bit
                bit <<= 2
            case "**":
                stay_anywhere |= bit
                stay_in_name |= bit
                skip |= bit
                bit <<= 1
            case "*":
                stay_in_name |= bit
                skip |= bit
                bit <<= 1
            case "?":
                any_of_name |= bit
                bit <<= 1
            case _:
                for character in token:
                    named[character] |= bit
                    bit <<= 1
    advance = {character: bits | (any_of_name if character != "/" else 0) for character, bits in named.items()}
    return _Program(literals, advance, any_of_name, stay_in_name, stay_anywhere, within, skip, skip_folders, end=bit)
