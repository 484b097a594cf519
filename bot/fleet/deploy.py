"""`deploy:` of the fleet file: how a merge reaches the nodes. Pure."""

from __future__ import annotations

from bot.fleet.fields import Part, Section, Text
from bot.fleet.shapes import WORKFLOW
from bot.values import Value


class Deploy(Value, frozen=True):
    """How a merge reaches the nodes."""

    workflow: str = "deploy.yml"


DEPLOY = Part(
    "deploy",
    "how merges are deployed",
    Section(Deploy, (Text("workflow", "file name of the workflow that carries the orders", WORKFLOW, "deploy.yml"),)),
)
