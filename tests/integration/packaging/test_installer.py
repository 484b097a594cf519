"""The agent is installed by its lock's hash: whole or not at all, and nothing that was tampered with is run."""

from __future__ import annotations

import base64
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.agent import installer
from bot.agent.installer import InstallError, install, python_in, read_current, switch
from tests.releases import INSTALLER, Place, change_byte, invitation_word, run_installer

MAX_SIZE = 24_000_000  # bytes beside Python


def version_of(folder: Path) -> str:
    """What the current program prints, started as a person starts it, from anywhere."""
    done = subprocess.run(
        [folder / "aios-bot", "node", "self-check"], capture_output=True, text=True, check=False, cwd="/"
    )
    return done.stdout.strip()


def test_it_is_installed_whole_small_and_once(place: Place, installed_folder: Path, tmp_path: Path) -> None:
    release, folder = place.release("v1"), tmp_path / "other blanks/program"
    shutil.copytree(installed_folder, folder, symlinks=True)
    assert read_current(folder) == release.lock
    assert version_of(folder) == release.version
    packages = folder / release.lock / "lib"
    size = sum(p.stat().st_size for p in packages.rglob("*") if p.suffix != ".pyc" and p.is_file())
    print(f"the installed agent: {size / 1e6:.1f} MB beside Python")
    assert size <= MAX_SIZE
    assert not list(packages.rglob("flask")) + list(packages.rglob("pip"))
    place.asked.clear()
    again = run_installer(release, folder)
    assert (again.returncode, again.stderr, place.asked) == (0, "", []), "what is there needs no registry"
    python_in(folder / release.lock).unlink()  # as after an upgrade of the system's Python
    place.folder.rename(place.folder.with_name("gone"))
    assert run_installer(release, folder).returncode == 1
    assert read_current(folder) == "", "what does not start is not taken for whole: pasting again makes it again"


def change_lock(place: Place) -> None:
    change_byte(place.folder / "v1/agent.txt")


def change_wheel(place: Place) -> None:
    change_byte(next((place.folder / "v1").glob("aios_bot-*.whl")))


def change_pip(place: Place) -> None:
    change_byte(next((place.folder / "v1").glob("pip-*.whl")))


def change_package(place: Place) -> None:
    change_byte(next((place.folder / "simple/msgspec").iterdir()))


def serve_another_file(place: Place) -> None:
    (other,) = (place.folder / "simple/idna").iterdir()
    (wheel,) = (place.folder / "simple/certifi").iterdir()
    shutil.copy(other, wheel)


def lose_a_package(place: Place) -> None:
    shutil.rmtree(place.folder / "simple/click")


def move_release_away(place: Place) -> None:
    (place.folder / "v1").rename(place.folder / "elsewhere")


TAMPERING: dict[str, tuple[Callable[[Place], None], str]] = {
    "a changed lock": (change_lock, "is not what was named"),
    "a changed byte in the agent's wheel": (change_wheel, "is not what was named"),
    "a changed byte in pip": (change_pip, "is not what was named"),
    "a changed byte in a package": (change_package, "DO NOT MATCH THE HASHES"),
    "a registry that serves another file": (serve_another_file, "DO NOT MATCH THE HASHES"),
    "a package that has no wheel": (lose_a_package, "No matching distribution"),
    "no release there": (move_release_away, "cannot be fetched"),
}


@pytest.mark.parametrize("case", TAMPERING)
def test_what_was_tampered_with_is_refused_before_it_runs(place: Place, tmp_path: Path, case: str) -> None:
    tamper, words = TAMPERING[case]
    release, folder = place.release("v1"), tmp_path / "program"
    tamper(place)
    with pytest.raises(InstallError, match=words) as caught:
        install(folder, release.url, release.lock)
    assert list(folder.iterdir()) == [], "nothing is left behind"
    print(f"refused: {case}: {str(caught.value)[-90:]!r}")


def fetch_anything(address: str, _digest: str, target: Path) -> bytes:
    """A download whose hash nobody compares."""
    with urllib.request.urlopen(address) as answer:
        target.write_bytes(answer.read())
    return target.read_bytes()


def run_without_hashes(command: list[str], **limits: float) -> str:
    """pip as most run it: by name and version."""
    if "--require-hashes" in command:
        lock = Path(command[-1]).with_name(installer.LOCK_FILE)
        lock.write_text(re.sub(r" \\\n +--hash=\S+", "", lock.read_text()))
        command = [one for one in command if one != "--require-hashes"]
    return run(command, **limits)


