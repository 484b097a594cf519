"""How the bot was before it knew of a behaviour of GitHub: what `undone.py` puts in the place of its own code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from bot.domain.errors import RetryLater
from bot.domain.names import RepoName
from bot.features.bump.decide import BumpReason, CloseBump, WithholdBump, decide_bump
from bot.features.bump.facts import Relation
from bot.features.bump.read import COMMITS_READ, read_bump_facts, read_dismissed_pins, read_relation
from bot.features.fleets.jobs import FleetReplaced, SyncFleet
from bot.features.fleets.read import prepare_look
from bot.features.review import apply as review_apply
from bot.features.rollout.read.history import _Payload
from bot.git.git import GitRepository
from bot.github.client import Client
from bot.github.connection.backoff import Backoff
from bot.github.connection.memory import Memory
from bot.github.endpoints import path_of, repository
from bot.github.endpoints.checks import find_checks
from bot.github.endpoints.people import PullDetail
from bot.github.endpoints.repository import Pull, Repository, find_repository
from bot.github.endpoints.workflows import RUN_DETAILS, WorkflowRun
from bot.github.events import _parse_push
from bot.github.ignored import Ignored, IgnoredReason
from bot.github.shapes import Sha
from bot.onboarding.check.read import _read_bases

_read_pull = repository.read_pull
_read_list = Client._read_list
_let_merge = review_apply._let_merge


def nothing(*_arguments: Any, **_named: Any) -> None:
    return None


def empty(*_arguments: Any, **_named: Any) -> tuple[()]:
    return ()


def yes(*_arguments: Any, **_named: Any) -> bool:
    return True


def no(*_arguments: Any, **_named: Any) -> bool:
    return False


def unknown(*_arguments: Any, **_named: Any) -> Ignored:
    return Ignored(reason=IgnoredReason.UNKNOWN_EVENT)


def none(*_arguments: Any, **_named: Any) -> frozenset[Any]:
    return frozenset()


UNHEARD = "what GitHub never says"


def for_ever(job: Any, now: float) -> Any:
    return msgspec.structs.replace(job, tries=1, not_before=int(now) + 30)  # no try after the first is counted


def still_open(client: Client, repo: RepoName, number: Any) -> Pull:
    return msgspec.structs.replace(_read_pull(client, repo, number), merged_at=None, state="open")


def githubs_words(*_arguments: Any, message: str = "ended", **_named: Any) -> str:
    return message


def the_outage(problem: Any, *_arguments: Any, **_named: Any) -> Any:
    return problem


def as_it_is(_mirror: Any, head: Any, _base: Any) -> Any:
    return head


def forgets(kind: str) -> Callable[..., Any]:
    """Memory.find, which knows nothing of one kind of writes."""
    find = Memory.find

    def found(self: Memory, *key: object) -> Any:
        return None if key[0] == kind else find(self, *key)

    return found


class Never(Exception):  # noqa: N818 - nothing raises it
    """In the place of an error that is caught."""


def seen_anyway(client: Client, repo: RepoName) -> Repository:
    found = find_repository(client, repo)
    return found or Repository(id=0, full_name=repo, default_branch="main", private=True)


def first_base_alone(app: Any, one: Any, client: Any, name: Any, bases: Any, *, web_url: str) -> Any:
    return _read_bases(app, one, client, name, bases[:1], web_url=web_url)


def push_of_a_known_base(*arguments: Any) -> Any:
    found = _parse_push(*arguments)
    return found if isinstance(found, Ignored) else msgspec.structs.replace(found, may_change_fleet=False)


def without_retargeted(*arguments: Any, **named: Any) -> Any:
    facts = read_bump_facts(*arguments, **named)
    return msgspec.structs.replace(facts, retargeted=None) if facts else None


def dispatch_with_details(client: Client, repo: Any, *, workflow: str, ref: Any, inputs: Any) -> Any:
    body = {"ref": ref, "inputs": inputs, RUN_DETAILS: True}
    return client.post(path_of(repo, "actions/workflows", workflow, "dispatches"), WorkflowRun, body)


def merge_at_once(client: Client, repo: Any, pull: PullDetail) -> None:
    client.send("PUT", path_of(repo, "pulls", pull.number, "merge"), {"sha": pull.head.sha})


def all_that_is_asked(_self: Any, wanted: Any) -> tuple[Any, ...]:
    return tuple(sorted(dict(wanted).items()))


def only_what_was_pushed(mirror: GitRepository, base: Any, head: Any, *, path: Any, pushed: Any) -> tuple[str, ...]:
    del path
    if head in pushed:
        return ()
    commits = mirror.commits_between(mirror.merge_base(base, head), head, most=COMMITS_READ)
    return tuple({commit.author_name for commit in commits if commit.sha not in pushed})


def pushed_documents(*_arguments: Any, head: Any = None, pushed: Any = (), **_named: Any) -> bool:
    return (head or _arguments[2]) in pushed


def by_committer(mirror: GitRepository, start: Any, head: Any, **_named: Any) -> bool:
    commits = mirror.commits_between(mirror.merge_base(start, head), head, most=COMMITS_READ)
    return all(mirror.run("log", "-1", "--format=%cn", commit.sha).decode().strip() == "GitHub" for commit in commits)


def behind_is_the_same(*arguments: Any) -> Relation:
    found = read_relation(*arguments)
    return Relation.SAME if found is Relation.BEHIND else found


def keep_what_is_gone(facts: Any) -> Any:
    found = decide_bump(facts)
    rewritten = isinstance(found, CloseBump) and found.reason is BumpReason.NOT_A_DESCENDANT
    return WithholdBump(reason=BumpReason.NOT_A_DESCENDANT) if rewritten else found


def leave_open_ones(facts: Any) -> Any:
    return decide_bump(facts) if facts.pull is None else WithholdBump(reason=BumpReason.ON_HOLD)


def each_page_once(
    client: Client, path: str, kind: Any, *, within: str | None, most: int | None, query: Any
) -> tuple[Any, ...]:
    """The pages as Client.list reads them, none of them again."""
    read, seen = client._request, {}

    def remembering(verb: str, where: str, *, parameters: Any) -> Any:
        key = str(parameters)
        if key not in seen:
            seen[key] = read(verb, where, parameters=parameters)
        return seen[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client, "_request", remembering)
        return _read_list(client, path, kind, within=within, most=most, query=query) or ()


def push_unsigned(
    client: Client, repo: RepoName, *, parent: Any, base_tree: str, path: str, pin: Any, message: str
) -> Any:
    entry = {"path": path, "mode": "160000", "type": "commit", "sha": pin}
    tree = client.post(path_of(repo, "git/trees"), Sha, {"base_tree": base_tree, "tree": [entry]})
    who = {"name": "aios-bot", "email": "aios-bot@example.com"}
    body = {"message": message, "tree": tree.sha, "parents": [parent], "author": who, "committer": who}
    return client.post(path_of(repo, "git/commits"), Sha, body).sha


def let_merge_now(client: Client, repo: RepoName, pull: PullDetail, *, is_on: bool) -> str:
    """Whatever is known of it."""
    return _let_merge(client, repo, msgspec.structs.replace(pull, mergeable=True), is_on=is_on)


def look_every_ten_seconds(job: Any, now: float) -> Any:
    return msgspec.structs.replace(job, not_before=int(now) + 10)


def labels_always_due(*arguments: Any, **_named: Any) -> Any:
    return read_bump_facts(*arguments, is_again=True)


def unfiltered(client: Client, repo: RepoName, sha: Any) -> Any:
    """Every check, as if no App were ours."""
    return tuple(msgspec.structs.replace(run, app=None) for run in find_checks(client, repo, sha))


class _Everything(dict[Any, Any]):
    def __contains__(self, _key: object) -> bool:
        return True


def everything(*_arguments: Any) -> Any:
    """Each commit is one that we pushed."""
    return _Everything()


def by_the_text_alone(pulls: Any, holds: Any, _pushed: Any) -> Any:
    return read_dismissed_pins(pulls, holds, {})


def wait_for_the_reset(self: Backoff, request: str, headers: Any, message: str) -> RetryLater:
    """By our own clock, and a second at least."""
    wait = max(1.0, float(headers.get("x-ratelimit-reset", "0")) - self._clock() + 1)
    return RetryLater(f"{request}: {message}", seconds=wait)


def refused_for_two_seconds(_self: Any, request: str, _headers: Any, kind: type[RetryLater], _message: str) -> Any:
    return kind(request, seconds=2)


def payload_as_an_object(deployment: Any) -> Any:
    return msgspec.convert(deployment.payload, _Payload)


def looked_at_meanwhile(tools: Any, client: Client, job: SyncFleet, repo: Repository) -> Any:
    """The fleet is looked at again beside what adopts it."""
    first = prepare_look(tools, client, job, repo)
    return (*first, job) if any(isinstance(one, FleetReplaced) for one in first) else first
