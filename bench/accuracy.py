"""How true the plan is, on the real engine: `python -m bench accuracy [--edits N] [--seed N] [--compose VERSION]`.

Stacks of many shapes run on two engines. Seeded edits, one or several to a stack, become a commit; the bot plans it.
On one engine the node carries the plan's order out, on the other `docker compose up --build` brings up the same
files by itself. Container ids and start times before and after tell what happened.

What should have happened to a service is the gravest of: what compose did by itself; what the edit demands although
compose cannot see it (a mounted file, an inline config, a profile that is left, a reconnected network that loses its
names); and what follows from these for those who share namespaces or asked to be restarted. Expectations are drawn
from the generator's own stacks, and never from what the bot rendered.

A run is made of slices, each with stacks and engines of its own. With `--kept` each slice's verdicts are appended to
a file; a run that finds them there goes on after them. An edit that does not end within LIMIT fails, and ends its
slice. `--engine` names a folder with another engine's unpacked programs.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import shutil
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from bench.accuracy_edits import EDITS, Demands
from bench.accuracy_stacks import IMAGES, NODE_VARIABLES, PROFILE, SHAPES, Stack
from bot.agent.apply import apply_stack, build, remove_services
from bot.agent.orders import find_actual_action, is_removal
from bot.domain.names import CommitSha, NodeName, ServiceName, SubmodulePath
from bot.engine.compose import ComposeStack
from bot.engine.containers import Container
from bot.engine.docker import Docker, DockerError
from bot.engine.programs import ComposeProgram
from bot.fleetfile import Fleet, Node, Submodule
from bot.git.git import GitRepository
from bot.plan.model import NodePlan, Reason, ServicePlan, StackPlan
from bot.plan.order import order_stack
from bot.planner.plans import read_plan
from bot.planner.renderer import Renderer
from bot.planner.snapshot import Snapshot
from bot.protocol.action import Action
from sandbox.engine import Engine, start_engine
from tests.cases_world import VERSIONS, composes
from tests.gitworld import commit, git, new_repository

_RANK = tuple(Action)
_SERVER = SubmodulePath("server")
_NODE = Node(name=NodeName("bench"), profiles=(PROFILE,), variables=NODE_VARIABLES)
_OUTSIDE = ("outside-1", "outside-2")  # networks that no stack owns
_WORKERS = 3
LIMIT = 180  # seconds that deploying one edit may take
SLICE = 80  # edits
_NOT_TOGETHER = (
    *({"kind_changed", other} for other in ("file_changed", "file_added", "mode_changed", "file_removed")),
    {"file_removed", "file_added"},  # the same file, perhaps: then nothing changed
    # Compose by itself cannot do both in one go ("is not connected to the network"), so there is nothing to compare;
    # that the node can is shown in tests/integration/agent/test_networks.py.
    {"network_settings", "network_joined"},
    {"network_name", "network_joined"},  # the same, of 5.4 and later
)


@dataclass
class Verdict:
    """One service after one edit."""

    stack: str
    service: str
    edits: str
    predicted: Action
    true: Action
    seen: Action  # on the engine, under the node's hands
    reasons: tuple[Reason, ...] = ()

    @property
    def why(self) -> str:
        return "; ".join(reason.text for reason in self.reasons) or "no reason"


@dataclass
class Score:
    """All verdicts of a run."""

    verdicts: list[Verdict] = field(default_factory=list)
    edits: Counter[str] = field(default_factory=Counter)
    shapes: set[str] = field(default_factory=set)
    failures: list[str] = field(default_factory=list)  # edits whose deploy failed
    incomparable: list[str] = field(
        default_factory=list
    )  # edits that the node deployed, and compose by itself could not

    @property
    def misses(self) -> list[Verdict]:
        """Where prediction, truth and what the node did are not one."""
        return [v for v in self.verdicts if not v.predicted is v.true is v.seen]

    def precision(self, action: Action) -> tuple[int, int]:
        """Right predictions of `action`, and all."""
        said = [v for v in self.verdicts if v.predicted is action]
        return sum(v.true is v.seen is action for v in said), len(said)

    def recall(self, action: Action) -> tuple[int, int]:
        """Cases of `action` that were predicted, and all."""
        were = [v for v in self.verdicts if v.true is action]
        return sum(v.predicted is action for v in were), len(were)


class Slice(msgspec.Struct):
    """What one slice of a run found."""

    on: str  # engine, compose and seed
    number: int
    score: Score


def read_slice(line: bytes) -> Slice:
    """A slice as a run kept it."""
    return msgspec.json.decode(line, type=Slice, dec_hook=lambda kind, value: kind(value))


class ComposeError(Exception):
    """Compose by itself could not bring up what the node did."""


class StuckError(Exception):
    """An edit did not end within LIMIT."""


class World:
    """One server repository, one fleet that pins it, one node's checkout, and two engines that run it."""

    def __init__(
        self, root: Path, node: Engine, plain: Engine, stacks: list[Stack], program: ComposeProgram | None = None
    ) -> None:
        self.root, self.node, self.plain = root, node, plain
        self.stacks = {stack.name: stack for stack in stacks}
        self.server = new_repository(root / "work/server")
        self.fleet = new_repository(root / "work/fleet")
        self.checkout = root / "node"
        self.docker = Docker(node.environment).with_variables(NODE_VARIABLES)
        self.other = Docker(plain.environment).with_variables(NODE_VARIABLES)
        self.renderer = Renderer(cache_root=root / "cache", secret_key=b"bench", program=program)
        self.at: tuple[CommitSha, CommitSha] | None = None
        for engine in dict.fromkeys((node, plain)):
            for name in IMAGES:
                engine.make_image(name, version=name)
            for name in _OUTSIDE:
                engine.docker("network", "create", name)

    def commit(self) -> tuple[CommitSha, CommitSha]:
        """The stacks as they stand now, committed; the fleet's commit and the pin."""
        wanted = {
            f"stacks/{stack.name}/{path}": text
            for stack in self.stacks.values()
            for path, text in stack.texts().items()
        }
        here = set(git(self.server, "ls-files").split())
        executable = {f"stacks/{s.name}/{path}" for s in self.stacks.values() for path in s.executable}
        for path in here - set(wanted):
            (self.server / path).unlink()
            with contextlib.suppress(OSError):
                (self.server / path).parent.rmdir()  # a file may come in the place of an empty folder
        for path, text in wanted.items():
            target = self.server / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
            target.chmod(0o755 if path in executable else 0o644)
        git(self.server, "add", "--all")
        pin = commit(self.server, {})
        overlays = {f"overlays/{path}": text for s in self.stacks.values() for path, text in s.overlays.items()}
        return commit(self.fleet, {**overlays, "pin": pin}, pins={"server": pin}), pin

    def check_out(self, at: tuple[CommitSha, CommitSha]) -> None:
        """As a node does: git moves its own checkout, in place."""
        for work, folder, sha in (
            (self.fleet, self.checkout, at[0]),
            (self.server, self.checkout / "server", at[1]),
        ):
            if not (folder / ".git").exists():
                git(self.root, "clone", "--quiet", str(work), str(folder))
            git(folder, "fetch", "--quiet", "origin")
            git(folder, "checkout", "--quiet", "--detach", sha)

    def plan(self, old: tuple[CommitSha, CommitSha] | None, new: tuple[CommitSha, CommitSha]) -> NodePlan:
        def snapshot(at: tuple[CommitSha, CommitSha]) -> Snapshot:
            return Snapshot(
                fleet=GitRepository.of_checkout(self.fleet),
                commit=at[0],
                submodule=_SERVER,
                upstream=GitRepository.of_checkout(self.server),
                pin=at[1],
            )

        plan = read_plan(
            fleet=Fleet(nodes=(_NODE,)),
            repo=None,
            submodule=Submodule(path=_SERVER),
            upstream_name=None,
            old=snapshot(old) if old else None,
            new=snapshot(new),
            renderer=self.renderer,
            commits=(),
            commits_total=0,
        )
        return plan.nodes[0]

    def move(self) -> NodePlan:
        """Commit, plan and check out; the stacks are still to be brought up."""
        new = self.commit()
        plan = self.plan(self.at, new)
        self.at = new
        return plan

    def apply(self, stack: StackPlan) -> None:
        """What the node makes of the plan."""
        order = order_stack(stack)
        if is_removal(order):
            self.docker.remove_project(order.project)
        else:
            model, _ = ComposeStack(self.docker, self.checkout, order).read_model()
            built = build(self.docker, self.checkout, order, model, self.docker.containers([order.project]))
            remove_services(self.docker, built)
            apply_stack(self.docker, self.checkout, built, model)

    def bring_up(self, stack: StackPlan) -> None:
        """What compose makes of the same files by itself."""
        order = order_stack(stack)
        if is_removal(order):
            self.other.remove_project(order.project)
            return
        folder = self.checkout / order.folder
        command = ["docker", "compose", "--project-name", order.project, "--project-directory", str(folder)]
        command += [word for name in order.files for word in ("--file", str(folder / name))]
        command += [word for name in order.profiles for word in ("--profile", name)]
        command += ["up", "--detach", "--build", "--remove-orphans"]
        # As the node builds: an attestation holds the time, which makes each build another image.
        environment = self.plain.environment | NODE_VARIABLES | {"BUILDX_NO_DEFAULT_ATTESTATIONS": "1"}
        for attempt in range(2):
            # "service has no container to start" when replicas went to 0 (seen in 2.40.3), and well the next time.
            done = subprocess.run(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
                text=True,
                timeout=LIMIT,
            )
            if done.returncode == 0:
                return
            if attempt or "no container to start" not in done.stderr:
                raise ComposeError(" ".join(done.stderr.split())[-200:])

    def start_over(self, stack: StackPlan) -> None:
        """Have compose by itself begin with nothing of this stack, and with the files as they are."""
        self.other.remove_project(order_stack(stack).project)
        self.bring_up(stack)

    def prune(self) -> None:
        """Networks that nobody uses any more, lest the engines run out of addresses."""
        for engine in (self.node, self.plain):
            engine.docker("network", "prune", "--force", "--filter", "label=com.docker.compose.project")


