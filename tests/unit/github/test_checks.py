"""A check is posted once for what it says, with everything it says."""

from __future__ import annotations

import pytest

from bot.domain.errors import BotError, RetryLater
from bot.domain.names import CommitSha, RepoName
from bot.github.checks import ensure_check, note_new_commit
from bot.github.client import Client
from bot.github.endpoints.checks import find_own_checks
from bot.plan.report.check import Annotation, CheckText
from tests.unit.github.scripted import Scripted, reply
from tests.unit.payloads import SHA

REPO, HEAD = RepoName("acme/fleet"), CommitSha(SHA)
CHECK = CheckText(title="title", summary="summary", text="text", conclusion="neutral")
RUNS = f"/repos/acme/fleet/commits/{SHA}/check-runs"


OWN = {"id": 7, "slug": "aios-bot"}


def run(external_id: str | None, app: object = OWN) -> dict[str, object]:
    return {"id": 1, "name": "aios/plan", "status": "completed", "external_id": external_id, "app": app}


def found(*external_ids: str | None) -> dict[str, object]:
    return {"total_count": len(external_ids), "check_runs": [run(one) for one in external_ids]}


def test_a_check_that_is_there_is_not_posted_and_not_even_rendered() -> None:
    def render() -> CheckText:
        raise AssertionError

    sender = Scripted(reply(found(None, "old", "one")))
    assert not ensure_check(sender.client(app_id=7), REPO, HEAD, "aios/plan", render, external_id="one")
    assert sender.lines == [f"GET {RUNS}"]
    assert sender.sent[0].parameters == {"check_name": "aios/plan", "app_id": "7", "per_page": 100}


@pytest.mark.parametrize("app", [{"id": 8, "slug": "aios-bot"}, {"id": 15368, "slug": "github-actions"}, None])
def test_a_check_of_another_app_is_not_taken_for_ours(app: object) -> None:
    """Its name and external id are the same, and GitHub did not filter."""
    forged = {"total_count": 1, "check_runs": [run("one", app)]}
    sender = Scripted(reply(forged), reply(run("one"), 201))
    assert ensure_check(sender.client(app_id=7), REPO, HEAD, "aios/plan", lambda: CHECK, external_id="one")
    assert sender.lines == [f"GET {RUNS}", "POST /repos/acme/fleet/check-runs"]


def test_only_an_app_has_check_runs_of_its_own() -> None:
    sender = Scripted()
    with pytest.raises(BotError, match="our own check runs on acme/fleet apart: this client acts as no App"):
        find_own_checks(sender.client(), REPO, HEAD, name="aios/plan")
    assert sender.lines == []


def test_a_check_that_says_something_else_is_posted() -> None:
    sender = Scripted(reply(found("old")), reply(run("one"), 201))
    posted = ensure_check(
        sender.client(app_id=7),
        REPO,
        HEAD,
        "aios/plan",
        lambda: CHECK,
        external_id="one",
        details_url="https://bot.example/plans/1",
        buttons=({"label": "Plan", "description": "again", "identifier": "plan"},),
    )
    assert posted
    assert sender.lines == [f"GET {RUNS}", "POST /repos/acme/fleet/check-runs"]
    assert sender.sent[1].body == {
        "name": "aios/plan",
        "head_sha": SHA,
        "status": "completed",
        "conclusion": "neutral",
        "external_id": "one",
        "details_url": "https://bot.example/plans/1",
        "actions": [{"label": "Plan", "description": "again", "identifier": "plan"}],
        "output": {"title": "title", "summary": "summary", "text": "text"},
    }


def test_nothing_is_looked_for_on_a_new_commit_and_what_is_empty_is_left_out() -> None:
    sender = Scripted(reply(run("one"), 201))
    check = CheckText(title="t", summary="s", text="", conclusion="success")
    assert ensure_check(
        sender.client(app_id=7), REPO, HEAD, "aios/plan", lambda: check, external_id="one", is_new_commit=True
    )
    assert [one.body for one in sender.sent] == [
        {
            "name": "aios/plan",
            "head_sha": SHA,
            "status": "completed",
            "conclusion": "success",
            "external_id": "one",
            "output": {"title": "t", "summary": "s"},
        }
    ]


def test_annotations_go_fifty_at_a_time() -> None:
    marks = tuple(Annotation(path="a.yml", line=n, level="warning", message=f"m{n}") for n in range(1, 102))
    check = CheckText(title="t", summary="s", text="", conclusion="failure", annotations=marks)
    sender = Scripted(reply(run("one"), 201), reply({}), reply({}))
    client = sender.client(app_id=7)
    ensure_check(client, REPO, HEAD, "aios/plan", lambda: check, external_id="one", is_new_commit=True)
    assert sender.lines == ["POST /repos/acme/fleet/check-runs", *["PATCH /repos/acme/fleet/check-runs/1"] * 2]
    outputs = [one.body["output"] for one in sender.sent]  # type: ignore[index]  # it is a dict
    assert [len(output["annotations"]) for output in outputs] == [50, 50, 1]
    assert [mark for output in outputs for mark in output["annotations"]] == [
        {"path": "a.yml", "start_line": n, "end_line": n, "annotation_level": "warning", "message": f"m{n}"}
        for n in range(1, 102)
    ]
    assert {(output["title"], output["summary"]) for output in outputs} == {("t", "s")}


def post(sender: Scripted, client: Client, external_id: str) -> bool:
    sender.sent.clear()
    return ensure_check(client, REPO, HEAD, "aios/plan", lambda: CHECK, external_id=external_id)


def test_what_was_posted_a_moment_ago_is_not_looked_for() -> None:
    sender = Scripted(reply(found()), reply(run("one"), 201), reply(found("one")), reply(run("two"), 201))
    client = sender.client(app_id=7)
    assert post(sender, client, "one")
    assert not post(sender, client, "one")
    assert sender.lines == []
    assert post(sender, client, "two")
    assert sender.lines == [f"GET {RUNS}", "POST /repos/acme/fleet/check-runs"]


def test_nothing_is_looked_for_on_a_commit_that_was_just_made() -> None:
    sender = Scripted(reply(run("one"), 201))
    client = sender.client(app_id=7)
    note_new_commit(client, REPO, HEAD)
    assert post(sender, client, "one")
    assert sender.lines == ["POST /repos/acme/fleet/check-runs"]


def test_a_check_whose_posting_failed_is_looked_for() -> None:
    sender = Scripted(reply(status=502), reply(found("one")))
    client = sender.client(app_id=7)
    note_new_commit(client, REPO, HEAD)
    with pytest.raises(RetryLater):
        post(sender, client, "one")
    assert not post(sender, client, "one")
    assert sender.lines == [f"GET {RUNS}"]


def test_what_github_does_not_take_is_cut_off_between_two_letters() -> None:
    """65,535 bytes (github/docs#35252), counted here for a text whose letters have three each."""
    sender = Scripted(reply({"id": 1}))
    long = CheckText(title="title", summary="x" + "\u26aa" * 30_000, text="short", conclusion="neutral")
    assert ensure_check(sender.client(), REPO, HEAD, "aios/x", lambda: long, external_id="one", is_new_commit=True)
    (sent,) = sender.sent
    assert isinstance(sent.body, dict)
    assert sent.body["output"]["summary"] == "x" + "\u26aa" * 21_844
    assert sent.body["output"]["text"] == "short"
