"""Every example in the pages is run or parsed; every link has a target."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

import click
import pytest

from bot.cli.groups import all_commands
from bot.cli.main import aios_bot
from bot.fleetfile import parse_fleet, parse_hub
from bot.fleetfile.yaml_lines import load_mapping
from bot.onboarding.migrate.jsonc import parse_jsonc
from bot.settings.environment import docker_environment
from tests.gitworld import git

ROOT = Path(__file__).parents[3]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/**/*.md")])
AIOS = ROOT / "sandbox/aios"
_FENCE = re.compile(
    r"(?:<!-- run: (?P<world>\w+) -->\n)?^(?P<marks>`{3,})(?P<language>\w*)\n(?P<text>.*?)^(?P=marks)$",
    re.MULTILINE | re.DOTALL,
)
_LINK = re.compile(r"(?<!\!)\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_NOT_A_FLEET_FILE = {"on", True, "jobs", "services", "name"}


class Example(NamedTuple):
    page: str
    line: int
    language: str
    text: str
    world: str | None

    @property
    def name(self) -> str:
        return f"{self.page}:{self.line}"


def find_examples() -> Iterator[Example]:
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for found in _FENCE.finditer(text):
            line = text.count("\n", 0, found.start("marks")) + 1
            name = page.relative_to(ROOT).as_posix()
            yield Example(name, line, found["language"], found["text"], found["world"])


EXAMPLES = list(find_examples())


def only(*languages: str) -> list[object]:
    return [pytest.param(one, id=one.name) for one in EXAMPLES if one.language in languages]


@pytest.mark.parametrize("example", only("yaml", "yml", "json", "jsonc"))
def test_every_file_in_a_page_is_valid(example: Example) -> None:
    if example.language in ("json", "jsonc"):
        parse_jsonc(example.text)
        return
    document = load_mapping(example.text, path=example.name)
    if set(document) == {"fleets"}:
        parse_hub(example.text)
    elif not set(document) & _NOT_A_FLEET_FILE:
        parse_fleet(example.text, path=example.name)


def calls(text: str) -> Iterator[list[str]]:
    """Every call of aios-bot in a piece of shell."""
    for line in text.replace("\\\n", " ").splitlines():
        found = re.match(r"\s*(?:\$ |sudo )?aios-bot\b(.*)", line)
        if found:
            words = shlex.split(re.sub(r"\s#.*", "", found.group(1)).split("|")[0])
            yield words


@pytest.mark.parametrize("example", only("sh", "bash", "powershell", "console"))
def test_a_command_in_a_page_exists_with_its_options(example: Example) -> None:
    for words in calls(example.text):
        command: click.Command = aios_bot
        while isinstance(command, click.Group) and words and not words[0].startswith("-"):
            name = words.pop(0)
            known = all_commands(command)
            assert name in known, f"{example.name}: {name} is no command"
            command = known[name]
        if command.name != "sandbox":
            command.make_parser(click.Context(command)).parse_args(words)


def test_the_readme_says_how_to_get_the_command_from_a_clone() -> None:
    """Before it uses the command for the first time; typed as printed, nothing is `not found`."""
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines() if line.strip()]
    first = next(index for index, line in enumerate(lines) if line.startswith("aios-bot"))
    shell = ["sh", "-c", f"{lines[first - 1]}\naios-bot --version"]
    environment = {"PATH": "/usr/bin:/bin"}
    done = subprocess.run(shell, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "version" in done.stdout


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(page: Path) -> None:
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    for found in _LINK.finditer(text):
        target = unquote(found["target"].split("#")[0])
        if target and "://" not in target and not target.startswith("mailto:"):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_every_page_is_reached_from_the_index_or_its_folder() -> None:
    index = (ROOT / "docs/README.md").read_text()
    reached = {(ROOT / "docs" / unquote(found["target"])).resolve() for found in _LINK.finditer(index)}
    for page in PAGES:
        assert page.name == "README.md" or page in reached or page.parent in reached or page.parent == ROOT, page


# -- examples that are run ----------------------------------------------------------------------------------------


def make_world(place: Path, kind: str) -> None:
    """A person's home and what GitHub has, which git finds under GitHub's own addresses."""
    home, github = place / "home", place / "github/Tecnocrat"
    for folder in (home, github, place / "work"):
        folder.mkdir(parents=True)
    (home / ".gitconfig").write_text(
        "[user]\n\tname = ada\n\temail = ada@example.com\n[init]\n\tdefaultBranch = main\n"
        f'[url "{github}/"]\n\tinsteadOf = https://github.com/Tecnocrat/\n[protocol "file"]\n\tallow = always\n'
    )
    source = place / "source"
    shutil.copytree(AIOS / "server", source)
    for words in (
        ("init", "--quiet", "--initial-branch=main"),
        ("add", "--all"),
        ("commit", "--quiet", "-m", "First"),
    ):
        git(source, *words)
    git(place, "clone", "--quiet", "--bare", str(source), str(github / "server.git"))
    for name in ("aios-win", "aios-linux"):
        git(place, "init", "--quiet", "--bare", "--initial-branch=main", str(github / f"{name}.git"))
    root = place / "work/aios-supercell"
    if kind == "folder":
        root.mkdir()
        (root / "AIOS-KNOWLEDGE-BASE.md").write_text("# All we know\n")
        (root / "README.md").write_text("# The cell\n")
        run(place, "git clone --quiet https://github.com/Tecnocrat/server.git ../users-server")
        (root / "server").symlink_to(place / "users-server")
        return
    run(
        place,
        f"""
        mkdir aios-win && cp -r {AIOS}/aios-win/README.md aios-win/ && cd aios-win
        git init --quiet && git remote add origin https://github.com/Tecnocrat/aios-win.git
        git submodule --quiet add -b main https://github.com/Tecnocrat/server.git server
        git add --all && git commit --quiet -m First
        aios-bot fleet init --template linux --node HP_LAB --write >/dev/null
        git add --all && git commit --quiet -m Fleet && git push --quiet -u origin main
        """,
    )
    if kind == "behind":
        (source / "README.md").write_text("newer\n")
        git(source, "commit", "--quiet", "--all", "-m", "Second")
        git(source, "push", "--quiet", str(github / "server.git"), "main")


def run(place: Path, script: str) -> str:
    """A piece of shell as a person runs it, with what it said."""
    environment = docker_environment() | {"HOME": str(place / "home")}
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=place / "work",
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, f"{script}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    return done.stdout


RUN = sorted({(one.page, one.world) for one in EXAMPLES if one.world})


@pytest.mark.parametrize(("page", "world"), RUN)
def test_the_examples_of_a_page_run_one_after_the_other(tmp_path: Path, page: str, world: str) -> None:
    make_world(tmp_path, world)
    for example in EXAMPLES:
        if example.page == page and example.world == world:
            run(tmp_path, example.text)
