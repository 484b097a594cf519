"""Render a stack at one pin with compose, without a daemon. Nothing else calls compose for plans.

A request is first looked up in the cache; on a miss (bot.planner.stack_renderer) everything that compose would read
is checked and collected (bot.planner.inputs), written to a folder of its own in the plainest YAML, rendered by the
real `docker compose config` as confined as this machine allows (bot.engine.confinement), and kept, sealed
(bot.planner.sealed).

Settings of the tools in a stack's `.env` (bot.domain.tool_settings) configure nothing here. COMPOSE_FILE and
COMPOSE_PROFILES are in the request, as they will be in the node's order; the others are only interpolated.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import msgspec

from bot.domain.names import NodeName, RepoName
from bot.domain.versions import NodeVersions
from bot.engine.confinement import SECONDS, Confinement, find_confinement
from bot.engine.programs import ComposeProgram, find_compose
from bot.plan.compose_versions import NodeCompose, judge_compose
from bot.plan.rendering import Rendering
from bot.planner.cache import Kept, RenderCache, sweep
from bot.planner.guarded import ChildRunner, run_guarded
from bot.planner.render_request import RenderRequest
from bot.planner.snapshot import Snapshot
from bot.planner.snapshot_files import BlobReader, describe
from bot.planner.stack_files import MAX_FILE
from bot.redaction.redact import Redactor

if TYPE_CHECKING:
    from bot.planner.stack_renderer import StackRenderer

_RULES = "17"  # of rendering and redaction: another number makes every kept rendering a miss
_Place = tuple[int, str]  # a snapshot, and the key of what is rendered of it


class Renderer:
    """Renders stacks, side by side within `workers`. Built once; safe between threads.

    `compose` is compose's version; `processes` counts the compose processes that rendered.
    Raises ProgramMissingError when there is no compose that can be used.
    """

    def __init__(
        self,
        *,
        cache_root: Path,
        secret_key: bytes,
        workers: int = 2,
        allow_bubblewrap: bool = True,
        program: ComposeProgram | None = None,
        seconds: float = SECONDS,
        versions_of: Callable[[RepoName], Mapping[NodeName, NodeVersions]] | None = None,
        guard: ChildRunner = run_guarded,
    ) -> None:
        """`versions_of` gives what nodes have reported of themselves; None: a plan is for here. `guard` runs what is
        to be done with a stranger's files; the usual one is for a process of one thread.
        """
        self._program = program or find_compose()
        self._allow_bubblewrap = allow_bubblewrap
        self.redactor = Redactor(secret_key)
        self._cache = RenderCache(cache_root / "renderings", key=secret_key)
        self._work = cache_root / "work"
        self._workers = workers
        self._seconds = seconds
        self._versions_of = versions_of
        self.guard = guard
        self._lock = Lock()
        self.compose = self._program.version
        self.processes = 0
        sweep(self._work)

    @cached_property
    def confinement(self) -> Confinement:
        """How compose is confined here; found out when it is needed first: for a kept rendering it is not."""
        return find_confinement(self._program.path, allow_bubblewrap=self._allow_bubblewrap)

    @cached_property
    def _stacks(self) -> StackRenderer:
        # What reads compose files, loaded here: a plan of which everything is kept does without it.
        from bot.planner.stack_renderer import StackRenderer  # noqa: PLC0415

        return StackRenderer(
            cache=self._cache,
            key=self._key,
            redactor=self.redactor,
            confinement=self.confinement,
            work=self._work,
            seconds=self._seconds,
            count=self.count,
        )

    def __getstate__(self) -> dict[str, Any]:
        """For a copy, in this process or in a child: it reaches no database, and has rendered nothing yet."""
        kept = {name: value for name, value in self.__dict__.items() if name != "_stacks"}
        return kept | {"_versions_of": None, "guard": None, "_lock": None, "processes": 0}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _lock=Lock(), guard=run_guarded)

    def count(self, processes: int) -> None:
        """Count the `processes` that a copy has started."""
        with self._lock:
            self.processes += processes

    def judge_node(self, fleet: RepoName | None, node: NodeName) -> NodeCompose:
        """By which version's rules `node` is planned."""
        known = self._versions_of(fleet) if self._versions_of and fleet else None
        return judge_compose(None if known is None else known.get(node, NodeVersions()), self.compose)

    def render(self, snapshot: Snapshot, requests: Sequence[RenderRequest]) -> tuple[Rendering, ...]:
        """What compose makes of each request, in the same order."""
        return self.render_all([(snapshot, request) for request in requests])

    def render_all(self, pairs: Sequence[tuple[Snapshot, RenderRequest]]) -> tuple[Rendering, ...]:
        """The same for several snapshots at once, such as a bump's old and new pin. Equal inputs render once."""
        blobs: dict[int, BlobReader] = {}
        kept: dict[_Place, Rendering | None] = {}  # nodes share most requests
        read: dict[str, Kept] = {}  # two pins share most renderings
        places = [self._place(pair) for pair in pairs]
        for place, (snapshot, _) in zip(places, pairs, strict=True):
            blobs.setdefault(id(snapshot), BlobReader(snapshot, largest=MAX_FILE))
            if place not in kept:
                state_of = partial(describe, snapshot)
                known = read.get(place[1])
                if known is None or not known.is_of(state_of):
                    known = self._cache.find(place[1], state_of)
                if known is not None:
                    read[place[1]] = known
                kept[place] = None if known is None else known.rendering
        # Equal requests once, as nodes have many: one worker would only wait for the other's rendering.
        wanted = {
            place: (blobs[place[0]], request)
            for place, (_, request) in zip(places, pairs, strict=True)
            if kept[place] is None
        }
        made = self._stacks.render_all(wanted, self._workers) if wanted else {}
        return tuple(made[place] if (found := kept[place]) is None else found for place in places)

    def _place(self, pair: tuple[Snapshot, RenderRequest]) -> _Place:
        """What tells a request of one snapshot from others."""
        return id(pair[0]), self._key(pair[1])

    def _key(self, request: RenderRequest) -> str:
        body = msgspec.json.encode(request, order="sorted")
        return hashlib.sha256(
            repr([_RULES, self._program.version, self.redactor.fingerprint, body]).encode()
        ).hexdigest()
