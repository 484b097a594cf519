"""Render a stack at one pin with compose, without a daemon. Nothing else calls compose for plans.

A request is first looked up in the cache; on a miss everything that compose would read is checked and collected
(bot.planner.inputs), written to a folder of its own in the plainest YAML, rendered by the real `docker compose
config` as confined as this machine allows (bot.engine.confinement), and kept, sealed (bot.planner.sealed).

Settings of the tools in a stack's `.env` (bot.domain.tool_settings) configure nothing here. COMPOSE_FILE and
COMPOSE_PROFILES are in the request, as they will be in the node's order; the others are only interpolated.
"""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property, partial
from pathlib import Path
from threading import Lock
from typing import Any

import msgspec
from msgspec.structs import replace

from bot.domain.names import NodeName, RepoName
from bot.domain.tool_settings import is_tool_setting
from bot.domain.values import Value
from bot.domain.versions import NodeVersions
from bot.engine.compose import RENDER, render_options
from bot.engine.confinement import SECONDS, ConfinedResult, Confinement, find_confinement
from bot.engine.programs import ComposeProgram, find_compose
from bot.plan.compose_versions import NodeCompose, judge_compose
from bot.plan.rendering import CHECKOUT, Rendered, Rendering, Unreadable
from bot.planner.cache import RenderCache, sweep
from bot.planner.checkout_paths import canonical_model
from bot.planner.compose_files import ComposeInputs, RefusedError
from bot.planner.exits import find_secrets
from bot.planner.guarded import ChildRunner, run_guarded
from bot.planner.inputs import MAX_FILE, collect_inputs
from bot.planner.interpolation import read_settings
from bot.planner.label_files import add_label_files
from bot.planner.placeholders import describe_placeholders, find_placeholders, find_typed_placeholders
from bot.planner.render_environment import find_given, make_environment
from bot.planner.snapshot import Snapshot
from bot.planner.snapshot_files import BlobReader, SnapshotFiles, describe
from bot.planner.source_map import SourceMap, find_conditional, find_variables
from bot.planner.stack_files import DEFAULT_FILES, find_files, likely_files
from bot.planner.unseen_contents import find_contents
from bot.redaction.redact import Redactor, known_from

_RULES = "14"  # of rendering and redaction: another number makes every kept rendering a miss
_MAX_MESSAGE = 1500  # characters
_MIN_HIDDEN = 8  # characters; shorter ones would take words out of ordinary text


