"""Why a node does not run what was merged, and what a person may say about it. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from bot.domain.names import NodeName, PlanId, PullNumber
from bot.domain.values import Value
from bot.domain.verbs import Verb, spell_verb
from bot.features.holds.facts import Hold, HoldKind, Lock
from bot.features.outbox.facts import WaitingPull
from bot.features.rollout.decide.rollout import Standing
from bot.features.rollout.history import NodeDetails
from bot.features.rollout.store import NodeStatus, RolloutStatus

NAMED = 3  # nodes that a sentence names


class Obstacle(Value, frozen=True):
    """Why something does not move. `text` may hold a stranger's words; `command` is said in pull request `pull`."""

    text: str
    command: str = ""
    pull: PullNumber | None = None
    until: int = 0  # seconds since the epoch; 0: until somebody does something
    plan: PlanId | None = None  # that was refused


def find_obstacles(
    status: RolloutStatus, node: NodeStatus, details: NodeDetails, locks: Sequence[Lock], *, prefix: str
) -> tuple[Obstacle, ...]:
    """Why this node does not run what was merged; empty when it does, or is about to."""
    if node.standing is Standing.GOOD and not any(lock.node == node.node for lock in locks):
        return ()
    found = [_locked(lock, prefix) for lock in locks if lock.node == node.node]
    refused = details.refused
    if refused is not None:
        text = f"refused: plan {refused.plan} goes beyond the approved {refused.approved}: {refused.beyond}"
        command = spell_verb(Verb.DEPLOY, node.node, "plan", refused.plan, prefix=prefix)
        return (*found, Obstacle(text=text, command=command, pull=status.pull, plan=refused.plan))
    if node.rolled_back:
        command = spell_verb(Verb.DEPLOY, node.node, prefix=prefix)
        return (*found, Obstacle(text=node.text, command=command, pull=status.pull))
    if node.standing is Standing.FAILED:
        return (*found, Obstacle(text=node.text, command=spell_verb(Verb.RETRY, prefix=prefix), pull=status.pull))
    if node.standing in (Standing.GOOD, Standing.UNDER_WAY, Standing.TO_START) or (found and not refused):
        return tuple(found)
    return (Obstacle(text=node.text or "merged, and not deployed"),)


def _locked(lock: Lock, prefix: str) -> Obstacle:
    reason = f", “{lock.reason}”" if lock.reason else ""
    command = spell_verb(Verb.UNLOCK, lock.node, prefix=prefix)
    return Obstacle(
        text=f"locked for #{lock.pull} by {lock.owner}{reason}",
        command=command,
        pull=lock.pull,
        until=lock.expires_at,
    )


def describe_holds(status: RolloutStatus, holds: Sequence[Hold], *, prefix: str) -> tuple[Obstacle, ...]:
    """Why no newer commit is proposed for this pin."""
    own = (hold for hold in holds if (hold.base, hold.submodule) == (status.base, status.submodule))
    return tuple(_held(hold, prefix) for hold in own if hold.kind is not HoldKind.RESUMED)


def _held(hold: Hold, prefix: str) -> Obstacle:
    what = "No new commit is proposed" if hold.kind is HoldKind.HOLD else "This commit was rolled back"
    pin = f" ({hold.pin[:7]})" if hold.pin else ""
    reason = f", “{hold.reason}”" if hold.reason else ""
    return Obstacle(
        text=f"{what}{pin}: {hold.by}{reason}", command=spell_verb(Verb.RESUME, prefix=prefix), pull=hold.pull
    )


def tell_waiting(pull: WaitingPull, fleet: str, *, host: str = "") -> str:
    """The command by which a person does what the pull request waits for, on their own machine."""
    repo = f"{host}/{fleet}" if host else fleet
    if pull.to_merge:
        return f"gh pr merge {pull.number} --repo {repo} --match-head-commit {pull.head}"
    return f"gh pr review {pull.number} --repo {repo} --approve"


def summarise(
    statuses: Sequence[RolloutStatus], *, waiting: int, refused: Sequence[NodeName] = ()
) -> tuple[str, str]:
    """One sentence on the whole fleet, and how grave it is: `calm`, `notice` or `risky`.

    `waiting`: how many pull requests wait for a person; `refused`: whose orders were refused.
    """
    nodes = [node for status in statuses for node in status.nodes]
    back = [node.node for node in nodes if node.rolled_back]
    failed = [node.node for node in nodes if node.standing is Standing.FAILED and not node.rolled_back]
    moving = [node.node for node in nodes if node.standing in (Standing.UNDER_WAY, Standing.TO_START)]
    good = [node.node for node in nodes if node.standing is Standing.GOOD]
    explained = Counter([*failed, *back, *moving, *good, *refused])
    stuck = list((Counter(node.node for node in nodes) - explained).elements())
    parts = [
        f"{_count(len(failed), 'deploy')} failed{_named(failed)}" if failed else "",
        f"{_count(len(refused), 'order')} refused because the plan differs{_named(refused)}" if refused else "",
        f"{_count(len(back), 'node')} rolled back{_named(back)}" if back else "",
        f"{_count(len(stuck), 'node')} {'do' if stuck[1:] else 'does'} not move{_named(stuck)}" if stuck else "",
        f"{_count(len(moving), 'deploy')} under way{_named(moving)}" if moving else "",
        f"{_count(waiting, 'pull request')} {'waits' if waiting == 1 else 'wait'} for a person" if waiting else "",
    ]
    words = "; ".join(filter(None, parts))
    if failed or refused:
        return words, "risky"
    if words:
        return words, "notice"
    return ("everything runs what was merged" if nodes else "nothing was deployed here yet"), "calm"


def _named(nodes: Sequence[NodeName]) -> str:
    """The first of `nodes` in brackets: a table of twenty is long on a phone."""
    names = list(dict.fromkeys(nodes))
    more = [f"{len(names) - NAMED} more"] if len(names) > NAMED else []
    return f" ({', '.join([*names[:NAMED], *more])})"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")
