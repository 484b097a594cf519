"""The fleet documents of a hub: platforms compared, a picture, where a change belongs. Pure.

Each generated part stands between two marks; what a person writes around them stays. A part whose marks were
removed is not put back: that was a decision.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from bot.domain.names import BranchName, CommitSha, NodeName, RepoName, StackName, SubmodulePath, short
from bot.domain.values import Value
from bot.fleetfile import Platform
from bot.text import markdown as md
from bot.text.counts import plural

README = "docs/fleet/README.md"
DECIDING = "docs/fleet/deciding.md"
_STATES = {
    "success": "✅ healthy",
    "inactive": "✅ healthy",
    "failure": "❌ failed",
    "error": "❌ failed",
    "in_progress": "🔄 under way",
    "queued": "🕓 queued",
    "pending": "🕓 queued",
}


class PinView(Value, frozen=True):
    """What one branch of a fleet pins. `stacks` is what the submodule holds there."""

    base: BranchName
    submodule: SubmodulePath
    upstream: RepoName
    pin: CommitSha
    stacks: tuple[StackName, ...]


class DeployedView(Value, frozen=True):
    """The newest deployment of a submodule to a node. `at` is ISO 8601; `pin` None: it is not known any more."""

    submodule: SubmodulePath
    pin: CommitSha | None
    state: str
    at: str


class HubNodeView(Value, frozen=True):
    """One machine. `stacks` are those it runs, of all that its fleet pins."""

    name: NodeName
    platform: Platform
    stacks: tuple[StackName, ...]
    deployed: tuple[DeployedView, ...]


class FleetView(Value, frozen=True):
    """One fleet that names the hub. `required` and `optional` are its own review rules."""

    repo: RepoName
    pins: tuple[PinView, ...]
    nodes: tuple[HubNodeView, ...]
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    auto_merge: bool = False


class HubView(Value, frozen=True):
    """All fleets of a hub, by name. `web` is where links lead."""

    hub: RepoName
    web: str
    fleets: tuple[FleetView, ...]


def render_title(view: HubView) -> str:
    """The title of the pull request."""
    machines = sum(len(fleet.nodes) for fleet in view.fleets)
    return f"Fleet documents: {plural(len(view.fleets), 'fleet')}, {plural(machines, 'machine')}"


def render_documents(view: HubView, there: Mapping[str, str]) -> dict[str, str]:
    """The documents by their paths, made from those that are `there`."""
    readme = there.get(README, _README.format(hub=md.text(view.hub)))
    deciding = there.get(DECIDING, _DECIDING)
    return {
        README: _put(_put(readme, "matrix", render_matrix(view)), "picture", render_picture(view)),
        DECIDING: _put(deciding, "deciding", render_deciding(view)),
    }


def _put(text: str, part: str, made: str) -> str:
    begin, end = f"<!-- aios-bot:begin {part} -->", f"<!-- aios-bot:end {part} -->"
    found = re.search(f"{re.escape(begin)}.*?{re.escape(end)}", text, re.DOTALL)
    if found is None:
        return text
    line_end = "\r\n" if "\r\n" in text else "\n"
    block = f"{begin}\n\n{made}\n\n{end}".replace("\n", line_end)
    return text[: found.start()] + block + text[found.end() :]


def _marks(part: str) -> str:
    return f"<!-- aios-bot:begin {part} -->\n<!-- aios-bot:end {part} -->"


_README = f"""\
# Fleets of {{hub}}

What every platform runs. The parts between the marks are kept up to date by aios-bot; edit anything outside them.

## Platforms compared

{_marks("matrix")}

## Repositories and pins

{_marks("picture")}

See also: [where does a change belong?](deciding.md)
"""
_DECIDING = f"""\
# Where does a change belong?

