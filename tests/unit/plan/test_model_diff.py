"""The diff of a service's model: what counts as different."""

from __future__ import annotations

import pytest

from bot.plan.model_diff import render_diff


def test_equal_values_have_no_diff() -> None:
    assert render_diff({"image": "a", "ports": ["80"]}, {"image": "a", "ports": ["80"]}) == ""
    assert render_diff(None, None) == ""


@pytest.mark.parametrize(
    ("before", "after", "lines"),
    [
        ({"init": 1}, {"init": True}, ('-  "init": 1', '+  "init": true')),
        ({"cpus": 1}, {"cpus": 1.0}, ('-  "cpus": 1', '+  "cpus": 1.0')),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, ('-  "b": 2', '+  "b": 2,')),
    ],
)
def test_values_that_python_calls_equal_differ(before: object, after: object, lines: tuple[str, ...]) -> None:
    diff = render_diff(before, after).splitlines()
    assert all(line in diff for line in lines), diff


def test_a_service_that_is_new_or_removed_is_all_of_its_lines() -> None:
    assert render_diff(None, {"image": "a"}).splitlines()[2:] == ["@@ -0,0 +1,3 @@", "+{", '+  "image": "a"', "+}"]
    assert render_diff({"image": "a"}, None).splitlines()[2:] == ["@@ -1,3 +0,0 @@", "-{", '-  "image": "a"', "-}"]
