"""What a push costs as the world grows: `python -m bench fleets [--most N]`.

The real service keeps N fleets of 20 nodes each; one push goes to a repository that one of them pins, and one to a
repository that ten of them pin. Requests and time must follow the fleets that pin what was pushed, and nothing else.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import requests

from bot.git.credentials import add_settings, basic_authorization
from bot.github.manifest import events, permissions
from bot.settings.environment import child_environment
from sandbox.github import EmbeddedGitHub
from sandbox.service import Service, free_port, new_secret, run_service
from tests.gitworld import git

OWNER = "acme"
STACK = "services:\n  web:\n    image: web:{version}\n"
NODES = 20
HEAD = "version: 1\nnodes:\n"
WAIT = 900.0  # seconds for one measurement


class World:
    """Fleets in the embedded GitHub: one pins `lonely`, the next ten `shared`, all others `crowd`."""

    def __init__(self, hub: EmbeddedGitHub, folder: Path, fleets: int, port: int, secret: str) -> None:
        self.hub, self._folder = hub, folder
        self.token = hub.create_user("person")
        self._pushed = 0
        pins = {
            name: self._repository(name, {"stacks/web/compose.yml": STACK.format(version=1)}) for name in UPSTREAMS
        }
        for number in range(fleets):
            upstream = "lonely" if number == 0 else "shared" if number <= 10 else "crowd"
            nodes = "".join(f"  node-{node}:\n    root: /srv/aios\n" for node in range(NODES))
            modules = f'[submodule "server"]\n\tpath = server\n\turl = {hub.url}/{OWNER}/{upstream}.git\n'
            files = {".github/aios-bot.yml": HEAD + nodes, ".gitmodules": modules}
            self._repository(f"fleet-{number:03}", files, pin=pins[upstream])
        self.app = hub.register_app("aios-bot", permissions(), events(), f"http://127.0.0.1:{port}/webhook", secret)
        hub.install(self.app, OWNER, [f"{OWNER}/{path.name}" for path in sorted(folder.iterdir())])

    def _repository(self, name: str, files: dict[str, str], *, pin: str = "") -> str:
        self.hub.create_repository(f"{OWNER}/{name}")
        self.hub.set_permission(f"{OWNER}/{name}", "person", "admin")
        clone = self._folder / name
        clone.mkdir(parents=True)
        git(clone, "init", "--quiet", "--initial-branch=main")
        git(clone, "config", "user.email", "person@example.com")
        git(clone, "config", "user.name", "person")
        git(clone, "remote", "add", "origin", f"{self.hub.url}/{OWNER}/{name}.git")
        return self._push(clone, files, pin)

    def _push(self, clone: Path, files: dict[str, str], pin: str = "") -> str:
        for path, text in files.items():
            (clone / path).parent.mkdir(parents=True, exist_ok=True)
            (clone / path).write_text(text)
        git(clone, "add", "--all")
        if pin:
            git(clone, "update-index", "--add", "--cacheinfo", f"160000,{pin},server")
        git(clone, "commit", "--quiet", "--message", "x")
        header = [("http.extraHeader", f"Authorization: {basic_authorization(self.token)}")]
        environment = add_settings(child_environment(), header)
        subprocess.run(["git", "-C", str(clone), "push", "--quiet", "origin", "main"], env=environment, check=True)
        return git(clone, "rev-parse", "HEAD")

    def push(self, upstream: str) -> None:
        """Move an upstream on."""
        self._pushed += 1
        self.push_files(upstream, {"stacks/web/compose.yml": STACK.format(version=1 + self._pushed)})

    def push_files(self, upstream: str, files: dict[str, str]) -> None:
        """Commit these files to an upstream."""
        self._push(self._folder / upstream, files)

    def close_pulls(self, fleet: int) -> None:
        """Close a fleet's pull requests and remove the bot's branch, so that the next bump opens a fresh one."""
        head = {"Authorization": f"Bearer {self.token}"}
        url = f"{self.hub.url}/api/v3/repos/{OWNER}/fleet-{fleet:03}"
        for pull in requests.get(f"{url}/pulls", headers=head, timeout=60).json():
            requests.patch(f"{url}/pulls/{pull['number']}", json={"state": "closed"}, headers=head, timeout=60)
            requests.delete(f"{url}/git/refs/heads/{pull['head']['ref']}", headers=head, timeout=60)

    def pulls(self, fleets: Sequence[int]) -> int:
        """How many of these fleets have a pull request with its check."""
        head = {"Authorization": f"Bearer {self.token}"}
        found = 0
        for number in fleets:
            url = f"{self.hub.url}/api/v3/repos/{OWNER}/fleet-{number:03}"
            pulls = requests.get(f"{url}/pulls", headers=head, timeout=60).json()
            if pulls:
                sha = pulls[0]["head"]["sha"]
                found += requests.get(f"{url}/commits/{sha}/check-runs", headers=head, timeout=60).json()[
                    "total_count"
                ]
        return found


UPSTREAMS = ("lonely", "shared", "crowd")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--most", type=int, default=200, help="the largest number of fleets")
    most = parser.parse_args().most
    print(f"| fleets of {NODES} nodes | pinning the pushed one | requests | git | seconds to every pull request |")
    print("|---|---|---|---|---|")
    for fleets in sorted({11, min(50, most), most}):
        measure(fleets)


@contextmanager
def run_world(fleets: int) -> Iterator[tuple[World, Service, str]]:
    """So many fleets with the real service, which has nothing to do yet, and the secret of its webhooks."""
    with tempfile.TemporaryDirectory(prefix="aios-fleets-") as name, EmbeddedGitHub(Path(name) / "github") as hub:
        hub.start()
        hub.hourly = 10**9
        port, secret = free_port(), new_secret()
        world = World(hub, Path(name) / "people", fleets, port, secret)
        with run_service(
            port=port,
            api_url=f"{hub.url}/api/v3",
            app_id=world.app.id,
            private_key=world.app.private_key_pem,
            webhook_secret=secret,
            data=Path(name) / "bot",
        ) as service:
            wait_until_quiet(service.url)
            yield world, service, secret


def measure(fleets: int) -> None:
    with run_world(fleets) as (world, service, _):
        hub = world.hub
        for upstream, pinning in (("lonely", [0]), ("shared", list(range(1, 11)))):
            hub.requests.clear()
            began = time.monotonic()
            world.push(upstream)
            while world.pulls(pinning) < len(pinning):
                if time.monotonic() - began > WAIT:
                    raise TimeoutError(f"no pull request in {WAIT} s")
                time.sleep(0.2)
            took = time.monotonic() - began
            wait_until_quiet(service.url)
            own = [one for one in hub.requests if one.kind == "rest" and not _ours(one.path)]
            fetches = sum(one.kind == "git" for one in hub.requests)
            print(f"| {fleets} | {len(pinning)} | {len(own)} | {fetches} | {took:.1f} |", flush=True)


def _ours(path: str) -> bool:
    """Whether this bench asked, to see whether it is there: the service never lists pulls without a head."""
    return path.endswith(("/pulls", "/check-runs")) or path.startswith(("/api/v3/app",))


def wait_until_quiet(url: str) -> None:
    """Until the service has nothing to do."""
    while True:
        page = requests.get(f"{url}/metrics", timeout=60).text
        states = ("waiting", "held", "running")
        if all(f'aios_bot_queue_looks{{state="{state}"}} 0' in page for state in states):
            return
        time.sleep(0.3)