@contextmanager
def engines(
    program: ComposeProgram | None = None, programs: Path | None = None
) -> Iterator[tuple[Path, Engine, Engine]]:
    """An empty folder, and two engines of our own, of `programs`, for clients with compose `program`. Needs root."""
    root = Path(tempfile.mkdtemp(prefix="aios-acc-"))
    try:
        with (
            start_engine(root / "a", programs=programs) as node,
            start_engine(root / "b", programs=programs) as plain,
        ):
            found: tuple[Engine, Engine] = (node, plain)
            if program is not None:
                found = node.with_compose(program.path), plain.with_compose(program.path)
            yield (root, *found)
    finally:
        shutil.rmtree(root, ignore_errors=True)


def start_world(
    root: Path, node: Engine, plain: Engine, stacks: list[Stack], program: ComposeProgram | None = None
) -> World:
    """A world whose stacks run on both engines: `node` is the node's, on `plain` compose does as it likes."""
    world = World(root, node, plain, stacks, program)
    plan = world.move()
    assert world.at
    world.check_out(world.at)
    _side_by_side(plan.stacks, world.apply)
    _side_by_side(plan.stacks, world.bring_up)
    return world


def _side_by_side(stacks: tuple[StackPlan, ...], work: Callable[[StackPlan], object]) -> None:
    pool = ThreadPoolExecutor(_WORKERS)
    try:
        tasks = {pool.submit(work, stack): stack.stack for stack in stacks}
        _, stuck = wait(tasks, timeout=LIMIT * len(stacks) / _WORKERS)
        if stuck:
            raise StuckError(", ".join(sorted(tasks[task] for task in stuck)))
        for task in tasks:
            task.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)  # the engine's end ends what hangs


