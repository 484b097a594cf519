"""`fleet init` on a repository like aios-win: its proposal is valid, and plans with real compose."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot.cli.main import aios_bot
from bot.domain.names import StackName
from bot.features.bump.text import render_body
from bot.fleetfile import FLEET_FILE, Platform, parse_fleet
from bot.fleetfile.edit import remove_entry
from bot.onboarding.survey.read import read_repository
from bot.plan.report.links import Links
from bot.planner.renderer import Renderer
from tests.gitworld import commit, git, new_repository
from tests.plans import read_local_plan

NETWORK = "networks:\n  ingress:\n    name: ingress\n"
USER = "networks:\n  ingress:\n    external: true\n"
SERVICE = "services:\n  {name}:\n    image: {image}\n    networks: [ingress]\n"


def stack(name: str, image: str, networks: str = USER) -> dict[str, str]:
    """A stack with a base file and overlays for Windows, Linux and one more."""
    folder = f"stacks/{name}"
    overlay = "services:\n  {name}:\n    environment: {{PLATFORM: {platform}}}\n"
    return {
        f"{folder}/docker-compose.yml": SERVICE.format(name=name, image=image) + networks,
        f"{folder}/docker-compose.windows.yml": overlay.format(name=name, platform="windows"),
        f"{folder}/docker-compose.linux.yml": overlay.format(name=name, platform="linux"),
        f"{folder}/docker-compose.prod.yml": overlay.format(name=name, platform="prod"),
    }


STACKS = {
    **stack("ai", "ollama:1"),
    **stack("databases", "postgres:16", "networks:\n  ingress:\n    external: true\n  backup:\n    external: true\n"),
    **stack("ingress", "traefik:v3.1", NETWORK),
    **stack("observability", "grafana:11"),
    **stack("secrets", "vault:1.17"),
    "stacks/ingress/dynamic/headers.yml": "http: {}\n",
    "compose.yaml": "services: {}\n",
}
HOSTS = """\
# Who is who.
hosts:
  HP_LAB:
    os: Windows 11 Pro
    ip: 192.168.1.20
    branch: AIOS-win-0-HP_LAB
    paths: {root: 'C:\\aios-supercell', data: 'D:\\data'}
  AIOS:
    os: Windows 11
    root: C:\\aios-supercell
    roles: [ingress, secrets, gpu]
  'pi 4':
    platform: Ubuntu Server
    root: /srv/aios
"""
BRANCHES = ("main", "AIOS-win-0-HP_LAB", "AIOS-win-0-AIOS", "stable")
TOOLS = ("tools/one", "tools/two", "vendor/three", "vendor/four", "vendor/five", "docs/six", "agents/seven")


@pytest.fixture(scope="module")
def aios_win(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout with four base branches and nine submodules, one of them with a broken stanza and one missing."""
    folder = tmp_path_factory.mktemp("aios-win")
    server = new_repository(folder / "server")
    commit(server, STACKS, "stacks")
    tool = new_repository(folder / "tool")
    commit(tool, {"README.md": "a tool\n"}, "a tool")
    source = new_repository(folder / "source")
    modules = f'[submodule "server"]\n\tpath = server\n\turl = {server}\n\tbranch = main\n'
    modules += "".join(f'[submodule "{path}"]\n\tpath = {path}\n\turl = {tool}\n' for path in TOOLS)
    broken = '[submodule "gone"]\n\tpath = gone\n'
    pins = {"server": git(server, "rev-parse", "HEAD")} | {path: git(tool, "rev-parse", "HEAD") for path in TOOLS}
    commit(
        source,
        {".gitmodules": modules, "config/hosts.yaml": HOSTS, "scripts/00-master-bootstrap.ps1": "x"},
        "all",
        pins,
    )
    for branch in BRANCHES[1:]:
        git(source, "branch", branch)
    git(
        folder,
        "-c",
        "protocol.file.allow=always",
        "clone",
        "--quiet",
        "--recurse-submodules",
        str(source),
        "aios-win",
    )
    checkout = folder / "aios-win"
    commit(checkout, {".gitmodules": modules + broken}, "a broken stanza")
    git(checkout, "submodule", "--quiet", "deinit", "--force", TOOLS[0])
    return checkout


def run(*arguments: str) -> str:
    done = CliRunner().invoke(aios_bot, ["fleet", "init", *arguments])
    assert done.exit_code == 0, done.output
    return done.output


