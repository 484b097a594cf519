"""The judge of requests and webhooks finds errors."""

from __future__ import annotations

from typing import Any

import pytest

from tests.openapi import Exchange, complaints, find_operation, judge_exchange, judge_webhook

ERROR = {"message": "Not Found", "documentation_url": "https://docs.github.com/rest", "status": "404"}
REF = {
    "ref": "refs/heads/main",
    "node_id": "REF_1",
    "url": "https://api.github.com/repos/a/b/git/refs/heads/main",
    "object": {"type": "commit", "sha": "a" * 40, "url": "https://api.github.com/repos/a/b/git/commits/aaaa"},
}


@pytest.mark.parametrize(
    ("method", "path", "template"),
    [
        ("GET", "/api/v3/repos/a/b/contents/x/y.md?ref=main", "/repos/{owner}/{repo}/contents/{path}"),
        ("GET", "/repos/a/b/contents/", "/repos/{owner}/{repo}/contents/{path}"),
        ("GET", "/repos/a/b/commits/feature/x/check-runs", "/repos/{owner}/{repo}/commits/{ref}/check-runs"),
        ("GET", "/repos/a/b/commits/feature/x", "/repos/{owner}/{repo}/commits/{ref}"),
        ("PUT", "/repos/a/b/pulls/3/merge", "/repos/{owner}/{repo}/pulls/{pull_number}/merge"),
        ("PATCH", "/repos/a/b/git/refs/heads/a/b", "/repos/{owner}/{repo}/git/refs/{ref}"),
        ("GET", "/repos/a/b/nonsense", None),
        ("PUT", "/repos/a/b/pulls", None),
    ],
)
def test_a_request_is_recognised(method: str, path: str, template: str | None) -> None:
    assert find_operation(method, path) == template


@pytest.mark.parametrize(
    ("exchange", "words"),
    [
        (Exchange("GET", "/repos/a/b/git/ref/heads/main", 200, REF), ""),
        (Exchange("GET", "/repos/a/b/git/ref/heads/main", 200, REF | {"object": {}}), "object"),
        (Exchange("GET", "/repos/a/b/git/ref/heads/main", 200, REF | {"url": "no address [1]"}), '"uri"'),
        (Exchange("GET", "/repos/a/b/git/ref/heads/main", 200, None), "(root)"),
        (Exchange("GET", "/repos/a/b/git/ref/heads/main", 418, REF), "never answers"),
        (Exchange("DELETE", "/repos/a/b/git/refs/heads/main", 204, None), ""),
        (Exchange("DELETE", "/repos/a/b/git/refs/heads/main", 204, {}), "empty"),
        (Exchange("GET", "/repos/a/b", 304, None), ""),
        (Exchange("GET", "/repos/a/b", 304, {}), "304 has a body"),
        (Exchange("GET", "/nonsense", 404, ERROR), ""),
        (Exchange("GET", "/nonsense", 200, {}), "no such operation"),
        (Exchange("GET", "/repos/a/b/pulls/3", 401, ERROR), ""),
        (Exchange("GET", "/repos/a/b/pulls/3", 401, {"message": "who?"}), "documentation_url"),
    ],
)
def test_an_answer_is_judged(exchange: Exchange, words: str) -> None:
    told = complaints([judge_exchange(exchange)])
    assert (words in told) if words else not told


@pytest.mark.parametrize(
    ("event", "payload", "words"),
    [
        ("push", {"ref": "refs/heads/main"}, "before"),
        ("pull_request", {"action": "exploded"}, "no such webhook"),
        ("create", {"ref": 1}, "ref"),
    ],
)
def test_a_webhook_is_judged(event: str, payload: dict[str, Any], words: str) -> None:
    assert words in complaints([judge_webhook(event, payload)])
