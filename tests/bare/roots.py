"""A bare root of Debian, made by debootstrap, in which commands run as a user of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

MIRROR = "http://deb.debian.org/debian"
PACKAGES = "python3,git,ca-certificates"  # no python3-venv, no pip
UID = 1000
DOCKER = "/usr/local/bin/docker"


class BareRoot(NamedTuple):
    """A root folder, and whether commands in it run as root or as the ordinary user."""

    folder: Path
    as_root: bool

    def command(self, *words: str) -> list[str]:
        user = [] if self.as_root else [f"--userspec={UID}:{UID}"]
        return ["/usr/sbin/chroot", *user, str(self.folder), *words]

    def run(
        self, words: Sequence[str], environment: Mapping[str, str], *, given: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run one command in it, with nothing of this process's environment."""
        return subprocess.run(
            self.command(*words), env=dict(environment), input=given, capture_output=True, text=True, check=False
        )


def make_root(folder: Path, suite: str) -> None:
    """Make the root of `suite`, unless it is there. It is kept between runs; only mounts are put into it."""
    if (folder / "whole").exists():
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    command = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", suite, str(folder), MIRROR]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    with (folder / "etc/passwd").open("a") as users:
        users.write(f"deploy:x:{UID}:{UID}::/nonexistent:/bin/sh\n")
    (folder / "whole").touch()


@contextmanager
def mounted(root: BareRoot, *places: Path) -> Iterator[BareRoot]:
    """The root with /proc, /dev and docker's client in it, and each of `places` at its own path."""
    targets = [Path("/proc"), Path("/dev"), Path(DOCKER), *places]
    done: list[Path] = []
    try:
        for place in targets:
            target = root.folder / str(place).lstrip("/")
            if place.is_dir():
                target.mkdir(parents=True, exist_ok=True)
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.touch()
            subprocess.run(["mount", "--rbind", "--make-rslave", str(place), str(target)], check=True)
            done.append(target)
        yield root
    finally:
        for target in reversed(done):
            subprocess.run(["umount", "--lazy", "--recursive", str(target)], check=False)


def give(folder: Path, root: BareRoot) -> None:
    """Make `folder` and all in it belong to the user of the root."""
    if not root.as_root:
        for path in (folder, *folder.rglob("*")):
            os.lchown(path, UID, UID)
