"""Random histories of a small fleet, and the one thing that has to be true at the end of each.

Everything is the bot's own: triggers, jobs, decisions, effects, store; and the embedded GitHub. Random are the order
in which deliveries arrive, which of them are lost or come twice, how far lists lag behind, which requests fail before
or after their effect, when the service is started again, and what people and the node do meanwhile. The time is
simulated, so that ladders of minutes and sweeps of hours take none.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from bot.domain.names import RepoName
from bot.features.fleets.jobs import Job
from bot.git.git import GitError, GitRepository
from bot.queue.inbox import RetryPolicy
from sandbox.app_records import Delivery
from sandbox.faults import Cut, Fault
from sandbox.records import Pull
from sandbox.state import ApiError
from sandbox.world import FLEET, NODE, PERSON, SERVER
from tests.github.in_process import in_process
from tests.github.remembered_git import parsed_once, remembered_git
from tests.github.stepping import Held, Order, Stepper, stepping

SWEEP = 6 * 3600.0  # seconds between two looks at everything
SLOW = 0.2  # of the histories: the node is slow to take its orders
STACK = {
    "stacks/web/compose.yaml": "services: {web: {image: example/web:1.0, volumes: [./web.conf:/web.conf:ro]}}\n",
    "stacks/web/web.conf": "a = 0\n",
}
_ENDS = ("success", "failure", "error")
_FAILED = " failed: "
_REFUSALS = ("not deployed", "not started", "HALTED", "halted")
_H = TypeVar("_H", bound="History")


class History(Stepper):
    """One fleet that goes through many histories, one after the other."""

    lags: tuple[float, ...] = (0.0, 3.0, 15.0, 60.0)  # seconds, of which one history has one
    lengths = (5, 14)  # the least and the most steps of one history

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.told: list[str] = []  # what happened in this history, for the message of a failure
        self._pending: list[Delivery] = []
        self._seen = 0
        self.merged = 0  # pull requests that moved the pin, in all histories
        self._tries: dict[Job, int] = {}
        self._version = 0
        self._open_orders: list[Order] = []
        self.given: list[tuple[str, int]] = []  # commit and run of every order that the node took
        self._numbers: set[int] = set()  # their numbers

    # -- deliveries and jobs, as unkindly as they come ------------------------------------------------------

    def receive(self) -> None:
        """Keep what GitHub sent since, to be delivered when the dice say so."""
        self._pending += self.hub.deliveries[self._seen :]
        self._seen = len(self.hub.deliveries)

    def _run(self, held: Held) -> None:
        """As the queue does: what waits is held, what fails is tried again a few times."""
        failures = len(self.failed)
        super()._run(held)
        if len(self.failed) == failures:
            self._tries.pop(held.job, None)
            return
        job, problem = self.failed.pop()
        tried = self._tries.get(job, 0)
        pauses = RetryPolicy().tries_after
        self.told.append(f"{type(job).__name__}{_FAILED}{problem}")
        if tried < len(pauses):
            self._tries[job] = tried + 1
            self._hold([job], due=self.clock.now + pauses[tried])

    # -- one history ----------------------------------------------------------------------------------------

    def play(self, dice: random.Random) -> None:
        """Random steps, then rest until nothing is left to happen."""
        self.told, self.given = [], []
        self.hub.behaviours.lag = dice.choice(self.lags)
        steps = self._steps()
        for _ in range(dice.randint(*self.lengths)):
            (step,) = dice.choices([step for _, step in steps], [chance for chance, _ in steps])
            step(dice)
        self.rest(is_slow=dice.random() < SLOW)

    def _steps(self) -> list[tuple[int, Callable[[random.Random], None]]]:
        """What may happen, and how often it does beside the others."""
        return [
            (5, self._push),
            (6, self._merge),
            (1, self._update_branch),
            (1, self._close_or_reopen),
            (1, self._push_to_fleet),
            (1, self._move_pin),
            (1, self._rewrite_upstream),
            (10, self._deliver_some),
            (12, self._work),
            (6, self._wait),
            (5, self._node),
            (2, self._fault),
            (2, self._restart),
        ]

    def rest(self, *, is_slow: bool = False) -> None:
        """No more faults; every six hours a look at everything, and the node carries out what it gets, or late."""
        self.hub.faults.clear()
        for _ in range(12):
            told = len(self.told)
            if not is_slow:
                self._pass(120)
                self._carry_out_all()
            self._pass(SWEEP / 2)
            self.look_around()
            before = len(self.given)
            self._pass(120)
            self._carry_out_all()
            self._pass(120)
            if len(self.given) == before:
                wrong = [line for line in self.told[told:] if _FAILED in line]
                assert not wrong, f"jobs fail without a fault: {wrong}\n{self.story()}"
                return
        raise AssertionError(f"orders never end: {self.given}\n{self.story()}")

    def _pass(self, seconds: float) -> None:
        """Let time pass; of what is sent meanwhile everything arrives."""
        self._deliver_all()
        self.advance(seconds)
        while self._pending or self.hub.deliveries[self._seen :]:
            self._deliver_all()
            self.settle()

    def _deliver_all(self) -> None:
        self.receive()
        while self._pending:
            self.deliver(self._pending.pop(0))

    def _push(self, _dice: random.Random) -> None:
        self._version += 1
        text = f"a = {self._version}\n"
        self.hub.commit_files(SERVER, {"stacks/web/web.conf": text}, f"Version {self._version}", by=PERSON)
        self.told.append(f"push {self._version}")

    def _push_to_fleet(self, _dice: random.Random) -> None:
        self._version += 1
        self.hub.commit_files(FLEET, {"notes.md": f"{self._version}\n"}, "Notes", by=PERSON)
        self.told.append("push to the fleet")

    def _move_pin(self, dice: random.Random) -> None:
        """A person's own pull request, which pins one of the newest commits of the stacks, and mostly is merged."""
        self._version += 1
        clone, server = (self._fetched(name) for name in ("aios-win", "server"))
        pin = dice.choice(self.world.git(server, "log", "-5", "--format=%H", "origin/main").split())
        branch = f"mine-{self._version}"
        self.world.git(clone, "switch", "--quiet", "--force-create", branch, "origin/main")
        self.world.git(clone, "update-index", "--cacheinfo", f"160000,{pin},server")
        self.world.git(clone, "commit", "--quiet", "--allow-empty", "--message", "Move the pin")
        self.world.git(clone, "push", "--quiet", "origin", branch)
        self.world.git(clone, "reset", "--quiet", "--hard")
        self.told.append(f"a person's own {branch} pins {pin[:7]}")
        body = {"title": "Mine", "head": branch, "base": "main", "body": ""}
        with self._without_faults():
            number = self.outside.send("POST", f"/repos/{FLEET}/pulls", body)["number"]
        if dice.random() < 0.7:
            method = dice.choice(("merge", "squash", "rebase"))
            self._try(f"merge #{number} by {method}", partial(self.hub.merge_pull, method=method), number)

    def _rewrite_upstream(self, _dice: random.Random) -> None:
        """Somebody takes back the newest commit of the stacks, by force."""
        server = self._fetched("server")
        if int(self.world.git(server, "rev-list", "--count", "origin/main")) > 1:
            self.world.git(server, "push", "--quiet", "--force", "origin", "origin/main~1:refs/heads/main")
            self.told.append("the newest commit of the stacks is taken back")

    def _fetched(self, name: str) -> Path:
        clone = self.world.checkouts / name
        self.world.git(clone, "fetch", "--quiet", "origin")
        return clone

    def _pulls(self, state: str) -> list[Pull]:
        found = self.hub.pulls(FLEET)
        return [pull for pull in found if pull.state == state and pull.merged_at is None]

    def _merge(self, dice: random.Random) -> None:
        for pull in self._pulls("open")[:1]:
            method = dice.choice(("merge", "squash", "rebase"))
            self._try(f"merge #{pull.number} by {method}", partial(self.hub.merge_pull, method=method), pull.number)

    def _update_branch(self, _dice: random.Random) -> None:
        for pull in self._pulls("open")[:1]:
            self._try(f"update branch of #{pull.number}", self.hub.update_branch, pull.number)

    def _try(self, told: str, button: Callable[..., object], number: int) -> None:
        try:
            self.told.append(f"{told}: {button(FLEET, number, by=PERSON)}")
        except (ApiError, GitError) as problem:  # a conflict, nothing to merge or update, no branch to reopen from
            self.told.append(f"{told} refused: {problem}")

    def _close_or_reopen(self, dice: random.Random) -> None:
        closed = self._pulls("closed")[-1:]
        if closed and dice.random() < 0.5:
            self._try(f"reopen #{closed[0].number}", self.hub.reopen_pull, closed[0].number)
            return
        for pull in self._pulls("open")[:1]:
            self.hub.close_pull(FLEET, pull.number, by=PERSON)
            self.told.append(f"close #{pull.number}")

    def _deliver_some(self, dice: random.Random) -> None:
        self.receive()
        dice.shuffle(self._pending)
        count = dice.randint(0, len(self._pending))
        for one in self._pending[:count]:
            fate = dice.random()
            if fate < 0.15:
                self.told.append(f"lost {one.event} {one.action or ''}")
                continue
            self.deliver(one)
            if fate > 0.9:
                self.deliver(one)
        self.told.append(f"delivered {count}")
        del self._pending[:count]

    def _work(self, dice: random.Random) -> None:
        due = [held for held in self.waiting if held.due <= self.clock.now]
        for held in dice.sample(due, min(len(due), dice.randint(1, 3))):
            if held in self.waiting:
                self._run(held)
                self.told.append(f"ran {held.job.__struct_config__.tag}")

    def _wait(self, dice: random.Random) -> None:
        seconds = dice.choice((1, 5, 20, 100, 700, 4000))
        self.clock.now += seconds
        self.told.append(f"{seconds} s later")

    def _node(self, dice: random.Random) -> None:
        order = self.take_order()
        if order is not None:
            self._end(order, dice.choice(("success", "success", "failure", "vanish")))

    def _end(self, order: Order, how: str) -> None:
        number = int(order.order["number"])
        if number in self._numbers:  # sent again by a bot that did not learn that it was: see bot.protocol.order
            self.told.append(f"the node refused order {number} again, without a report")
            self.hub.finish_job(order.job, "failure", "")
            return
        self._numbers.add(number)
        self.given.append((order.order["commit"], order.job.run_id))
        self.told.append(f"the node took {order.order['commit'][:7]}: {how}")
        if how == "vanish":
            self.hub.finish_job(order.job, "failure", "")
        else:
            with self._without_faults():
                self.report(order, how)

    @contextmanager
    def _without_faults(self) -> Iterator[None]:
        """Faults are for the bot's requests: those of people and nodes come through."""
        planned, self.hub.faults[:] = self.hub.faults[:], []
        yield
        self.hub.faults[:] = planned

    def _carry_out_all(self) -> None:
        order = self.take_order()
        while order is not None:
            self._end(order, "success")
            order = self.take_order()

    def _fault(self, dice: random.Random) -> None:
        skipped = dice.randint(0, 6)
        seen = iter(range(10**9))

        def matches(method: str, path: str) -> bool:
            return "/api/v3" in path and next(seen) >= skipped

        after = dice.random() < 0.5
        cut = dice.choice((Cut.CONNECTION, Cut.NOTHING))
        fault = Fault(matches=matches, status=0 if cut else 502, after_effect=after, cut=cut)
        self.hub.faults.append(fault)
        self.told.append(f"a request will fail {'after' if after else 'before'} its effect")

    def _restart(self, _dice: random.Random) -> None:
        self.restart()
        self.told.append("restart")

    def restart(self) -> None:
        super().restart()
        forget_with(self)

    # -- what has to be true --------------------------------------------------------------------------------

    def check_merges(self) -> None:
        """Every merged pin is deployed, refused with words, or superseded; and no order was given twice."""
        merges = self._merges()
        self.merged = len(merges)
        deployed = self._ends()
        reached = False
        for commit, number in merges:
            ends = deployed.get(commit, [])
            reached = reached or any(end in _ENDS for end in ends) or self._is_refused(number)
            assert reached, f"#{number}, merged as {commit[:7]}: no end of it ({ends or 'no order'})\n{self.story()}"
        taken = [commit for commit, _ in self.given]
        again = {commit for commit in taken if taken.count(commit) > 1}
        assert not again, f"the node was given an order twice: {again}\n{self.story()}"

    def _merges(self) -> list[tuple[str, int]]:
        """The merged pull requests that moved the pin, newest first."""
        merged = [pull for pull in self.hub.pulls(FLEET) if pull.merged_at]
        pulls = {sha: pull.number for pull in merged for sha in (pull.merge_commit_sha, *pull.rebased)}
        served = GitRepository(self.hub.root / f"{FLEET}.git")
        listed = served.run("log", "--first-parent", "--format=%H", "refs/heads/main", "--", "server").decode()
        return [(sha, pulls[sha]) for sha in listed.split() if sha in pulls]

    def _ends(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for one in self.hub.deployments(FLEET):
            if one.environment == NODE and one.task.startswith("deploy:") and one.statuses:
                found.setdefault(one.sha, []).append(one.statuses[-1].state)
        return found

    def _is_refused(self, number: int) -> bool:
        bodies = (one["body"] for one in self.outside.comments(FLEET, number))
        return any("aios-bot:rollout" in body and any(word in body for word in _REFUSALS) for body in bodies)

    def story(self) -> str:
        """What happened, in order."""
        return "\n".join(f"  {line}" for line in self.told)


def forget_with(history: History) -> None:
    """Let the service's memory of its own writes last as long as the simulated time says."""
    history.service.app._memory._clock = history.clock


@contextmanager
def fresh(kind: type[_H], *files: tuple[RepoName, Mapping[str, str]]) -> Iterator[_H]:
    """A fleet before its first history, with `files` pushed to its repositories."""
    with (
        tempfile.TemporaryDirectory(prefix="aios-") as folder,
        remembered_git(Path(folder, "github")),
        stepping(Path(folder), with_stacks=False, kind=kind) as found,
    ):
        assert isinstance(found, kind)
        forget_with(found)
        for repo, texts in files:
            found.world.push(repo, texts, "The first files")
        with in_process(found.hub.url, found.hub.application), parsed_once():
            found.rest()
            yield found


def new_history() -> AbstractContextManager[History]:
    """A fleet with one small stack, before its first history."""
    return fresh(History, (SERVER, STACK))
