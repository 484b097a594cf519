"""What people read when the App may not do what a fleet needs. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from bot.domain.names import BranchName, RepoName, SubmodulePath
from bot.fleetfile import FLEET_FILE
from bot.text import markdown as md


class MissingPermission(NamedTuple):
    """A permission that the account did not grant, and what it is for ("start the deploy workflow ...")."""

    name: str
    level: str
    why: str


class UnreadableUpstream(NamedTuple):
    """A submodule whose repository the App cannot see.

    `upstream` None: its address is no repository of this GitHub. `refusal`: what GitHub says, where it says why.
    """

    path: SubmodulePath
    upstream: RepoName | None
    refusal: str = ""


def render_access_title(missing: Sequence[MissingPermission], unreadable: Sequence[UnreadableUpstream]) -> str:
    """One line: what the App lacks."""
    lacks = [f"{one.name}: {one.level}" for one in missing] + [one.upstream or one.path for one in unreadable]
    return f"The App has no access to {', '.join(lacks)}"[:255]


def render_access_problem(
    missing: Sequence[MissingPermission], unreadable: Sequence[UnreadableUpstream], *, settings_url: str
) -> str:
    """What is missing, what does not work without it, and where an owner grants it."""
    where = f"[the installation's settings]({settings_url})" if settings_url else "the installation's settings"
    parts = []
    if missing:
        rows = "\n".join(f"| `{one.name}: {one.level}` | {md.text(one.why)} |" for one in missing)
        parts.append(
            "This account has not granted the App:\n\n"
            f"| permission | without it the bot cannot |\n|---|---|\n{rows}\n\n"
            f"An owner of the account can grant it in {where}. Everything else keeps working."
        )
    for one in unreadable:
        parts.append(_render_unreadable(one, where))
    return "\n\n".join(parts)


def _render_unreadable(one: UnreadableUpstream, where: str) -> str:
    path, nothing = md.code(one.path), "nothing is proposed or deployed for it"
    if one.upstream is None:
        return (
            f"The address of {path} in `.gitmodules` is no repository of this GitHub: {nothing}. Correct the "
            f"address, or take {path} out of `{FLEET_FILE}`."
        )
    name = md.code(one.upstream)
    if one.refusal:
        words = md.text(md.cut(" ".join(one.refusal.split()), 300))
        return f"GitHub does not let the App read {name}, which {path} comes from: {nothing}. It says: {words}"
    return (
        f"The App cannot read {name}, which {path} comes from: {nothing}. Add the repository in {where}, or correct "
        "its address in `.gitmodules`."
    )


def render_missing_base(base: BranchName, *, exists: bool) -> str:
    """What to do about a base that the fleet file lists and that has none itself."""
    lacks = f"has no `{FLEET_FILE}`" if exists else "does not exist"
    cure = f"Add `{FLEET_FILE}` to it" if exists else "Push it"
    return (
        f"`{FLEET_FILE}` lists the base {md.code(base)}, which {lacks}: nothing is proposed or deployed "
        f"there. {cure}, or take it off `bases:`. The bot picks the change up automatically."
    )


def render_refused_branch(branch: BranchName, message: str, *, in_the_way: BranchName | None, kept: bool) -> str:
    """Why a branch of ours is not pushed, or why one that is over stays (`kept`), and what to do."""
    name, words = md.code(branch), md.text(md.cut(" ".join(message.split()), 300))
    if kept:
        return (
            f"The branch {name} is of no more use, and GitHub does not let it be deleted: {words}. Delete it by hand."
        )
    if in_the_way is not None:
        return f"A branch {md.code(in_the_way)} is in the way of the bot's own, {name}: rename or delete it."
    return (
        f"GitHub does not let the bot's branch {name} be pushed: {words}. Let the App bypass the ruleset that "
        "forbids it, or leave the branches `aios-bot/**` out of it."
    )
