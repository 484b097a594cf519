"""Random histories of two nodes in two waves, of whose pull requests people say commands.

As in `tests.github.merged`, everything is the bot's own, and the order, the losses and the faults are random.
"""

from __future__ import annotations

import base64
import json
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

from bot.domain.names import NodeName
from bot.features.commands.store import CommandStore
from bot.features.holds.store import HoldStore
from sandbox.world import FLEET, NODE, PERSON, SERVER
from tests.github.merged import History, fresh
from tests.github.stepping import Order

FIRST = NodeName("AIOS")
NODES = (FIRST, NODE)
FLEET_FILE = f"""\
version: 1
submodules: {{server: {{order: [web, db]}}}}
deploy: {{waves: [[{FIRST}], [{NODE}]], soak: 10m}}
nodes:
  {FIRST}: {{root: /srv/aios, stacks: [web]}}
  {NODE}: {{root: /srv/lab}}
"""
WEB, DB = "stacks/web/web.conf", "stacks/db/compose.yaml"
STACKS = {
    "stacks/web/compose.yaml": "services: {web: {image: example/web:1.0, volumes: [./web.conf:/web.conf:ro]}}\n",
    WEB: "a = 0\n",
    DB: "services: {db: {image: example/db:1.0}}\n",
}
COMMANDS = (
    "/deploy {node}",
    "/deploy {node} web",
    "/deploy all",
    "/deploy",
    "/deploy wave 1",
    "/deploy {node} because it burns",
    "/rollback",
    "/rollback {node}",
    "/rollback {node} to previous",
    "/retry",
    "/lock {node} mine",
    "/unlock {node}",
    "/unlock",
    "/hold wait",
    "/resume",
    "/plan",
    "/status",
)
_REPLY = re.compile(r"<!-- aios-bot:reply (comment:\d+) ")
_EXPLAINED = ("not deployed", "not started", "not rolled back", "rolled back", "has it (", "withdrawn", "instead")


