"""What did not change is not rendered again, across restarts and processes; what changed is."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from bot.domain.errors import ProgramMissingError
from bot.plan.rendering import Rendered
from bot.planner.cache import RenderCache
from bot.planner.render_request import RenderRequest
from bot.planner.renderer import Renderer
from bot.planner.snapshot import Snapshot
from bot.planner.stack_renderer import StackRenderer
from tests.integration.planner.render_world import RenderWorld, refused, rendered

STACK = {
    "stacks/a/docker-compose.yml": """
include: [../shared/compose.yml]
services:
  web: {image: 'web:${TAG:-1}', extends: {file: base.yml, service: base}, env_file: [{path: a.env, required: false}]}
""",
    "stacks/a/base.yml": "services: {base: {restart: always}}\n",
    "stacks/shared/compose.yml": "services: {log: {image: 'log:1'}}\n",
    "stacks/b/docker-compose.yml": "services: {web: {image: 'b:1'}}\n",
    "README.md": "nothing that runs\n",
}
BASE = "services: {base: {restart: unless-stopped}}\n"
REQUESTS = (RenderRequest(folder="server/stacks/a"), RenderRequest(folder="server/stacks/b"))


@pytest.fixture
def world(tmp_path: Path) -> RenderWorld:
    return RenderWorld(tmp_path)


def rendered_after(world: RenderWorld, snapshot: Snapshot) -> int:
    """How many compose processes a restarted service needs for both stacks of `snapshot`."""
    renderer = world.restarted()
    renderer.render(snapshot, REQUESTS)
    return renderer.processes


def test_nothing_changed_runs_nothing(world: RenderWorld) -> None:
    first = world.push(STACK)
    before = world.renderer.render(first, REQUESTS)
    assert world.renderer.processes == 2
    again = world.push({"README.md": "still nothing that runs\n"})
    renderer = world.restarted()
    assert renderer.render(again, REQUESTS) == before
    assert renderer.processes == 0
    assert list((world.cache_root / "work").iterdir()) == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"stacks/b/docker-compose.yml": "services: {web: {image: 'b:2'}}\n"}, 1),
        ({"stacks/a/base.yml": "services: {base: {restart: 'no'}}\n"}, 1),
        ({"stacks/shared/compose.yml": "services: {log: {image: 'log:2'}}\n"}, 1),
        ({"stacks/a/.env": "TAG=2\n"}, 1),
        ({"stacks/shared/.env": "X=2\n"}, 1),
        ({"stacks/a/a.env": "X=2\n"}, 1),
        ({"stacks/a/docker-compose.override.yml": "services: {web: {image: 'o:1'}}\n"}, 1),
        ({"stacks/a/compose.yaml": "services: {web: {image: 'preferred:1'}}\n"}, 1),
        ({"stacks/a/unread.txt": "x"}, 0),
    ],
    ids=lambda value: str(next(iter(value))) if isinstance(value, dict) else "",
)
def test_each_input_counts_also_one_that_was_absent(
    world: RenderWorld, change: dict[str, str | None], expected: int
) -> None:
    world.renderer.render(world.push(STACK), REQUESTS)
    changed = world.push(change)
    assert rendered_after(world, changed) == expected
    assert rendered_after(world, changed) == 0


def test_a_link_that_turns_counts(world: RenderWorld) -> None:
    files: dict[str, str | None] = {
        "stacks/l/docker-compose.yml": "services: {a: {image: a, label_file: link}}\n",
        "stacks/l/one": "x=1\n",
        "stacks/l/two": "x=2\n",
    }
    request = [RenderRequest(folder="server/stacks/l")]
    (first,) = world.renderer.render(world.push(files, links={"stacks/l/link": "one"}), request)
    (second,) = world.renderer.render(world.push({}, links={"stacks/l/link": "two"}), request)
    assert rendered(first).model["services"]["a"]["labels"] == {"x": "1"}
    assert rendered(second).model["services"]["a"]["labels"] == {"x": "2"}
    assert "server/stacks/l/two" in rendered(second).reads


def test_the_request_and_the_key_of_the_marks_count(world: RenderWorld) -> None:
    snapshot = world.push(STACK)
    world.renderer.render(snapshot, REQUESTS)
    other = [RenderRequest(folder="server/stacks/a", variables={"TAG": "2"})]
    (found,) = world.renderer.render(snapshot, other)
    assert rendered(found).model["services"]["web"]["image"] == "web:2"
    renderer = world.restarted(secret_key=b"another key")
    renderer.render(snapshot, REQUESTS)
    assert renderer.processes == 2


def test_refusals_are_kept_too_but_a_stopped_process_is_tried_again(world: RenderWorld) -> None:
    snapshot = world.push({"stacks/a/docker-compose.yml": "services: {a: {ports: 1}}\n"})
    request = REQUESTS[:1]
    (error,) = world.renderer.render(snapshot, request)
    renderer = world.restarted()
    assert renderer.render(snapshot, request) == (error,)
    assert renderer.processes == 0
    other = world.push(STACK)
    (stopped,) = world.with_stuck_compose().render(other, request)
    assert "took longer" in refused(stopped).message
    assert isinstance(world.restarted().render(other, request)[0], Rendered)


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: b"",
        lambda content: content[:-20],
        lambda content: content[:-30] + bytes([content[-30] ^ 1]) + content[-29:],
    ],
    ids=["empty", "cut", "one byte"],
)
def test_a_damaged_entry_is_a_miss(world: RenderWorld, damage: Callable[[bytes], bytes]) -> None:
    snapshot = world.push(STACK)
    before = world.renderer.render(snapshot, REQUESTS)
    for entry in world.cache_root.rglob("*.entry"):
        entry.write_bytes(damage(entry.read_bytes()))
    renderer = world.restarted()
    assert renderer.render(snapshot, REQUESTS) == before
    assert renderer.processes == 2


def test_old_and_new_share_what_is_equal_even_when_nothing_is_kept_yet(world: RenderWorld) -> None:
    old = world.push(STACK)
    new = world.push({"stacks/b/docker-compose.yml": "services: {web: {image: 'b:2'}}\n"})
    found = world.renderer.render_all([(snapshot, request) for snapshot in (old, new) for request in REQUESTS])
    assert world.renderer.processes == 3
    assert found[0] == found[2]
    assert [rendered(r).model["services"]["web"]["image"] for r in found] == ["web:1", "b:1", "web:1", "b:2"]


def test_many_threads_may_ask_at_once(world: RenderWorld) -> None:
    snapshot = world.push(STACK)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: world.renderer.render(snapshot, REQUESTS), range(16)))
    assert len(set(map(repr, found))) == 1
    assert world.renderer.processes == 2


def test_equal_requests_of_two_nodes_leave_room_for_the_next_stack(
    world: RenderWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = world.push(STACK)
    compose, both = StackRenderer._compose, threading.Barrier(2, timeout=30)

    def wait_for_the_other(*given: Any) -> Any:
        both.wait()
        return compose(*given)

    monkeypatch.setattr(StackRenderer, "_compose", wait_for_the_other)
    found = world.renderer.render(snapshot, [request for request in REQUESTS for _ in range(2)])
    assert found[0] == found[1]
    assert [rendered(r).model["services"]["web"]["image"] for r in found[1:3]] == ["web:1", "b:1"]


def test_processes_share_the_folder(world: RenderWorld) -> None:
    snapshot = world.push(STACK)
    program = f"""