class RenderRequest(Value, frozen=True):
    """One stack as one node runs it. `files` empty: the names that compose looks for by itself."""

    folder: str  # POSIX, relative to the checkout: "server/stacks/ingress"; also compose's project directory
    files: tuple[str, ...] = ()  # relative to `folder`
    profiles: tuple[str, ...] = ()
    project: str = ""  # "": compose's own rule (`name:`, else the folder's name)
    variables: dict[str, str] = {}  # public
    problem: str = ""  # why it cannot be rendered; "" when nothing is known to be wrong


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
        self._running: dict[str, Future[Rendering]] = {}
        self._lock = Lock()
        self.compose = self._program.version
        self.processes = 0
        sweep(self._work)

    @cached_property
    def confinement(self) -> Confinement:
        """How compose is confined here; found out when it is needed first: for a kept rendering it is not."""
        return find_confinement(self._program.path, allow_bubblewrap=self._allow_bubblewrap)

    def __getstate__(self) -> dict[str, Any]:
        """For a copy, in this process or in a child: it reaches no database, and has rendered nothing yet."""
        return self.__dict__ | {"_versions_of": None, "guard": None, "_running": None, "_lock": None, "processes": 0}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _lock=Lock(), _running={}, guard=run_guarded)

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
        found: list[Rendering | None] = []
        blobs: dict[int, BlobReader] = {}
        kept: dict[tuple[int, str], Rendering | None] = {}  # nodes share most requests
        for snapshot, request in pairs:
            blobs.setdefault(id(snapshot), BlobReader(snapshot, largest=MAX_FILE))
            place = self._place((snapshot, request))
            if place not in kept:
                kept[place] = self._cache.find(place[1], partial(describe, snapshot))
            found.append(kept[place])
        missing = [index for index, rendering in enumerate(found) if rendering is None]
        if not missing:
            return tuple(rendering for rendering in found if rendering is not None)

        def fetch(reader: BlobReader) -> None:
            own = [pairs[i][1] for i in missing if pairs[i][0] is reader.snapshot]
            reader.fetch([path for one in own for path in likely_files(reader.snapshot, one.folder, one.files)])

        # Equal requests once, as nodes have many: one worker would only wait for the other's rendering.
        wanted = {self._place(pairs[index]): pairs[index] for index in missing}
        with ThreadPoolExecutor(self._workers, thread_name_prefix="render") as pool:
            list(pool.map(fetch, blobs.values()))
            tasks = {place: pool.submit(self._render, blobs[place[0]], pair[1]) for place, pair in wanted.items()}
            return tuple(
                tasks[self._place(pair)].result() if one is None else one
                for one, pair in zip(found, pairs, strict=True)
            )

    def _place(self, pair: tuple[Snapshot, RenderRequest]) -> tuple[int, str]:
        """What tells a request of one snapshot from others."""
        return id(pair[0]), self._key(pair[1])

    def _key(self, request: RenderRequest) -> str:
        body = msgspec.json.encode(request, order="sorted")
        return hashlib.sha256(
            repr([_RULES, self._program.version, self.redactor.fingerprint, body]).encode()
        ).hexdigest()

    def _render(self, blobs: BlobReader, request: RenderRequest) -> Rendering:
        checkout = SnapshotFiles(blobs)
        if request.problem:
            return Unreadable(message=self.redactor.text(request.problem))
        try:
            files = request.files or find_files(checkout.state_of, request.folder)
            known = {name: value for name, value in request.variables.items() if not is_tool_setting(name)}
            inputs = collect_inputs(checkout, folder=request.folder, files=files, known=known)
        except RefusedError as refused:
            message = self.redactor.text(refused.message)
            return self._keep(request, checkout, Unreadable(message=message, where=refused.where))
        if not inputs.main.files:
            message = f"{request.folder}: there is no {' or '.join(request.files or DEFAULT_FILES)}"
            return self._keep(request, checkout, Unreadable(message=message))
        return self._once(request, checkout, inputs, files, known)

    def _once(
        self,
        request: RenderRequest,
        checkout: SnapshotFiles,
        inputs: ComposeInputs,
        files: Sequence[str],
        known: dict[str, str],
    ) -> Rendering:
        """Render, unless the same inputs are being rendered right now, or were since the cache was asked."""
        key = f"{self._key(request)} {sorted(checkout.seen.items())}"
        with self._lock:
            other = self._running.get(key)
            mine: Future[Rendering] = other or Future()
            self._running[key] = mine
        if other:
            return other.result()
        try:
            kept = self._cache.find(self._key(request), lambda path: checkout.seen.get(path, "?"))
            rendering, lasting = (kept, False) if kept else self._run(request, inputs, files, known)
            if lasting:
                self._keep(request, checkout, rendering)
            mine.set_result(rendering)
        except BaseException as problem:
            mine.set_exception(problem)
            raise
        finally:
            with self._lock:
                del self._running[key]
        return rendering

    def _keep(self, request: RenderRequest, checkout: SnapshotFiles, rendering: Rendering) -> Rendering:
        self._cache.store(self._key(request), checkout.seen, rendering)
        return rendering

    def _run(
        self, request: RenderRequest, inputs: ComposeInputs, files: Sequence[str], known: dict[str, str]
    ) -> tuple[Rendering, bool]:
        """One rendering, and whether the same inputs will always end like this."""
        outcome, seen = self._compose(request, inputs, files, make_environment(inputs, known, find_placeholders))
        remarks = list(inputs.remarks)
        is_refused = outcome.code != 0 and not outcome.stopped
        if is_refused and (typed := find_typed_placeholders(inputs.main, find_given(inputs, known))):
            again = self._compose(request, inputs, files, make_environment(inputs, known, find_typed_placeholders))
            if again[0].code == 0 and not again[0].stopped:
                outcome, seen = again
                remarks += describe_placeholders(typed)
        source_map = SourceMap(inputs.main)
        defaults = dict(pair for text in inputs.interpolated_from.values() for pair in read_settings(text))
        if outcome.code != 0 or outcome.stopped:
            problem = self._explain(request, inputs, outcome, seen, source_map)
            found = find_variables(inputs.main, defaults, self.redactor.setting)
            return replace(problem, variables=found), not outcome.stopped
        try:
            model = canonical_model(json.loads(outcome.out.decode("utf-8").replace("$$", "$")), seen, request.folder)
        except (ValueError, RecursionError):
            return Unreadable(message=f"{request.folder}: compose wrote something that is not JSON"), True
        add_label_files(model, inputs.main, inputs.label_files)
        secrets = find_secrets(model, source_map, inputs, known)
        rendered = Rendered(
            model=model,
            reads=tuple(sorted(inputs.paths)),
            variables=find_variables(
                inputs.main, defaults, lambda name, value: self.redactor.setting(name, value, secrets)
            ),
            sources=source_map.sources(model),
            shown=self.redactor.model(model, secrets),
            hidden=tuple(sorted(value for value in secrets.everywhere if len(value) >= _MIN_HIDDEN)),
            in_names=tuple(sorted(secrets.in_names)),
            remarks=tuple(remarks),
            conditional=find_conditional(inputs.main, known, inputs.files),
            outside=tuple(dict.fromkeys(inputs.outside)),
            contents=find_contents(model, source_map.models, inputs.interpolated_from, known, self.redactor.mark),
        )
        return rendered, True

    def _compose(
        self, request: RenderRequest, inputs: ComposeInputs, files: Sequence[str], environment: dict[str, str]
    ) -> tuple[ConfinedResult, str]:
        """One compose process over `inputs`, and the folder of the checkout as it saw it."""
        # Paths are relative to the stack's folder, in which compose runs.
        options = render_options(files=files, profiles=request.profiles, project=request.project, directory=".")
        with tempfile.TemporaryDirectory(dir=self._work) as temporary:
            root = Path(temporary) / CHECKOUT.strip("/")
            for folder in inputs.folders:
                (root / folder).mkdir(parents=True, exist_ok=True)
            for path, content in inputs.files.items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_bytes(content)
            with self._lock:
                self.processes += 1
            command = [*options, *RENDER]
            outcome = self.confinement.run(
                command, root=root, folder=request.folder, environment=environment, seconds=self._seconds
            )
            return outcome, self.confinement.seen_root(root)

    def _explain(
        self, request: RenderRequest, inputs: ComposeInputs, outcome: ConfinedResult, seen: str, source_map: SourceMap
    ) -> Unreadable:
        """Compose's own error. It may quote any file that it read, so every line of an env file is a secret here."""
        if outcome.stopped:
            return Unreadable(message=f"{request.folder}: compose was stopped, because {outcome.stopped}")
        texts = "\n".join((inputs.interpolated_from | inputs.passed_on).values())
        lines = {line.strip() for line in texts.splitlines()}
        secrets = known_from(inputs.settings(), whole={line for line in lines if len(line) >= 4})
        text = outcome.err.decode("utf-8", "replace").replace(f"{seen}/", "").replace(seen, "")
        text = re.sub(r"(?s)(variable name near) .*", r"\1 ...", text)  # quotes the rest of an env file
        kept = [line.strip() for line in text.splitlines() if line.strip() and "level=warning" not in line]
        message = self.redactor.text("\n".join(kept), secrets)[:_MAX_MESSAGE]
        return Unreadable(message=message or f"{request.folder}: compose failed", where=source_map.find_line(message))
