"""Build a small AIOS in the embedded GitHub: `server` with three stacks, `aios-win` that pins it, one node.

Everything is pushed as a user would: with git, by HTTP, with the user's token.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from bot.domain.names import CommitSha, NodeName, RepoName
from bot.git.credentials import add_settings, basic_authorization
from bot.github import manifest
from bot.settings.environment import child_environment
from sandbox.github import App, EmbeddedGitHub

HERE = Path(__file__).parent / "aios"
WORKFLOW = Path(__file__).parents[1] / "docs/examples/deploy.yml"
OWNER = "Tecnocrat"
SERVER = RepoName(f"{OWNER}/server")
FLEET = RepoName(f"{OWNER}/aios-win")
NODE = NodeName("HP_LAB")
PERSON = "owner"

IMAGES = {
    "traefik:v3.1": "3.1",
    "traefik:v3.2": "3.2",
    "traefik/whoami:v1.10": "1.10",
    "prom/prometheus:v2.54.0": "2.54.0",
    "grafana/grafana:11.1.0": "11.1.0",
    "grafana/loki:3.1.0": "3.1.0",
    "hashicorp/vault:1.17": "1.17",
}
"""The images that the stacks name, before and after the demo's change."""

FLEET_FILE = """\
version: 1
submodules:
  server:
    order: [ingress, observability, secrets]
"""
FLEET_NODES = """\
nodes:
  {node}:
    root: {root}
"""


class AiosWorld(NamedTuple):
    """A small AIOS. `token` is the user's, `checkouts` the folder of their clones."""

    hub: EmbeddedGitHub
    app: App
    installation: int
    token: str
    checkouts: Path

    def push(self, repo: RepoName, files: Mapping[str, str | None], message: str) -> CommitSha:
        """Commit `files` (None removes one) to the default branch as the user, and push."""
        clone = self.checkouts / repo.split("/")[1]
        self.git(clone, "pull", "--quiet", "--ff-only")
        for name, text in files.items():
            path = clone / name
            if text is None:
                path.unlink()
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
        self.git(clone, "add", "--all")
        identity = ("-c", f"user.name={PERSON}", "-c", f"user.email={PERSON}@example.com")
        self.git(clone, *identity, "commit", "--quiet", "--message", message)
        self.git(clone, "push", "--quiet", "origin", "HEAD")
        return CommitSha(self.git(clone, "rev-parse", "HEAD"))

    def edit(self, repo: RepoName, name: str, old: str, new: str, message: str) -> CommitSha:
        """Replace a text in a file, commit and push. Raises ValueError if the file lacks the text."""
        clone = self.checkouts / repo.split("/")[1]
        self.git(clone, "pull", "--quiet", "--ff-only")
        text = (clone / name).read_text()
        if old not in text:
            raise ValueError(f"{name} of {repo} does not contain {old!r}")
        return self.push(repo, {name: text.replace(old, new)}, message)

    def git(self, folder: Path, *arguments: str) -> str:
        """Run a git command in `folder` as the user."""
        return _git(folder, *arguments, token=self.token)


def build_world(
    hub: EmbeddedGitHub,
    *,
    folder: Path,
    node_root: Path,
    webhook_url: str,
    webhook_secret: str,
    with_stacks: bool = True,
) -> AiosWorld:
    """Build the small AIOS in `hub`, with the App registered and installed. `node_root` is the node's checkout.

    Without stacks the server repository has only its README: `read_stacks` gives the files to push.
    """
    token = build_repositories(hub, folder=folder, node_root=node_root, with_stacks=with_stacks)
    app = hub.register_app("aios-bot", manifest.permissions(), manifest.events(), webhook_url, webhook_secret)
    installation = hub.install(app, OWNER, [SERVER, FLEET])
    return AiosWorld(hub, app, installation, token, folder)


def read_stacks(name: str = "") -> dict[str, str]:
    """The files of the server's stacks, by path.

    With `name` the projects, images, networks and volumes are all called by it, so that nothing in an engine that is
    somebody's own has the same name.
    """
    texts = {}
    for path in sorted((HERE / "server/stacks").rglob("*.yml")):
        text = path.read_text()
        if name and path.name == "docker-compose.yml":
            text = text.replace("image: ", f"image: {name}/").replace("name: ingress", f"name: {name}-ingress")
            text = text.replace("external: true", f"external: true\n    name: {name}-ingress")
            text = f"name: {name}-{path.parent.name}\n{text}"
        texts[path.relative_to(HERE / "server").as_posix()] = text
    return texts


def build_repositories(hub: EmbeddedGitHub, *, folder: Path, node_root: Path | None, with_stacks: bool = True) -> str:
    """Build the repositories and their user; returns the user's token. `node_root` None: a fleet without nodes."""
    token = hub.create_user(PERSON)
    folder.mkdir(parents=True, exist_ok=True)
    for repo in (SERVER, FLEET):
        hub.create_repository(repo)
        hub.set_permission(repo, PERSON, "admin")
    server = _first_push(hub, folder, SERVER, token, left_out=() if with_stacks else ("stacks",))
    _first_push(hub, folder, FLEET, token, pin=server, node_root=node_root)
    return token


def _first_push(
    hub: EmbeddedGitHub,
    folder: Path,
    repo: RepoName,
    token: str,
    *,
    pin: str | None = None,
    node_root: Path | None = None,
    left_out: Sequence[str] = (),
) -> str:
    name = repo.split("/")[1]
    clone = folder / name
    shutil.copytree(HERE / name, clone, ignore=shutil.ignore_patterns(*left_out))
    _git(clone, "init", "--quiet", "--initial-branch=main")
    _git(clone, "config", "user.name", PERSON)
    _git(clone, "config", "user.email", f"{PERSON}@example.com")
    _git(clone, "remote", "add", "origin", f"{hub.url}/{repo}.git")
    if pin is not None:
        github = clone / ".github"
        (github / "workflows").mkdir(parents=True, exist_ok=True)
        shutil.copy(WORKFLOW, github / "workflows/deploy.yml")
        nodes = FLEET_NODES.format(node=NODE, root=node_root) if node_root else ""
        (github / "aios-bot.yml").write_text(FLEET_FILE + nodes)
        (clone / "server").mkdir()
    _git(clone, "add", "--all")
    if pin is not None:
        # Only the pin, as in a clone without its submodules.
        _git(clone, "update-index", "--add", "--cacheinfo", f"160000,{pin},server")
    _git(clone, "commit", "--quiet", "--message", f"The first {name}")
    _git(clone, "push", "--quiet", "--set-upstream", "origin", "main", token=token)
    return _git(clone, "rev-parse", "HEAD")


def _git(folder: Path, *arguments: str, token: str | None = None) -> str:
    header = [("http.extraHeader", f"Authorization: {basic_authorization(token)}")] if token else []
    environment = add_settings(child_environment(), header) | {"GIT_TERMINAL_PROMPT": "0"}
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments], env=environment, capture_output=True, check=False, text=True
    )
    if done.returncode != 0:
        raise RuntimeError(f"git {arguments[0]} failed: {done.stderr.strip()}")
    return done.stdout.strip()