{_marks("deciding")}
"""


# -- platforms compared -------------------------------------------------------------------------------------------


def render_matrix(view: HubView) -> str:
    """Every stack on every platform: who runs it, what is pinned, what is deployed, how that went."""
    platforms = [platform for platform in Platform if _nodes_on(view, platform)]
    stacks = sorted({stack for fleet in view.fleets for pin in fleet.pins for stack in pin.stacks})
    rows = [row for stack in stacks for platform in platforms for row in _rows(view, stack, platform)]
    if not rows:
        return "No fleet with a machine names this hub yet."
    header = ["stack", "platform", "supported", "pinned", "deployed", "health", "last deploy"]
    return md.table(header, rows)


def _nodes_on(view: HubView, platform: Platform) -> list[tuple[FleetView, HubNodeView]]:
    return [(fleet, node) for fleet in view.fleets for node in fleet.nodes if node.platform is platform]


def _rows(view: HubView, stack: StackName, platform: Platform) -> list[list[str]]:
    rows = []
    for fleet, node in _nodes_on(view, platform):
        if stack not in node.stacks:
            continue
        pins = [pin for pin in fleet.pins if stack in pin.stacks]
        pinned = "<br>".join(_pinned(view, pin, several=len({p.base for p in pins}) > 1) for pin in pins)
        submodules = {pin.submodule: pin.upstream for pin in pins}
        found = [one for one in node.deployed if one.submodule in submodules]
        deployed = "<br>".join(_commit(view, submodules[one.submodule], one.pin) if one.pin else "?" for one in found)
        rows.append(
            [
                md.code(stack),
                str(platform),
                f"✅ {md.code(node.name)} of {_repo(view, fleet.repo)}",
                pinned,
                deployed or "never",
                "<br>".join(_STATES.get(one.state, md.text(one.state)) for one in found),
                "<br>".join(md.text(one.at.replace("T", " ").removesuffix("Z")) for one in found),
            ]
        )
    return rows or [[md.code(stack), str(platform), "—", "", "", "", ""]]


def _pinned(view: HubView, pin: PinView, *, several: bool) -> str:
    link = _commit(view, pin.upstream, pin.pin)
    return f"{link} on {md.code(pin.base)}" if several else link


def _commit(view: HubView, repo: RepoName, sha: CommitSha) -> str:
    return f"[`{short(sha)}`]({view.web}/{repo}/commit/{sha})"


def _repo(view: HubView, repo: RepoName) -> str:
    return f"[{md.text(repo)}]({view.web}/{repo})"


# -- the picture --------------------------------------------------------------------------------------------------


def render_picture(view: HubView) -> str:
    """Repositories, what they pin, and the machines behind them, as Mermaid."""
    upstreams = sorted({pin.upstream for fleet in view.fleets for pin in fleet.pins})
    number = {
        repo: f"r{index}"
        for index, repo in enumerate(dict.fromkeys([view.hub, *(f.repo for f in view.fleets), *upstreams]))
    }
    lines = ["flowchart TD", *(f'  {mark}["{_label(repo)}"]' for repo, mark in number.items())]
    machine = 0
    for fleet in view.fleets:
        if fleet.repo != view.hub:
            lines.append(f"  {number[view.hub]} --> {number[fleet.repo]}")
        pinned: dict[RepoName, list[str]] = {}
        for pin in fleet.pins:
            pinned.setdefault(pin.upstream, []).append(f"{pin.base}: {short(pin.pin)}")
        for upstream, said in pinned.items():
            lines.append(
                f'  {number[fleet.repo]} -- "{"<br>".join(_label(one) for one in said)}" --> {number[upstream]}'
            )
        for node in fleet.nodes:
            lines.append(f'  {number[fleet.repo]} -.-> n{machine}(["{_label(node.name)}<br>{node.platform}"])')
            machine += 1
    return md.fence("\n".join(lines), "mermaid")


def _label(text: str) -> str:
    """Text inside a quoted Mermaid label, where only entities are safe."""
    return re.sub(r"[^A-Za-z0-9 ./:_-]", lambda found: f"#{ord(found.group())};", text)


# -- where a change belongs ---------------------------------------------------------------------------------------


def render_deciding(view: HubView) -> str:
    """Which repository for what, which review, which machines: from the fleets' own files."""
    rows = []
    for upstream, users in _users(view).items():
        stacks = sorted({stack for _, pin in users for stack in pin.stacks})
        fleets = sorted({fleet.repo for fleet, _ in users})
        machines = sorted({node.name for fleet, _ in users for node in fleet.nodes if set(node.stacks) & set(stacks)})
        by_itself = all(fleet.auto_merge for fleet, _ in users)
        review = "**required**, unless no changed file needs one" if by_itself else "**required**"
        what = f"a compose stack or its configuration ({', '.join(md.code(stack) for stack in stacks[:8])})"
        rows.append(
            [
                what,
                _repo(view, upstream),
                f"{review}: the bot's pull request in {_list(view, fleets)}",
                _machines(machines),
            ]
        )
    for fleet in view.fleets:
        platforms = ", ".join(sorted({str(node.platform) for node in fleet.nodes})) or "no node yet"
        review = _own_review(fleet)
        names = [node.name for node in fleet.nodes]
        rows.append(
            [f"scripts, documents, workspace for {platforms}", _repo(view, fleet.repo), review, _machines(names)]
        )
        what = f"which machine runs what, its overlays, profiles, variables ({platforms})"
        rows.append([what, f"{_repo(view, fleet.repo)}, `.github/aios-bot.yml`", "**required**", _machines(names)])
    rows.append(["documentation for all platforms", _repo(view, view.hub), "optional", "none"])
    table = md.table(["what changes", "repository", "review", "reaches"], rows)
    return f"{_render_tree(view)}\n\n{table}"


def _render_tree(view: HubView) -> str:
    lines = ["flowchart TD", '  q0{"Does it change a container or its files?"}']
    for index, (upstream, users) in enumerate(_users(view).items()):
        fleets = "<br>".join(sorted({_label(fleet.repo) for fleet, _ in users}))
        lines.append(f'  q0 -- yes --> u{index}["{_label(upstream)}"]')
        lines.append(f'  u{index} --> p{index}["pull request of the bot in<br>{fleets}"]')
        lines.append(f'  p{index} -- "a person merges" --> d{index}(["every machine of these fleets"])')
    lines.append('  q0 -- no --> q1{"Is it about one platform?"}')
    for index, fleet in enumerate(view.fleets):
        platforms = ", ".join(sorted({str(node.platform) for node in fleet.nodes})) or "no node yet"
        lines.append(f'  q1 -- "{_label(platforms)}" --> f{index}["{_label(fleet.repo)}"]')
    lines.append(f'  q1 -- "about all" --> hub["{_label(view.hub)}"]')
    return md.fence("\n".join(lines), "mermaid")


def _users(view: HubView) -> dict[RepoName, list[tuple[FleetView, PinView]]]:
    found: dict[RepoName, list[tuple[FleetView, PinView]]] = {}
    for fleet in view.fleets:
        for pin in fleet.pins:
            found.setdefault(pin.upstream, []).append((fleet, pin))
    return dict(sorted(found.items()))


def _own_review(fleet: FleetView) -> str:
    parts = []
    if fleet.required:
        parts.append("**required** for " + ", ".join(md.code(glob) for glob in fleet.required))
    if fleet.optional:
        parts.append("optional for " + ", ".join(md.code(glob) for glob in fleet.optional))
    return "; ".join(parts) or "optional"


def _list(view: HubView, repos: list[RepoName]) -> str:
    return ", ".join(_repo(view, repo) for repo in repos)


def _machines(names: list[NodeName]) -> str:
    return ", ".join(md.code(name) for name in names) or "none"
