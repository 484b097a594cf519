"""The fleet file as a whole: its top level. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from ruamel.yaml.comments import CommentedMap

from bot.fleet.commands import COMMANDS, LOCKS, Commands, Locks
from bot.fleet.deploy import DEPLOY, DRIFT, Deploy, Drift, check_waves
from bot.fleet.fields import Field, Schema, Section, Text, Texts
from bot.fleet.nodes import NODES, Node, check_distinct
from bot.fleet.review import REVIEW, Review
from bot.fleet.risks import RISKS
from bot.fleet.shapes import BRANCH, LABEL, REPOSITORY
from bot.fleet.submodules import SUBMODULES, Submodule
from bot.names import BranchName, RepoName
from bot.plan.risks.catalogue import Tuning
from bot.values import Value
from bot.yaml_lines import Reader, line_of

VERSION = 1


class Fleet(Value, frozen=True):
    """A fleet repository's own description of itself."""

    version: int = VERSION
    bases: tuple[BranchName, ...] = ()  # empty: the default branch
    labels: tuple[str, ...] = ("dependencies", "aios-bot")  # of bump pull requests
    hub: RepoName | None = None
    deploy: Deploy = Deploy()
    drift: Drift = Drift()
    submodules: tuple[Submodule, ...] = ()  # empty: every submodule of .gitmodules
    nodes: tuple[Node, ...] = ()
    commands: Commands = Commands()
    locks: Locks = Locks()
    review: Review = Review()
    risks: dict[str, Tuning] = {}  # by the ids of bot.plan.risks.catalogue


@dataclass(frozen=True)
class _Version(Field):
    def read(self, reader: Reader, fields: CommentedMap, within: str) -> object:  # noqa: ARG002 - it stands at the top
        value = fields[self.name]
        if value != VERSION or isinstance(value, bool):
            reader.problem(line_of(fields, self.name), f"version must be {VERSION}; this bot knows no other")
        return VERSION

    def schema(self) -> Schema:
        return {"type": "integer", "const": VERSION}

    def describe(self) -> tuple[str, str]:
        return f"the number {VERSION}", str(VERSION)


def _check(reader: Reader, fields: CommentedMap, fleet: Fleet, within: str) -> None:  # noqa: ARG001 - the shape of a check
    if fleet.nodes:
        check_distinct(reader, fields["nodes"], fleet.nodes)
    if fleet.deploy.waves and fleet.nodes:
        check_waves(reader, fields, fleet.deploy, fleet.nodes)


FLEET = Section(
    Fleet,
    (
        _Version("version", "format of the file"),
        Texts("bases", "branches whose pins are kept up to date; left out: the default branch", BRANCH, "main"),
        Texts("labels", "labels of the pull requests", LABEL, "dependencies"),
        Text(
            "hub", "repository of the same owner whose `docs/fleet/` shows this fleet", REPOSITORY, "tecnocrat/AIOS"
        ),
        DEPLOY,
        DRIFT,
        SUBMODULES,
        NODES,
        COMMANDS,
        LOCKS,
        REVIEW,
        RISKS,
    ),
    (_check,),
)
