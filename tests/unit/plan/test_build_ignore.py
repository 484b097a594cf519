"""Which files of a build context reach the builder."""

from __future__ import annotations

import pytest

from bot.plan.build_ignore import BuildIgnore, at_any_depth


@pytest.mark.parametrize(
    ("rules", "ignored", "kept"),
    [
        ("", [], ["a", "x/y"]),
        ("# only\n\n  \n.\n", [], ["only", "a"]),
        ("#only\n", [], ["#only", "only"]),
        ("docs", ["docs", "docs/a.md", "docs/x/y"], ["src/docs", "docs2"]),
        ("/docs/", ["docs/a"], ["src/docs/a"]),
        ("*.md", ["README.md"], ["docs/a.md", "a.mdx"]),
        ("**/*.md", ["README.md", "docs/a.md", "a/b/c.md"], ["a.txt"]),
        ("*/temp*", ["a/temp", "a/temporary.txt", "a/temp/x"], ["temp", "a/b/temp"]),
        ("temp?", ["temp1", "temp1/x"], ["temp", "temp12"]),
        ("[ab].txt", ["a.txt"], ["c.txt"]),
        ("a/**", ["a/b", "a/b/c"], ["a", "b"]),
        ("a/**/z", ["a/z", "a/b/z", "a/b/c/z"], ["a/b"]),
        ("*\n!Dockerfile\n!src", ["README.md", "x/y"], ["Dockerfile", "src/a/b"]),
        ("**\n!src/**\nsrc/*.log", ["a", "src/x.log"], ["src/a", "src/b/x.log"]),
        ("!a\na", ["a"], ["b"]),
        ("src/b\n!src", ["src/b"], ["src/a", "src"]),
        ("src/b\n!s*", ["src/b", "src/b/c"], ["src/a"]),
        ("src/*\n!src", ["src/a", "src/b/c"], ["src"]),
        ("src/b\n!src/**", [], ["src/b", "src/a", "src/b/c"]),
        ("src/b\n!src/b", [], ["src/b"]),
        ("src\n!src/a", ["src", "src/b"], ["src/a", "src/a/c"]),
        ("*\n!src\nsrc/b", ["x", "src/b"], ["src", "src/a", "src/q/c"]),
        ("./a/../b", ["b"], ["a"]),
        ("\ufeffdocs\r\nb\r\n", ["docs", "b"], ["c"]),
        ("a\\*b", ["a*b"], ["axb"]),
        ("[^a].txt", ["b.txt"], ["a.txt"]),
        ("[", ["["], ["a"]),
    ],
)
def test_the_last_rule_that_fits_decides(rules: str, ignored: list[str], kept: list[str]) -> None:
    ignore = BuildIgnore(rules)
    assert [path for path in [*ignored, *kept] if ignore.ignores(path)] == ignored


def test_a_hostile_pattern_takes_no_time() -> None:
    for rules in ("*a" * 40 + "b", "**/" * 100 + "b", "*/" * 100 + "b", "**/*a" * 20 + "b"):
        assert not BuildIgnore(rules).ignores("/".join(["a" * 200] * 60) + "/c")
    assert BuildIgnore("x\n" * 2000 + "y").ignores("x")


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("a", "**/a"),
        ("a/", "**/a/"),
        ("a/b", "a/b"),
        ("/a", "/a"),
        ("!a", "!**/a"),
        ("!a/b", "!a/b"),
        ("# a", "# a"),
        ("", ""),
    ],
)
def test_a_rule_of_git_without_a_slash_in_its_middle_fits_at_any_depth(rule: str, expected: str) -> None:
    assert at_any_depth(rule) == expected


def test_a_part_longer_than_any_name_leaves_every_file_in_the_context() -> None:
    """Its translation would take quadratic time: a line of 16,000 brackets took ten seconds."""
    assert not BuildIgnore("[" * 16_000).ignores("x")
    assert not BuildIgnore("a*" * 128).ignores("a" * 128)
    assert BuildIgnore("a*" * 127).ignores("a" * 128)
    assert not BuildIgnore("x\n!" + "a*" * 128).ignores("x")
