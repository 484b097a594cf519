"""The fleet file as a whole: its top level. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from ruamel.yaml.comments import CommentedMap

from bot.domain.names import BranchName, RepoName
from bot.domain.risk_rules import Tuning
from bot.domain.values import Value
from bot.fleetfile.commands import COMMANDS, LOCKS, Commands, Locks
from bot.fleetfile.deploy import DEPLOY, DRIFT, Deploy, Drift, check_waves
from bot.fleetfile.fields import Field, Schema, Section, Text, Texts
from bot.fleetfile.nodes import NODES, Node, check_distinct
from bot.fleetfile.review import REVIEW, Review
from bot.fleetfile.risks import RISKS
from bot.fleetfile.shapes import BRANCH, LABEL, REPOSITORY
from bot.fleetfile.submodules import SUBMODULES, Submodule
from bot.fleetfile.yaml_lines import Reader, line_of

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
    risks: dict[str, Tuning] = {}  # by the ids of bot.domain.risk_rules


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
