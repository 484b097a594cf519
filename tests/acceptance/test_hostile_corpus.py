"""A hundred hostile stacks through the real service: nothing that was planted is in anything it says or keeps.

The control comes first: plain compose, run as one would run it, gives the planted secrets away. So the corpus is
alive, and its silence in the service means something.
"""

from __future__ import annotations

import base64
import html
import json
import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import requests

from bot.engine.programs import find_compose
from bot.redaction.recognise import word_set
from bot.settings.environment import child_environment
from sandbox.github import EmbeddedGitHub
from sandbox.service import free_port, new_secret, start_service
from sandbox.world import FLEET, SERVER, AiosWorld, build_world
from tests.acceptance.outside import Outside, eventually
from tests.hostile.corpus import COMPOSE, CORPUS, INTERPOLATION, NETWORK, Files, Link, plant

NAME = "AIOS_PLANTED"
# Plain words: no rule about what secrets look like would hide them, only not reading them does.
PLANTED = {place: f"walnut-harbour-lantern-{place}" for place in ("env", "home", "key", "neighbour", "net")}
OWN = "copper-meadow-thistle-own"  # what a stack's own files hold under names such as DB_PASSWORD
EVERY = (*PLANTED.values(), OWN)


class Trap(ThreadingHTTPServer):
    """The attacker's server: notes who comes, and gives everybody a planted compose file."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.visits: list[str] = []
        self.host = f"127.0.0.1:{self.server_address[1]}"
        self._thread = threading.Thread(target=self.serve_forever, daemon=True)
        self._thread.start()

    def end(self) -> None:
        self.shutdown()
        self.server_close()


class _Answer(BaseHTTPRequestHandler):
    server: Trap

    def do_GET(self) -> None:
        self.server.visits.append(self.path)
        body = f"services:\n  app:\n    image: app:1\n    labels:\n      seen: {PLANTED['net']}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_CONNECT = do_HEAD = do_GET  # noqa: N815 - the names that http.server looks for

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def plant_files(folder: Path) -> dict[str, str]:
    """Put the secrets where a service has such things; the places by their names in the corpus."""
    texts = {place: f"PLANTED={words}\nservices: {{app: {{image: {words}}}}}\n" for place, words in PLANTED.items()}
    paths = {
        "home": folder / "home/planted.env",
        "key": folder / "bot/keys/app.pem",
        "neighbour": folder / "bot/mirrors/other/fleet.git/planted.env",
    }
    for place, path in paths.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(texts[place])
    return {place: str(path) for place, path in paths.items()} | {
        "home_folder": str(folder / "home"),
        "mirrors": str(folder / "bot/mirrors/other/fleet.git"),
        "name": NAME,
        "up": "../" * 20,
        "own": OWN,
    }


def write_stacks(folder: Path, places: dict[str, str]) -> None:
    for name, files in CORPUS.items():
        write_stack(folder / name, plant(files, places))


def write_stack(folder: Path, files: Files) -> None:
    for name, body in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(body, Link):
            path.symlink_to(body.target)
        elif isinstance(body, bytes):
            path.write_bytes(body)
        else:
            path.write_text(body)


def find_planted(text: str, *, secrets: tuple[str, ...] = EVERY) -> set[str]:
    """The secrets that `text` holds: as they are, escaped, in base64 or in hexadecimal digits."""
    readable = text + html.unescape(text).replace("\u200b", "")
    return {
        secret
        for secret in secrets
        if any(
            form in readable
            for form in (secret, secret.encode().hex(), base64.b64encode(secret.encode()).decode().rstrip("=")[:-2])
        )
    }


def test_plain_compose_gives_the_secrets_away(tmp_path: Path) -> None:
    places = plant_files(tmp_path)
    trap = Trap()
    places |= {"url": f"http://{trap.host}", "host": trap.host}
    compose = find_compose().path
    holder = subprocess.Popen(["sleep", "600"], env=child_environment() | {NAME: PLANTED["env"]})
    places["environ"] = f"/proc/{holder.pid}/environ"
    environment = child_environment() | {NAME: PLANTED["env"], "HOME": places["home_folder"]}
    environment |= {"GIT_TERMINAL_PROMPT": "0", "GITHUB_APP_PRIVATE_KEY": PLANTED["key"]}

    def leaks(name: str) -> set[str]:
        folder = tmp_path / "stacks" / name
        write_stack(folder, plant(CORPUS[name], places))
        try:
            done = subprocess.run(
                [compose, "config"], cwd=folder, env=environment, capture_output=True, check=False, timeout=60
            )
        except subprocess.TimeoutExpired:
            return set()
        return find_planted((done.stdout + done.stderr).decode("utf-8", "replace"))

    try:
        with ThreadPoolExecutor(4) as pool:
            told = dict(zip(CORPUS, pool.map(leaks, CORPUS), strict=True))
    finally:
        holder.kill()
        holder.wait()
        trap.end()
    alive = {name for name, found in told.items() if found}
    assert len(CORPUS) >= 100
    assert len(alive) >= 60, sorted(set(CORPUS) - alive)
    assert set().union(*told.values()) >= set(EVERY) - {PLANTED["net"]}
    assert len(alive & set(INTERPOLATION)) >= 20
    assert trap.visits, "no stack of the corpus reached the network at all"


class Seen(NamedTuple):
    """Everything that the service said or kept, by what it is."""

    texts: dict[str, str]
    stacks: dict[str, Any]  # the plan's stacks by their names
    visits: list[str]
    confinement: str


@contextmanager
def without_bubblewrap(folder: Path) -> Iterator[str]:
    """A PATH with every program but bubblewrap."""
    programs = folder / "programs"
    programs.mkdir()
    for place in os.environ["PATH"].split(":"):
        for program in Path(place).iterdir() if Path(place).is_dir() else ():
            if program.name != "bwrap" and not (programs / program.name).exists():
                (programs / program.name).symlink_to(program.resolve())
    yield str(programs)


@pytest.fixture(scope="module", params=["bubblewrap", "limits only"])
def seen(request: pytest.FixtureRequest) -> Iterator[Seen]:
    """The whole corpus pushed to `server` at once, and what came of it."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="aios-")))
        places = plant_files(folder)
        trap = Trap()
        stack.callback(trap.end)
        path = os.environ["PATH"]
        if request.param == "limits only":
            path = stack.enter_context(without_bubblewrap(folder))
        hub = stack.enter_context(EmbeddedGitHub(folder / "github"))
        hub.start()
        port, secret = free_port(), new_secret()
        world = build_world(
            hub,
            folder=folder / "people",
            node_root=folder / "node/aios-supercell",
            webhook_url=f"http://127.0.0.1:{port}/webhook",
            webhook_secret=secret,
        )
        settings = {
            "AIOS_BOT_PAGES": "open",
            "GITHUB_APP_ID": str(world.app.id),
            "GITHUB_APP_PRIVATE_KEY": world.app.private_key_pem,
            "GITHUB_WEBHOOK_SECRET": secret,
            "GITHUB_API_URL": f"{hub.url}/api/v3",
            "AIOS_BOT_DATA": str(folder / "bot"),
            "PORT": str(port),
            "PATH": path,
            "HOME": places["home_folder"],
            NAME: PLANTED["env"],
        }
        service = start_service(settings)
        stack.callback(service.stop)
        places |= {
            "url": f"http://{trap.host}",
            "host": trap.host,
            "environ": f"/proc/{service.process.pid}/environ",
        }
        pushed = push_corpus(world, places)
        outside = Outside(world)
        pull = eventually("the pull request with its plan", lambda: find_planned(outside, pushed), seconds=240)
        texts = collect(hub, outside, pull, service.url, folder / "bot")
        plan = json.loads(texts["plan as JSON"])
        stacks = {one["stack"]: one for one in plan["nodes"][0]["stacks"]}
        said = next(line for line in service.log.read_text().splitlines() if "rendering with" in line)
        yield Seen(texts, stacks, trap.visits, said)


