"""Decide which files make a repository a fleet. Pure."""

from __future__ import annotations

import re

from bot.domain.names import BranchName, NodeName
from bot.fleetfile import FLEET_FILE, Fleet, Platform, parse_fleet
from bot.fleetfile.edit import Plain, set_entry
from bot.fleetfile.reference import EDITOR_LINE
from bot.onboarding.survey.facts import WORKFLOW, FleetProposal, Host, ProposedFile, RepositorySurvey, SubmoduleSurvey
from bot.onboarding.survey.parse import files_for, order_stacks, platform_of_words, unowned_networks

DEFAULT_ROOTS = {
    Platform.LINUX: "/srv/aios",
    Platform.WINDOWS: r"C:\aios-supercell",
    Platform.ANDROID: "/data/data/com.termux/files/home/aios",
}
_HEADER = f"""\
{EDITOR_LINE}
# Read from the base branch only. Every field: https://github.com/Tecnocrat/aios-bot/blob/main/docs/reference/fleet-file.md
version: 1
"""


def decide_files(
    repository: RepositorySurvey, *, workflow: str, template: Platform | None = None, node: NodeName | None = None
) -> FleetProposal:
    """The files that the repository lacks to be a fleet. `workflow` is the text of deploy.yml.

    `template` is the platform of machines without one; `node` is a machine to add. Raises YamlFileError if the
    existing fleet file is not usable.
    """
    if _holds_its_own_stacks(repository):
        return FleetProposal(notes=(*repository.notes, _OWN_STACKS.format(glob=repository.own_stacks)))
    platform = template or platform_of_words(repository.name.replace("-", " ")) or Platform.LINUX
    there = parse_fleet(repository.fleet_file) if repository.fleet_file is not None else Fleet()
    hosts = [host for host in repository.hosts if _base_of(host, repository, there) == repository.base]
    if node is not None and node not in (host.name for host in hosts):
        registered = next((host for host in repository.hosts if host.name == node), None)
        hosts.append(registered or Host(name=node, platform=platform))
    text = repository.fleet_file if repository.fleet_file is not None else _HEADER
    for path, value in _entries(repository, there, hosts, platform):
        text = set_entry(text, path, value)
    parse_fleet(text)
    made = []
    if text != repository.fleet_file:
        made.append(ProposedFile(path=FLEET_FILE, text=text, is_new=repository.fleet_file is None))
    if not repository.workflow:
        made.append(ProposedFile(path=WORKFLOW, text=workflow, is_new=True))
    return FleetProposal(files=tuple(made), notes=tuple(_notes(repository, hosts, there)))


def _holds_its_own_stacks(repository: RepositorySurvey) -> bool:
    """Whether it is what a fleet pins, and no fleet: its stacks are its own files, and no submodule's.

    A submodule that could not be read may hold some.
    """
    may_pin_stacks = any(one.stacks or one.problem for one in repository.submodules)
    return bool(repository.own_stacks) and not may_pin_stacks and repository.fleet_file is None


def _base_of(host: Host, repository: RepositorySurvey, there: Fleet) -> BranchName:
    """The base whose fleet file names the machine: one on two bases would get an order at each one's merge."""
    bases = there.bases or repository.bases
    return host.branch if host.branch is not None and host.branch in bases else repository.default_branch


def _entries(
    repository: RepositorySurvey, there: Fleet, hosts: list[Host], platform: Platform
) -> list[tuple[tuple[str, ...], Plain]]:
    found: list[tuple[tuple[str, ...], Plain]] = []
    bases = [base for base in repository.bases if base != repository.default_branch]
    if bases and not there.bases:
        found.append((("bases",), list(repository.bases)))
    known = {submodule.path for submodule in there.submodules}
    for surveyed in repository.submodules:
        if surveyed.stacks and surveyed.path not in known:
            found.append((("submodules", surveyed.path), _submodule(surveyed)))
    names = {node.name.lower() for node in there.nodes}
    for host in hosts:
        if host.name.lower() not in names:
            found.append((("nodes", host.name), _node(host, repository, platform)))
    return found


