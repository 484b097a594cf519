"""Input that cannot be planned, kind by kind: reported before the merge, and blocked? `python -m bench unreadable`.

Each kind is one stack of a real repository beside a readable one. "reported": the pull request's first line says so
and the stack's own error is there; "check": the check is no success, so the merge is held back where it is
required; "held": the order of a merge is refused for the node. "silent" counts the kinds that fail in any of these.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import NamedTuple

from bot.domain.errors import BotError
from bot.domain.names import BranchName, CommitSha, RepoName, SubmodulePath
from bot.domain.verbs import PREFIX
from bot.features.bump.text import render_body
from bot.features.rollout.apply.approval import check_readable
from bot.fleetfile import Submodule, parse_fleet
from bot.plan.model import Plan
from bot.plan.order import OrderRequest
from bot.plan.report.check import render_check
from bot.plan.report.links import Links
from bot.planner.plans import read_plan
from bot.protocol.order import OrderKind
from tests.integration.planner.render_world import RenderWorld

FLEET = parse_fleet("nodes:\n  N: {root: /srv/aios}\n")
GOOD = "services:\n  web: {image: 'app:1.0'}\n"
_WEB = "services:\n  web:\n    image: app:1.0\n"
_BOMB = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40))


class Kind(NamedTuple):
    """One way to be unreadable: the files of the stack, and symbolic links."""

    name: str
    files: dict[str, str | None]
    links: dict[str, str] = {}


def _compose(name: str, text: str, **links: str) -> Kind:
    return Kind(name, {"compose.yaml": text}, {f"compose-{key}.yaml": target for key, target in links.items()})


KINDS = (
    _compose("broken YAML", "services:\n  web: [\n"),
    _compose("a tab as indentation", "services:\n\tweb: {image: 'app:1.0'}\n"),
    _compose("no mapping", "- services\n"),
    _compose("an unknown top-level key", GOOD + "service: {}\n"),
    _compose("an unknown key of a service", _WEB + "    imgae: app:1.0\n"),
    _compose("a list where a name belongs", "services:\n  web:\n    image: [not, a, name]\n"),
    _compose("neither image nor build", "services:\n  web: {command: run}\n"),
    _compose("a port that is none", _WEB + "    ports: ['http:eighty']\n"),
    _compose("a dependency that is not there", _WEB + "    depends_on: [db]\n"),
    _compose(
        "dependencies in a circle", "services:\n  a: {image: x, depends_on: [b]}\n  b: {image: x, depends_on: [a]}\n"
    ),
    _compose("a network that is not defined", _WEB + "    networks: [nowhere]\n"),
    _compose("a volume that is not defined", _WEB + "    volumes: ['data:/data']\n"),
    _compose("a variable that is not closed", _WEB + "    command: echo ${NAME\n"),
    _compose("the same key twice", _WEB + "    image: app:2.0\n"),
    _compose("aliases that grow without end", _BOMB + GOOD),
    _compose("too deeply nested", "x-a: " + "[" * 5_000 + "]" * 5_000 + "\n" + GOOD),
    _compose("a file of 2 MB", "x-a: " + "y" * 2_000_000 + "\n" + GOOD),
    _compose("an env_file outside the checkout", _WEB + "    env_file: ../../../../../../etc/shadow\n"),
    _compose("an include that is not there", "include: [missing.yaml]\n" + GOOD),
    _compose("an include of another machine", "include: ['https://example.com/a.git']\n" + GOOD),
    _compose("an include of itself", "include: [compose.yaml]\n" + GOOD),
    _compose("an extended file that is not there", "services:\n  web: {extends: {file: base.yaml, service: web}}\n"),
    _compose("an extended service that is not there", _WEB + "    extends: {service: nobody}\n"),
    Kind("a .env with a broken line", {"compose.yaml": GOOD, ".env": "A='never closed\n"}),
    Kind("a broken env file", {"compose.yaml": _WEB + "    env_file: e.env\n", "e.env": "A B=1\n"}),
    Kind("COMPOSE_FILE names a file that is not there", {"compose.yaml": GOOD, ".env": "COMPOSE_FILE=other.yaml\n"}),
    Kind("a broken override", {"compose.yaml": GOOD, "compose.override.yaml": "services: {web: 1}\n"}),
    Kind("a link out of the checkout", {"README.md": "x\n"}, {"compose.yaml": "/etc/passwd"}),
    Kind("links in a circle", {"README.md": "x\n"}, {"compose.yaml": "compose.yaml"}),
)


class Told(NamedTuple):
    """What became of one kind."""

    kind: Kind
    is_readable: bool  # compose takes it, so there is nothing to tell
    reported: bool
    check: bool
    held: bool
    message: str

    @property
    def is_silent(self) -> bool:
        """Whether it could be merged and deployed without a word."""
        return not self.is_readable and not (self.reported and self.check and self.held)


def try_kind(kind: Kind, folder: Path) -> Told:
    """Plan a bump that makes one of two stacks unreadable."""
    world = RenderWorld(folder)
    other = {"stacks/other/compose.yaml": GOOD}
    old = world.push({"stacks/odd/compose.yaml": GOOD, **other})
    if "compose.yaml" in kind.links:
        world.push({"stacks/odd/compose.yaml": None})
    new = world.push(
        {f"stacks/odd/{path}": text for path, text in kind.files.items()},
        links={f"stacks/odd/{path}": target for path, target in kind.links.items()},
    )
    plan = read_plan(
        fleet=FLEET,
        repo=None,
        submodule=Submodule(path=SubmodulePath("server")),
        upstream_name=None,
        old=old,
        new=new,
        renderer=world.renderer,
        commits=(),
        commits_total=0,
    )
    stack = next(one for one in plan.nodes[0].stacks if one.stack == "odd")
    body = render_body(plan, Links())
    is_named = "**Could not analyse** <code>odd</code>" in body
    return Told(
        kind,
        is_readable=stack.error is None,
        reported=is_named and body.startswith("⛔ **1 stack could not be analysed"),
        check=render_check(plan, Links()).conclusion == "failure",
        held=_is_held(plan),
        message=(stack.error or "").replace("\n", " "),
    )


def _is_held(plan: Plan) -> bool:
    """Whether the order that a merge gives is refused."""
    name = RepoName("owner/fleet")
    wanted = OrderRequest(
        kind=OrderKind.DEPLOY,
        fleet=name,
        node=FLEET.nodes[0],
        base=BranchName("main"),
        default_branch=BranchName("main"),
        submodule=Submodule(path=plan.submodule),
        upstream=name,
        commit=CommitSha(plan.base),
        pin=plan.new,
        marker="merge",
    )
    try:
        check_readable(wanted, plan, prefix=PREFIX)
    except BotError:
        return True
    return False


def main() -> None:
    """Try every kind, and print the table."""
    found = []
    print(f"{'kind':46}{'reported':>10}{'check':>7}{'held':>6}  message")
    for kind in KINDS:
        with tempfile.TemporaryDirectory(prefix="aios-bench-") as folder:
            one = try_kind(kind, Path(folder))
        found.append(one)
        if one.is_readable:
            print(f"{kind.name:46}{'compose takes it':>19}")
            continue
        marks = ["yes" if value else "NO" for value in (one.reported, one.check, one.held)]
        print(f"{kind.name:46}{marks[0]:>6}{marks[1]:>7}{marks[2]:>6}  {one.message[:80]}")
    unread = [one for one in found if not one.is_readable]
    silent = sum(one.is_silent for one in found)
    print(f"\n{len(found)} kinds tried, {len(unread)} unreadable, {silent} silent")


if __name__ == "__main__":
    main()
