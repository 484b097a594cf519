"""The sandbox's own Docker Engine: real, apart from the machine's, and gone afterwards."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import bot
from bot.sandbox.engine import LONGEST_ROOT, Engine, EngineError, find_engine, start_engine
from bot.settings import child_environment


def test_made_images_differ_by_version_and_reach_each_other_by_name(engine: Engine) -> None:
    old, new = engine.make_image("web:1", version="one"), engine.make_image("web:2", version="two")
    assert old != new
    engine.docker("network", "create", "front")
    engine.docker("run", "-d", "--name", "web", "--network", "front", "web:2", "--any-flag")
    fetched = engine.docker("run", "--rm", "--network", "front", "web:1", "wget", "-qO-", "http://web:8080/version")
    assert fetched == "two"
    assert engine.docker("logs", "web") == "version two --any-flag"
    engine.docker("rm", "-f", "web")
    engine.docker("network", "rm", "front")


def test_compose_is_there(engine: Engine) -> None:
    assert engine.docker("compose", "version", "--short").startswith("2.")


def test_two_engines_share_nothing_and_leave_nothing(
    engine: Engine,
) -> None:
    root = Path(f"/tmp/aios-second-{os.getpid()}")  # pytest's own paths are too long for sockets
    with start_engine(root) as second:
        second.make_image("only:here")
        for one in (engine, second):
            one.make_image("web:1")
            one.docker("run", "-d", "--name", "port", "-p", "80:8080", "web:1")
        assert "only" not in engine.docker("images")
        assert (root / "data").exists()
    engine.docker("rm", "-f", "port")
    assert not (root / "data").exists()
    mounts = Path("/proc/self/mounts").read_text()
    processes = subprocess.run(["ps", "-eo", "args"], capture_output=True, check=True).stdout.decode()
    assert str(root) not in mounts
    assert str(root) not in processes


def test_in_a_chroot_whose_root_is_no_mount(tmp_path: Path) -> None:
    """Where a stranger tries things out: everything of this machine, below a plain folder."""
    system = tmp_path / "system"
    for top in Path("/").iterdir():
        if top.is_symlink():
            (system / top.name).parent.mkdir(exist_ok=True)
            (system / top.name).symlink_to(top.readlink())
        elif top.is_dir():
            (system / top.name).mkdir(parents=True)
    inside = (
        "from pathlib import Path\nfrom bot.sandbox.engine import start_engine\n"
        "with start_engine(Path('/tmp/e')) as engine:\n"
        "    engine.make_image('web:1', version='here')\n"
        "    print(engine.docker('run', '--rm', 'web:1', 'cat', '/version'))\n"
    )
    mounts = 'for top in "$0"/*; do n=${top##*/}; [ -L "$top" ] || [ "$n" = tmp ] || mount --rbind "/$n" "$top"; done'
    script = f'set -e; {mounts}; exec chroot "$0" {sys.executable} -c "$1"'
    done = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, str(system), inside],
        env=child_environment() | {"PYTHONPATH": str(Path(bot.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "here\n", done.stderr
    assert list(system.joinpath("usr").iterdir()) == [], "nothing is mounted any more"


def test_too_long_a_root_is_refused_with_a_cure() -> None:
    with pytest.raises(EngineError, match=f"under {LONGEST_ROOT} characters"), start_engine(Path("/tmp/" + "x" * 80)):
        pass


def test_the_machines_own_engine_is_found_where_the_environment_points(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", engine.host)
    found = find_engine()
    assert found is not None
    assert found.host == engine.host
    assert found.docker("info", "--format", "{{.ID}}") == engine.docker("info", "--format", "{{.ID}}")
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere.sock")
    assert find_engine() is None