def _submodule(surveyed: SubmoduleSurvey) -> Plain:
    fields: dict[str, Plain] = {}
    if surveyed.glob != "stacks/*":
        fields["stacks"] = surveyed.glob
    order = order_stacks(surveyed.stacks)
    if order:
        fields["order"] = list(order)
    return fields


def _node(host: Host, repository: RepositorySurvey, default: Platform) -> Plain:
    platform = host.platform or default
    fields: dict[str, Plain] = {"platform": str(platform), "root": host.root or DEFAULT_ROOTS[platform]}
    if host.stacks:
        fields["stacks"] = list(host.stacks)
    overlays: dict[str, Plain] = {}
    for surveyed in repository.submodules:
        for stack in surveyed.stacks:
            chosen = files_for(stack, platform)
            if chosen and (not host.stacks or stack.name in host.stacks):
                overlays[stack.name] = list(chosen)
    if overlays:
        fields["files"] = overlays
    scripts = [script for script in repository.bootstrap if _sets_up(script, platform)]
    if scripts:
        fields["bootstrap"] = list(scripts)
    return fields


def _sets_up(script: str, platform: Platform) -> bool:
    """Whether it is the one script that calls the others, such as `00-master-bootstrap.ps1`."""
    fits = script.endswith(".ps1") == (platform is Platform.WINDOWS)
    return fits and re.search(r"(?:^|/)(?:00-|master|bootstrap\.)", script) is not None


def _notes(repository: RepositorySurvey, hosts: list[Host], there: Fleet) -> list[str]:
    notes = list(repository.notes)
    for surveyed in repository.submodules:
        if surveyed.problem:
            notes.append(f"submodule {surveyed.path}: {surveyed.problem}")
        elif not surveyed.stacks:
            notes.append(f"submodule {surveyed.path} holds no stacks; it is left out and not kept up to date")
        notes += [
            f"{surveyed.path}/{folder} has compose files that {surveyed.glob} does not match"
            for folder in surveyed.elsewhere
        ]
        notes += [f"{surveyed.path}: {stack.problem}" for stack in surveyed.stacks if stack.problem]
        for network, needed in unowned_networks(surveyed.stacks).items():
            create, who = f"docker network create {network}", ", ".join(needed)
            notes.append(f"no stack creates the network {network} (needed by {who}): {create} on each node")
    chosen = {host.name for host in hosts}
    taken = [host.name for host in repository.hosts if host.name in chosen]
    if repository.registry and taken:
        notes.append(f"machines taken from {repository.registry}: {', '.join(taken)}")
    notes += [_left_out(host, repository, there) for host in repository.hosts if host.name not in chosen]
    if not hosts and not there.nodes:
        notes.append(
            "no machine is known: aios-bot node add NAME --platform linux|windows|android, or --node NAME here"
        )
    if repository.bootstrap:
        notes.append(f"scripts that set up a machine: {', '.join(repository.bootstrap[:5])}")
    if repository.owners is None or "/.github/" not in repository.owners:
        notes.append(OWNERS_HINT)
    return notes


def _left_out(host: Host, repository: RepositorySurvey, there: Fleet) -> str:
    base = _base_of(host, repository, there)
    whence = f"{host.name} deploys from {base} by {repository.registry}"
    if host.name.lower() in (node.name.lower() for node in there.nodes):
        return (
            f"{whence}, and the fleet file of {repository.base} names it too: keep it in one of them, else it gets "
            "an order at each one's merge"
        )
    return f"{whence}, so it is left out of {repository.base}: run aios-bot fleet init in a checkout of {base}"


_OWN_STACKS = (
    "this repository holds stacks itself ({glob}) and has no submodule: it is what a fleet pins, so no fleet file is "
    "proposed. Make a repository for the fleet that has this one as a submodule: in an empty folder, aios-bot fleet "
    "migrate --server-url URL-OF-THIS-ONE, then aios-bot fleet init there"
)
OWNERS_HINT = (
    "to control who may change what runs: name the owners of /.github/ and of each submodule's path in "
    ".github/CODEOWNERS (`/server @YOU`), and require their review in the branch's rules"
)
