"""The whole cause of each service that follows another: what happens, the reason, its words and its line."""

from __future__ import annotations

from typing import Any

import pytest

from bot.domain.names import ServiceName, StackName
from bot.plan.causes import Cause, ReasonCode
from bot.plan.followers import (
    Replaced,
    built_elsewhere,
    find_replaced,
    follower_causes,
    linked_cause,
    made_images,
    volumes_cause,
)
from bot.plan.model import ServicePlan, SourceLine, StackPlan
from bot.plan.rendering import Rendered
from bot.protocol.action import Action

PLACES = ("links", "external_links", "volumes_from", "build", "image", "volumes", "network_mode")
LINES = {f"services.web.{place}": SourceLine(path="compose.yml", line=n) for n, place in enumerate(PLACES, start=3)}
RENDERED = Rendered(model={}, sources=LINES)


def at(place: str) -> SourceLine:
    return LINES[f"services.web.{place}"]


@pytest.mark.parametrize(
    ("spec", "replaced", "expected"),
    [
        (
            {"network_mode": "container:vpn"},
            {"vpn": Action.RECREATE},
            (Action.RECREATE, ReasonCode.NAMESPACE_SHARED, "network_mode"),
        ),
        (
            {"network_mode": "container:vpn"},
            {"vpn": Action.RESTART},
            (Action.RESTART, ReasonCode.NAMESPACE_SHARED, "network_mode"),
        ),
        (
            {"network_mode": "bridge", "external_links": ["vpn:v"]},
            {"vpn": Action.RECREATE},
            (Action.RECREATE, ReasonCode.LINKED, "external_links"),
        ),
        (
            {"volumes_from": ["container:vpn:ro"]},
            {"vpn": Action.RECREATE},
            (Action.RECREATE, ReasonCode.VOLUMES_FROM, "volumes_from"),
        ),
        (
            {"volumes_from": ["container:vpn"]},
            {"volumes:vpn": Action.RESTART},
            (Action.RESTART, ReasonCode.VOLUMES_FROM, "volumes_from"),
        ),
    ],
)
def test_who_follows_a_container_of_another_stack(
    spec: dict[str, Any], replaced: dict[str, Action], expected: tuple[Action, ReasonCode, str]
) -> None:
    ((name, cause),) = follower_causes({"web": spec}, RENDERED, replaced)
    action, code, place = expected
    assert (name, cause.action, cause.code, cause.where) == ("web", action, code, at(place))
    assert not cause.if_different
    assert list(follower_causes({"web": spec}, RENDERED, {})) == []


@pytest.mark.parametrize(
    ("spec", "bases", "expected"),
    [
        (
            {"build": {"context": "."}},
            ["base:1"],
            Cause(
                Action.REBUILD,
                ReasonCode.IMAGE_REBUILT,
                "is built on base:1, which another stack rebuilds",
                at("build"),
            ),
        ),
        (
            {"image": "base:1"},
            [],
            Cause(
                Action.RECREATE,
                ReasonCode.IMAGE_REBUILT,
                "another stack rebuilds its image base:1: recreated only if that comes out different",
                at("image"),
                if_different=True,
            ),
        ),
        (
            {"image": "app:1", "volumes": [{"type": "image", "source": "base:1", "target": "/base"}]},
            [],
            Cause(
                Action.RECREATE,
                ReasonCode.IMAGE_REBUILT,
                "mounts the image base:1, which another stack rebuilds",
                at("volumes"),
            ),
        ),
    ],
)
def test_who_uses_an_image_that_another_stack_builds(spec: dict[str, Any], bases: list[str], expected: Cause) -> None:
    (image,) = made_images("other", "base", {"build": {"context": "."}, "image": "base:1"})
    replaced: Replaced = {f"image:{image}": Action.REBUILD}
    found = built_elsewhere({"web": spec}, {ServiceName("web"): bases}, RENDERED, replaced)
    assert list(found) == [("web", expected)]
    assert list(built_elsewhere({"web": spec}, {ServiceName("web"): bases}, RENDERED, {})) == []


def test_the_causes_of_a_link_and_of_lent_volumes() -> None:
    assert linked_cause("web", "links", "vpn", RENDERED) == Cause(
        Action.RECREATE,
        ReasonCode.LINKED,
        "is linked to vpn on the engine's bridge, which is recreated",
        at("links"),
    )
    assert volumes_cause("web", "vpn", Action.RECREATE, RENDERED) == Cause(
        Action.RECREATE, ReasonCode.VOLUMES_FROM, "mounts the volumes of vpn", at("volumes_from")
    )
    assert volumes_cause("web", "vpn", Action.RESTART, RENDERED) == Cause(
        Action.RESTART,
        ReasonCode.VOLUMES_FROM,
        "mounts the volumes of vpn, whose content changed",
        at("volumes_from"),
    )


def test_a_rebuilt_service_replaces_its_container_and_its_image() -> None:
    spec = {"build": {"context": ".", "tags": ["base:2"]}, "image": "base:1"}
    plan = StackPlan(
        stack=StackName("other"),
        folder="other",
        files=("compose.yml",),
        project="other",
        services=(ServicePlan(service=ServiceName("base"), action=Action.REBUILD, reasons=()),),
    )
    model = {"name": "other", "services": {"base": spec}}
    assert find_replaced([plan], model, model, frozenset({"other-base-1"})) == {
        "other-base-1": Action.RECREATE,
        **{f"image:{image}": Action.REBUILD for image in made_images("other", "base", spec)},
    }
    assert find_replaced([plan], model, {"name": "other"}, frozenset()) == {}
