"""What differs between two versions of a file, and which guards it loses."""

from __future__ import annotations

import pytest

from bot.plan.files import diff_texts, find_lost_guards, first_difference


def numbered(*numbers: int) -> str:
    return "".join(f"line {number}\n" for number in numbers)


def test_a_diff_has_three_lines_around_and_numbers_of_the_whole_file() -> None:
    old, new = numbered(*range(1, 21)), numbered(*range(1, 11), 99, *range(12, 21))
    assert diff_texts(old, new).text.splitlines() == [
        "@@ -8,7 +8,7 @@",
        " line 8",
        " line 9",
        " line 10",
        "-line 11",
        "+line 99",
        " line 12",
        " line 13",
        " line 14",
    ]
    assert diff_texts(old, new).left_out == 0
    assert diff_texts(old, old) == ("", 0)


def test_a_new_and_a_removed_file_are_whole() -> None:
    assert diff_texts("", "a\nb\n").text == "@@ -0,0 +1,2 @@\n+a\n+b"
    assert diff_texts("a\n", "").text == "@@ -1 +0,0 @@\n-a"


def test_two_places_are_two_hunks() -> None:
    old, new = numbered(*range(1, 31)), numbered(0, *range(2, 30), 31)
    heads = [line for line in diff_texts(old, new).text.splitlines() if line.startswith("@@")]
    assert heads == ["@@ -1,4 +1,4 @@", "@@ -27,4 +27,4 @@"]


def test_a_long_diff_is_cut_and_says_by_how_much() -> None:
    diff = diff_texts("", numbered(*range(200)))
    assert (len(diff.text.splitlines()), diff.left_out) == (120, 81)
    assert diff_texts("", numbered(*range(119))).left_out == 0
    wide = diff_texts("", "x" * 400).text.splitlines()[1]
    assert wide == "+" + "x" * 299 + "…"
    assert diff_texts("", "x" * 299).text.splitlines()[1] == "+" + "x" * 299


@pytest.mark.parametrize(("lines", "hunks"), [(600, 200), (601, 1)])
def test_much_that_differs_far_apart_is_one_hunk(lines: int, hunks: int) -> None:
    """Comparing line by line takes the square of the length."""
    old = numbered(*range(lines))
    new = "".join(f"line {n}\n" if n % 12 else f"other {n}\n" for n in range(lines - 1)) + "end\n"
    found = [line for line in diff_texts(old, new).text.splitlines() if line.startswith("@@")]
    assert (found == [f"@@ -1,{lines} +1,{lines} @@"]) is (hunks == 1)


def test_the_first_line_that_differs() -> None:
    assert first_difference(numbered(1, 2, 3), numbered(1, 2, 4)) == 3
    assert first_difference("", numbered(1, 2)) == 1
    assert first_difference(numbered(1, 2, 3), numbered(1, 3)) == 2
    assert first_difference(numbered(1, 2), numbered(1)) == 1
    assert first_difference(numbered(1, 2), "") == 1


TRAEFIK = """
http:
  middlewares:
    login:
      basicAuth: {users: ["a:b"]}
  routers:
    web: {rule: x, middlewares: [login], tls: {}}
"""


@pytest.mark.parametrize(
    ("old", "new", "lost"),
    [
        (TRAEFIK, TRAEFIK, ()),
        (TRAEFIK, TRAEFIK.replace('      basicAuth: {users: ["a:b"]}\n', ""), ("basicauth",)),
        (TRAEFIK, TRAEFIK.replace(", tls: {}", ""), ("tls",)),
        (TRAEFIK, TRAEFIK.replace(", middlewares: [login], tls: {}", ""), ("middlewares", "tls")),
        (TRAEFIK, "", ("middlewares", "basicauth", "tls")),
        ("", TRAEFIK, ()),
        ('auth_basic "x";\nauth_basic_user_file /x;\n', "", ("auth_basic", "auth_basic_user_file")),
        ("forward_auth a\nipAllowList\nIPWHITELIST\n", "", ("forward_auth", "ipallowlist", "ipwhitelist")),
        ("ip_allow_list\n", "#ip_allow_list\n", ("ip_allow_list",)),
        ("  # tls\n; tls\n// tls\n", "", ()),
        ("starttls_mode\nsettlsx\n", "", ()),
    ],
)
def test_guards_that_a_file_loses(old: str, new: str, lost: tuple[str, ...]) -> None:
    assert find_lost_guards(old, new) == lost
