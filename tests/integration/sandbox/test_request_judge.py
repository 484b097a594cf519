"""The judge of requests finds what a server does not know."""

from __future__ import annotations

from typing import Any

import pytest

from tests.openapi_requests import ENTERPRISE, PUBLIC, SERVERS, judge_request

DISPATCH = "/repos/a/b/actions/workflows/deploy.yml/dispatches"


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize(
    ("method", "path", "sent", "words"),
    [
        ("GET", "/api/v3/repos/a/b/pulls?state=open&head=a:x&per_page=100", None, []),
        ("GET", "/repos/a/b/pulls?state=open&colour=red", None, ["parameter colour"]),
        ("GET", "/repos/a/b/contents/?ref=main", None, []),
        ("GET", "/repos/a/b/nonsense", None, ["no such operation"]),
        ("POST", "/repos/a/b/git/refs", {"ref": "refs/heads/x", "sha": "a" * 40}, []),
        ("POST", "/repos/a/b/git/refs", {"ref": "refs/heads/x", "sha": "a" * 40, "mood": 1}, ["field mood"]),
        ("POST", "/repos/a/b/git/refs", {"ref": 7, "sha": "a" * 40}, ['ref: 7 is not of type "string"']),
        ("POST", "/repos/a/b/check-runs", {"name": "x", "head_sha": "a", "output": {"title": "t"}}, ["summary"]),
        ("POST", DISPATCH, {"ref": "main", "inputs": {"anything": "goes"}}, []),
        ("DELETE", "/repos/a/b/git/refs/heads/x", {"force": True}, ["a body with ['force']"]),
    ],
)
def test_a_request_is_judged(server: str, method: str, path: str, sent: Any, words: list[str]) -> None:
    found = judge_request(server, method, path, sent)
    assert len(found) == len(words), found
    assert all(word in fault for word, fault in zip(words, found, strict=True)), found


def test_what_an_older_server_refuses_is_named() -> None:
    """The bot does without `return_run_details` there; that it does is shown by a test of its own."""
    asked = ("POST", DISPATCH, {"ref": "main", "return_run_details": True})
    assert judge_request(PUBLIC, *asked) == ()
    assert [judge_request(server, *asked, falls_back={}) for server in ENTERPRISE] == [
        ("field return_run_details",)
    ] * 4
    assert [judge_request(server, *asked) for server in ENTERPRISE] == [()] * 4
