"""docs/tutorial.md against the embedded GitHub: each command as it is printed, until the machine has its order.

Only three things are not the reader's: `https://github.com/` is the address of the embedded GitHub, `pipx` finds the
program already there (installing it is tested from built artifacts), and no machine takes the order.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from bot.settings.environment import child_environment
from sandbox.github import EmbeddedGitHub
from sandbox.service import Service, free_port
from sandbox.world import FLEET, HERE, NODE, OWNER, PERSON, SERVER, AiosWorld
from tests.acceptance.outside import Outside, eventually
from tests.acceptance.test_pages import post
from tests.acceptance.test_setup import Fresh, set_up

PAGE = Path(__file__).parents[2] / "docs/tutorial.md"
GITHUB = "https://github.com/"
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
PIPX = """#!/bin/sh
[ "$*" = "install aios-bot[service]" ] || { echo "pipx: not what the page says: $*" >&2; exit 1; }
"""
LIMIT = 300  # seconds of one block, on a loaded machine


class Reader:
    """Somebody with the page before them: their home, their terminal, their GitHub account."""

    def __init__(self, folder: Path, hub: EmbeddedGitHub) -> None:
        self.folder, self.hub = folder, hub
        self.token = hub.create_user(PERSON)
        self.work = folder / "work"
        for made in (folder / "home", folder / "bin", self.work):
            made.mkdir()
        address = hub.url.replace("://", f"://{PERSON}:{self.token}@")
        (folder / "home/.gitconfig").write_text(
            "[user]\n\tname = ada\n\temail = ada@example.com\n[init]\n\tdefaultBranch = main\n"
            f'[url "{address}/"]\n\tinsteadOf = {hub.url}/\n'
        )
        (folder / "bin/pipx").write_text(PIPX)
        (folder / "bin/pipx").chmod(0o755)
        self.environment = child_environment() | {"HOME": str(folder / "home")}
        self.environment["PATH"] = ":".join(
            (str(folder / "bin"), str(Path(sys.executable).parent), self.environment["PATH"])
        )
        if "PYTHONPATH" in os.environ:  # the program beside the interpreter is the one of this checkout
            self.environment["PYTHONPATH"] = os.environ["PYTHONPATH"]

    def type(self, block: str) -> None:
        """Paste a block into a terminal, and see that it succeeds."""
        shell = ["bash", "-euo", "pipefail", "-c", block.replace(GITHUB, f"{self.hub.url}/")]
        done = subprocess.run(
            shell, cwd=self.work, env=self.environment, capture_output=True, text=True, check=False, timeout=LIMIT
        )
        assert done.returncode == 0, f"{block}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"

    def type_and_leave_running(self, block: str, settings: dict[str, str]) -> Service:
        """Paste a block whose last command goes on, with `settings` in the terminal's environment."""
        data = Path(settings["AIOS_BOT_DATA"])
        data.mkdir()
        log = data / "service.log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                ["bash", "-euo", "pipefail", "-c", block],
                cwd=self.work,
                env=self.environment | settings,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        return Service(f"http://127.0.0.1:{settings['PORT']}", process, data, log)


def end(service: Service) -> None:
    """Press Ctrl-C in the service's terminal."""
    os.killpg(service.process.pid, signal.SIGINT)
    service.process.wait(60)


@pytest.fixture
def reader() -> Iterator[Reader]:
    """What the page takes for granted: `server` on GitHub with stacks, and a plain folder that has it inside."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="aios-")))
        hub = stack.enter_context(EmbeddedGitHub(folder / "github"))
        hub.start()
        reader = Reader(folder, hub)
        hub.create_repository(SERVER)
        hub.set_permission(SERVER, PERSON, "admin")
        shutil.copytree(HERE / "server", folder / "work/server")
        reader.type(
            "cd server && git init --quiet && git add --all && git commit --quiet --message First\n"
            f"git push --quiet {GITHUB}{SERVER}.git main && cd .. && rm -rf server\n"
            "mkdir aios-supercell && echo '# All we know' > aios-supercell/AIOS-KNOWLEDGE-BASE.md\n"
            f"git clone --quiet {GITHUB}{SERVER}.git aios-supercell/server"
        )
        yield reader


def test_the_page_is_followed_word_for_word(reader: Reader) -> None:
    hub = reader.hub
    install, look, migrate, init, change = BLOCKS
    assert post(f"{hub.url}/new", owner=OWNER, name="aios-win").url == f"{hub.url}/{FLEET}"  # "an empty one"
    port = free_port()
    settings = {
        "GITHUB_API_URL": f"{hub.url}/api/v3",
        "AIOS_BOT_DATA": str(reader.folder / "bot"),
        "AIOS_BOT_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "PORT": str(port),
    }
    service = reader.type_and_leave_running(install, settings)
    try:
        world = set_up(Fresh(hub, reader.token, service, settings, reader.folder))
        reader.type(look)
        assert not (reader.work / "aios-supercell/.git").exists(), "nothing is changed"
        reader.type(migrate)
        reader.type(init)
        reader.type(change)
        _merge_and_see_the_order(reader, world)
    finally:
        end(service)


def _merge_and_see_the_order(reader: Reader, world: AiosWorld) -> None:
    outside = Outside(world)

    def find_plan() -> str | None:
        for pull in outside.pulls(FLEET):
            check = outside.checks(FLEET, pull["head"]["sha"]).get("aios/plan")
            if check is not None and check["status"] == "completed":
                return str(check["output"]["title"])
        return None

    title = eventually("the pull request with its plan", find_plan, seconds=120)
    assert "1 service" in title
    (pull,) = outside.pulls(FLEET)
    assert "traefik" in pull["body"]
    page = f"{reader.hub.url}/{FLEET}/pull/{pull['number']}"
    assert post(f"{page}/merge").url == page
    merged = str(outside.get(f"/repos/{FLEET}/pulls/{pull['number']}")["merge_commit_sha"])

    def find_order() -> bool:
        return any(one["environment"] == NODE for one in outside.get(f"/repos/{FLEET}/deployments", sha=merged))

    assert eventually("the order to the machine", find_order, seconds=120)