class Commanded(History):
    """One fleet of two nodes, which goes through many histories."""

    lags = (0.0, 0.0, 3.0, 15.0, 60.0)
    lengths = (10, 40)

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.runs: dict[str, str | None] = dict.fromkeys(NODES)  # the last whole deploy that succeeded
        self._newest: dict[str, int] = dict.fromkeys(NODES, 0)  # numbers of orders
        self._had: dict[str, set[str]] = {node: set() for node in NODES}  # commits
        self._taken_back: set[str] = set()  # merges; until somebody says /deploy again
        self._said_deploy: set[int] = set()  # pull requests
        self.wrong: list[str] = []

    # -- what nodes and people do ---------------------------------------------------------------------------

    def take_order(self) -> Order | None:
        return next((order for node in NODES if (order := self._take_from(node))), None)

    def _take_from(self, node: NodeName) -> Order | None:
        job = self.hub.claim_job(["self-hosted", node], timeout=0)
        if job is None:
            return None
        return Order(job, json.loads(base64.b64decode(json.loads(job.inputs["order"])["payload"])))

    def _node(self, dice: random.Random) -> None:
        order = self._take_from(dice.choice(NODES))
        if order is not None:
            self._end(order, dice.choice(("success", "success", "success", "failure", "error", "vanish")))

    def _end(self, order: Order, how: str) -> None:
        number, node, kind, commit = (order.order[name] for name in ("number", "node", "kind", "commit"))
        if number <= self._newest[node]:
            self.told.append(f"{node} refused order {number}")
            self.hub.finish_job(order.job, "failure", "")
            return
        self._newest[node] = number
        self.given.append((commit, order.job.run_id))
        self._judge(order)
        self.told.append(f"{node} took {kind} {commit[:7]} of #{order.order.get('head_of')}: {how}")
        if kind in ("deploy", "rollback", "restore") and how == "success" and not self._is_partial(number):
            self.runs[node] = commit
        if how == "vanish":
            self.hub.finish_job(order.job, "failure", "")
        else:
            with self._without_faults():
                self.report(order, how)

    def _judge(self, order: Order) -> None:
        """Whether anybody wanted this order."""
        node, kind, commit = (order.order[name] for name in ("node", "kind", "commit"))
        head_of = order.order.get("head_of")
        if head_of and head_of not in self._said_deploy:
            self.wrong.append(f"{node}: {kind} of #{head_of}, for which nobody said /deploy")
        if kind == "deploy" and commit in self._taken_back - self._had[node]:
            self.wrong.append(f"{node}: {commit[:7]}, which was rolled back elsewhere")
        merges = [merge for merge, _ in self._merges()]
        if kind == "rollback" and merges and merges[0] in self._had[node]:
            self._taken_back.add(merges[0])
        self._had[node].add(commit)

    def _is_partial(self, number: int) -> bool:
        made = next(one for one in self.hub.deployments(FLEET) if one.id == number)
        payload: Any = made.payload
        return bool((json.loads(payload) if isinstance(payload, str) else payload).get("stacks"))

    def _push(self, dice: random.Random) -> None:
        self._version += 1
        texts = {WEB: f"a = {self._version}\n", DB: STACKS[DB].replace("1.0", f"1.{self._version}")}
        names = dice.choice(([WEB], [DB], [WEB, DB]))
        self.hub.commit_files(SERVER, {name: texts[name] for name in names}, f"Version {self._version}", by=PERSON)
        self.told.append(f"push {self._version} of {names}")

    def _say(self, dice: random.Random) -> None:
        pull = dice.choice(sorted(self.hub.pulls(FLEET), key=lambda one: one.number)[-2:])
        words = dice.choice(COMMANDS).format(node=dice.choice(NODES))
        with self._without_faults():
            self.hub.comment(FLEET, pull.number, words, by=PERSON)
        self.told.append(f"{words} in #{pull.number}, {pull.state}")
        if words.startswith(("/deploy", "/retry")):
            self._said_deploy.add(pull.number)
            self._taken_back.clear()

    def _all_arrives(self, dice: random.Random) -> None:
        seconds = dice.choice((10, 70, 300, 1300))
        self._pass(seconds)
        self.told.append(f"{seconds} s in which all arrives")

    def play(self, dice: random.Random) -> None:
        self.hub.behaviours.pull_lag = dice.choice((0.0, 0.0, 0.0, 3.0, 15.0))
        super().play(dice)

    def _steps(self) -> list[tuple[int, Callable[[random.Random], None]]]:
        return [
            (5, self._push),
            (6, self._merge),
            (1, self._update_branch),
            (1, self._close_or_reopen),
            (1, self._push_to_fleet),
            (1, self._move_pin),
            (3, self._deliver_some),
            (4, self._work),
            (4, self._wait),
            (7, self._node),
            (1, self._fault),
            (1, self._restart),
            (9, self._say),
            (16, self._all_arrives),
        ]

    # -- what has to be true --------------------------------------------------------------------------------

    def check_merges(self) -> None:
        """Each merge came to an end on each node; nobody got what nobody wanted; what the bot keeps is true."""
        merges = self._merges()
        self.merged = len(merges)
        wrong = [*self.wrong, *self._find_unended(merges), *self._find_untrue(merges)]
        assert not wrong, "\n".join([*wrong, self.story()])

    def _find_unended(self, merges: list[tuple[str, int]]) -> Iterator[str]:
        for node in NODES:
            for commit, number in merges:
                if self._has_ended(node, commit) or self._is_explained(node, number):
                    break
                yield f"{node}: #{number}, merged as {commit[:7]}, has no end"

    def _has_ended(self, node: str, commit: str) -> bool:
        mine = (one for one in self.hub.deployments(FLEET) if (one.environment, one.sha) == (node, commit))
        ends = ("success", "failure", "error")
        return any(one.statuses and one.statuses[-1].state in ends for one in mine if one.task.startswith("deploy:"))

    def _is_explained(self, node: str, number: int) -> bool:
        bodies = [one["body"] for one in self.outside.comments(FLEET, number) if "aios-bot:rollout" in one["body"]]
        return any(node in body and any(words in body for words in _EXPLAINED) for body in bodies)

    def _find_untrue(self, merges: list[tuple[str, int]]) -> Iterator[str]:
        store = self.service.statuses._store
        opened = {pull.number for pull in self.hub.pulls(FLEET) if pull.state == "open"}
        locks, _ = HoldStore(store).find_everything(FLEET, now=self.clock.now)
        yield from (f"a lock of #{one.pull}, which is closed" for one in locks if one.pull not in opened | {None})
        yield from (f"open for ever: {one.source}" for one in CommandStore(store).find_open(FLEET))
        for status in self.service.statuses.find(self.service.statuses.page_of(FLEET)):
            if merges and status.commit != merges[0][0]:
                yield f"the page shows {status.commit[:7]}, and {merges[0][0][:7]} was merged"
            for one in status.nodes:
                if one.runs != self.runs[one.node]:
                    yield f"the page says that {one.node} runs {one.runs}, which runs {self.runs[one.node]}"
        replies = Counter(
            found[1]
            for pull in self.hub.pulls(FLEET)
            for one in self.outside.comments(FLEET, pull.number)
            if (found := _REPLY.search(one["body"]))
        )
        yield from (f"{count} replies to {source}" for source, count in replies.items() if count > 1)


def new_commanded() -> AbstractContextManager[Commanded]:
    """A fleet with two small stacks, before its first history."""
    return fresh(Commanded, (FLEET, {".github/aios-bot.yml": FLEET_FILE}), (SERVER, STACKS))
