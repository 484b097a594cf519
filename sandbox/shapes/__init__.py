"""The records in the shapes of GitHub's REST API and webhooks. Every required field is present."""

from __future__ import annotations

from sandbox.shapes.checks import CheckShapes
from sandbox.shapes.pulls import PullShapes


class Shapes(PullShapes, CheckShapes):
    """Every shape. A method's docstring names the schema in GitHub's description of its API."""
