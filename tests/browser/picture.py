"""Draws README's pictures: `make picture`. A real pull request of the real service, and a fleet's page.

It wants a font with coloured signs, such as Debian's fonts-noto-color-emoji.
"""

from __future__ import annotations

import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path

from playwright.sync_api import sync_playwright

import bot
from sandbox.running import run_small_aios
from sandbox.world import FLEET, SERVER
from tests.acceptance.outside import Outside, eventually
from tests.browser.serving import serve_states

PICTURE = Path(bot.__file__).parents[1] / "docs/images/pull-request.png"
FLEET_PICTURES = {("light", 1100): "fleet-page.png", ("dark", 390): "fleet-page-phone.png"}
EDITS = {
    "stacks/secrets/docker-compose.yml": [
        ("vault:/vault/file", "vault_data:/vault/file"),
        ("volumes:\n  vault:", "volumes:\n  vault_data:"),
    ],
    "stacks/ingress/docker-compose.yml": [
        ("traefik:v3.1", "traefik:v3.2"),
        ("    networks: [ingress]\n    volumes", '    networks: [ingress]\n    ports: ["8443:8443"]\n    volumes'),
    ],
    "stacks/observability/prometheus/prometheus.yml": [("15s", "30s")],
}


def main() -> None:
    """Push a few changes, and look at what the bot makes of them."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="aios-")))
        world = stack.enter_context(run_small_aios(folder, node_root=Path("/srv/aios"))).world
        files: dict[str, str | None] = {"README.md": "Stacks of the small AIOS.\n"}
        for name, edits in EDITS.items():
            text = (world.checkouts / "server" / name).read_text()
            for old, new in edits:
                text = text.replace(old, new)
            files[name] = text
        world.push(SERVER, files, "Traefik 3.2 with TLS on 8443, vault's data by its name, scrape every 30 s")
        outside = Outside(world)
        pull = eventually("the pull request", lambda: next(iter(outside.pulls(FLEET)), None))
        eventually("its plan", lambda: "aios/plan" in outside.checks(FLEET, pull["head"]["sha"]))
        draw(f"{world.hub.url}/{FLEET}/pull/{pull['number']}", PICTURE)


def draw_fleet_page() -> None:
    """A fleet in which a deploy failed, on a screen and on a phone."""
    with tempfile.TemporaryDirectory(prefix="aios-") as folder, serve_states(Path(folder)) as pages:
        for (scheme, width), name in FLEET_PICTURES.items():
            draw(pages["failing"], PICTURE.with_name(name), width=width, height=860, dark=scheme == "dark")


def draw(address: str, picture: Path, *, width: int = 1100, height: int = 620, dark: bool = False) -> None:
    """The top of the page at `address` as a PNG."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(
            viewport={"width": width, "height": height},
            device_scale_factor=1.5,
            color_scheme="dark" if dark else "light",
        )
        page.goto(address)
        page.screenshot(path=picture)
        browser.close()


if __name__ == "__main__":
    draw_fleet_page()
    main()
