"""What PyGithub does by itself, beside what the transport of the bot does: why each part of it is there.

Each test first shows PyGithub's own behaviour. Where one fails there after an update, the part of
`bot.github.connection.transport` that it speaks of may go (docs/decisions/github-one-call-one-request.md).
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

import pytest
from github import Auth, Github

from bot.domain.errors import RetryLater
from bot.domain.values import Wire
from bot.github.client import Client
from bot.github.connection.backoff import Backoff
from bot.github.connection.transport import PyGithubSender, SharedTransport
from bot.github.job_token import JobSender

REPO = "/repos/acme/one"


class Reply(NamedTuple):
    status: int
    body: object = None
    location: str = ""


class Got(NamedTuple):
    method: str
    path: str
    body: bytes
    headers: dict[str, str]


class Server(ThreadingHTTPServer):
    """Plays `replies` in order, the last one for ever, and counts connections and requests."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.replies: list[Reply] = []
        self.got: list[Got] = []
        self.connections = 0
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def get_request(self) -> tuple[socket.socket, Any]:
        self.connections += 1
        return super().get_request()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def _reply(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        names = {name.lower(): text for name, text in self.headers.items()}
        self.server.got.append(Got(self.command, self.path, body, names))
        replies = self.server.replies
        reply = replies.pop(0) if len(replies) > 1 else replies[0]
        text = json.dumps(reply.body).encode()
        self.send_response(reply.status)
        self.send_header("Content-Length", str(len(text)))
        if reply.location:
            self.send_header("Location", self.server.url + reply.location)
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_PATCH = do_DELETE = _reply  # noqa: N815 - http.server's names

    def log_message(self, *_args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def theirs(server: Server, **options: Any) -> Github:
    quick = {"retry": None, "seconds_between_requests": 0, "seconds_between_writes": 0, "lazy": True}
    return Github(base_url=server.url, auth=Auth.Token("theirs"), **(quick | options))


def ours(server: Server, transport: SharedTransport | None = None, token: str = "ours") -> Client:
    http = (transport or SharedTransport.to(server.url)).http
    return Client(PyGithubSender(http, Auth.Token(token)), Backoff(), token=token)


def job(server: Server) -> Client:
    return Client(JobSender(server.url, "ours"), Backoff())


class Thing(Wire, frozen=True):
    id: int = 0


def paths(server: Server) -> list[str]:
    return [f"{one.method} {one.path}" for one in server.got]


def test_identities_share_one_pool(server: Server) -> None:
    server.replies = [Reply(200, {"id": 1})]
    requester = theirs(server).requester
    for one in (requester, requester.withAuth(Auth.Token("other"))):
        one.requestJsonAndCheck("GET", REPO)
    assert server.connections == 2, "PyGithub opens one for each identity"
    server.connections = 0
    transport = SharedTransport.to(server.url)
    for token in ("one", "two", "three"):
        assert ours(server, transport, token).get(REPO, Thing) == Thing(1)
    assert server.connections == 1
    assert [one.headers["authorization"] for one in server.got[2:]] == ["token one", "token two", "token three"]


def test_threads_do_not_mix_up_their_requests(server: Server) -> None:
    server.replies = [Reply(200, {"id": 1})]
    transport = SharedTransport.to(server.url)

    def send(number: int) -> None:
        for _ in range(20):
            ours(server, transport, f"t{number}").send("POST", f"/{number}", {"number": number})

    threads = [threading.Thread(target=send, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(server.got) == 160
    assert server.connections <= 16
    for one in server.got:
        number = json.loads(one.body)["number"]
        assert (one.path, one.headers["authorization"]) == (f"/{number}", f"token t{number}")


def test_a_202_is_not_waited_for_in_place(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    server.replies = [Reply(202), Reply(202), Reply(200, {"id": 1})]
    with monkeypatch.context() as patch:
        patch.setattr(time, "sleep", lambda _seconds: None)
        theirs(server).requester.requestJsonAndCheck("GET", REPO)
    assert len(server.got) == 3, "PyGithub repeats it, as often as it takes"
    server.got.clear()
    server.replies = [Reply(202)]
    with pytest.raises(RetryLater):
        ours(server).get(REPO, Thing)
    assert len(server.got) == 1


def test_a_redirect_keeps_the_query(server: Server) -> None:
    replies = [Reply(301, location="/repositories/1?q=1"), Reply(200, {"id": 1})]
    server.replies = list(replies)
    theirs(server).requester.requestJsonAndCheck("GET", f"{REPO}?q=1")
    assert paths(server) == [f"GET {REPO}?q=1", "GET /repositories/1"], "PyGithub drops it"
    server.got.clear()
    server.replies = list(replies)
    assert ours(server).get(f"{REPO}?q=1", Thing) == Thing(1)
    assert paths(server) == [f"GET {REPO}?q=1", "GET /repositories/1?q=1"]


@pytest.mark.parametrize("status", [307, 308])
def test_a_write_follows_a_redirect_with_its_body(server: Server, status: int) -> None:
    replies = [Reply(status, location="/repositories/1/issues"), Reply(201, {"id": 1})]
    server.replies = list(replies)
    theirs(server).requester.requestJsonAndCheck("POST", f"{REPO}/issues", input={"title": "x"})
    assert paths(server) == [f"POST {REPO}/issues"], "PyGithub takes the redirect for success"
    server.got.clear()
    server.replies = list(replies)
    assert ours(server).post(f"{REPO}/issues", Thing, {"title": "x"}) == Thing(1)
    assert paths(server) == [f"POST {REPO}/issues", "POST /repositories/1/issues"]
    assert [json.loads(one.body) for one in server.got] == [{"title": "x"}] * 2


def test_a_write_is_not_sent_twice(server: Server) -> None:
    server.replies = [Reply(502), Reply(502), Reply(201, {"id": 1})]
    Github(base_url=server.url, auth=Auth.Token("x"), seconds_between_writes=0).requester.requestJsonAndCheck(
        "POST", f"{REPO}/deployments", input={}
    )
    assert len(server.got) == 3, "PyGithub's default repeats it"
    server.got.clear()
    server.replies = [Reply(502)]
    with pytest.raises(RetryLater):
        ours(server).post(f"{REPO}/deployments", Thing, {})
    assert len(server.got) == 1


PULL = {
    "number": 7,
    "url": "",
    "state": "open",
    "title": "t",
    "head": {"ref": "h", "sha": "a" * 40},
    "base": {"ref": "b", "sha": "b" * 40},
}


class PullNumbers(Wire, frozen=True):
    number: int
    mergeable: bool | None = None


def test_reading_an_attribute_sends_nothing(server: Server) -> None:
    server.replies = [Reply(200, [{**PULL, "url": f"{server.url}{REPO}/pulls/7"}]), Reply(200, PULL)]
    pull = theirs(server).get_repo("acme/one").get_pulls()[0]
    before = len(server.got)
    assert not pull.mergeable
    assert (before, len(server.got)) == (1, 2), "PyGithub completes its object"
    server.got.clear()
    server.replies = [Reply(200, [PULL])]
    assert ours(server).list(f"{REPO}/pulls", PullNumbers) == (PullNumbers(7, None),)
    assert len(server.got) == 1


def test_no_cookie_and_no_netrc(
    server: Server, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path_factory.mktemp("home") / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    server.replies = [Reply(200, {"id": 1})]
    for client in (ours(server), job(server)):
        client.get(REPO, Thing)
    assert [one.headers["authorization"] for one in server.got] == ["token ours", "Bearer ours"]


def test_a_job_sends_what_a_client_of_pygithub_sends(server: Server) -> None:
    """The requests of nodes do not change with the library that sends them."""
    server.replies = [Reply(200, [])]
    for client in (ours(server), job(server)):
        client.list(f"{REPO}/deployments", Thing, query={"ref": "a b&c=é"})
        client.send("POST", f"{REPO}/deployments/1/statuses", {"state": "success", "description": "é\u2028"})
        client.send("DELETE", f"{REPO}/deployments/1")
    half = len(server.got) // 2
    assert len(server.got) == 6
    sent = [(one.method, one.path, one.body, one.headers.get("content-type")) for one in server.got]
    assert sent[:half] == sent[half:]
