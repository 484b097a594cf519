"""The order: what the bot tells one node to do, signed, single-use and expiring. Pure.

A node obeys a verified order and nothing else: whoever may dispatch a workflow may not thereby deploy.
The envelope is DSSE (github.com/secure-systems-lab/dsse) with an Ed25519 signature.
"""

from __future__ import annotations

from enum import StrEnum

from bot.names import (
    CommitSha,
    DeploymentId,
    NodeName,
    PlanId,
    RepoName,
    ServiceName,
    StackName,
    SubmodulePath,
)
from bot.plan.model import Action
from bot.values import Value

PAYLOAD_TYPE = "application/vnd.aios-bot.order+json"


class OrderKind(StrEnum):
    """What the node is asked for."""

    DEPLOY = "deploy"
    ROLLBACK = "rollback"
    RESTORE = "restore"
    PLAN_ONLY = "plan-only"


class ServiceOrder(Value, frozen=True):
    """One service and what the plan says will happen to it."""

    service: ServiceName
    action: Action


class StackOrder(Value, frozen=True):
    """One stack, as the plan rendered it. Paths are POSIX and relative to the checkout's root."""

    stack: StackName
    folder: str
    files: tuple[str, ...]  # relative to `folder`
    profiles: tuple[str, ...]
    project: str
    services: tuple[ServiceOrder, ...]


class Order(Value, frozen=True):
    """Everything a node needs, so that it never has to trust a file of the checkout it is about to run."""

    kind: OrderKind
    fleet: RepoName
    node: NodeName
    commit: CommitSha  # of the fleet repository: the merged one
    base: str  # the branch that must contain `commit`
    submodule: SubmodulePath
    pin: CommitSha  # the submodule's commit that `commit` pins
    plan: PlanId
    root: str  # the node's checkout, as the node spells it: C:\aios-supercell
    stacks: tuple[StackOrder, ...]  # in deployment order
    variables: dict[str, str]  # the node's public variables
    issued: int  # seconds since the epoch
    expires: int  # seconds since the epoch
    number: DeploymentId  # grows per node: GitHub's own deployment id
