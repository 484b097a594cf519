"""What a node's job sends to GitHub, and what it makes of each answer."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping

import pytest
import requests
from requests.adapters import BaseAdapter

from bot.domain.errors import BotError, RetryLater
from bot.domain.names import CommitSha, DeploymentId, RepoName
from bot.github.job_token import JobClient

API = "https://api.github.test"
NUMBER = DeploymentId(7)

Answer = tuple[int, Mapping[str, str], object] | Exception


class Answers(BaseAdapter):
    """Gives each request the next answer, and keeps the request."""

    def __init__(self, *answers: Answer) -> None:
        super().__init__()
        self.answers = list(answers)
        self.requests: list[requests.PreparedRequest] = []

    def send(  # type: ignore[override]  # a test gives no more than the request
        self, request: requests.PreparedRequest, **_: object
    ) -> requests.Response:
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        made = requests.Response()
        made.status_code, made.url, made.request = answer[0], str(request.url), request
        made.headers.update(answer[1])
        made._content = json.dumps(answer[2]).encode()
        return made

    def close(self) -> None:
        pass


def client(*answers: Answer) -> tuple[JobClient, Answers]:
    made, adapter = JobClient(API, "ghs_x", RepoName("acme/fleet")), Answers(*answers)
    made.session.mount("https://", adapter)
    return made, adapter


def post(one: JobClient) -> None:
    one.post_deployment_status(NUMBER, state="success", description="well", log_url="")


def bodies(adapter: Answers) -> list[object]:
    return [json.loads(str(request.body, "utf-8")) for request in adapter.requests]  # type: ignore[arg-type]  # always bytes here


def test_a_status_is_one_request_with_the_jobs_token() -> None:
    one, adapter = client((201, {}, {}))
    one.post_deployment_status(NUMBER, state="failure", description="x" * 200, log_url="https://github.test/run")
    (request,) = adapter.requests
    assert (request.method, request.url) == ("POST", f"{API}/repos/acme/fleet/deployments/7/statuses")
    assert request.headers["Authorization"] == "Bearer ghs_x"
    assert bodies(adapter) == [
        {"state": "failure", "description": "x" * 140, "auto_inactive": True, "log_url": "https://github.test/run"}
    ]


def test_a_check_leaves_out_what_is_empty() -> None:
    one, adapter = client((201, {}, {"id": 1}), (201, {}, {"id": 2}))
    given = {"name": "n", "conclusion": "success", "title": "t", "summary": "s", "external_id": "e"}
    one.post_check(CommitSha("a" * 40), **given, text="", details_url="")
    one.post_check(CommitSha("a" * 40), **given, text="more", details_url="https://github.test/run")
    plain = {
        "name": "n",
        "head_sha": "a" * 40,
        "status": "completed",
        "conclusion": "success",
        "external_id": "e",
        "output": {"title": "t", "summary": "s"},
    }
    full = plain | {
        "output": {"title": "t", "summary": "s", "text": "more"},
        "details_url": "https://github.test/run",
    }
    assert bodies(adapter) == [plain, full]


@pytest.mark.parametrize(("found", "state"), [([], None), ([{"state": "inactive", "id": 1}], "inactive")])
def test_the_newest_state(found: list[object], state: str | None) -> None:
    one, adapter = client((200, {}, found))
    assert one.find_newest_state(NUMBER) == state
    assert adapter.requests[0].method == "GET"
    assert str(adapter.requests[0].url).endswith("/deployments/7/statuses?per_page=1")


def test_an_answer_of_another_shape_is_asked_for_later() -> None:
    one, _ = client((200, {}, {"message": "?"}))
    with pytest.raises(RetryLater, match="not what it documents"):
        one.find_newest_state(NUMBER)


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        (requests.ConnectionError("gone"), 5),
        ((503, {}, {}), 5),
        ((502, {"Retry-After": "17"}, {}), 17),
        ((304, {}, {}), 5),
        ((302, {}, {}), 5),  # a redirect to nowhere
        ((401, {}, {"message": "Bad credentials"}), 2),
        ((429, {"Retry-After": "30"}, {}), 30),
        ((403, {"Retry-After": "0"}, {}), 1),
        ((403, {}, {"message": "You have exceeded a secondary rate limit"}), 60),
    ],
)
def test_what_passes_is_tried_again(answer: Answer, seconds: float) -> None:
    one, _ = client(answer)
    with pytest.raises(RetryLater) as caught:
        post(one)
    assert caught.value.seconds == seconds


def test_a_github_that_does_not_answer_is_told_with_its_address() -> None:
    one, _ = client(requests.ConnectionError("gone"))
    with pytest.raises(RetryLater, match=r"GitHub at (https?://[^/ ]+) did not answer \(ConnectionError\)$"):
        post(one)


def test_a_state_that_is_still_computed_is_read_later() -> None:
    one, _ = client((202, {}, {}))
    with pytest.raises(RetryLater) as caught:
        one.find_newest_state(NUMBER)
    assert caught.value.seconds == 5


def test_an_exhausted_hour_is_waited_for_until_its_reset() -> None:
    reset = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(time.time()) + 100)}
    one, _ = client((403, reset, {"message": "API rate limit exceeded"}))
    with pytest.raises(RetryLater) as caught:
        post(one)
    assert 98 <= caught.value.seconds <= 101


def test_waits_double_up_to_a_minute_and_begin_again_after_a_success() -> None:
    one, _ = client(*[(500, {}, {})] * 5, (201, {}, {}), (500, {}, {}))
    waits = []
    for _ in range(7):
        try:
            post(one)
        except RetryLater as wait:
            waits.append(wait.seconds)
    assert waits == [5, 10, 20, 40, 60, 5]


@pytest.mark.parametrize("status", [400, 403, 404, 422])
def test_a_refusal_is_told_in_githubs_words(status: int) -> None:
    one, _ = client((status, {}, {"message": "Validation Failed", "errors": [{"code": "invalid"}, "other"]}))
    with pytest.raises(BotError, match=rf"refused POST .* \({status}\): Validation Failed; invalid; other") as caught:
        post(one)
    assert not isinstance(caught.value, RetryLater)


def test_a_redirect_is_followed_with_verb_and_body() -> None:
    one, adapter = client((307, {"Location": "/repositories/1/deployments/7/statuses"}, {}), (201, {}, {}))
    post(one)
    assert [request.method for request in adapter.requests] == ["POST", "POST"]
    assert adapter.requests[1].url == f"{API}/repositories/1/deployments/7/statuses"
    assert bodies(adapter)[0] == bodies(adapter)[1]


@pytest.mark.parametrize("target", ["https://evil.test/x", "http://api.github.test/x", "//evil.test/x"])
def test_the_token_follows_no_redirect_to_another_server(target: str) -> None:
    one, adapter = client((301, {"Location": target}, {}))
    with pytest.raises(BotError, match="a redirect to another server"):
        post(one)
    assert len(adapter.requests) == 1


def test_redirects_end() -> None:
    one, adapter = client(*[(302, {"Location": "/again"}, {})] * 4)
    with pytest.raises(RetryLater, match="one redirect leads to the next"):
        post(one)
    assert len(adapter.requests) == 4
