"""The process that forks children for a service: started when needed, ended when idle, replaced when it died."""

from __future__ import annotations

import errno
import os
import pickle
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NoReturn, TypeVar, cast

import pytest

from bot.domain.errors import BotError
from bot.domain.names import NodeName, SubmodulePath
from bot.fleetfile import Fleet, Node, Submodule
from bot.git.mirrors import Mirror
from bot.planner import forkserver_process
from bot.planner.forkserver import ForkServer, _Process
from bot.planner.guarded import Limits, NoChildError, run_guarded
from bot.planner.plans import read_plan
from bot.planner.reads import read_stack_reads
from bot.planner.renderer import Renderer
from tests.integration.planner import guarded_work as works
from tests.integration.planner.guarded_work import QUICK
from tests.integration.planner.render_world import SECRET_KEY, RenderWorld

T = TypeVar("T")
IN_TIME = 20.0  # seconds


@pytest.fixture(scope="module")
def server() -> Iterator[ForkServer]:
    found = ForkServer()
    yield found
    found.close()


def wait_until(reached: Callable[[], bool]) -> None:
    end = time.monotonic() + IN_TIME
    while not reached():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.01)


def is_gone(process: int) -> bool:
    """Whether it has ended. In a container without an init nobody may wait for an orphan: it stays as a zombie."""
    try:
        status = Path(f"/proc/{process}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True
    return status.rpartition(")")[2].split()[0] in "ZX"


def forker(server: ForkServer) -> int:
    """The process that forks."""
    return server(works.answer, QUICK)[1]


def test_one_process_serves_all_work(server: ForkServer) -> None:
    first = forker(server)
    assert forker(server) == first


def test_it_gets_no_secret_of_ours(server: ForkServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the settings of the service in its environment, nor the work in its arguments."""
    monkeypatch.setenv("GITHUB_APP_PRIVATE_KEY", "very-private")
    environment, arguments = server(works.read_environment, QUICK)
    assert "GITHUB_APP_PRIVATE_KEY" not in environment
    assert environment["PATH"] == os.environ["PATH"]
    assert b"private" not in arguments
    assert b"read_environment" not in arguments


def test_threads_are_served_side_by_side(server: ForkServer, tmp_path: Path) -> None:
    """The first of them ends only when the second has begun."""
    found: list[str] = []
    forker(server)
    threads = [
        threading.Thread(target=lambda n=n: found.append(server(partial(works.meet, tmp_path, n), QUICK)))
        for n in (0, 1)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["met", "met"]


def test_it_is_ended_when_it_had_nothing_to_do_but_not_while_it_works() -> None:
    server = ForkServer(idle_seconds=0.05)
    first = forker(server)
    wait_until(lambda: is_gone(first))
    assert server(partial(works.sleep_for, 0.5), QUICK) == "slept"
    server.close()


def test_work_of_one_that_dies_is_begun_again_in_another(server: ForkServer, tmp_path: Path) -> None:
    assert server(partial(works.end_forker_once, tmp_path / "begun"), QUICK) == "done"


def test_one_that_died_meanwhile_is_replaced(server: ForkServer) -> None:
    first = forker(server)
    os.kill(first, 9)
    assert forker(server) != first


def test_work_that_ends_it_each_time_is_given_up(server: ForkServer) -> None:
    with pytest.raises(BotError, match="died 3 times in a row"):
        server(works.end_forker, QUICK)
    assert forker(server)


def test_closing_ends_work_too(tmp_path: Path) -> None:
    server, begun, problems = ForkServer(), tmp_path / "begun", list[Exception]()
    first = forker(server)

    def work() -> None:
        try:
            server(partial(works.touch_and_sleep, begun), QUICK._replace(seconds=1))
        except BotError as problem:
            problems.append(problem)

    thread = threading.Thread(target=work)
    thread.start()
    wait_until(lambda: begun.exists() and bool(begun.read_text()))
    child = int(begun.read_text())
    server.close()
    wait_until(lambda: is_gone(first) and is_gone(child))
    thread.join()
    assert len(problems) == 1
    server.close()


def test_nothing_is_left_when_its_user_is_killed(tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    code = (
        "import sys; from functools import partial; from pathlib import Path\n"
        "from bot.planner.forkserver import ForkServer\n"
        "from tests.integration.planner import guarded_work as works\n"
        "ForkServer()(partial(works.touch_and_sleep, Path(sys.argv[1])), works.QUICK)"
    )
    root = Path(works.__file__).parents[3]
    environment = os.environ | {"PYTHONPATH": str(root)}
    user = subprocess.Popen([sys.executable, "-c", code, str(begun)], cwd=root, env=environment)
    wait_until(lambda: begun.exists() and bool(begun.read_text()))
    child = int(begun.read_text())
    user.kill()
    user.wait()
    wait_until(lambda: is_gone(child))


def test_its_plans_are_those_of_a_fork_of_this_process(tmp_path: Path, server: ForkServer) -> None:
    world = RenderWorld(tmp_path)
    old = world.push({"stacks/web/compose.yaml": "services:\n  web: {image: 'app:1', ports: ['80:80']}\n"})
    new = world.push({"stacks/web/compose.yaml": "services:\n  web: {image: 'app:2', volumes: ['./a:/a']}\n"})
    fleet, submodule = Fleet(nodes=(Node(name=NodeName("A")),)), Submodule(path=SubmodulePath("server"))
    plans, reads = [], []
    for name, guard in (("fork", run_guarded), ("server", server)):
        renderer = Renderer(cache_root=tmp_path / name, secret_key=SECRET_KEY, guard=guard)
        plans.append(
            read_plan(
                fleet=fleet,
                repo=None,
                submodule=submodule,
                upstream_name=None,
                old=old,
                new=new,
                renderer=renderer,
                commits=(),
                commits_total=0,
            )
        )
        assert renderer.processes == 2
        reads.append(read_stack_reads(fleet.nodes, submodule, old, new, renderer))
    assert plans[0] == plans[1]
    assert plans[0].nodes[0].stacks[0].error is None
    assert reads[0] == reads[1] >= {"server/stacks/web/compose.yaml", "server/stacks/web/a"}


def test_a_child_has_all_that_a_plan_of_a_service_needs_when_it_is_forked(tmp_path: Path) -> None:
    """What it loads, each plan loads again: the libraries by which a mirror is fetched took most of its time."""
    world = RenderWorld(tmp_path)
    old = world.push({"stacks/web/compose.yaml": "services:\n  web: {image: 'app:1'}\n"})
    new = world.push({"stacks/web/compose.yaml": "services:\n  web: {image: 'app:2'}\n"})
    wanted: list[bytes] = []

    def keep(work: Callable[[], T], _limits: Limits, /) -> T:
        wanted.append(pickle.dumps(work))
        return work()

    for snapshot in (old, new):
        snapshot.fleet, snapshot.upstream = Mirror(snapshot.fleet.git_dir, ""), Mirror(snapshot.upstream.git_dir, "")
    read_plan(
        fleet=Fleet(nodes=(Node(name=NodeName("A")),)),
        repo=None,
        submodule=Submodule(path=SubmodulePath("server")),
        upstream_name=None,
        old=old,
        new=new,
        renderer=Renderer(cache_root=tmp_path / "kept", secret_key=SECRET_KEY, guard=keep),
        commits=(),
        commits_total=0,
    )
    code = (
        "import pickle, sys; from importlib import import_module\n"
        f"for module in {forkserver_process.LOADED}: import_module(module)\n"
        "before = set(sys.modules)\n"
        "pickle.load(sys.stdin.buffer)()\n"
        "print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", code], input=wanted[0], capture_output=True, check=True)
    assert done.stdout.decode().split() == []


def test_a_child_that_the_system_refuses_ends_no_other_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """One plan more than the system allows is an error of that plan: the process serves the next one."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    monkeypatch.setattr(os, "fork", refuse_to_fork)
    serving = threading.Thread(target=forkserver_process.serve, args=(theirs,))
    serving.start()
    open_files = len(works.open_files())
    process = _Process(cast("subprocess.Popen[bytes]", None), ours)
    with tempfile.TemporaryFile() as result:
        for _ in range(2):
            with pytest.raises(NoChildError, match="Resource temporarily unavailable"):
                process.run(pickle.dumps(works.answer), result.fileno(), QUICK)
    wait_until(lambda: len(works.open_files()) == open_files)  # it closes what it was sent after it has answered
    ours.close()
    serving.join(IN_TIME)
    assert not serving.is_alive()
    theirs.close()
    with pytest.raises(NoChildError, match="Resource temporarily unavailable"):
        run_guarded(works.answer, QUICK)


def refuse_to_fork() -> NoReturn:
    raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