run = installer._run


def add_to_lock(place: Place) -> None:
    with (place.folder / "v1/agent.txt").open("a") as lock:
        lock.write("# of somebody else\n")


def add_to_package(place: Place) -> None:
    (wheel,) = (place.folder / "simple/msgspec").iterdir()
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr("evil.py", "")


@pytest.mark.parametrize(
    ("tamper", "weak"),
    [(add_to_lock, ("_fetch", fetch_anything)), (add_to_package, ("_run", run_without_hashes))],
    ids=["a lock of somebody else", "a package with a file more"],
)
def test_what_its_hash_refuses_would_be_installed_without(
    place: Place,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    tamper: Callable[[Place], None],
    weak: tuple[str, Callable[..., object]],
) -> None:
    release, folder = place.release("v1"), tmp_path / "program"
    tamper(place)
    with pytest.raises(InstallError, match=r"is not what was named|DO NOT MATCH THE HASHES"):
        install(folder, release.url, release.lock)
    monkeypatch.setattr(installer, *weak)
    install(folder, release.url, release.lock)
    assert (folder / release.lock / installer.WHOLE).exists()
    assert bool(list(folder.rglob("evil.py"))) == (tamper is add_to_package)


def test_a_lock_that_names_another_folder_is_refused(place: Place, tmp_path: Path) -> None:
    for lock in ("../" * 20 + "x", "", "A" * 64, place.release("v1").lock + "\n"):
        with pytest.raises(InstallError, match="not an agent"):
            install(tmp_path / "program", place.url, lock)
    with pytest.raises(InstallError, match="not an agent"):
        install(tmp_path / "program", "ftp://127.0.0.1/x", place.release("v1").lock)
    assert not (tmp_path / "program").exists()


def test_one_that_was_killed_midway_is_made_anew(place: Place, tmp_path: Path) -> None:
    release, folder = place.release("v1"), tmp_path / "program"
    process = subprocess.Popen(
        [sys.executable, "-I", str(INSTALLER), invitation_word(release), str(folder)], start_new_session=True
    )
    deadline = time.monotonic() + 60
    while not any(path.startswith("/simple/") for path in place.asked):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert (folder / release.lock).is_dir()
    assert read_current(folder) == ""
    assert not (folder / release.lock / installer.WHOLE).exists()
    done = run_installer(release, folder)
    assert done.returncode == 0, done.stderr
    assert version_of(folder) == release.version
    assert sorted(path.name for path in folder.iterdir()) == sorted([release.lock, "aios-bot", "current"])


def make_whole(folder: Path, lock: str) -> None:
    (folder / lock).mkdir(parents=True)
    (folder / lock / installer.WHOLE).touch()


def test_the_last_good_one_is_kept_and_older_ones_are_not(tmp_path: Path) -> None:
    first, second, third = (letter * 64 for letter in "abc")
    (tmp_path / "bin").mkdir()  # as the version before laid it out
    for lock in (first, second, third):
        make_whole(tmp_path, lock)
        switch(tmp_path, lock)
        switch(tmp_path, lock)  # again changes nothing
    assert read_current(tmp_path) == third
    assert {path.name for path in tmp_path.iterdir()} == {second, third, "current", "previous", "aios-bot"}
    (tmp_path / third / installer.WHOLE).unlink()
    assert read_current(tmp_path) == ""


@pytest.mark.parametrize("invited", ["x", "e30", base64.urlsafe_b64encode(b"[]").decode()])
def test_an_invitation_without_an_agent_installs_nothing(tmp_path: Path, invited: str) -> None:
    assert installer.main(invited, str(tmp_path / "program")) == (0 if invited == "e30" else 1)
    assert not (tmp_path / "program").exists()


def test_a_machine_without_wheels_is_refused_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.machine", lambda: "armv7l")
    with pytest.raises(InstallError, match="no wheels for this machine \\(armv7l, 64 bits\\)"):
        install(tmp_path / "program", "http://127.0.0.1:1", "a" * 64)
    monkeypatch.setattr("platform.machine", lambda: "AMD64")
    monkeypatch.setattr(sys, "version_info", (3, 10, 9))
    with pytest.raises(InstallError, match="needs CPython 3\\.11 or newer"):
        install(tmp_path / "program", "http://127.0.0.1:1", "a" * 64)
    assert not (tmp_path / "program").exists()
