"""What stands for contents that compose's model does not show."""

from __future__ import annotations

import pytest

from bot.planner.unseen_contents import find_contents
from bot.planner.yaml_nodes import parse_yaml

MODEL = {
    "configs": {"c": {"environment": "PLACE"}, "file": {"file": "/x"}, "none": None},
    "secrets": {"s": {"environment": "TOKEN"}, "node": {"environment": "ELSEWHERE"}},
}


def find(text: str, **known: str) -> dict[str, str]:
    return find_contents(MODEL, {}, {".env": text}, known, lambda value: f"<{value}>")


def test_each_has_the_value_of_its_variable() -> None:
    assert find("TOKEN=a\nPLACE='here'\n") == {"configs.c": "<here>", "secrets.s": "<a>"}
    assert find("TOKEN=a # a remark\n") == {"secrets.s": "<a>"}
    assert find('TOKEN="a"\n') == find("export TOKEN=a\n") == {"secrets.s": "<a>"}
    assert find("") == {}


def test_of_several_files_each_counts() -> None:
    def token(*texts: str) -> str:
        files = {str(number): text for number, text in enumerate(texts)}
        return find_contents(MODEL, {}, files, {}, str)["secrets.s"]

    assert token("TOKEN=old\n", "TOKEN=x\n") != token("TOKEN=new\n", "TOKEN=x\n")
    assert token("TOKEN=x\n", "TOKEN=old\n") != token("TOKEN=x\n", "TOKEN=new\n")
    assert token("TOKEN=a\n", "OTHER=1\n") == token("TOKEN=a\n", "OTHER=2\n") == "a"


@pytest.mark.parametrize("first", ["TOKEN=a\n", 'TOKEN="a\\nb"\n', "export TOKEN=a\n", "TOKEN: a\n"])
def test_of_two_lines_of_one_file_both_count(first: str) -> None:
    assert find(first + "TOKEN=c\n") != find(first + "TOKEN=d\n")


def test_the_fleet_file_counts_more() -> None:
    assert find("TOKEN=a\n", TOKEN="b") == {"secrets.s": "<b>"}
    assert find("", ELSEWHERE="x") == {"secrets.node": "<x>"}


def test_a_value_that_is_made_of_others_changes_with_them() -> None:
    before, after = (find(f"TOKEN=${{A}}\nA={value}\n") for value in "12")
    assert before.keys() == after.keys() == {"secrets.s"}
    assert before != after


@pytest.mark.parametrize("model", [{}, {"secrets": None, "configs": {}}, {"services": {"environment": "TOKEN"}}])
def test_a_model_without_any(model: dict[str, object]) -> None:
    assert find_contents(model, {}, {".env": "TOKEN=a\n"}, {}, str) == {}


def test_an_ai_model_is_what_the_files_say_of_it() -> None:
    def contents(text: str, env: str = "", **known: str) -> dict[str, str]:
        return find_contents({}, {"llm": parse_yaml(text.encode())}, {".env": env}, known, str)

    plain = contents("{model: a:1}")
    assert plain.keys() == {"models.llm"}
    assert plain == contents("model: a:1", "SIZE=1\n")
    assert plain != contents("{model: a:2}")
    assert contents("{model: 'a:${V}'}", "V=1\n") != contents("{model: 'a:${V}'}", "V=2\n")
    assert contents("{model: 'a:${V}'}", V="1") != contents("{model: 'a:${V}'}", V="2")
