"""`submodules:` of the fleet file: what is kept up to date. Pure."""

from __future__ import annotations

from bot.fleet.fields import Each, Flag, Section, Text, Texts
from bot.fleet.shapes import BRANCH, PATH, STACK_NAME
from bot.names import BranchName, StackName, SubmodulePath
from bot.values import Value


class Submodule(Value, frozen=True):
    """A submodule the bot keeps up to date."""

    path: SubmodulePath
    branch: BranchName | None = None  # None: .gitmodules' branch, else the upstream's default branch
    stacks: str = "stacks/*"  # glob of stack folders inside the submodule
    order: tuple[StackName, ...] = ()  # deployed first, in this order; the others after, by name
    wait_for_checks: bool = False


SUBMODULE = Section(
    Submodule,
    (
        Text("branch", "upstream branch to follow; left out: what `.gitmodules` says", BRANCH, "main"),
        Text("stacks", "glob of the stack folders inside the submodule", PATH, "stacks/*"),
        Texts("order", "stacks deployed first, in this order; the others after, by name", STACK_NAME, "ingress"),
        Flag("wait_for_checks", "propose only commits whose checks are green"),
    ),
)
SUBMODULES = Each(
    "submodules", "what is kept up to date; left out: every submodule", SUBMODULE, "path", PATH, "server"
)
