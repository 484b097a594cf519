"""Stacks in real repositories, rendered by the real compose: what the tests of rendering share."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bot.domain.names import SubmodulePath
from bot.domain.risk_rules import Tuning
from bot.engine.programs import ComposeProgram
from bot.fleetfile import Fleet, Node, Submodule
from bot.git.git import GitRepository
from bot.plan.model import NodePlan
from bot.plan.rendering import Rendered, Rendering, Unreadable
from bot.planner.plans import read_plan
from bot.planner.render_request import RenderRequest
from bot.planner.renderer import Renderer
from bot.planner.snapshot import Snapshot
from tests.gitworld import commit, git, new_repository

SECRET_KEY = b"a key of these tests only, 32 bytes"
_numbers = itertools.count()


class RenderWorld:
    """A fleet with one submodule, `server`, and a renderer with its own cache."""

    def __init__(self, folder: Path, *, bubblewrap: bool = True) -> None:
        self.folder = folder
        self.upstream = new_repository(folder / "server")
        self.fleet = new_repository(folder / "fleet")
        self.cache_root = folder / "cache"
        self.bubblewrap = bubblewrap
        self.renderer = self.restarted()

    def restarted(self, *, secret_key: bytes = SECRET_KEY) -> Renderer:
        """A renderer as after a restart: the same cache, nothing in memory."""
        self.renderer = Renderer(
            cache_root=self.cache_root, secret_key=secret_key, seconds=30, allow_bubblewrap=self.bubblewrap
        )
        return self.renderer

    def with_stuck_compose(self) -> Renderer:
        """A renderer whose compose, of the same version, never ends and is waited for one tenth of a second."""
        stuck = self.folder / "stuck-compose"
        stuck.write_text("#!/bin/sh\nexec sleep 600\n")
        stuck.chmod(0o755)
        program = ComposeProgram(stuck, self.renderer.compose)
        return Renderer(
            cache_root=self.cache_root, secret_key=SECRET_KEY, seconds=0.1, allow_bubblewrap=False, program=program
        )

    def push(
        self,
        files: Mapping[str, str | None],
        *,
        links: Mapping[str, str] | None = None,
        overlay: Mapping[str, str | None] | None = None,
    ) -> Snapshot:
        """Commit `files` and symbolic `links` to the submodule, and `overlay` to the fleet, which pins it."""
        for path, target in (links or {}).items():
            link = self.upstream / path
            link.parent.mkdir(parents=True, exist_ok=True)
            link.unlink(missing_ok=True)
            link.symlink_to(target)
            git(self.upstream, "add", "--", path)
        pin = commit(self.upstream, files)
        head = commit(self.fleet, overlay or {}, pins={"server": pin})
        return Snapshot(
            fleet=GitRepository.of_checkout(self.fleet),
            commit=head,
            submodule=SubmodulePath("server"),
            upstream=GitRepository.of_checkout(self.upstream),
            pin=pin,
        )

    def plan(self, old: Snapshot | None, new: Snapshot, node: Node, **risks: Tuning) -> NodePlan:
        """The plan of `node` alone, in a fleet that tunes rules as `risks` says (`privilege__device`)."""
        tuning = {name.replace("__", "."): value for name, value in risks.items()}
        plan = read_plan(
            fleet=Fleet(nodes=(node,), risks=tuning),
            repo=None,
            submodule=Submodule(path=SubmodulePath("server")),
            upstream_name=None,
            old=old,
            new=new,
            renderer=self.renderer,
            commits=(),
            commits_total=0,
        )
        return plan.nodes[0]

    def render(
        self, files: Mapping[str, str | None], *, links: Mapping[str, str] | None = None, **request: Any
    ) -> Rendering:
        """Push `files`, given relative to a new stack's folder, and render that stack."""
        folder = f"stacks/s{next(_numbers)}"
        snapshot = self.push(
            {f"{folder}/{path}": text for path, text in files.items()},
            links={f"{folder}/{path}": target for path, target in (links or {}).items()},
        )
        (rendering,) = self.renderer.render(snapshot, [RenderRequest(folder=f"server/{folder}", **request)])
        return rendering


def rendered(rendering: Rendering) -> Rendered:
    """`rendering`, which has to be readable."""
    assert isinstance(rendering, Rendered), rendering
    return rendering


def refused(rendering: Rendering) -> Unreadable:
    """`rendering`, which has to be refused."""
    assert isinstance(rendering, Unreadable), rendering
    return rendering
