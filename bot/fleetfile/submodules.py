"""`submodules:` of the fleet file: what is kept up to date. Pure."""

from __future__ import annotations

from enum import StrEnum

from bot.domain.names import BranchName, StackName, SubmodulePath
from bot.domain.values import StoredValue
from bot.fleetfile.fields import Choice, Each, Flag, Section, Text, Texts
from bot.fleetfile.shapes import BRANCH, PATH, STACK_NAME


class ShowUpstream(StrEnum):
    """Whether pull requests of the upstream show what they would do to this fleet."""

    AUTO = "auto"  # unless that would tell a private fleet's names to readers of a public upstream
    ALWAYS = "always"
    NEVER = "never"


class Submodule(StoredValue, frozen=True):
    """A submodule the bot keeps up to date."""

    path: SubmodulePath
    branch: BranchName | None = None  # None: .gitmodules' branch, else the upstream's default branch
    stacks: str = "stacks/*"  # glob of stack folders inside the submodule
    order: tuple[StackName, ...] = ()  # deployed first, in this order; the others after, by name
    wait_for_checks: bool = False
    show_upstream: ShowUpstream = ShowUpstream.AUTO


SUBMODULE = Section(
    Submodule,
    (
        Text("branch", "upstream branch to follow; left out: what `.gitmodules` says", BRANCH, "main"),
        Text("stacks", "glob of the stack folders inside the submodule", PATH, "stacks/*"),
        Texts("order", "stacks deployed first, in this order; the others after, by name", STACK_NAME, "ingress"),
        Flag("wait_for_checks", "propose only commits whose checks are green"),
        Choice(
            "show_upstream",
            "show under pull requests of the upstream what they would do here; `auto`: unless this fleet is private "
            "and the upstream public",
            ShowUpstream,
        ),
    ),
)
SUBMODULES = Each(
    "submodules", "what is kept up to date; left out: every submodule", SUBMODULE, "path", PATH, "server"
)