def test_it_proposes_a_file_that_validates_and_plans(aios_win: Path, tmp_path: Path) -> None:
    said = run(str(aios_win), "--write")
    file = aios_win / FLEET_FILE
    proposed = parse_fleet(file.read_text())
    assert set(proposed.bases) == set(BRANCHES)
    assert proposed.bases[0] == "main"
    assert [(s.path, s.stacks, s.order[0]) for s in proposed.submodules] == [("server", "stacks/*", "ingress")]
    aios, pi = proposed.nodes
    assert (aios.name, aios.platform, aios.root) == ("AIOS", Platform.WINDOWS, r"C:\aios-supercell")
    assert aios.files[StackName("ingress")] == ("docker-compose.yml", "docker-compose.windows.yml")
    assert (aios.stacks, set(aios.files)) == (("ingress", "secrets"), {"ingress", "secrets"})
    assert (pi.name, pi.platform, pi.root) == ("pi-4", Platform.LINUX, "/srv/aios")
    assert pi.files[StackName("ai")] == ("docker-compose.yml", "docker-compose.linux.yml")
    assert aios.bootstrap == ("scripts/00-master-bootstrap.ps1",)
    assert pi.bootstrap == ()
    assert "192.168" not in file.read_text()
    for words in (
        "not checked out; git submodule update --init tools/one",
        ".gitmodules, line 26: submodule 'gone' has no url",
        "submodule vendor/five holds no stacks",
        "no stack creates the network backup (needed by databases): docker network create backup",
        "scripts/00-master-bootstrap.ps1",
        "CODEOWNERS",
        "HP_LAB deploys from AIOS-win-0-HP_LAB by config/hosts.yaml, so it is left out of main",
        "machines taken from config/hosts.yaml: AIOS, pi-4",
    ):
        assert words in said, said

    assert "workflow_dispatch" in (aios_win / ".github/workflows/deploy.yml").read_text()
    server = aios_win / "server"
    commit(
        server,
        {"stacks/ingress/docker-compose.yml": STACKS["stacks/ingress/docker-compose.yml"].replace("3.1", "3.2")},
    )
    plan = read_local_plan(
        repo=aios_win,
        submodule="server",
        old=None,
        new=None,
        fleet_file=file,
        renderer=Renderer(cache_root=tmp_path, secret_key=b"k" * 32),
    )
    stacks = {node.node: [stack.stack for stack in node.stacks] for node in plan.nodes}
    everything = ["ingress", "ai", "databases", "observability", "secrets"]
    assert stacks == {"AIOS": ["ingress", "secrets"], "pi-4": everything}
    assert [stack.error for node in plan.nodes for stack in node.stacks if stack.error] == []
    assert "nothing to add" in run(str(aios_win), "--write")


def test_a_base_gets_the_machines_that_deploy_from_it(aios_win: Path, tmp_path: Path) -> None:
    """One machine in the files of two bases would get an order at each one's merge."""
    shutil.copytree(aios_win, tmp_path / "clone", symlinks=True)
    clone = tmp_path / "clone"
    git(clone, "checkout", "--quiet", "--force", "-B", "AIOS-win-0-HP_LAB")
    (clone / FLEET_FILE).unlink(missing_ok=True)
    run(str(clone), "--write")
    (lab,) = parse_fleet((clone / FLEET_FILE).read_text()).nodes
    assert (lab.name, lab.platform, lab.root) == ("HP_LAB", Platform.WINDOWS, r"C:\aios-supercell")
    assert lab.files[StackName("ingress")] == ("docker-compose.yml", "docker-compose.windows.yml")
    git(clone, "checkout", "--quiet", "--force", "-B", "my-proposal")
    (clone / FLEET_FILE).unlink(missing_ok=True)
    run(str(clone), "--write")
    assert [node.name for node in parse_fleet((clone / FLEET_FILE).read_text()).nodes] == ["AIOS", "pi-4"]


def test_a_machine_of_another_base_that_is_named_here(aios_win: Path) -> None:
    file = aios_win / FLEET_FILE
    file.parent.mkdir(exist_ok=True)
    file.write_text("version: 1\nnodes:\n  hp_lab:\n    platform: windows\n")
    notes = run(str(aios_win))
    assert "names it too: keep it in one of them" in notes
    assert "left out of main" not in notes
    file.unlink()
    notes = run(str(aios_win), "--node", "HP_LAB", "--write")
    assert "HP_LAB deploys from" not in notes
    lab = next(node for node in parse_fleet(file.read_text()).nodes if node.name == "HP_LAB")
    assert (lab.platform, lab.root) == (Platform.WINDOWS, r"C:\aios-supercell")


def test_a_repository_of_stacks_alone_is_no_fleet(tmp_path: Path) -> None:
    server = new_repository(tmp_path / "server")
    commit(server, STACKS, "stacks")
    told = run(str(server), "--write")
    assert "no file is proposed" in told
    assert "holds stacks itself (stacks/*)" in told
    assert not (server / ".github").exists()


def test_an_existing_file_is_kept_and_gets_the_entries_it_lacks(aios_win: Path) -> None:
    mine = "# mine\nversion: 1\nbases: [main]   # only this\n\nnodes:\n  hp_lab:   # the lab\n    platform: windows\n"
    file = aios_win / FLEET_FILE
    file.parent.mkdir(exist_ok=True)
    file.write_text(mine)
    assert "HP_LAB deploys from" not in run(str(aios_win), "--write")  # its branch is no base here
    text = file.read_text()
    assert text.startswith("# mine\nversion: 1\nbases: [main]   # only this\n\nnodes:\n  hp_lab:   # the lab\n")
    assert [node.name for node in parse_fleet(text).nodes] == ["hp_lab", "AIOS", "pi-4"]
    for added in (("submodules",), ("nodes", "AIOS"), ("nodes", "pi-4")):
        text = remove_entry(text, added)
    assert text == mine


