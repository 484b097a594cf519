"""Deploy without GitHub: an operator on the node names a commit, and the node makes the order itself.

The plan is the bot's own (bot.planner), made from the checkout; its order is carried out with the same checks and the
same record. It has no signature, because it was not sent, and a negative number, because it has no deployment.
"""

from __future__ import annotations

import tempfile
from contextlib import closing
from pathlib import Path

from msgspec.structs import replace

from bot.agent.checkout import Checkout, CheckoutPosition
from bot.agent.deploy import carry_out
from bot.agent.node import LocalNode
from bot.agent.positions import find_positions
from bot.agent.state import Identity, used_numbers
from bot.agent.submodules import parse_submodules
from bot.domain.errors import BotError
from bot.domain.names import (
    BranchName,
    CommitSha,
    DeploymentId,
    RepoName,
    StackName,
    SubmodulePath,
    parse_commit_sha,
    short,
)
from bot.fleetfile import FLEET_FILE, Fleet, Submodule, parse_fleet
from bot.fleetfile import Node as FleetNode
from bot.git.git import GitRepository
from bot.plan.model import NodePlan, Plan
from bot.plan.order import OrderRequest, compose_order
from bot.planner.plans import Revision, find_revision, plan_between
from bot.planner.renderer import Renderer
from bot.protocol.order import Order, OrderKind, PlanStart
from bot.protocol.outcome import Outcome

UNKNOWN = RepoName("unknown/unknown")  # the upstream's name is used by the service alone


def deploy_by_hand(
    node: LocalNode, *, commit: str, submodule: str | None, base: str, dry_run: bool = False
) -> tuple[Plan, Outcome | None]:
    """Deploy what fleet commit `commit` pins, or with `dry_run` only plan it.

    Raises BotError when no order can be made: the commit cannot be fetched, or a stack cannot be analysed.
    """
    identity = node.state.read_identity()
    root = node.root or (Path(identity.root).expanduser() if identity.root else None)
    if root is None:
        raise BotError("name this node's checkout: --repo PATH")
    with node.state.lock(), closing(Checkout(root, node.access)) as checkout:
        made = _OrderMaker(node, identity, checkout, root)
        wanted, plan = made.read(parse_full_sha(commit), submodule, base)
        if dry_run:
            return plan, None
        order = made.order(wanted, plan)
        with closing(Checkout(root, node.access)) as changed:
            return plan, carry_out(order, node._replace(root=root), changed)


def parse_full_sha(text: str) -> CommitSha:
    """A whole commit id, or BotError: an abbreviated one can come to mean another commit."""
    try:
        return parse_commit_sha(text.strip().lower())
    except ValueError as problem:
        raise BotError(f"{problem}; `git rev-parse` gives it") from None


