"""The merge queue: each entry gets a commit of its own on top of the one before, and its checks decide the rest.

Source: GitHub's "Managing a merge queue"; webhooks `merge_group.checks_requested` and `merge_group.destroyed`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bot.git.git import GitError
from sandbox.merging import check_states, mergeable_state
from sandbox.records import Pull, QueueEvent, Repo, User, iso_now
from sandbox.state import ApiError

if TYPE_CHECKING:
    from sandbox.effects import Effects

QUEUE_BOT = "github-merge-queue[bot]"


@dataclass
class Group:
    """One entry of a queue: the pull request merged into what comes before it."""

    pull: Pull
    parent: str
    head: str
    ref: str


def enqueue(effects: Effects, repo: Repo, pull: Pull, user: User) -> None:
    """Put `pull` at the end of its base's queue. Raises ApiError while it may not be merged."""
    if pull.base not in repo.queues:
        raise ApiError(422, f"The merge queue is not enabled for {pull.base}")
    if pull.state != "open" or mergeable_state(repo, pull) in ("blocked", "dirty"):
        raise ApiError(422, "Pull request is not mergeable")
    _note(effects, pull, user, "added_to_merge_queue")
    effects.send_pull_event(repo, pull, user, "enqueued")
    _add(effects, repo, pull)


def _add(effects: Effects, repo: Repo, pull: Pull) -> None:
    queue, before = repo.queues[pull.base], repo.heads()
    parent = queue[-1].head if queue else before[pull.base]
    bot = effects.state.user(QUEUE_BOT, "Bot")
    try:
        tree = repo.git.run("merge-tree", "--write-tree", parent, pull.head_sha).decode().split("\n")[0]
    except GitError:
        _dequeue(effects, repo, pull, "MERGE_CONFLICT")
        return
    words = f"Merge pull request #{pull.number} from {repo.owner.login}/{pull.head}"
    parents = ("-p", parent, "-p", pull.head_sha)
    environment = effects.sign(bot)
    head = repo.git.run("commit-tree", tree, *parents, "-m", words, environment=environment).decode().strip()
    branch = f"gh-readonly-queue/{pull.base}/pr-{pull.number}-{parent}"
    repo.git.run("update-ref", f"refs/heads/{branch}", head)
    group = Group(pull, parent, head, f"refs/heads/{branch}")
    queue.append(group)
    effects.apply_branch_moves(repo, before, bot)
    _send(effects, repo, group, "checks_requested")


def _send(effects: Effects, repo: Repo, group: Group, action: str, reason: str = "") -> None:
    commit = effects.commit(repo, group.head)
    names = ("id", "tree_id", "message", "timestamp", "author", "committer")
    shape = {
        "head_sha": group.head,
        "head_ref": group.ref,
        "base_sha": group.parent,
        "base_ref": f"refs/heads/{group.pull.base}",
        "head_commit": {name: commit[name] for name in names},
    }
    fields: dict[str, Any] = {"reason": reason} if reason else {}
    bot = effects.state.user(QUEUE_BOT, "Bot")
    effects.send("merge_group", repo, bot, action=action, merge_group=shape, **fields)


def follow(effects: Effects, repo: Repo, sha: str) -> None:
    """Look at the queues again after a check or a status of `sha`: merge what is ready, put out what failed."""
    for base, queue in repo.queues.items():
        if any(group.head == sha for group in queue):
            _advance(effects, repo, base, queue)


def _advance(effects: Effects, repo: Repo, base: str, queue: list[Group]) -> None:
    while queue:
        group = queue[0]
        states = _required(repo, base, group)
        if "failure" in states:
            _fail(effects, repo, queue)
        elif all(state == "success" for state in states):
            queue.pop(0)
            _merge(effects, repo, group)
        else:
            return


def _required(repo: Repo, base: str, group: Group) -> list[str]:
    rules = repo.rules.get(base)
    if rules is None:
        return []
    states = {name: check_states(repo, group.head, app=rules.sources.get(name)) for name in rules.contexts}
    return [found.get(name, "pending") for name, found in states.items()]


def _merge(effects: Effects, repo: Repo, group: Group) -> None:
    bot, before = effects.state.user(QUEUE_BOT, "Bot"), repo.heads()
    repo.git.run("update-ref", f"refs/heads/{group.pull.base}", group.head)
    effects.apply_branch_moves(repo, before, bot)  # its head is part of the base now: it is merged
    _end(effects, repo, group, "merged")


def _end(effects: Effects, repo: Repo, group: Group, reason: str) -> None:
    before = repo.heads()
    _send(effects, repo, group, "destroyed", reason=reason)
    repo.git.run("update-ref", "-d", group.ref)
    effects.apply_branch_moves(repo, before, effects.state.user(QUEUE_BOT, "Bot"))


def _fail(effects: Effects, repo: Repo, queue: list[Group]) -> None:
    """Put the first entry out; those behind it are built again."""
    entries = list(queue)
    queue.clear()
    for group in entries:
        _end(effects, repo, group, "dequeued" if group is entries[0] else "invalidated")
    _dequeue(effects, repo, entries[0].pull, "CI_FAILURE")
    for group in entries[1:]:
        _add(effects, repo, group.pull)


def _note(effects: Effects, pull: Pull, user: User, event: str) -> None:
    pull.queue_events.append(QueueEvent(effects.state.new_id(), event, user, iso_now()))


def _dequeue(effects: Effects, repo: Repo, pull: Pull, reason: str) -> None:
    bot = effects.state.user(QUEUE_BOT, "Bot")
    pull.auto_merge = None
    _note(effects, pull, bot, "removed_from_merge_queue")
    effects.send_pull_event(repo, pull, bot, "dequeued", reason=reason)