import sys
from pathlib import Path
from bot.planner.render_request import RenderRequest
from bot.planner.renderer import Renderer
from bot.git.git import GitRepository
from bot.planner.snapshot import Snapshot
snapshot = Snapshot(fleet=GitRepository(Path({str(snapshot.fleet.git_dir)!r})), commit={snapshot.commit!r},
    submodule="server", upstream=GitRepository(Path({str(snapshot.upstream.git_dir)!r})), pin={snapshot.pin!r})
renderer = Renderer(cache_root=Path({str(world.cache_root)!r}), secret_key={b"k" * 32!r})
for _ in range(3):
    print(renderer.render(snapshot, [RenderRequest(folder="server/stacks/" + name) for name in "ab"]))
"""
    running = [subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) for _ in range(3)]
    said = [process.communicate()[0] for process in running]
    assert all(process.returncode == 0 for process in running)
    assert len({line for text in said for line in text.splitlines()}) == 1


def test_the_cache_stays_in_its_bounds(tmp_path: Path) -> None:
    cache = RenderCache(tmp_path, key=b"a key", max_bytes=200_000)
    big = Rendered(model={"x-filler": "x" * 10_000})
    for number in range(100):
        cache.store(f"{number:064d}", {"a": f"100644:{number}"}, big)
    assert sum(path.stat().st_size for path in tmp_path.rglob("*.entry")) <= 240_000
    found = cache.find(f"{99:064d}", lambda _: "100644:99")
    assert found is not None
    assert found.rendering == big
    assert cache.find(f"{0:064d}", lambda _: "100644:0") is None


def test_what_two_pins_have_alike_is_read_once(world: RenderWorld) -> None:
    pins = world.push(STACK), world.push({"README.md": "still nothing that runs\n", "stacks/a/base.yml": BASE})
    places = [(pin, request) for pin in pins for request in REQUESTS]
    world.renderer.render_all(places)
    renderer = world.restarted()
    old_a, old_b, new_a, new_b = renderer.render_all(places)
    assert renderer.processes == 0
    assert new_b is old_b
    assert new_a != old_a


def test_renderings_are_stored_sealed(world: RenderWorld) -> None:
    world.renderer.render(
        world.push(
            {
                "stacks/a/docker-compose.yml": """
services:
  a: {image: a, env_file: x.env, environment: {TOKEN: tok-planted}}
""",
                "stacks/a/x.env": "PLAIN=env-planted\n",
            }
        ),
        REQUESTS[:1],
    )
    stored = b"".join(path.read_bytes() for path in world.cache_root.rglob("*") if path.is_file())
    assert b"planted" not in stored
    assert b"services" not in stored
    assert world.renderer.processes == 1
    world.restarted(secret_key=b"another key")
    world.renderer.render(world.push({}), REQUESTS[:1])
    assert world.renderer.processes == 1, "what another key sealed is a miss"


def test_a_renderer_without_compose_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from bot.engine import programs as compose_program

    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(compose_program, "_PLUGIN_FOLDERS", ())
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    old = tmp_path / "docker-compose"
    old.write_text("#!/bin/sh\necho 2.20.0\n")
    old.chmod(0o755)
    with pytest.raises(ProgramMissingError, match=r"Docker Compose 2\.40\.3 or newer is needed"):
        Renderer(cache_root=tmp_path / "cache", secret_key=b"k")
