"""A bare root of Debian, made by debootstrap, in which commands run as a user of their own."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.request import urlretrieve

MIRROR = "http://deb.debian.org/debian"
PACKAGES = "python3,git,ca-certificates"  # no python3-venv, no pip
COMPILER = "gcc,make,libc6-dev,libssl-dev,zlib1g-dev,libffi-dev"
PYTHON_SOURCE = "pool/main/p/python3.11/python3.11_3.11.2.orig.tar.gz"
PYTHON_SHA256 = "2411c74bda5bbcfcddaf4531f66d1adc73f247f529aee981b029513aefdbf849"
PYTHON = "usr/local/bin/python3.11"
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
    clear(folder)
    run_quietly("debootstrap", "--variant=minbase", f"--include={PACKAGES}", suite, str(folder), MIRROR)
    with (folder / "etc/passwd").open("a") as users:
        users.write(f"deploy:x:{UID}:{UID}::/nonexistent:/bin/sh\n")
    (folder / "whole").touch()


def clear(folder: Path) -> None:
    """Remove a root that was not finished, with what debootstrap had mounted in it when it was ended."""
    for place in ("proc", "sys"):
        subprocess.run(["umount", "--lazy", "--recursive", str(folder / place)], capture_output=True, check=False)
    if folder.exists():
        shutil.rmtree(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)


def add_python(root: Path, cache: Path) -> None:
    """Put a Python 3.11 beside the one of the system, as people do there: built from its source, under /opt.

    It is built once, in a root of the same suite that has a compiler, below `cache`; some minutes.
    """
    built = cache / "python-build"
    if not (built / "whole").exists():
        clear(built)
        run_quietly("debootstrap", "--variant=minbase", f"--include={COMPILER}", "bullseye", str(built), MIRROR)
        source = built / "source.tar.gz"
        urlretrieve(f"{MIRROR}/{PYTHON_SOURCE}", source)
        assert hashlib.sha256(source.read_bytes()).hexdigest() == PYTHON_SHA256, "another source of Python"
        script = "cd /tmp && tar -xzf /source.tar.gz --strip-components=1 && ./configure -q --prefix=/opt/python3.11"
        run_quietly("chroot", str(built), "sh", "-c", f"{script} && make -sj2 && make -s install")
        (built / "whole").touch()
    if not (root / PYTHON).is_symlink():  # it leads to nowhere outside of the root
        shutil.copytree(built / "opt/python3.11", root / "opt/python3.11", symlinks=True)
        (root / PYTHON).symlink_to("/opt/python3.11/bin/python3.11")


def run_quietly(*command: str) -> None:
    """Run a command, and show the end of what it printed where it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


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
