"""The risk rules on what the real compose makes of real files: the shapes that the unit tests assume are its own."""

from __future__ import annotations

import pytest

from bot.domain.names import SubmodulePath
from bot.fleetfile import Submodule, parse_fleet
from bot.plan.model import Plan
from bot.planner.plans import read_plan
from tests.integration.planner.render_world import RenderWorld

OLD = """
services:
  db:
    image: postgres:15
    environment: {POSTGRES_PASSWORD: first-of-all}
    volumes: [data:/var/lib/postgresql/data]
    ports: ["127.0.0.1:5432:5432"]
    healthcheck: {test: [CMD, pg_isready]}
  web:
    image: nginx:1.27
    user: "1000"
    labels:
      - traefik.http.routers.web.rule=Host(`a.example`)
      - traefik.http.routers.web.tls=true
      - traefik.http.routers.web.middlewares=auth
    security_opt: [no-new-privileges:true]
  cache:
    image: redis:7
    volumes: [./cache:/data]
volumes:
  data:
  other:
"""
NEW = """
services:
  db:
    image: postgres:16
    environment: {POSTGRES_PASSWORD: second-one}
    volumes: [other:/var/lib/postgresql/data]
    ports: ["5432:5432"]
  web:
    image: evil.example/nginx
    user: root
    privileged: true
    pid: host
    cap_add: [SYS_ADMIN, IPC_LOCK]
    devices: [/dev/ttyUSB0]
    ports: ["8443:443", "127.0.0.1:81:81"]
    labels:
      - traefik.http.routers.web.rule=PathPrefix(`/`)
    security_opt: [seccomp:unconfined]
    volumes:
      - /var/run/docker.sock:/var/run/docker.sock:ro
      - /etc:/host/etc
      - C:\\data:/data
    networks: [shared]
    container_name: same
  cache:
    image: redis:6.2
    volumes: [./elsewhere:/data]
volumes:
  data:
  other:
networks:
  shared:
    external: true
    name: nobody-makes-it
"""
NEIGHBOUR_OLD = "services:\n  app:\n    image: app:1\n"
NEIGHBOUR_NEW = """
name: clash
services:
  app:
    image: app:1
    network_mode: host
    ipc: host
    container_name: same
  also:
    image: app:1
    ports: ["8443:8443"]
    networks: [own]
networks:
  own:
    ipam: {config: [{subnet: 10.77.0.0/16}]}
"""
THIRD_NEW = """
name: clash
services:
  app:
    image: app:1
    networks: [own]
volumes:
  kept:
    driver_opts: {type: nfs, o: addr=10.0.0.1, device: ":/x"}
networks:
  own:
    name: clash_own
    ipam: {config: [{subnet: 10.77.3.0/24}]}
"""
THIRD_OLD = "name: third\nservices:\n  app:\n    image: app:1\n    volumes: [kept:/k]\nvolumes:\n  kept:\n"
FLEET = """
nodes:
  LINUX: {root: /srv/aios}
  WIN: {platform: windows, root: 'C:\\aios', stacks: [a]}
"""


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    world = RenderWorld(tmp_path_factory.mktemp("risks"))
    gone = {"stacks/gone/compose.yaml": "services:\n  app:\n    image: app:1\n"}
    old = {"a": OLD, "b": NEIGHBOUR_OLD, "c": THIRD_OLD}
    new = {"a": NEW, "b": NEIGHBOUR_NEW, "c": THIRD_NEW}
    before = world.push({f"stacks/{name}/compose.yaml": text for name, text in old.items()} | gone)
    after = world.push({f"stacks/{name}/compose.yaml": text for name, text in new.items()} | dict.fromkeys(gone))
    return read_plan(
        fleet=parse_fleet(FLEET),
        repo=None,
        submodule=Submodule(path=SubmodulePath("server")),
        upstream_name=None,
        old=before,
        new=after,
        renderer=world.renderer,
        commits=(),
        commits_total=0,
    )


def fired(plan: Plan, node: str, stack: str, service: str = "") -> set[str]:
    """The ids of the rules that fired there; without a service, those of the stack as a whole."""
    found = [s for n in plan.nodes if n.node == node for s in n.stacks if s.stack == stack][-1]
    risks = found.risks if not service else next(s.risks for s in found.services if s.service == service)
    assert all(risk.where is None or risk.where.path.startswith("server/stacks/") for risk in risks)
    return {risk.rule for risk in risks}


def test_a_database(plan: Plan) -> None:
    assert fired(plan, "LINUX", "a", "db") == {
        "data.database_major",
        "data.volume_renamed",
        "exposure.bind_address",
        "health.removed",
        "secret.changed",
    }


def test_a_service_that_takes_every_liberty(plan: Plan) -> None:
    assert fired(plan, "LINUX", "a", "web") == {
        "exposure.port_published",
        "exposure.traefik_guard",
        "exposure.traefik_route",
        "exposure.traefik_tls",
        "image.other_source",
        "image.unpinned",
        "platform.foreign_path",
        "privilege.capability",
        "privilege.device",
        "privilege.docker_socket",
        "privilege.host_namespace",
        "privilege.privileged",
        "privilege.root_user",
        "privilege.strong_capability",
        "privilege.system_bind",
        "privilege.unconfined",
    }
    on_windows = fired(plan, "WIN", "a", "web")
    assert "platform.foreign_path" in on_windows  # /etc there
    assert "privilege.docker_socket" in on_windows


def test_what_moved_on_disk(plan: Plan) -> None:
    assert fired(plan, "LINUX", "a", "cache") == {"data.database_downgrade", "data.folder_moved"}
    texts = [r.text for n in plan.nodes for s in n.stacks for one in s.services for r in one.risks]
    assert any("folder server/stacks/a/elsewhere instead of folder server/stacks/a/cache" in text for text in texts)


def test_neighbours(plan: Plan) -> None:
    assert fired(plan, "LINUX", "a") == {"network.external_missing"}
    assert fired(plan, "LINUX", "b", "app") == {
        "collision.container_name",
        "exposure.host_network",
        "privilege.host_namespace",
    }
    assert fired(plan, "LINUX", "b", "also") == {"collision.port", "exposure.port_published"}
    assert fired(plan, "LINUX", "c") == {"collision.network", "collision.project", "collision.subnet"}
    assert fired(plan, "LINUX", "gone") == {"data.stack_removed"}


def test_a_risk_has_the_line_that_brought_it(plan: Plan) -> None:
    web = next(one for n in plan.nodes for s in n.stacks for one in s.services if one.service == "web")
    lines = NEW.splitlines()
    for rule, words in (("privilege.privileged", "privileged"), ("privilege.docker_socket", "docker.sock")):
        where = next(risk.where for risk in web.risks if risk.rule == rule)
        assert where is not None
        assert words in lines[where.line - 1]