def run_round(world: World, score: Score, edited: Mapping[str, tuple[str, Demands]]) -> None:
    """Commit what was edited (by stack: names of the edits and what they demand), deploy it twice, and judge."""
    plan = world.move()
    assert world.at
    projects = {stack.project for stack in plan.stacks}
    before = _look(world, projects)
    reloaded = _count_reloads(world, plan, before[0])
    world.check_out(world.at)
    incomparable: set[str] = set()

    def deploy(stack: StackPlan) -> None:
        names = edited.get(stack.stack, ("nothing", {}))[0]
        try:
            if any(service.action is not Action.NONE for service in stack.services):
                world.apply(stack)
            world.bring_up(stack)
        except ComposeError as problem:
            score.incomparable.append(f"{stack.stack}: {names}: {problem}")
            incomparable.add(stack.stack)
            world.start_over(stack)
        except (DockerError, subprocess.TimeoutExpired) as problem:
            score.failures.append(f"{stack.stack}: {names}: {problem}")

    _side_by_side(plan.stacks, deploy)
    after = _look(world, projects)
    score.failures += [f"{stack.stack}: not analysed: {stack.error}" for stack in plan.stacks if stack.error]
    for stack in plan.stacks:
        names, demands = edited.get(stack.stack, ("nothing", {}))
        judge = _Judge(world, stack, before, after, demands)
        for service in () if stack.stack in incomparable else stack.services:
            count = reloaded.get((stack.project, service.service), 0)
            verdict = judge.verdict(service, names, reloads_before=count)
            score.verdicts.append(verdict)
        judge.sync()
    # A container that compose stopped on its way to another one is looked at again by the next `up` only.
    _side_by_side(tuple(s for s in plan.stacks if s.stack in edited), lambda stack: _bring_up_again(world, stack))
    world.prune()


