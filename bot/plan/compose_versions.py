"""What a plan has to know of the compose that a node has, beside the one that rendered the plan. Pure.

Versions differ in what `up` does to running containers. Those of 5.4 and later reconnect the containers of a network
that gets another name (docker/compose v5.4.0 pkg/compose/reconcile.go: planRecreateNetworks), without the names by
which others find them; those before replace the containers.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from bot.domain.versions import NodeVersions, Version, parse_version, render_version
from bot.plan.engine_versions import read_engine

NETWORKS_RECONNECTED = (5, 4)  # the first version that reconnects the containers of a renamed network


class NodeCompose(NamedTuple):
    """By which version's rules a node is planned, and what people have to know about it."""

    rules: Version
    remarks: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    engine: Version = ()  # of the node's Docker Engine; () where it is not known

    @property
    def reconnects_networks(self) -> bool:
        """Whether compose by itself only reconnects the containers of a network that gets another name."""
        return self.rules >= NETWORKS_RECONNECTED


def find_newer(reported: Iterable[str], renderer: str) -> tuple[str, ...]:
    """The versions that nodes have reported and that are newer than `renderer`, the version that renders."""
    rendering = parse_version(renderer)
    return tuple(version for version in reported if parse_version(version) > rendering)


def judge_compose(reported: NodeVersions | None, renderer: str) -> NodeCompose:
    """How a node is planned that reported these versions, where `renderer` is the version of compose that renders.

    None: the plan is for the machine that renders it.
    """
    rendering = parse_version(renderer)
    if reported is None:
        return NodeCompose(rendering)
    version, engine = parse_version(reported.compose), read_engine(reported.engine)
    if not version:
        rules = f"by the rules of Docker Compose {render_version(rendering)}"
        unknown = f"it has not reported its version of compose yet: planned {rules}"
        return NodeCompose(rendering, remarks=(unknown,), engine=engine)
    if version > rendering:
        newer = (
            f"Docker Compose {render_version(version)} is newer than the {render_version(rendering)} of this service"
        )
        warning = f"{newer}: it may read the files in another way. Update the service"
        return NodeCompose(version, warnings=(warning,), engine=engine)
    return NodeCompose(version, engine=engine)
