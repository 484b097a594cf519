"""What a client makes of each kind of response: values, pages, cached responses, and errors that say what to do."""

from __future__ import annotations

import pytest

from bot.domain.errors import RetryLater
from bot.domain.values import Wire
from bot.github.client import Client, Response
from bot.github.connection.backoff import Backoff
from bot.github.errors import GitHubError, NotFound
from bot.github.job_token import JobSender
from tests.unit.github.scripted import API, Scripted, reply


class Thing(Wire, frozen=True):
    id: int


def things(start: int, count: int) -> list[dict[str, int]]:
    return [{"id": number} for number in range(start, start + count)]


def test_a_list_is_read_page_by_page_until_one_is_not_full() -> None:
    sender = Scripted(reply(things(0, 100)), reply(things(100, 3)), reply(things(0, 100)))
    found = sender.client().list("/things", Thing, query={"state": "open"})
    assert [one.id for one in found] == list(range(103))
    assert [one.parameters for one in sender.sent] == [
        {"state": "open", "per_page": 100},
        {"state": "open", "per_page": 100, "page": 2},
        {"state": "open", "per_page": 100},
    ]


def test_a_list_that_moves_while_it_is_read_is_read_from_its_beginning() -> None:
    """What left page 1 moved the first of page 2 there, where nobody looked again."""
    before, after = things(0, 100), things(1, 100)
    sender = Scripted(
        *(reply(page) for page in (before, things(101, 1), after)),
        *(reply(page) for page in (after, things(101, 1), after)),
    )
    assert [one.id for one in sender.client().list("/things", Thing)] == list(range(1, 102))


def test_a_list_that_never_stands_still_is_put_off() -> None:
    pages = [reply(things(start, 100)) for start in range(9)]
    with pytest.raises(RetryLater, match="changes while it is read"):
        Scripted(*pages).client().list("/things", Thing)