def _bring_up_again(world: World, stack: StackPlan) -> None:
    try:
        world.bring_up(stack)
    except ComposeError:
        world.start_over(stack)


Looks = tuple[tuple[Container, ...], tuple[Container, ...]]
"""Containers of the node's engine, and of the other one."""


def _look(world: World, projects: set[str]) -> Looks:
    return world.docker.containers(sorted(projects)), world.other.containers(sorted(projects))


def _count_reloads(world: World, plan: NodePlan, containers: tuple[Container, ...]) -> dict[tuple[str, str], int]:
    wanted = {
        (stack.project, s.service) for stack in plan.stacks for s in stack.services if s.action is Action.RELOAD
    }
    return {(c.project, c.service): _reloads(world, c) for c in containers if (c.project, c.service) in wanted}


def _reloads(world: World, container: Container) -> int:
    return world.docker.logs(container.id, lines=1000).count("reloaded")


class _Judge:
    """What should have happened to the services of one stack, and what did."""

    def __init__(self, world: World, stack: StackPlan, before: Looks, after: Looks, demands: Demands) -> None:
        self.world, self.stack, self.before, self.after = world, stack, before, after
        self.specs = world.stacks[stack.stack].services
        self.here = {c.service for c in before[0] if c.project == stack.project}
        self.left = {c.service for c in after[0] if c.project == stack.project}
        self.true = {service.service: self._own(service.service, demands) for service in stack.services}
        self._spread(demands)

    def _own(self, service: ServiceName, demands: Demands) -> Action:
        alone = self._compose(service)
        demanded = demands.get(service, Action.NONE)
        if alone in (Action.CREATE, Action.REMOVE) and service in self.here and service in self.left:
            return Action.RECREATE if demanded is not Action.NONE else alone  # scaled, and more
        if service not in self.here or alone is Action.REMOVE:
            return alone
        return max(alone, demanded, key=_RANK.index)

    def _compose(self, service: ServiceName) -> Action:
        """What compose did by itself."""
        before, after = self.before[1], self.after[1]
        seen = find_actual_action(before, after, service, self.stack.project)
        done = any(c.status == "exited" for c in before if (c.project, c.service) == (self.stack.project, service))
        # `up` starts what has ended once more; a node leaves a one-shot alone that did its work.
        return Action.NONE if seen is Action.RESTART and done else seen

    def _spread(self, demands: Demands) -> None:
        explicit: set[str] = {name for name, done in self.true.items() if done is Action.RESTART and name in demands}
        changed = True
        while changed:
            changed = False
            for name, spec in self.specs.items():
                wants, is_explicit = self._follows(spec, explicit)
                key = ServiceName(name)
                if key in self.true and _RANK.index(wants) > _RANK.index(self.true[key]) and name in self.here:
                    self.true[key] = wants
                    explicit |= {name} if is_explicit else set()
                    changed = True

    def _follows(self, spec: Mapping[str, object], explicit: set[str]) -> tuple[Action, bool]:
        wants, is_explicit = Action.NONE, False
        depends = spec.get("depends_on")
        for name, done in self.true.items():
            anew = done in (Action.RECREATE, Action.REBUILD)
            shares = f"service:{name}" in (spec.get("network_mode"), spec.get("ipc"), spec.get("pid"))
            found = Action.NONE
            if anew and (shares or f"{name}:ro" in (spec.get("volumes_from") or ())):  # type: ignore[operator]  # a list, when there
                found = Action.RECREATE
            elif done is Action.RESTART and shares:
                found = Action.RESTART
            asked = isinstance(depends, dict) and depends.get(name, {}).get("restart")
            if (asked or shares) and (anew or name in explicit):
                found = max(found, Action.RESTART, key=_RANK.index)
                is_explicit = is_explicit or name in explicit
            wants = max(wants, found, key=_RANK.index)
        return wants, is_explicit

    def verdict(self, service: ServicePlan, edits: str, *, reloads_before: int) -> Verdict:
        name = service.service
        seen = find_actual_action(self.before[0], self.after[0], name, self.stack.project)
        if seen is Action.RECREATE and self._images(0) != self._images(1) and service.action is Action.REBUILD:
            seen = Action.REBUILD
        if seen is Action.NONE and service.action is Action.RELOAD:
            mine = [c for c in self.after[0] if (c.project, c.service) == (self.stack.project, name)]
            deadline = time.monotonic() + 10
            while seen is Action.NONE and time.monotonic() < deadline:
                if any(_reloads(self.world, container) > reloads_before for container in mine):
                    seen = Action.RELOAD
                else:
                    time.sleep(0.1)
        return Verdict(self.stack.stack, name, edits, service.action, self.true[name], seen, service.reasons)

    def _images(self, side: int) -> set[tuple[str, str]]:
        looks = (self.before, self.after)[side][0]
        return {(c.service, c.image) for c in looks if c.project == self.stack.project}

    def sync(self) -> None:
        """Take from compose's engine what it leaves running and a node does not."""
        gone = {service for service in self.true if service not in self.left}
        for container in self.after[1]:
            if container.project == self.stack.project and container.service in gone:
                self.world.plain.docker("rm", "--force", container.id)


