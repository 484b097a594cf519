"""Files that services read, changed in a real repository, and mounted by stacks that the real compose renders."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from msgspec.structs import replace

from bot.domain.names import SubmodulePath
from bot.fleetfile import Submodule, parse_fleet
from bot.plan.identity import identify_plan
from bot.plan.model import FileDiff, Plan, SourceLine
from bot.planner.plans import read_plan
from tests.integration.planner.render_world import RenderWorld

FLEET = "nodes:\n  A: {root: /srv/aios}\n  B: {root: /srv/aios}\n"
COMPOSE = """
services:
  traefik:
    image: traefik:v3.1
    env_file: [public.env, private.env]
    volumes:
      - ./traefik.yml:/etc/traefik/traefik.yml:ro
      - ./dynamic:/etc/traefik/dynamic:ro
    secrets: [token]
    configs: [motd]
secrets:
  token: {file: ./token.txt}
configs:
  motd: {file: ./motd.txt}
"""
AUTH = """\
http:
  routers:
    web:
      rule: Host(`a.example`)
      middlewares: [login]
  middlewares:
    login:
      basicAuth:
        users: ["admin:$apr1$H6uskkkW$IgXLP6ewTrSuBkTrqE8wj/"]
"""
HERE = "stacks/ingress"
OLD = {
    f"{HERE}/compose.yaml": COMPOSE,
    f"{HERE}/traefik.yml": "api:\n  insecure: false\nlog:\n  level: INFO\n",
    f"{HERE}/dynamic/web.yml": AUTH,
    f"{HERE}/dynamic/gone.yml": "a: 1\n",
    f"{HERE}/dynamic/acme.json": '{"key": "0123456789abcdef"}\n',
    f"{HERE}/dynamic/logo.png": "\x89PNG\0\1",
    f"{HERE}/dynamic/big.txt": "x" * 300_000,
    f"{HERE}/dynamic/db.conf": "password = correct-horse-battery\nlevel = 1\n",
    f"{HERE}/public.env": "TZ=Europe/Berlin\nLOG_LEVEL=info\n",
    f"{HERE}/private.env": "API_TOKEN=0f9e8d7c6b5a49382716\n",
    f"{HERE}/token.txt": "correct-horse\n",
    f"{HERE}/motd.txt": "hello\n",
    f"{HERE}/notes.txt": "nobody reads this\n",
    "stacks/other/compose.yaml": "services:\n  web: {image: 'nginx:1.27'}\n",
    # It never runs, and is looked at before the stack that mounts the file: what it calls a profile is still mounted.
    "stacks/early/compose.yaml": (
        "services:\n  no: {image: 'a:1', scale: 0, security_opt: ['seccomp:../ingress/dynamic/web.yml']}\n"
    ),
}
NEW: dict[str, str | None] = {
    f"{HERE}/traefik.yml": "api:\n  insecure: true\nlog:\n  level: INFO\n",
    f"{HERE}/dynamic/web.yml": AUTH.replace("      middlewares: [login]\n", ""),
    f"{HERE}/dynamic/gone.yml": None,
    f"{HERE}/dynamic/acme.json": '{"key": "fedcba9876543210"}\n',
    f"{HERE}/dynamic/logo.png": "\x89PNG\0\2",
    f"{HERE}/dynamic/big.txt": "y" * 300_000,
    f"{HERE}/dynamic/db.conf": "password = another-horse-battery\nlevel = 2\n",
    f"{HERE}/public.env": "TZ=Europe/Berlin\nLOG_LEVEL=debug\n",
    f"{HERE}/private.env": "API_TOKEN=1f9e8d7c6b5a49382716\n",
    f"{HERE}/token.txt": "another-horse\n",
    f"{HERE}/motd.txt": "good day\n",
    f"{HERE}/notes.txt": "still nobody\n",
}


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    world = RenderWorld(tmp_path_factory.mktemp("files"))
    before, after = world.push(OLD), world.push(NEW)
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


def shown(plan: Plan, name: str) -> FileDiff:
    return next(one for one in plan.file_diffs if one.path == f"server/{HERE}/{name}")


def test_each_file_that_a_service_reads_is_there_once(plan: Plan) -> None:
    names = [one.path.removeprefix(f"server/{HERE}/") for one in plan.file_diffs]
    dynamic = ["acme.json", "big.txt", "db.conf", "gone.yml", "logo.png", "web.yml"]
    others = ["motd.txt", "private.env", "public.env", "token.txt", "traefik.yml"]
    assert names == [*(f"dynamic/{name}" for name in dynamic), *others]


def test_a_mounted_file_and_a_config_show_what_changed(plan: Plan) -> None:
    assert shown(plan, "traefik.yml").diff.splitlines()[2:4] == ["-  insecure: false", "+  insecure: true"]
    assert shown(plan, "motd.txt").diff == "@@ -1 +1 @@\n-hello\n+good day"
    assert shown(plan, "dynamic/gone.yml").diff == "@@ -1 +0,0 @@\n-a: 1"
    assert shown(plan, "public.env").diff.splitlines()[-2:] == ["-LOG_LEVEL=info", "+LOG_LEVEL=debug"]


def test_secrets_are_in_no_diff(plan: Plan) -> None:
    notes = {name: shown(plan, name).note for name in ("token.txt", "private.env", "dynamic/acme.json")}
    assert notes == {
        "token.txt": "is a secret: its content is never shown",
        "private.env": "is not shown: a value in it may be a secret",
        "dynamic/acme.json": "is not shown: by its name it holds secrets",
    }
    everything = str(plan)
    for secret in ("horse", "7c6b5a49", "IgXLP6ew", "fedcba98"):
        assert secret not in everything, secret
    assert shown(plan, "dynamic/db.conf").diff.splitlines()[-1] == "+level = 2"
    assert shown(plan, "dynamic/db.conf").diff.count("password = ‹secret ") == 2


def test_a_guess_in_one_plan_cannot_be_compared_with_a_secret_in_another(tmp_path: Path) -> None:
    world = RenderWorld(tmp_path)
    conf, guess = f"{HERE}/dynamic/db.conf", "password = correct-horse-battery\nlevel = 3\n"
    start = world.push({**OLD, conf: "level = 1\n"})
    sides = [start, world.push(OLD), world.push({conf: "level = 1\n"}), world.push({conf: guess})]
    marks = []
    for old, new in ((sides[0], sides[1]), (sides[2], sides[3])):
        plan = read_plan(
            fleet=parse_fleet(FLEET),
            repo=None,
            submodule=Submodule(path=SubmodulePath("server")),
            upstream_name=None,
            old=old,
            new=new,
            renderer=world.renderer,
            commits=(),
            commits_total=0,
        )
        marks += re.findall("‹secret [0-9a-f]{8}›", shown(plan, "dynamic/db.conf").diff)
    assert len(marks) == 2, marks
    assert len({*marks}) == 2, "the same secret, and two marks"


def test_what_cannot_be_compared_says_why(plan: Plan) -> None:
    assert shown(plan, "dynamic/logo.png") == FileDiff(f"server/{HERE}/dynamic/logo.png", "", "is not text")
    assert shown(plan, "dynamic/big.txt").note == "is too large to be compared here"


def test_reasons_lead_to_the_line_of_the_file(plan: Plan) -> None:
    (service,) = next(stack for stack in plan.nodes[0].stacks if stack.stack == "ingress").services
    lines = {
        reason.text.rpartition(" ")[2]: reason.where for reason in service.reasons if "mounted at" in reason.text
    }
    assert lines["/etc/traefik/traefik.yml"] == SourceLine(f"server/{HERE}/traefik.yml", 2)
    assert lines["/motd"] == SourceLine(f"server/{HERE}/motd.txt", 1)


def test_a_lost_guard_is_a_risk_at_its_line(plan: Plan) -> None:
    for node in plan.nodes:
        (service,) = next(stack for stack in node.stacks if stack.stack == "ingress").services
        (risk,) = [risk for risk in service.risks if risk.rule == "exposure.file_guard"]
        assert (
            risk.text
            == "authentication or TLS may be gone: the mounted web.yml names middlewares less often than before"
        )
        assert risk.where == SourceLine(f"server/{HERE}/dynamic/web.yml", 5)


def test_diffs_are_no_part_of_the_plan_s_identity(plan: Plan) -> None:
    assert identify_plan(plan.base, plan.old, plan.new, plan.nodes) == plan.id
    assert replace(plan, file_diffs=()).id == plan.id


def test_a_first_deploy_has_no_diffs(tmp_path: Path) -> None:
    world = RenderWorld(tmp_path)
    first = read_plan(
        fleet=parse_fleet(FLEET),
        repo=None,
        submodule=Submodule(path=SubmodulePath("server")),
        upstream_name=None,
        old=None,
        new=world.push(OLD),
        renderer=world.renderer,
        commits=(),
        commits_total=0,
    )
    assert first.file_diffs == ()