def test_without_the_flag_nothing_is_written(aios_win: Path) -> None:
    (aios_win / FLEET_FILE).unlink(missing_ok=True)
    said = run(str(aios_win))
    assert "version: 1" in said
    assert "nothing was written" in said
    assert not (aios_win / FLEET_FILE).exists()


@pytest.mark.parametrize(
    ("platform", "root", "overlay"),
    [
        (Platform.LINUX, "/srv/aios", "docker-compose.linux.yml"),
        (Platform.WINDOWS, r"C:\aios-supercell", "docker-compose.windows.yml"),
        (Platform.ANDROID, "/data/data/com.termux/files/home/aios", None),
    ],
)
def test_a_template_fills_a_platforms_repository(
    tmp_path: Path, platform: Platform, root: str, overlay: str | None
) -> None:
    server = new_repository(tmp_path / "server")
    commit(server, STACKS, "stacks")
    own = new_repository(tmp_path / f"aios-{platform}")
    git(own, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(server), "server")
    commit(own, {}, "with server")
    run(str(own), "--template", str(platform), "--node", "N1", "--write")
    node = parse_fleet((own / FLEET_FILE).read_text()).nodes[0]
    assert (node.name, node.platform, node.root) == ("N1", platform, root)
    assert node.files.get(StackName("ingress")) == (("docker-compose.yml", overlay) if overlay else None)


def test_a_folder_without_a_repository_is_an_error(tmp_path: Path) -> None:
    done = CliRunner().invoke(aios_bot, ["fleet", "init", str(tmp_path)])
    assert "fleet migrate" in str(done.exception)


PLATFORMS = """\
nodes:
  HP_LAB:
    platform: windows
    files: {ingress: [docker-compose.yml, docker-compose.windows.yml]}
  PI:
    platform: linux
    profiles: [tls]
    files: {ingress: [docker-compose.yml, docker-compose.linux.yml]}
  PHONE:
    platform: android
    stacks: [ingress]
    variables: {TAG: "3.2-arm"}
"""
INGRESS = """\
services:
  traefik:
    image: traefik:${{TAG:-{tag}}}
  acme:
    image: acme:{tag}
    profiles: [tls]
"""


def test_platforms_differ_by_overlays_profiles_and_variables_in_one_plan_table(tmp_path: Path) -> None:
    server = new_repository(tmp_path / "server")
    file = "stacks/ingress/docker-compose.yml"
    overlay = "services:\n  traefik:\n    environment: {{PLATFORM: {}}}\n"
    overlays = {f"stacks/ingress/docker-compose.{one}.yml": overlay.format(one) for one in ("windows", "linux")}
    commit(server, overlays | {file: INGRESS.format(tag="3.1")}, "stacks")
    own = new_repository(tmp_path / "fleet")
    git(own, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(server), "server")
    commit(own, {FLEET_FILE: PLATFORMS}, "a fleet of three platforms")
    commit(own / "server", {file: INGRESS.format(tag="3.2")}, "3.2")
    renderer = Renderer(cache_root=tmp_path / "cache", secret_key=b"k" * 32)
    plan = read_local_plan(repo=own, submodule="server", old=None, new=None, fleet_file=None, renderer=renderer)
    body = render_body(plan, Links())
    assert sum(set(line) <= set("| -") and "-" in line for line in body.splitlines()) == 1, body
    rows = [line.split(" | ")[1] for line in body.splitlines() if line.startswith("|")][2:]
    touched = [" ".join(sorted(set(re.findall(r"\b(HP_LAB|PI|PHONE|traefik|acme)\b", row)))) for row in rows]
    # The profile adds acme on the one, the variable keeps the phone where it is.
    assert sorted(touched) == ["HP_LAB PI traefik", "PI acme"], rows
    assert body.startswith("**2 services recreated on 2 of 3 nodes**"), body


def test_the_default_branch_of_a_clone_that_was_made_by_hand(tmp_path: Path) -> None:
    """`git init`, `git remote add`, `git fetch` write no origin/HEAD; a feature branch is checked out."""
    origin = new_repository(tmp_path / "origin")
    commit(origin, {"README.md": "One\n"})
    git(origin, "branch", "--move", "master")
    clone = new_repository(tmp_path / "clone")
    git(clone, "remote", "add", "origin", str(origin))
    git(clone, "fetch", "--quiet", "origin")
    git(clone, "checkout", "--quiet", "-b", "feature", "origin/master")
    assert read_repository(clone).default_branch == "master"