def choose_edits(
    stack: Stack, rng: random.Random, count: int, used: Mapping[str, int]
) -> tuple[tuple[str, ...], Demands]:
    """Make `count` edits that fit `stack`, the least `used` kinds first; their names and what they demand."""
    names = list(EDITS)
    rng.shuffle(names)
    names.sort(key=lambda name: used.get(name, 0))
    done: list[str] = []
    demands: Demands = {}
    for name in names:
        if len(done) == count:
            break
        if any({name, other} in _NOT_TOGETHER for other in done):
            continue
        found = EDITS[name](stack, rng)
        if found is not None:
            done.append(name)
            for service, action in found.items():
                demands[service] = max(demands.get(service, Action.NONE), action, key=_RANK.index)
    return tuple(done), demands


def measure_slice(
    edits: int, seed: str, used: Mapping[str, int], program: ComposeProgram, engine: Path | None
) -> Score:
    """`edits` edits on every shape of stack, singly and mixed, the least `used` kinds first."""
    rng = random.Random(seed)
    score = Score(shapes={shape().name for shape in SHAPES})
    counts = Counter(used)
    with engines(program, engine) as (root, node, plain):
        world = start_world(root, node, plain, [shape() for shape in SHAPES], program)
        while sum(score.edits.values()) < edits:
            edited: dict[str, tuple[str, Demands]] = {}
            for name, stack in world.stacks.items():
                chosen, demands = choose_edits(stack, rng, rng.choice([1, 1, 1, 2, 3]), counts)
                if not stack.present and "stack_removed" not in chosen:
                    chosen, demands = (*chosen, "of a stack that is not there"), {}
                score.edits.update(chosen)
                counts.update(chosen)
                edited[name] = (" + ".join(chosen), demands)
            try:
                run_round(world, score, edited)
            except StuckError as stuck:
                score.failures.append(f"did not end within {LIMIT} s: {stuck}: {edited}")
                break
    return score