class _OrderMaker:
    """Makes an order from what the checkout at `root` holds, fetched if GitHub can be reached."""

    def __init__(self, node: LocalNode, identity: Identity, checkout: Checkout, root: Path) -> None:
        self.node = node
        self.identity = identity
        self.checkout = checkout
        self.root = root

    def read(self, commit: CommitSha, submodule: str | None, base: str) -> tuple[OrderRequest, Plan]:
        """What to deploy, and the plan from what is checked out now."""
        for problem in self.checkout.fetch_base(commit, base):
            self.node.log(f"continuing with what was fetched before: {problem}")
        repository = GitRepository.of_checkout(self.root)
        fleet = _read_fleet(repository, commit)
        path = _find_submodule(repository, commit, fleet, submodule)
        pin = repository.pin_at(commit, path)
        if pin is None:
            raise BotError(f"{short(commit)} pins no submodule at {path}")
        held = self.checkout.position(path)
        if held is None or held.pin is None:
            raise BotError(
                f"{self.root} holds no checkout of {path} yet: clone the fleet there with --recurse-submodules first"
            )
        if not self.checkout.fetch_pin(path, pin):
            raise BotError(f"{path} does not have {pin}, and it cannot be fetched")
        own = next((one for one in fleet.nodes if one.name == self.identity.node), FleetNode(name=self.identity.node))
        mine = next((one for one in fleet.submodules if one.path == path), Submodule(path=path))
        kind = OrderKind.DEPLOY
        if (commit, pin) == (held.commit, held.pin):
            kind = OrderKind.RESTORE  # what was removed or changed by hand is all that there can be to do
        elif commit != held.commit and repository.is_ancestor(commit, held.commit):
            kind = OrderKind.ROLLBACK
        wanted = OrderRequest(
            kind=kind,
            fleet=self.identity.fleet,
            node=own,
            base=BranchName(base),
            default_branch=BranchName(base),
            submodule=mine,
            upstream=UNKNOWN,
            commit=commit,
            pin=pin,
            marker="by hand",
        )
        return wanted, self._plan(wanted, fleet, held)

    def order(self, wanted: OrderRequest, plan: Plan) -> Order:
        """The order that carries out `plan`."""
        (own,) = plan.nodes
        _check_readable(own)
        held = self.checkout.position(wanted.submodule.path)
        start = PlanStart(commit=held.commit, pin=held.pin) if held and held.pin else None
        number = min({0, *used_numbers(self.node.state.read_record())}) - 1
        return compose_order(
            wanted,
            own,
            plan_id=plan.id,
            start=start,
            number=DeploymentId(number),
            now=int(self.node.now()),
            tree=plan.tree,
        )

    def _plan(self, wanted: OrderRequest, fleet: Fleet, held: CheckoutPosition) -> Plan:
        path = wanted.submodule.path
        repository, upstream = (GitRepository.of_checkout(place) for place in (self.root, self.root / path))
        apart: dict[StackName, Revision | None] = {}
        positions = find_positions(self.node.state.read_record(), path)
        newest = next(iter(positions.values()), None)
        if newest is not None and (newest.commit, newest.pin) == (held.commit, held.pin):
            # Nobody moved the checkout by hand since: each stack is where its own last order left it.
            for stack, order in positions.items():
                at = find_revision(repository, upstream, order.commit, path)
                if at is not None and order.commit != held.commit:
                    apart[stack] = at
        with tempfile.TemporaryDirectory(prefix="aios-bot-plan-") as folder:
            return plan_between(
                Revision(held.commit, held.pin) if held.pin else None,
                Revision(wanted.commit, wanted.pin),
                fleet=replace(fleet, nodes=(wanted.node,)),
                submodule=wanted.submodule,
                mirror=repository,
                upstream=upstream,
                renderer=Renderer(cache_root=Path(folder), secret_key=folder.encode()),
                repo=self.identity.fleet,
                commits=(held.pin, wanted.pin),
                commits_shown=0,
                apart=apart,
            )


def _read_fleet(repository: GitRepository, commit: CommitSha) -> Fleet:
    text = repository.read_file(commit, FLEET_FILE)
    return parse_fleet(text.decode("utf-8", "replace")) if text is not None else Fleet()


def _find_submodule(repository: GitRepository, commit: CommitSha, fleet: Fleet, named: str | None) -> SubmodulePath:
    if named:
        return SubmodulePath(named)
    text = (repository.read_file(commit, ".gitmodules") or b"").decode("utf-8", "replace")
    found = [one.path for one in fleet.submodules] or [SubmodulePath(path) for path in parse_submodules(text)]
    if len(found) != 1:
        raise BotError(f"name the submodule: --submodule, one of {', '.join(found) or 'none that is there'}")
    return found[0]


def _check_readable(plan: NodePlan) -> None:
    broken = [f"{stack.stack}: {stack.error}" for stack in plan.stacks if stack.error]
    if broken:
        raise BotError("some stacks cannot be analysed, so nothing is deployed by hand: " + "; ".join(broken))
