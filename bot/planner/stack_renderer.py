"""Render one stack with compose: what a Renderer does where nothing is kept.

Only this needs what reads compose files, so it is imported when the first stack has to be rendered.
"""

from __future__ import annotations

import json
import posixpath
import re
import tempfile
from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from typing import TypeVar

from msgspec.structs import replace

from bot.domain.tool_settings import is_tool_setting
from bot.engine.compose import RENDER, render_options
from bot.engine.confinement import ConfinedResult, Confinement
from bot.plan.rendering import CHECKOUT, Rendered, Rendering, Unreadable
from bot.planner.cache import RenderCache
from bot.planner.checkout_paths import canonical_model
from bot.planner.compose_files import ComposeInputs, RefusedError
from bot.planner.default_platform import add_default_platform
from bot.planner.inputs import collect_inputs
from bot.planner.interpolation import read_settings
from bot.planner.label_files import add_label_files
from bot.planner.placeholders import describe_placeholders, find_placeholders, find_typed_placeholders
from bot.planner.render_environment import find_given, make_environment
from bot.planner.render_request import RenderRequest
from bot.planner.snapshot_files import BlobReader, SnapshotFiles
from bot.planner.source_map import SourceMap, find_conditional, find_variables
from bot.planner.stack_files import DEFAULT_FILES, find_files, likely_files
from bot.planner.stack_secrets import find_secrets
from bot.planner.unseen_contents import find_contents
from bot.redaction.redact import Redactor, known_from

_MAX_MESSAGE = 1500  # characters
_CALLS = "\ngoroutine "
_MIN_HIDDEN = 8  # characters; shorter ones would take words out of ordinary text
_Key = TypeVar("_Key", bound=Hashable)


class StackRenderer:
    """Renders stacks and keeps what comes of it in `cache`; safe between threads.

    `key` names a request in the cache; `count` is called with the number of compose processes that are started.
    """

    def __init__(
        self,
        *,
        cache: RenderCache,
        key: Callable[[RenderRequest], str],
        redactor: Redactor,
        confinement: Confinement,
        work: Path,
        seconds: float,
        count: Callable[[int], None],
    ) -> None:
        self._cache = cache
        self._key = key
        self._redactor = redactor
        self._confinement = confinement
        self._work = work
        self._seconds = seconds
        self._count = count
        self._running: dict[str, Future[Rendering]] = {}
        self._lock = Lock()

    def render_all(
        self, wanted: Mapping[_Key, tuple[BlobReader, RenderRequest]], workers: int
    ) -> dict[_Key, Rendering]:
        """What compose makes of each request in the snapshot of its reader, side by side within `workers`."""

        def fetch(reader: BlobReader) -> None:
            own = [request for blobs, request in wanted.values() if blobs is reader]
            reader.fetch([path for one in own for path in likely_files(reader.snapshot, one.folder, one.files)])

        with ThreadPoolExecutor(workers, thread_name_prefix="render") as pool:
            list(pool.map(fetch, {id(blobs): blobs for blobs, _ in wanted.values()}.values()))
            tasks = {key: pool.submit(self._render, blobs, request) for key, (blobs, request) in wanted.items()}
            return {key: task.result() for key, task in tasks.items()}

    def _render(self, blobs: BlobReader, request: RenderRequest) -> Rendering:
        checkout = SnapshotFiles(blobs)
        if request.problem:
            return Unreadable(message=self._redactor.text(request.problem))
        try:
            files = request.files or find_files(checkout.state_of, request.folder)
            known = {name: value for name, value in request.variables.items() if not is_tool_setting(name)}
            inputs = collect_inputs(checkout, folder=request.folder, files=files, known=known)
        except RefusedError as refused:
            message = self._redactor.text(refused.message)
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
        """Render, unless the same inputs are being rendered right now, or were since the cache was read."""
        key = f"{self._key(request)} {sorted(checkout.seen.items())}"
        with self._lock:
            other = self._running.get(key)
            mine: Future[Rendering] = other or Future()
            self._running[key] = mine
        if other:
            return other.result()
        try:
            kept = self._cache.find(self._key(request), lambda path: checkout.seen.get(path, "?"))
            rendering, lasting = (kept.rendering, False) if kept else self._run(request, inputs, files, known)
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
            found = find_variables(inputs.main, defaults, self._redactor.setting)
            return replace(problem, variables=found), not outcome.stopped
        try:
            model = canonical_model(json.loads(outcome.out.decode("utf-8").replace("$$", "$")), seen, request.folder)
        except (ValueError, RecursionError):
            return Unreadable(message=f"{request.folder}: compose wrote something that is not JSON"), True
        add_label_files(model, inputs.main, inputs.label_files)
        dotenv = inputs.interpolated_from.get(posixpath.join(request.folder, ".env"), "")
        add_default_platform(model, dotenv, known)
        secrets = find_secrets(model, source_map, inputs, known)
        rendered = Rendered(
            model=model,
            reads=tuple(sorted(inputs.paths)),
            variables=find_variables(
                inputs.main, defaults, lambda name, value: self._redactor.setting(name, value, secrets)
            ),
            sources=source_map.sources(model),
            shown=self._redactor.model(model, secrets),
            hidden=tuple(sorted(value for value in secrets.everywhere if len(value) >= _MIN_HIDDEN)),
            in_names=tuple(sorted(secrets.in_names)),
            remarks=tuple(remarks),
            conditional=find_conditional(inputs.main, known, inputs.files),
            outside=tuple(dict.fromkeys(inputs.outside)),
            contents=find_contents(model, source_map.models, inputs.interpolated_from, known, self._redactor.mark),
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
            self._count(1)
            command = [*options, *RENDER]
            outcome = self._confinement.run(
                command, root=root, folder=request.folder, environment=environment, seconds=self._seconds
            )
            return outcome, self._confinement.seen_root(root)

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
        if text.startswith("panic: ") or "\npanic: " in text:  # Go's words, before the calls that led there
            text = f"compose fails at it: {text[text.index('panic: ') :].partition(_CALLS)[0]}"
        kept = [line.strip() for line in text.splitlines() if line.strip() and "level=warning" not in line]
        message = self._redactor.text("\n".join(kept), secrets)[:_MAX_MESSAGE]
        return Unreadable(message=message or f"{request.folder}: compose failed", where=source_map.find_line(message))
