"""Globs of a fleet file: what each sign reaches, and that everything else is itself."""

from __future__ import annotations

import fnmatch
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text.globs import matches_glob


@pytest.mark.parametrize(
    ("glob", "path", "fits"),
    [
        ("docs/*.md", "docs/a.md", True),
        ("docs/*.md", "docs/.md", True),
        ("docs/*.md", "docs/a/b.md", False),
        ("docs/*.md", "docs/a.md.bak", False),
        ("docs/*.md", "x/docs/a.md", False),
        ("**/*.md", "a.md", True),
        ("**/*.md", "a/b/c.md", True),
        ("**/docs/**", "docs/a", True),
        ("**/docs/**", "a/docs/b/c", True),
        ("**/docs/**", "docs", False),
        ("**/docs/**", "mydocs/a", False),
        ("a/**", "a/b\nc", True),
        ("a**z", "a/b/z", True),
        ("a?c", "abc", True),
        ("a?c", "ac", False),
        ("a?c", "a/c", False),
        ("A", "a", False),
        ("[ab]", "a", False),
        ("[ab]", "[ab]", True),
        ("a.b", "axb", False),
        ("a+", "aa", False),
        ("a", "a\n", False),
        ("", "", True),
        ("", "a", False),
    ],
)
def test_a_glob(glob: str, path: str, fits: bool) -> None:
    assert matches_glob(path, glob) is fits


@given(st.text(max_size=20).filter(lambda text: not set(text) & set("*?")))
def test_a_path_without_signs_matches_itself_alone(path: str) -> None:
    assert matches_glob(path, path)
    assert not matches_glob(path + "x", path)
    assert not matches_glob("x" + path, path)


@given(st.text("ab.*?", max_size=6).filter(lambda glob: "**" not in glob), st.text("ab.", max_size=6))
def test_within_one_name_it_means_what_the_shell_means(glob: str, name: str) -> None:
    assert matches_glob(name, glob) is fnmatch.fnmatchcase(name, glob)


def by_backtracking(path: str, glob: str) -> bool:
    """The same by a pattern of `re`: right, and slow beyond measure on what is made for it."""
    signs = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    parts = (signs.get(token, re.escape(token)) for token in re.split(r"(\*\*/|\*\*|\*|\?)", glob))
    return re.compile("".join(parts), re.DOTALL).fullmatch(path) is not None


@given(st.text("ab/*?", max_size=8), st.text("abc/\n", max_size=8))
def test_every_glob_means_what_its_pattern_means(glob: str, path: str) -> None:
    assert matches_glob(path, glob) is by_backtracking(path, glob)


@given(st.lists(st.sampled_from(["**/", "**", "*", "?", "a", "b", "/"]), max_size=6), st.text("ab/", max_size=10))
def test_signs_one_after_the_other_too(tokens: list[str], path: str) -> None:
    assert matches_glob(path, "".join(tokens)) is by_backtracking(path, "".join(tokens))


@pytest.mark.parametrize(
    ("glob", "first", "unit"),
    [
        ("*a" * 30 + "*c", "c", "a"),
        ("**/a/" * 30 + "**/c", "a/c/", "a/"),
        ("**a" * 30 + "c", "ac", "a"),
        ("**/*vault*/**", "x/", "vault"),
    ],
)
def test_a_glob_of_many_signs_reads_a_long_path_once(glob: str, first: str, unit: str) -> None:
    """A fleet file's author chooses the glob, a stranger the path: 4,096 bytes is what git and Linux take."""
    start = time.process_time()
    assert not matches_glob(first + unit * (4094 // len(unit)), glob)
    assert time.process_time() - start < 5  # backtracking takes years
