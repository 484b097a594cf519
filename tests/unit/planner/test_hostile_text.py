"""Compose files and env files made to be slow, or to nest without end."""

from __future__ import annotations

import time

import pytest

from bot.planner.interpolation import UnknowableError, check_nesting, find_uses, possible_texts, read_settings
from bot.planner.yaml_dialect import YamlRefusedError
from bot.planner.yaml_nodes import parse_yaml


def nested(depth: int) -> str:
    return "${A:-" * depth + "x" + "}" * depth


def test_nesting_is_followed_up_to_a_limit() -> None:
    assert [use.nested for use in find_uses(nested(32))] == [False, *[True] * 31]
    with pytest.raises(UnknowableError, match=r"^`\$\{` is nested deeper than 32 levels$"):
        list(find_uses(nested(33)))


@pytest.mark.parametrize(
    "text",
    [
        "${A:-" * 50_000,
        nested(3000),
        "${A:-{}" * 3000,
        "$$" + nested(40),
        "${A " * 100,
        "${A:-" + "{" * 40 + "${B}" * 40,
    ],
)
def test_what_is_nested_too_deep_is_refused(text: str) -> None:
    with pytest.raises(UnknowableError):
        check_nesting(text)


@pytest.mark.parametrize("text", ["${A}" * 50_000, "{" * 1000 + "${A}" * 40, "}" * 1000 + "${A}" * 40, "$${" * 1000])
def test_many_variables_side_by_side_are_no_nesting(text: str) -> None:
    assert {use.nested for use in find_uses(text)} <= {False}


def test_a_compose_file_that_nests_too_deep_names_the_line() -> None:
    with pytest.raises(YamlRefusedError) as refused:
        parse_yaml(f"services:\n  a:\n    image: '{nested(3000)}'\n".encode())
    assert (refused.value.line, refused.value.message) == (3, "`${` is nested deeper than 32 levels")


def test_a_path_with_many_variables_is_not_guessed() -> None:
    known = {"A": "a"}
    assert possible_texts("$A/" * 24, known, ()) == ("a/" * 24,)
    with pytest.raises(UnknowableError, match="too many variables"):
        possible_texts("$A/" * 25, known, ())


@pytest.mark.parametrize("text", ["b" * 999_999, "a " * 300_000, 'a="' * 100_000, "a = " * 100_000, "a='" * 100_001])
def test_a_hostile_env_file_is_read_once(text: str) -> None:
    read_settings(text)


def test_quoted_values_over_several_lines_are_read() -> None:
    assert ("KEY", "one\ntwo") in read_settings("KEY='one\ntwo'\n")
    assert ("KEY", 'one\n"two') in read_settings('export KEY = "one\\n\\"two"\n')
    assert ("x.y-z", "v") in read_settings("1x.y-z: 'v'")


def test_a_file_of_one_line_is_read_once() -> None:
    text = "x: [" + '"\\\\/",' * 37_000 + "]"
    start = time.process_time()
    assert parse_yaml(text.encode())
    assert time.process_time() - start < 5
