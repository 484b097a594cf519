"""Pages of real-looking bumps: real stacks in real repositories, rendered by the real compose.

`python -m tests.golden.pages` writes them again; read the difference.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from bot.domain.names import SubmodulePath
from bot.features.bump.text import render_body, render_title
from bot.fleetfile import Submodule, parse_fleet
from bot.plan.model import Plan
from bot.planner.plans import read_plan
from tests import plans
from tests.integration.planner.render_world import RenderWorld

FOLDER = Path(__file__).parent / "pages"
Files = Mapping[str, str | None]
ONE_NODE = "nodes:\n  HP_LAB: {root: /srv/aios}\n"
TWO_NODES = """\
nodes:
  HP_LAB: {root: /srv/aios, variables: {DOMAIN: lab.example}}
  PI: {root: /home/pi/aios, stacks: [ingress], variables: {DOMAIN: pi.example}}
"""

INGRESS = """\
name: ingress
services:
  traefik:
    image: traefik:v3.1.4
    ports: ["80:80", "443:443"]
    volumes:
      - /var/run/docker.sock:/var/run/docker.sock:ro
      - ./traefik.yml:/etc/traefik/traefik.yml:ro
      - ./dynamic:/etc/traefik/dynamic:ro
    networks: [ingress]
    restart: unless-stopped
  whoami:
    image: traefik/whoami:v1.10.3
    labels:
      traefik.enable: "true"
      traefik.http.routers.whoami.rule: Host(`whoami.${DOMAIN:-lab.example}`)
    networks: [ingress]
    restart: unless-stopped
networks:
  ingress:
    name: ingress
"""
TRAEFIK = """\
entryPoints:
  web:
    address: ":80"
  websecure:
    address: ":443"
    http:
      middlewares: [login@file]
      tls: {certResolver: lab}
api:
  dashboard: true
  insecure: false
providers:
  docker: {exposedByDefault: false}
  file: {directory: /etc/traefik/dynamic, watch: true}
log:
  level: INFO
"""
OPENED = TRAEFIK.replace("      middlewares: [login@file]\n", "").replace("insecure: false", "insecure: true")
LOGIN = 'http:\n  middlewares:\n    login:\n      forwardAuth: {address: "http://authelia:9091/api/verify"}\n'
LAB = {
    "stacks/ingress/compose.yaml": INGRESS,
    "stacks/ingress/traefik.yml": TRAEFIK,
    "stacks/ingress/dynamic/login.yml": LOGIN,
    "README.md": "The lab's stacks.\n",
}

MEDIA = (
    *("sonarr", "radarr", "lidarr", "readarr", "prowlarr", "bazarr", "jellyfin", "jellyseerr", "qbittorrent"),
    *("sabnzbd", "tautulli", "overseerr", "flaresolverr", "unpackerr", "recyclarr"),
)


def _media(version: str, database: str, port: str) -> str:
    """Fifteen applications, a database and a proxy: seventeen services in one stack."""
    lines = ["name: media", "services:"]
    for name in MEDIA:
        lines += [
            f"  {name}:",
            f"    image: ghcr.io/lab/{name}:{version}",
            f"    volumes: ['{name}_config:/config']",
            "    environment: {TZ: Europe/Madrid}",
            "    restart: unless-stopped",
        ]
    lines += ["  database:", f"    image: postgres:{database}", "    volumes: ['database:/var/lib/postgresql/data']"]
    lines += [
        "  gluetun:",
        "    image: qmcgaw/gluetun:v3.39",
        f"    ports: ['{port}:8080']",
        "volumes:",
        "  database:",
    ]
    return "\n".join([*lines, *(f"  {name}_config:" for name in MEDIA)]) + "\n"


class Page(NamedTuple):
    """A bump: the fleet file, the stacks before (None: the submodule is new) and what the bump changes of them."""

    fleet: str
    before: Files | None
    change: Files


PAGES: dict[str, Page] = {
    "auth-removed": Page(ONE_NODE, LAB, {"stacks/ingress/traefik.yml": OPENED, "README.md": "The stacks.\n"}),
    "seventeen-services": Page(
        ONE_NODE,
        {**LAB, "stacks/media/compose.yaml": _media("2.4.1", "15.8", "127.0.0.1:8080")},
        {"stacks/media/compose.yaml": _media("2.5.0", "16.4", "8080")},
    ),
    "two-nodes": Page(
        TWO_NODES,
        {**LAB, "stacks/dns/compose.yaml": "services:\n  adguard:\n    image: adguard/adguardhome:v0.107.52\n"},
        {
            "stacks/ingress/compose.yaml": INGRESS.replace("whoami:v1.10.3", "whoami:v1.11.0"),
            "stacks/dns/compose.yaml": "services:\n  adguard:\n    image: adguard/adguardhome:v0.107.55\n",
        },
    ),
    "first-deploy": Page(ONE_NODE, None, LAB),
    "unreadable-stack": Page(
        ONE_NODE,
        {**LAB, "stacks/notes/compose.yaml": "services:\n  memos:\n    image: neosmemo/memos:0.22\n"},
        {
            "stacks/notes/compose.yaml": "services:\n  memos:\n    image: neosmemo/memos:0.23\n    port: [5230]\n",
            "stacks/ingress/compose.yaml": INGRESS.replace("whoami:v1.10.3", "whoami:v1.11.0"),
        },
    ),
}


def make_plan(page: Page, folder: Path) -> Plan:
    """The plan of the bump, with commits and ids that are always the same."""
    world = RenderWorld(folder)
    old = world.push(page.before) if page.before is not None else None
    made = read_plan(
        fleet=parse_fleet(page.fleet),
        repo=plans.FLEET,
        submodule=Submodule(path=SubmodulePath("server")),
        upstream_name=plans.UPSTREAM,
        old=old,
        new=world.push(page.change),
        renderer=world.renderer,
        commits=(plans.commit("Update the stacks"),),
        commits_total=1,
    )
    sample = plans.plan()
    return replace(made, id=sample.id, base=plans.BASE, old=plans.OLD if old else None, new=plans.NEW)


def render_page(page: Page, folder: Path) -> str:
    """Title and body, as the pull request shows them."""
    plan = make_plan(page, folder)
    return f"{render_title(plan)}\n\n{render_body(plan, plans.LINKS)}\n"


if __name__ == "__main__":
    for name, one in PAGES.items():
        with tempfile.TemporaryDirectory() as temporary:
            (FOLDER / f"{name}.md").write_text(render_page(one, Path(temporary)), encoding="utf-8")
