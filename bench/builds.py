"""How true the plan is about images: `python -m bench builds [--steps N] [--seed N] [--kept FILE]`.

A seeded history of edits to twelve Dockerfiles and their contexts. Each step becomes a commit; the bot plans it, the
node carries the order out on a real engine, and then compose builds every service by itself on the same engine. The
ids of the images before and after say whether an image changed, and those of the containers whether the node made
them anew. No expectation comes from the bot.

With `--kept` each step's figures are appended to FILE, one line of JSON for each; a run that finds them there goes on
behind them.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from bench.accuracy import World
from bench.builds_history import MISSING, edit_step, make_stack
from bot.engine.docker import DockerError
from bot.plan.model import StackPlan
from bot.protocol.action import Action
from sandbox.engine import Engine, start_engine

PROJECT = "images"


class StepFigures(msgspec.Struct, frozen=True):
    """What one step showed, by service."""

    seed: int
    step: int
    edits: tuple[str, ...]
    services: int = 0
    planned: tuple[str, ...] = ()  # to be built and, if that changes the image, made anew
    changed: tuple[str, ...] = ()  # another image came out when everything was built
    recreated: tuple[str, ...] = ()  # by the node
    needless: tuple[str, ...] = ()  # of these, those that run the image from before
    foretold: bool | None = None  # of a build that cannot succeed: whether the plan said so
    failure: str = ""

    @property
    def unneeded(self) -> tuple[str, ...]:
        """Planned, and the image came out the same."""
        return tuple(name for name in self.planned if name not in self.changed)

    @property
    def missed(self) -> tuple[str, ...]:
        """Not planned, or not done, and another image came out."""
        done = set(self.planned) & set(self.recreated)
        return tuple(name for name in self.changed if name not in done)


class History:
    """The stack on an engine, at some step of its history."""

    def __init__(
        self, root: Path, engine: Engine, seed: int, *, done: int = 0, services: Collection[str] = ()
    ) -> None:
        self.seed, self.engine = seed, engine
        self.stack = make_stack(services)
        for step in range(1, done + 1):
            self._edit(step)
        self.world = World(root, engine, engine, [self.stack])
        plan = self.world.move()
        assert self.world.at
        self.world.check_out(self.world.at)
        for stack in plan.stacks:
            assert stack.error is None, stack.error
            self.world.apply(stack)

    def _edit(self, step: int, only: str | None = None) -> tuple[str, ...]:
        before = dict(self.stack.files)
        edits = edit_step(self.stack, self.seed, step, only)
        if MISSING in edits:
            self.stack.files = before  # what cannot be built is taken back
        return edits

    def take(self, step: int, only: str | None = None) -> StepFigures:
        """Make the edits of one step, and measure what comes of them."""
        before = dict(self.stack.files)
        edits = edit_step(self.stack, self.seed, step, only)
        then = self.world.at
        plan = self.world.move()
        assert self.world.at
        self.world.check_out(self.world.at)
        (stack,) = plan.stacks
        if MISSING in edits:
            error = self._build_all()
            self.stack.files = before
            self.world.commit()
            self.world.at = then
            foretold = bool(error) and stack.error is not None and "nowhere.txt" in stack.error
            return StepFigures(self.seed, step, edits, foretold=foretold)
        return self._deploy(step, edits, stack)

    def _deploy(self, step: int, edits: tuple[str, ...], stack: StackPlan) -> StepFigures:
        images, containers = self._images(), self._containers()
        failure = stack.error or ""
        if not failure:
            try:
                self.world.apply(stack)
            except DockerError as problem:
                failure = str(problem)
        made = self._containers()
        failure = failure or self._build_all()
        built = self._images()
        recreated = tuple(name for name, (container, _) in made.items() if containers[name][0] != container)
        return StepFigures(
            self.seed,
            step,
            edits,
            services=len(self.stack.services),
            planned=tuple(s.service for s in stack.services if s.action is Action.REBUILD),
            changed=tuple(name for name in built if built[name] != images[name]),
            recreated=recreated,
            needless=tuple(name for name in recreated if containers[name][1] == made[name][1]),
            failure=failure,
        )

    def _build_all(self) -> str:
        """Let compose build every image by itself; why it could not."""
        folder = self.world.checkout / "server/stacks/images"
        command = ["docker", "compose", "--project-name", PROJECT, "--project-directory", str(folder)]
        command += ["--file", str(folder / "compose.yaml"), "build"]
        environment = self.engine.environment | {"BUILDX_NO_DEFAULT_ATTESTATIONS": "1"}
        done = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False, text=True
        )
        return "" if done.returncode == 0 else done.stderr[-500:]

    def _images(self) -> dict[str, str]:
        names = {service: f"{PROJECT}-{service}" for service in self.stack.services}
        found = self.world.docker.image_ids(names.values())
        return {service: found.get(name, "") for service, name in names.items()}

    def _containers(self) -> dict[str, tuple[str, str]]:
        """By service, its container and the image that it runs."""
        return {c.service: (c.id, c.image) for c in self.world.docker.containers([PROJECT])}


@contextmanager
def start_history(seed: int, done: int = 0) -> Iterator[History]:
    """A history on an engine of its own. Needs root."""
    root = Path(tempfile.mkdtemp(prefix="aios-img-"))
    try:
        with start_engine(root / "a") as engine:
            yield History(root, engine, seed, done=done)
    finally:
        shutil.rmtree(root, ignore_errors=True)


def measure(steps: int, seed: int, kept: Path | None, *, tell: Callable[[str], None]) -> list[StepFigures]:
    """The figures of `steps` steps; those in `kept` are taken from there."""
    found = []
    if kept is not None and kept.exists():
        found = [msgspec.json.decode(line, type=StepFigures) for line in kept.read_bytes().splitlines()]
        if any(one.seed != seed for one in found):
            raise SystemExit(f"{kept} holds another seed's steps: name another file")
    if len(found) >= steps:
        return found[:steps]
    with start_history(seed, len(found)) as history:
        for step in range(len(found) + 1, steps + 1):
            figures = history.take(step)
            found.append(figures)
            tell(f"{step}: {' + '.join(figures.edits)}: {json.dumps(msgspec.to_builtins(figures.planned))}")
            if kept is not None:
                with kept.open("ab") as file:
                    file.write(msgspec.json.encode(figures) + b"\n")
    return found


def find_faults(found: list[StepFigures]) -> list[str]:
    """Where plan, node or engine did not do what they have to, one line for each."""
    faults = []
    for one in found:
        where = f"step {one.step} ({' + '.join(one.edits)})"
        faults += [f"{where}: failed: {one.failure}"] if one.failure else []
        faults += [f"{where}: missed: {name}" for name in one.missed]
        faults += [f"{where}: recreated with its image unchanged: {name}" for name in one.needless]
        faults += [f"{where}: the plan does not say that the build fails"] if one.foretold is False else []
    planned = sum(len(one.planned) for one in found)
    unneeded = sum(len(one.unneeded) for one in found)
    if unneeded * 10 > planned:
        faults.append(f"{unneeded} of {planned} planned builds left the image as it was: more than one in ten")
    return faults


def print_figures(found: list[StepFigures]) -> None:
    """The table, and each fault."""
    planned = sum(len(one.planned) for one in found)
    unneeded = [(one, name) for one in found for name in one.unneeded]
    foretold = [one.foretold for one in found if one.foretold is not None]
    print(f"{len(found)} steps over 12 Dockerfiles, {sum(one.services for one in found)} services judged\n")
    print(f"planned `recreate after build`:             {planned}")
    print(f"  of them the image came out the same:      {len(unneeded)} (at most one in ten)")
    print(f"changed images that were not planned:       {sum(len(one.missed) for one in found)} (none)")
    print(f"recreated by the node:                      {sum(len(one.recreated) for one in found)}")
    print(f"  of them with the image unchanged:         {sum(len(one.needless) for one in found)} (none)")
    print(f"builds that cannot succeed, seen in plan:   {sum(foretold)} of {len(foretold)}\n")
    kinds = Counter(name for one in found for name in one.edits)
    needless = Counter(name for one, _ in unneeded for name in one.edits)
    for name, count in sorted(kinds.items()):
        print(f"  {name:22}{count:4} times" + (f", {needless[name]} unneeded builds" if needless[name] else ""))
    for fault in find_faults(found):
        print(f"fault: {fault}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--kept", type=Path)
    options = parser.parse_args()
    start = time.monotonic()
    found = measure(options.steps, options.seed, options.kept, tell=lambda line: print(line, flush=True))
    print_figures(found)
    print(f"\n{time.monotonic() - start:.0f} s")
    if find_faults(found):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
