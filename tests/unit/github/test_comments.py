"""One comment of ours for each marker: made, edited when it differs, and never somebody else's."""

from __future__ import annotations

import pytest

from bot.domain.names import PullNumber, RepoName
from bot.github.comments import minimize_comment, put_comment
from bot.github.endpoints.comments import Comment
from bot.github.shapes import User
from tests.unit.github.scripted import Scripted, reply

REPO, SEVEN = RepoName("acme/fleet"), PullNumber(7)
OURS, MARKER = "aios[bot]", "<!-- aios-bot:note -->"


def comment(number: int, body: str, login: str | None = OURS) -> dict[str, object]:
    return {"id": number, "node_id": f"N{number}", "body": body, "user": {"login": login} if login else None}


def put(sender: Scripted, body: str) -> tuple[Comment, ...]:
    return put_comment(sender.client(), REPO, SEVEN, marker=MARKER, body=body, login=OURS)


LIST = "GET /repos/acme/fleet/issues/7/comments"


@pytest.mark.parametrize(("body", "written"), [("hello", f"hello\n\n{MARKER}"), (f"{MARKER}x", f"{MARKER}x")])
def test_it_is_made_once_with_its_marker(body: str, written: str) -> None:
    others = [
        comment(1, f"mine: {MARKER}", "eve"),
        comment(2, f"a ghost's: {MARKER}", None),
        comment(3, "ours, of another kind"),
    ]
    sender = Scripted(reply(others), reply(comment(4, "ours"), 201))
    before = put(sender, body)
    assert before == (Comment(id=3, node_id="N3", body="ours, of another kind", user=User(login=OURS)),)
    assert sender.lines == [LIST, "POST /repos/acme/fleet/issues/7/comments"]
    assert sender.sent[1].body == {"body": written}


def test_it_is_edited_when_it_differs() -> None:
    sender = Scripted(reply([comment(3, f"old\n\n{MARKER}"), comment(4, f"second\n\n{MARKER}")]), reply({}))
    assert put(sender, "new") == ()
    assert sender.lines == [LIST, "PATCH /repos/acme/fleet/issues/comments/3"]
    assert sender.sent[1].body == {"body": f"new\n\n{MARKER}"}


def test_it_is_left_alone_when_it_is_the_same() -> None:
    sender = Scripted(reply([comment(3, f"same\n\n{MARKER}")]))
    assert put(sender, "same") == ()
    assert sender.lines == [LIST]


@pytest.mark.parametrize("answer", [reply({"data": {}}), reply({"errors": [{"message": "no"}]}), reply(status=502)])
def test_hiding_a_comment_may_fail(answer: object) -> None:
    sender = Scripted(answer)  # type: ignore[arg-type]  # a Response
    minimize_comment(sender.client(), Comment(id=3, node_id="N3", body=""))
    (sent,) = sender.sent
    assert (sent.verb, sent.path) == ("POST", "/graphql")
    assert isinstance(sent.body, dict)
    assert sent.body["variables"] == {"id": "N3"}
    assert "minimizeComment" in sent.body["query"]
