"""The name of a bump's branch is one that git allows, and no two submodules share one."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.names import BranchName, SubmodulePath
from bot.features.bump.jobs import bump_branch

MAIN = BranchName("main")


@pytest.mark.parametrize(
    ("path", "branch"),
    [
        ("server", "server"),
        ("stacks/web", "stacks/web"),
        ("my server", "my%20server"),
        ("a..b", "a%2E.b"),
        ("x@{1}", "x@%7B1}"),
        ("stacks.lock", "stacks%2Elock"),
        ("stacks.lock/web", "stacks%2Elock/web"),
        (".hidden/.too", "%2Ehidden/%2Etoo"),
        ("ends.", "ends%2E"),
        ("100%", "100%25"),
        ("a~b^c:d?e*f[g\\h", "a%7Eb%5Ec%3Ad%3Fe%2Af%5Bg%5Ch"),
        ("grüße", "grüße"),
    ],
)
def test_what_no_branch_may_be_called_is_encoded(path: str, branch: str) -> None:
    assert bump_branch(MAIN, SubmodulePath(path)) == f"aios-bot/main/{branch}"


def parts() -> st.SearchStrategy[str]:
    return st.text(st.sampled_from("a.@{}~ %lock\\:\x7f\n"), min_size=1, max_size=8)


@given(st.lists(parts(), min_size=1, max_size=3), st.lists(parts(), min_size=1, max_size=3))
def test_different_paths_have_different_branches(one: list[str], other: list[str]) -> None:
    first, second = ("/".join(names) for names in (one, other))
    same = bump_branch(MAIN, SubmodulePath(first)) == bump_branch(MAIN, SubmodulePath(second))
    assert same == (first == second)


def test_git_allows_every_name() -> None:
    """git-check-ref-format itself judges, over all short paths of the characters that it treats apart."""
    pieces = ["a", ".", "..", "@", "{", "@{", " ", "~", ".lock", "lock", "\\", "%", "\x7f"]
    paths = [f"{x}{y}/{z}" for x in pieces for y in pieces for z in pieces[:6]]
    for path in paths[::7]:
        name = bump_branch(MAIN, SubmodulePath(path))
        assert subprocess.run(["git", "check-ref-format", f"refs/heads/{name}"], check=False).returncode == 0, path