def push_corpus(world: AiosWorld, places: dict[str, str]) -> str:
    clone = world.checkouts / "server"
    write_stacks(clone / "stacks", places)
    for odd in (b"docs/caf\xe9.md", b"stacks/ingress/dynamic/\xff\xfe.yml"):  # git's paths are bytes
        path = Path(os.fsdecode(bytes(clone) + b"/" + odd))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("odd\n")
    world.git(clone, "add", "--all")
    world.git(clone, "commit", "--quiet", "--message", "A harmless change")
    world.git(clone, "push", "--quiet", "origin", "HEAD")
    return world.git(clone, "rev-parse", "HEAD")


def find_planned(outside: Outside, pushed: str) -> Any:
    for pull in outside.pulls(FLEET):
        if outside.pin(FLEET, pull["head"]["sha"]) == pushed:
            check = outside.checks(FLEET, pull["head"]["sha"]).get("aios/plan")
            return pull | {"check": check} if check else None
    return None


def collect(hub: EmbeddedGitHub, outside: Outside, pull: Any, service: str, data: Path) -> dict[str, str]:
    """Everything said to GitHub, shown by the service, written to its log, and kept on its disk."""
    plan_id = pull["check"]["external_id"]
    texts = {
        "pull request": json.dumps(outside.get(f"/repos/{FLEET}/pulls/{pull['number']}")),
        "check run": json.dumps(pull["check"]),
        "comments": json.dumps(outside.comments(FLEET, pull["number"])),
        "checks on server": json.dumps(outside.checks(SERVER, "main")),
        "requests": json.dumps([(one.path, one.body) for one in hub.requests], default=str),
        "plan page": requests.get(f"{service}/plans/{plan_id}", timeout=30).text,
        "plan as JSON": requests.get(f"{service}/plans/{plan_id}.json", timeout=30).text,
    }
    for file in (path for path in data.rglob("*") if path.is_file() and not path.is_symlink()):
        inside = file.relative_to(data)
        if inside.parts[0] not in ("keys", "mirrors"):  # the planted places themselves, and git's packed objects
            texts[str(inside)] = file.read_bytes().decode("utf-8", "replace")
    return {name: text.replace("\\u200b", "") for name, text in texts.items()}