def test_a_list_that_is_cut_says_so(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.github.client._MOST", 100)
    link = f'<{API}/things?page=2>; rel="next"'
    assert len(Scripted(reply(things(0, 100), link=link)).client().list("/things", Thing)) == 100
    assert "more than 100 items at /things" in caplog.text


def test_a_page_that_is_not_full_is_not_the_last_where_a_next_one_is_named() -> None:
    """GitHub leaves out of a page what the reader may not see."""
    link = f'<{API}/things?page=2>; rel="next"'
    first = f'<{API}/things>; rel="first"'
    sender = Scripted(reply(things(0, 98), link=link), reply([], link=first), reply(things(0, 98), link=link))
    assert len(sender.client().list("/things", Thing)) == 98
    pages = (reply(things(0, 98), link=link), reply(things(98, 2)), reply(things(0, 98), link=link))
    sender = Scripted(*pages)
    assert [one.id for one in sender.client().list("/things", Thing)] == list(range(100))


def test_a_list_stops_at_its_limit() -> None:
    sender = Scripted(reply(things(0, 100)), reply(things(100, 100)), reply(things(0, 100)))
    assert len(sender.client().list("/things", Thing, most=150)) == 150
    sender = Scripted(reply(things(0, 30)))
    assert len(sender.client().list("/things", Thing, most=30)) == 30
    assert [one.parameters for one in sender.sent] == [{"per_page": 30}]


def test_items_may_lie_within_a_field() -> None:
    sender = Scripted(reply({"total_count": 1, "things": [{"id": 1}]}))
    assert sender.client().list("/things", Thing, within="things") == (Thing(1),)


def test_a_page_by_cursor_names_the_next_one() -> None:
    link = f'<{API}/things?cursor=v1>; rel="next", <{API}/things>; rel="first"'
    sender = Scripted(reply([{"id": 1}], link=link), reply([{"id": 2}], link=f'<{API}/things>; rel="first"'))
    client = sender.client()
    assert client.page("/things", Thing) == ((Thing(1),), f"{API}/things?cursor=v1")
    assert client.page(f"{API}/things?cursor=v1", Thing) == ((Thing(2),), None)


def test_an_unchanged_response_is_read_from_the_cache() -> None:
    link = f'<{API}/things?cursor=v1>; rel="next"'
    sender = Scripted(
        reply([{"id": 1}], etag='"a"', link=link), Response(304, {}, ""), reply([{"id": 2}], etag='"b"')
    )
    client = sender.client()
    pages = [client.page("/things", Thing) for _ in range(3)]
    assert pages == [((Thing(1),), f"{API}/things?cursor=v1")] * 2 + [((Thing(2),), None)]
    assert [one.headers for one in sender.sent] == [{}, {"If-None-Match": '"a"'}, {"If-None-Match": '"a"'}]


def test_two_queries_of_one_path_are_not_taken_for_each_other() -> None:
    sender = Scripted(reply([], etag='"a"'), reply([]), reply([]))
    client = sender.client()
    client.list("/things", Thing, query={"state": "open"})
    client.list("/things", Thing, query={"state": "all"})
    client.post("/things", list[Thing], {})
    assert [one.headers for one in sender.sent] == [{}, {}, {}]


REFUSED: dict[str, tuple[Response, type[Exception], str]] = {
    "not found": (reply({"message": "Not Found"}, 404), NotFound, "GitHub refused POST /things (404): Not Found"),
    "invalid": (
        reply(
            {
                "message": "Validation Failed",
                "errors": [{"message": "No commits between"}, {"code": "invalid"}, "odd", {}],
            },
            422,
        ),
        GitHubError,
        "GitHub refused POST /things (422): Validation Failed; No commits between; invalid; odd",
    ),
    "no JSON": (Response(400, {}, "<html>"), GitHubError, "GitHub refused POST /things (400): "),
    "forbidden": (
        reply({"message": "Resource not accessible by integration"}, 403),
        GitHubError,
        "GitHub refused POST /things (403): Resource not accessible by integration",
    ),
    "another server": (
        reply({}, 302, location="https://evil.example/x"),
        GitHubError,
        "GitHub refused POST /things (302): a redirect to another server, evil.example",
    ),
    "another port": (
        reply({}, 307, location=f"{API}:8443/x"),
        GitHubError,
        "GitHub refused POST /things (307): a redirect to another server, api.github.example:8443",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_refusal_is_an_error_with_githubs_words(case: str) -> None:
    response, kind, text = REFUSED[case]
    with pytest.raises(GitHubError) as refused:
        Scripted(response).client().post("/things", Thing, {})
    assert type(refused.value) is kind
    assert str(refused.value) == text
    assert refused.value.status == response.status


LATER: dict[str, tuple[Response, float]] = {
    "a server error": (reply({}, 500), 5),
    "a server error with a time": (reply({}, 503, retry_after="7"), 7),
    "a limit with a time": (reply({"message": "slow"}, 429, retry_after="9"), 9),
    "a limit": (reply({"message": "slow"}, 429), 60),
    "a secondary limit by its words": (reply({"message": "You have exceeded a secondary Rate Limit"}, 403), 60),
    "a secondary limit by its older words": (
        reply({"message": "You have triggered an Abuse Detection mechanism"}, 403),
        60,
    ),
    "a forbidden with a time": (reply({"message": "abuse"}, 403, retry_after="0"), 1),
    "bad credentials": (reply({"message": "Bad credentials"}, 401), 2),
    "a proxy's own 404": (Response(404, {}, "<html><h1>Not Found</h1>"), 5),
    "a proxy's own 403": (Response(403, {"content-type": "text/html"}, "Forbidden by policy"), 5),
    "an unexpected 304": (Response(304, {}, ""), 5),
    "a redirect without an address": (reply({}, 301), 5),
    "a body that is cut off": (Response(200, {}, '{"id": '), 5),
    "another shape": (reply({"id": "x"}), 30),
}


@pytest.mark.parametrize("case", LATER)
def test_what_may_succeed_later_is_put_off(case: str) -> None:
    response, seconds = LATER[case]
    with pytest.raises(RetryLater) as later:
        Scripted(response).client().post("/things", Thing, {})
    assert later.value.seconds == seconds


def test_a_get_that_is_still_computed_is_put_off_and_a_post_that_is_accepted_is_not() -> None:
    with pytest.raises(RetryLater):
        Scripted(reply({"id": 1}, 202)).client().get("/things", Thing)
    assert Scripted(reply({"id": 1}, 202)).client().post("/things", Thing) == Thing(1)


@pytest.mark.parametrize("body", ["", "null", "[]", "{}", '{"things": null}', "<html>"])
def test_a_200_that_holds_no_list_is_put_off(body: str) -> None:
    """A proxy on the way may lose the body, or put its own page there."""
    client = Scripted(Response(200, {"etag": '"a"'}, body)).client()
    with pytest.raises(RetryLater):
        client.list("/things", Thing, within="things")


def test_a_200_without_a_body_is_not_kept() -> None:
    sender = Scripted(Response(200, {"etag": '"a"'}, ""), reply({"id": 1}))
    client = sender.client()
    with pytest.raises(RetryLater):
        client.find("/things/1", Thing)
    assert client.find("/things/1", Thing) == Thing(1)
    assert sender.sent[1].headers == {}


def test_absence_is_none_where_it_is_an_answer() -> None:
    assert Scripted(reply({}, 404)).client().find("/things", Thing) is None
    assert Scripted(Response(404, {}, "")).client().find("/things", Thing) is None
    assert Scripted(reply({"id": 1})).client().find("/things", Thing) == Thing(1)


def test_a_redirect_is_followed_three_times() -> None:
    hops = [reply({}, 307, location=f"{API}/hop/{number}") for number in range(4)]
    sender = Scripted(*hops[:3], reply({"id": 1}))
    assert sender.client().post("/things", Thing, {"a": 1}) == Thing(1)
    assert sender.lines == ["POST /things", *(f"POST {API}/hop/{number}" for number in range(3))]
    assert {str(one.body) for one in sender.sent} == {"{'a': 1}"}
    with pytest.raises(RetryLater):
        Scripted(*hops).client().post("/things", Thing, {})


def test_credentials_that_are_not_accepted_are_reported() -> None:
    told: list[bool] = []
    client = Client(Scripted(reply({}, 401)), Backoff(), on_unauthorized=lambda: told.append(True))
    with pytest.raises(RetryLater):
        client.get("/things", Thing)
    assert told == [True]


GRAPHQL: dict[str, tuple[object, type[Exception], str]] = {
    "not found": (
        {"errors": [{"type": "NOT_FOUND", "message": "Could not resolve"}]},
        NotFound,
        "GitHub refused a GraphQL request (200): Could not resolve",
    ),
    "two kinds": (
        {"errors": [{"type": "NOT_FOUND", "message": "a"}, {"type": "FORBIDDEN", "message": "b"}]},
        GitHubError,
        "GitHub refused a GraphQL request (200): a; b",
    ),
    "limited": (
        {"errors": [{"type": "RATE_LIMITED", "message": "slow"}]},
        RetryLater,
        "GitHub asks to wait before a GraphQL request: slow",
    ),
    "no object": ([], GitHubError, "GitHub refused a GraphQL request (200): "),
    "another shape": (
        {"data": {"id": "x"}},
        RetryLater,
        "GitHub's answer from GraphQL is not what it documents: Expected `int`, got `str` - at `$.id`",
    ),
}


@pytest.mark.parametrize("case", GRAPHQL)
def test_graphql_errors_are_errors(case: str) -> None:
    body, kind, text = GRAPHQL[case]
    with pytest.raises(kind) as problem:
        Scripted(reply(body)).client().graphql("query", Thing)
    assert type(problem.value) is kind
    assert str(problem.value) == text


def test_a_graphql_request() -> None:
    sender = Scripted(reply({"data": {"id": 1}}))
    assert sender.client().graphql("query", Thing, name="x") == Thing(1)
    assert sender.sent[0].body == {"query": "query", "variables": {"name": "x"}}


@pytest.mark.parametrize(
    ("api_url", "path", "url"),
    [
        ("https://api.github.com", "/repos/a/b", "https://api.github.com/repos/a/b"),
        ("https://ghe/api/v3", "/repos/a/b", "https://ghe/api/v3/repos/a/b"),
        ("https://ghe/api/v3/", "/repos/a/b", "https://ghe/api/v3/repos/a/b"),
        ("https://ghe/api/v3", "https://ghe/api/v3/x?page=2", "https://ghe/api/v3/x?page=2"),
        ("https://ghe/api/v3", "https://evil.example/x?page=2#y", "https://ghe/x?page=2"),
    ],
)
def test_a_jobs_token_goes_to_its_own_server_only(api_url: str, path: str, url: str) -> None:
    assert JobSender(api_url, "t")._locate(path) == url
