"""What a plan says at its edges: of secrets nothing, and of a tag no more than it names."""

from __future__ import annotations

from typing import Any

import pytest

from bot.domain.names import NodeName, StackName
from bot.fleetfile import Node
from bot.plan.changes import decide_node
from bot.plan.images import judge_image
from bot.plan.model import ImageKind
from bot.plan.rendering import NodeChange, Rendered, Side, StackChange


def digest(secret: str, shown: str) -> str:
    models: list[dict[str, Any]] = [
        {"name": "s", "services": {"web": {"image": "app:1.0", "environment": {"K": value}}}}
        for value in (secret, shown)
    ]
    side = Side(rendering=Rendered(model=models[0], shown=models[1]))
    change = NodeChange(node=Node(name=NodeName("N")), stacks=(StackChange(StackName("s"), "s", new=side),))
    return decide_node(change)[0].stacks[0].rendered


def test_the_digest_of_a_rendering_is_of_what_people_may_see() -> None:
    """A guess at a secret could be compared with a digest that the secret is in."""
    assert digest("hunter2", "mark") == digest("hunter3", "mark") != digest("hunter2", "other mark")


@pytest.mark.parametrize(
    ("tag", "kind"), [("1.27", ImageKind.VERSION), ("1.27-alpine", ImageKind.VERSION), ("1.27beta", ImageKind.MOVING)]
)
def test_a_tag_that_only_begins_as_a_version_may_move(tag: str, kind: ImageKind) -> None:
    found = judge_image({"image": f"app:{tag}"})
    assert found is not None
    assert found.kind is kind
