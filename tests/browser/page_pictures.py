"""Draws the pages of tests/golden/pages as a browser shows them: `make page-pictures`, into docs/images.

Each is the first screen of a pull request with that title and body in the embedded GitHub. It wants a font with
coloured signs, such as Debian's fonts-noto-color-emoji.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import requests

from sandbox.github import EmbeddedGitHub
from sandbox.service import free_port, new_secret
from sandbox.world import FLEET, AiosWorld, build_world
from tests.browser.picture import PICTURE, draw
from tests.golden.pages import FOLDER


def main() -> None:
    """Open a pull request for each page, and look at it."""
    with tempfile.TemporaryDirectory(prefix="aios-") as name:
        folder = Path(name)
        with EmbeddedGitHub(folder / "github") as hub:
            hub.start()
            world = build_world(
                hub,
                folder=folder / "people",
                node_root=folder / "node",
                webhook_url=f"http://127.0.0.1:{free_port()}/webhook",  # nobody is there
                webhook_secret=new_secret(),
            )
            for page in sorted(FOLDER.glob("*.md")):
                number = open_pull(world, page)
                draw(f"{hub.url}/{FLEET}/pull/{number}", PICTURE.with_name(f"{page.stem}.png"))


def open_pull(world: AiosWorld, page: Path) -> int:
    """The number of a new pull request whose title is the page's first line, and whose body is the rest."""
    title, _, body = page.read_text(encoding="utf-8").partition("\n\n")
    root = f"{world.hub.url}/api/v3/repos/{FLEET}"
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {world.token}"

        def send(method: str, path: str, fields: dict[str, Any] | None = None) -> requests.Response:
            answer = session.request(method, f"{root}/{path}", json=fields, timeout=30)
            answer.raise_for_status()
            return answer

        tip = send("GET", "git/ref/heads/main").json()["object"]["sha"]
        tree = send("GET", f"git/commits/{tip}").json()["tree"]["sha"]
        made = send("POST", "git/commits", {"message": "A page", "tree": tree, "parents": [tip]}).json()["sha"]
        send("POST", "git/refs", {"ref": f"refs/heads/{page.stem}", "sha": made})
        opened = send("POST", "pulls", {"head": page.stem, "base": "main", "title": title, "body": body})
        return int(opened.json()["number"])


if __name__ == "__main__":
    main()
