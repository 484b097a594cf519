"""`python -m sandbox serve`: run the embedded GitHub with a small AIOS in it until Ctrl-C.

Standard output gets the settings of a bot that works there, as `export` lines, and nothing else.
"""

from __future__ import annotations

import signal
import sys
import tempfile
import threading
from contextlib import ExitStack
from pathlib import Path

import click

from sandbox.behaviours import SERVERS
from sandbox.github import EmbeddedGitHub
from sandbox.service import new_secret
from sandbox.world import FLEET, NODE, SERVER, AiosWorld, build_world

BOT_PORT = 8080  # where `aios-bot serve` listens by default


@click.command()
@click.option("--port", default=8800, show_default=True, help="Port of the embedded GitHub (0: any free port).")
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for repositories, clones and the App's key; must be new or empty. Default: a temporary one.",
)
@click.option("--bot-port", default=BOT_PORT, show_default=True, help="Port the bot will receive webhooks on.")
@click.option(
    "--like",
    type=click.Choice(list(SERVERS)),
    default="github.com",
    show_default=True,
    help="What it behaves like: an Enterprise Server, a personal account, or lists that lag behind.",
)
def serve(port: int, folder: Path | None, bot_port: int, like: str) -> None:
    """Run an embedded GitHub on this machine, with a small AIOS in it, until Ctrl-C."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with ExitStack() as stack:
        root = folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="aios-sandbox-")))
        if root.exists() and any(root.iterdir()):
            raise click.UsageError(f"{root} is not empty: choose a new folder, or omit --folder")
        root = root.absolute()
        root.mkdir(parents=True, exist_ok=True)
        hub = stack.enter_context(EmbeddedGitHub(root / "github"))
        hub.start(port)
        hub.behave_like(like)
        secret = new_secret()
        world = build_world(
            hub,
            folder=root / "people",
            node_root=root / "node/aios-supercell",
            webhook_url=f"http://127.0.0.1:{bot_port}/webhook",
            webhook_secret=secret,
        )
        key = _write_secret(root / "app.pem", world.app.private_key_pem)
        _write_secret(root / "token", world.token)
        click.echo(render_exports(world, key=key, secret=secret, bot_port=bot_port))
        click.echo(render_hints(world, root), err=True)
        stop.wait()


def _write_secret(path: Path, text: str) -> Path:
    path.touch(mode=0o600)
    path.write_text(text)
    return path


def render_exports(world: AiosWorld, *, key: Path, secret: str, bot_port: int) -> str:
    """The settings of a bot that works in this sandbox, as `export` lines for a shell."""
    settings = {
        "GITHUB_APP_ID": world.app.id,
        "GITHUB_APP_PRIVATE_KEY": key,
        "GITHUB_WEBHOOK_SECRET": secret,
        "GITHUB_API_URL": f"{world.hub.url}/api/v3",
        "AIOS_BOT_DATA": key.parent / "bot",
        "PORT": bot_port,
    }
    return "\n".join(f"export {name}='{value}'" for name, value in settings.items())


def render_hints(world: AiosWorld, root: Path) -> str:
    """What to try next."""
    clone = world.checkouts / SERVER.split("/")[1]
    return "\n".join(
        (
            "",
            f"The embedded GitHub is at {world.hub.url}.",
            f"It holds {SERVER}, and {FLEET}, which pins it for the node {NODE}.",
            "",
            "  1. In another terminal, paste the lines above and run",
            f"     {Path(sys.executable).parent}/aios-bot serve",
            f"  2. Edit a stack in {clone}, commit and `git push`;",
            f"     any user name will do, and the password is in {root / 'token'}.",
            f"  3. Open {world.hub.url}/{FLEET}",
            "",
            "Runners that join here go online and run no job: `make demo` shows a whole deployment.",
            "Press Ctrl-C to stop.",
        )
    )