def test_nothing_planted_is_in_anything_that_the_service_said_or_kept(seen: Seen) -> None:
    assert {name: found for name, text in seen.texts.items() if (found := find_planted(text))} == {}
    assert any(name.endswith("sqlite3") for name in seen.texts)
    assert "service.log" in seen.texts
    assert any("renderings" in name for name in seen.texts)


def test_nobody_came_to_the_attackers_server(seen: Seen) -> None:
    assert seen.visits == []


NOTHING_OUTSIDE = word_set(
    "a-build-context-of-another-name a-build-over-git a-provider-that-runs an-engine-elsewhere "
    "env-files-by-dot-env own-dot-env-in-a-command own-dot-env-in-an-error own-dot-env-in-an-image "
    "own-env-file own-secret-as-a-build-argument own-secret-in-a-label-file own-secret-in-an-address "
    "own-secret-in-an-argument own-secret-in-an-env-file-with-export own-secret-in-an-inline-config "
    "telemetry-elsewhere variable-alternative variable-by-a-config-of-the-environment "
    "variable-by-a-secret-of-the-environment variable-in-a-bad-number variable-in-a-bad-port "
    "variable-in-a-name variable-in-an-error variable-in-an-extension variable-in-an-inline-config "
    "variable-in-environment variable-in-image variable-in-the-project variable-nested-in-default "
    "variable-of-the-service variable-passed-on variable-passed-on-as-null variable-passed-to-a-build "
    "variable-required variable-through-an-env-file variable-through-an-env-file-of-an-include "
    "variable-through-dot-env variable-with-default variable-without-braces"
)
"""Stacks that are planned: no file of theirs is outside of the checkout."""

NAMED_OUTSIDE = word_set(
    "a-chain-of-links a-compose-file-in-utf-16 a-config-file a-credential-spec a-default-that-is-a-path "
    "a-folded-path a-home-variable a-link-that-climbs a-linked-folder a-merge-of-a-path a-mirror-beside "
    "a-path-from-dot-env a-path-in-an-override-file a-path-in-two-halves a-reset-tag a-second-document "
    "a-secret-file a-tilde an-alias-of-a-path an-env-file-of-an-include an-env-file-over-http "
    "an-escaped-slash an-extended-service-elsewhere an-open-file an-own-process standard-input "
    "the-root-of-a-process"
) | {
    f"{what}-by-{way}"
    for what in ("environ", "home", "key", "neighbour")
    for way in ("climbing", "env-file", "label-file", "link", "raw-env-file")
}
"""Stacks that are planned, with an env file, a secret or a config outside of the checkout named and not read."""


def test_every_hostile_stack_was_judged_and_is_told(seen: Seen) -> None:
    # A stack without any compose file of its own (a link that leads nowhere) is no stack.
    judged = set(seen.stacks) & set(CORPUS)
    unseen = set(CORPUS) - judged
    assert all(isinstance(CORPUS[name].get(COMPOSE), Link) for name in unseen), unseen
    for name in sorted(set(NETWORK) - {"a-provider-that-runs"}):
        assert name in judged
    refused = {name for name in judged if seen.stacks[name]["error"] is not None}
    assert judged - refused == NOTHING_OUTSIDE | NAMED_OUTSIDE
    for name in sorted(NAMED_OUTSIDE):
        assert any("is not in the repository" in text for text in seen.stacks[name]["remarks"]), name
    for name in sorted(one for one in NAMED_OUTSIDE if one.startswith("environ-by-")):
        assert "of the node" in json.dumps(seen.stacks[name]), name  # the system's: a risk
    for name in ("home-by-env-file", "key-by-include", "environ-by-label-file", "neighbour-by-climbing"):
        told = [seen.stacks[name]["error"] or "", *seen.stacks[name].get("remarks", ())]
        assert any("checkout" in text or "not in the repository" in text for text in told), told


def test_the_service_says_how_it_is_confined(seen: Seen, request: pytest.FixtureRequest) -> None:
    if "bubblewrap" in request.node.name and shutil.which("bwrap"):
        assert "bubblewrap: no network" in seen.confinement
    else:
        assert "process limits only" in seen.confinement
