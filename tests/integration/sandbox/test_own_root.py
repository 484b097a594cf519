"""tools/own-root makes an engine and bubblewrap work in a plain chroot, too."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import bot
from bot.settings.environment import child_environment

ROOT = Path(bot.__file__).parents[1]
TOOL = ROOT / "tools/own-root"
INSIDE = """
import os, subprocess, sys
from pathlib import Path
from sandbox.engine import start_engine
print(os.getcwd(), Path("/tmp/marker").read_text())
subprocess.run(["bwrap", "--unshare-all", "--ro-bind", "/", "/", "true"], check=True)
with start_engine(Path("/tmp/e")) as engine:
    engine.make_image("web:1", version="of the image")
    engine.docker("run", "-d", "--name", "web", "web:1")
    print(engine.docker("exec", "web", "cat", "/version"))
"""


def test_an_engine_and_bubblewrap_work_in_a_plain_chroot(tmp_path: Path) -> None:
    system = tmp_path / "system"
    for top in Path("/").iterdir():
        if top.is_symlink():
            system.mkdir(exist_ok=True)
            (system / top.name).symlink_to(top.readlink())
        elif top.is_dir():
            (system / top.name).mkdir(parents=True)
    (system / "tmp/marker").write_text("of the chroot")
    mounts = 'for top in "$0"/*; do n=${top##*/}; [ -L "$top" ] || [ "$n" = tmp ] || mount --rbind "/$n" "$top"; done'
    script = f'set -e; {mounts}; exec chroot "$0" {sys.executable} {TOOL} {sys.executable} -c "$1"'
    done = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, str(system), INSIDE],
        env=child_environment() | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "/ of the chroot\nof the image\n", done.stderr
    assert list(system.joinpath("usr").iterdir()) == [], "nothing is mounted any more"


def test_the_command_runs_unchanged_outside_a_chroot(tmp_path: Path) -> None:
    same = "readlink /proc/self/ns/mnt; pwd; exit 7"
    done = subprocess.run([TOOL, "sh", "-c", same], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == [str(Path("/proc/self/ns/mnt").readlink()), str(tmp_path)]
    assert done.returncode == 7


def test_a_missing_command_is_named() -> None:
    done = subprocess.run([TOOL, "no-such-command"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "own-root: no-such-command: No such file or directory\n"