def measure(
    edits: int,
    seed: int,
    program: ComposeProgram,
    *,
    engine: Path | None = None,
    kept: Path | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Score:
    """At least `edits` edits, slice by slice; those of `kept` are taken from there."""
    on = f"compose {program.version} on {engine.name if engine else 'the engine of this machine'}, seed {seed}"
    found: list[Slice] = []
    if kept is not None and kept.exists():
        found = [read_slice(line) for line in kept.read_bytes().splitlines()]
        if any(one.on != on for one in found):
            raise SystemExit(f"{kept} holds slices of another run ({found[0].on}): name another file")
    total = _together(found)
    while sum(total.edits.values()) < edits:
        number = len(found)
        score = measure_slice(SLICE, f"{seed}/{number}", total.edits, program, engine)
        found.append(Slice(on=on, number=number, score=score))
        if kept is not None:
            with kept.open("ab") as file:
                file.write(msgspec.json.encode(found[-1]) + b"\n")
        total = _together(found)
        done, misses = sum(total.edits.values()), len(total.misses)
        tell(f"{done} edits, {len(total.verdicts)} verdicts, {misses} misses, {len(total.failures)} failed")
    return total


def _together(slices: list[Slice]) -> Score:
    total = Score()
    for one in slices:
        total.verdicts += one.score.verdicts
        total.edits.update(one.score.edits)
        total.shapes |= one.score.shapes
        total.failures += one.score.failures
        total.incomparable += one.score.incomparable
    return total


def print_score(score: Score) -> None:
    """The table, and each miss with its cause."""
    print(f"{sum(score.edits.values())} edits of {len(score.edits)} kinds on {len(score.shapes)} shapes of stacks; ")
    print(f"{len(score.verdicts)} verdicts\n")
    print(f"{'action':12}{'precision':>22}{'recall':>22}   floor")
    for action in Action:
        (right, said), (found, were) = score.precision(action), score.recall(action)
        print(f"{action:12}{_ratio(right, said):>22}{_ratio(found, were):>22}   100 %")
    reasons = [reason for verdict in score.verdicts for reason in verdict.reasons]
    print(f"\nreasons that name their line: {_ratio(sum(r.where is not None for r in reasons), len(reasons))}")
    for code, count in Counter(reason.code for reason in reasons if reason.where is None).items():
        print(f"  without a line: {code}, {count} times")
    for miss in score.misses:
        print(
            f"miss: {miss.stack}/{miss.service} after {miss.edits}: predicted {miss.predicted}, "
            f"should be {miss.true}, the node did {miss.seen} ({miss.why})"
        )
    for failure in score.failures:
        print(f"failed: {failure}")
    for one in score.incomparable:
        print(f"not compared, because compose by itself failed where the node did not: {one}")
    print("\nkinds of edits:")
    for name, count in sorted(score.edits.items()):
        print(f"  {name:28}{count:4} times")
    print("not made together, because compose by itself fails or nothing is left to judge:")
    for pair in _NOT_TOGETHER:
        print(f"  {' and '.join(sorted(pair))}")


def _ratio(part: int, whole: int) -> str:
    return f"{part}/{whole} = {100 * part / whole:.1f} %" if whole else "never"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--edits", type=int, default=320)
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--compose", choices=VERSIONS, default=VERSIONS[0])
    parser.add_argument("--engine", type=Path, help="a folder with an unpacked engine: usr/bin, usr/sbin")
    parser.add_argument("--kept", type=Path, help="where slices are kept; a run goes on after those that are there")
    options = parser.parse_args()
    start = time.monotonic()
    score = measure(
        options.edits,
        options.seed,
        composes()[options.compose],
        engine=options.engine,
        kept=options.kept,
        tell=lambda line: print(line, flush=True),
    )
    print(f"compose {options.compose}, {options.engine or 'the engine of this machine'}")
    print_score(score)
    print(f"\n{time.monotonic() - start:.0f} s")
    if score.misses or score.failures:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
