"""Orders that a node must not obey, each given to its program: `python -m bench refused`.

The program is installed from a release that is built here, as `node join` installs it, and started for each order as
a runner's job starts it. What it refuses, and why, is printed; and what differs afterwards of the machine.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from bot.domain.errors import ExitCode
from bot.features.rollout.apply.signing import sign_order
from bot.protocol.order import RefusalReason
from sandbox.engine import start_engine
from tests.adversary.order_attacks import CHANGE, Attack, order_attacks, revoke_after
from tests.nodeworld import CREATE_ALL, FLEET, IMAGES, NodeWorld, make_world, server_files
from tests.releases import fill, run_installer, serve


class Statuses(BaseHTTPRequestHandler):
    """As much of GitHub as a job asks: an order's newest status, and somewhere to post to."""

    state = "queued"
    posted: list[str] = []

    def do_GET(self) -> None:
        self._answer([{"id": 1, "state": self.state}])

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.posted.append(self.path)
        self._answer({"id": 1, "state": self.state}, 201)

    def _answer(self, body: object, status: int = 200) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the signature of http.server
        pass


@contextmanager
def serve_statuses() -> Iterator[str]:
    """The address of that GitHub."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Statuses)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def install(folder: Path) -> Path:
    """The launcher of the program, installed into `folder`/state/program by the join command's installer."""
    fill(folder / "release")
    with serve(folder / "release") as served:
        os.environ |= {"PIP_INDEX_URL": served.packages, "PIP_CONFIG_FILE": os.devnull, "PIP_NO_CACHE_DIR": "1"}
        program = folder / "state/program"
        done = run_installer(served.release("v1"), program)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return program / "aios-bot"


def run(program: Path, world: NodeWorld, github: str, envelope: str) -> tuple[int, str]:
    """The exit code for one order, and what is printed."""
    job = {"GITHUB_TOKEN": "ghs_bench", "GITHUB_REPOSITORY": FLEET, "GITHUB_API_URL": github}
    place = {
        "HOME": str(world.folder),
        "AIOS_BOT_NODE_STATE": str(world.state.folder),
        "AIOS_BOT_ORDER": envelope,
        "AIOS_BOT_NODE_WATCH": "1",
    }
    done = subprocess.run(
        [program, "node", "deploy"], env=world.engine.environment | job | place, capture_output=True, check=False
    )
    return done.returncode, (done.stdout or done.stderr).decode()


def read_machine(world: NodeWorld) -> dict[str, str]:
    """All that an order could touch: containers, volumes, images, and each file of checkout and state."""
    engine = {f"container {name}": str(found) for name, found in world.containers().items()}
    for kind in ("volume", "image", "network"):  # sorted: images of the same second are listed in any order
        engine[kind] = " ".join(sorted(world.engine.docker(kind, "ls", "--quiet").split()))
    files = [path for root in (world.root, world.state.folder) for path in root.rglob("*") if path.is_file()]
    kept = (path for path in files if "program" not in path.parts)
    return engine | {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in kept}


def main() -> None:
    """Run and print."""
    with (
        tempfile.TemporaryDirectory(prefix="aios-refused-") as name,
        start_engine(Path(name) / "e") as engine,
        serve_statuses() as github,
    ):
        folder = Path(name)
        program = install(folder / "w")
        for image in IMAGES:
            engine.make_image(image, version=image)
        world, first = make_world(folder / "w", engine, "bench", server_files("bench"))
        remote = (world.folder / "remote").as_uri()  # as on a node at GitHub
        (world.folder / ".gitconfig").write_text(f'[url "{remote}/"]\n\tinsteadOf = {github}/\n')

        def obey(envelope: str) -> None:
            code, text = run(program, world, github, envelope)
            if code != ExitCode.OK:
                raise RuntimeError(text)

        obey(sign_order(world.order(first, CREATE_ALL), world.key))
        world.number += 1  # the number before it was never used
        used = world.order(world.push(server_files("bench", traefik="traefik:2")), CHANGE)
        revoked = revoke_after(world, lambda key: obey(sign_order(used, key)))
        order = world.order(world.push(server_files("bench", traefik="traefik:1")), CHANGE)
        good = sign_order(order, world.key)
        tried = order_attacks(world, used, order, revoked)
        withdrawn = Attack("withdrawn by the bot", good, RefusalReason.WITHDRAWN)
        before, succeeded = read_machine(world), []
        print(f"{'order':48} {'exit':4} {'refused as':16} in words")
        for attack in (*tried, withdrawn):
            Statuses.state = "inactive" if attack is withdrawn else "queued"
            code, text = run(program, world, github, attack.envelope)
            ending, _, words = text.partition(": ")
            reason = ending.removeprefix("refused (").removesuffix(")")
            print(f"{attack.name:48} {code:4} {reason:16} {words.splitlines()[0][:100] if words else ''}")
            if (code, reason) != (ExitCode.REFUSED, attack.reason):
                succeeded.append(attack.name)
        now = read_machine(world)
        Statuses.state = "queued"
        code, _ = run(program, world, github, good)
    touched = sorted(name for name in {*before, *now} if before.get(name) != now.get(name))
    print(
        f"\n{len(tried) + 1} orders, {len(succeeded)} obeyed or refused otherwise: {', '.join(succeeded) or 'none'}"
    )
    print(f"touched of containers, volumes, networks, images and {len(now)} files: {', '.join(touched) or 'nothing'}")
    print(f"the order that they were made of, as it is: {'obeyed' if code == ExitCode.OK else 'NOT obeyed'}")


if __name__ == "__main__":
    main()
