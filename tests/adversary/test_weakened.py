"""Attacks on the guards that decide without asking anybody, each tried on the guard and on a build without it.

An attack says what its success is: `attempt` returns True. It has to fail, and to succeed where the one guard that it
is about is taken out: else it shows nothing.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bot.agent import approved, verify
from bot.domain.names import CommitSha, DeploymentId, NodeName, RepoName, SubmodulePath
from bot.domain.verdicts import Permission
from bot.envelope.keys import PublicKey
from bot.envelope.sign import seal
from bot.features.commands.decide import attention
from bot.features.hub import decide as hub
from bot.features.hub.facts import HubFleetFacts
from bot.features.review import decide as review
from bot.features.review.facts import MergeEffect, ReviewApproval, ReviewFacts
from bot.fleetfile import ReviewRules
from bot.git import safe_git
from bot.git.gitmodules import Stanza
from bot.git.safe_git import UnsafeAddressError
from bot.plan import approval
from bot.plan.model import NodePlan
from bot.protocol.action import Action
from bot.protocol.order import PAYLOAD_TYPE, Order, encode_order
from bot.risks import host_paths
from bot.text import terminal
from tests.adversary.attack import Attack, nothing
from tests.adversary.kept_guards import KEPT
from tests.adversary.merge_attacks import MERGES
from tests.unit.agent import test_approved as node_side
from tests.unit.plan import test_approval as plans
from tests.unit.protocol.test_order import FLEET, NODE, NOW, make_order

KEY, STRANGER = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
HEAD, OLDER = CommitSha("a" * 40), CommitSha("b" * 40)


# -- orders: a success is an order that the node obeys -------------------------------------------------------------


def obeys(*, key: Ed25519PrivateKey = KEY, kind: str = PAYLOAD_TYPE, last: int = 6, **changes: Any) -> bool:
    envelope = seal(encode_order(make_order(**changes)), kind, [key])
    trusted = [PublicKey(KEY.public_key().public_bytes_raw())]
    used = frozenset({3})
    found = verify.verify_order(
        envelope, public_keys=trusted, fleet=FLEET, node=NODE, now=NOW, last_number=last, used=used
    )
    return isinstance(found, Order)


def open_anything(text: str, **_: object) -> bytes:
    """An envelope opened without a look at who signed it, and for what."""
    return base64.b64decode(json.loads(text)["payload"])


ENVELOPE, CHECK = (verify, "open_envelope"), (verify, "check_order")


ORDERS = {
    "order: a stranger's key": Attack(lambda: obeys(key=STRANGER), ENVELOPE, open_anything),
    "order: signed for another purpose": Attack(lambda: obeys(kind="text/plain"), ENVELOPE, open_anything),
    "order: of another fleet": Attack(lambda: obeys(fleet=RepoName("evil/aios-win")), CHECK, nothing),
    "order: of a fleet whose name begins alike": Attack(lambda: obeys(fleet=RepoName(f"{FLEET}-2")), CHECK, nothing),
    "order: of another node": Attack(lambda: obeys(node=NodeName("AIOS")), CHECK, nothing),
    "order: of the node in other letters": Attack(lambda: obeys(node=NodeName(NODE.lower())), CHECK, nothing),
    "order: expired": Attack(lambda: obeys(expires=NOW), CHECK, nothing),
    "order: of the future": Attack(lambda: obeys(issued=NOW + 3600), CHECK, nothing),
    "order: taken before": Attack(lambda: obeys(number=DeploymentId(3), last=2), CHECK, nothing),
    "order: the last one again": Attack(lambda: obeys(number=DeploymentId(6)), CHECK, nothing),
    "order: an older number": Attack(lambda: obeys(number=DeploymentId(5)), CHECK, nothing),
    "order: needs what the node does not know": Attack(lambda: obeys(requires=("sudo",)), CHECK, nothing),
    "order: of a later protocol": Attack(lambda: obeys(protocol=99), CHECK, nothing),
}


# -- the approved plan: a success is a plan that goes beyond it and counts as approved -----------------------------


def passes(actual: NodePlan, agreed: NodePlan = plans.APPROVED) -> bool:
    return not approval.find_unapproved(actual, agreed)


def planned(*services: Any, **changes: Any) -> NodePlan:
    return plans.node(plans.stack(*services, **changes))


NOTHING_FOUND: Callable[..., tuple[str, ...]] = lambda *_: ()  # noqa: E731 - a guard that is not there
STACK = (approval, "_judge_stack")
APPROVALS = {
    "plan: a graver action": Attack(lambda: passes(planned(plans.service(Action.REBUILD))), STACK, NOTHING_FOUND),
    "plan: a removal": Attack(lambda: passes(planned(plans.service(Action.REMOVE))), STACK, NOTHING_FOUND),
    "plan: one service more": Attack(
        lambda: passes(planned(plans.service(Action.CREATE, name="miner"))), STACK, NOTHING_FOUND
    ),
    "plan: one stack more": Attack(
        lambda: passes(planned(plans.service(Action.NONE), stack="miner")), STACK, NOTHING_FOUND
    ),
    "plan: a risk more": Attack(
        lambda: passes(planned(plans.service(Action.RECREATE, plans.OWNS))), (approval, "_judge_risks"), NOTHING_FOUND
    ),
    "plan: a risk of the whole stack": Attack(
        lambda: passes(planned(plans.service(), risks=(plans.OWNS,))), (approval, "_judge_risks"), NOTHING_FOUND
    ),
    "plan: other files": Attack(
        lambda: passes(planned(plans.service(), inputs="cc")), (approval, "_same_files"), lambda *_: True
    ),
    "plan: another rendering": Attack(
        lambda: passes(planned(plans.service(), rendered="cc")), (approval, "_same_files"), lambda *_: True
    ),
    "plan: another compose file": Attack(
        lambda: passes(planned(plans.service(), files=("evil.yaml",))), (approval, "_same_files"), lambda *_: True
    ),
    "plan: a stack that nobody can read": Attack(lambda: passes(planned(error="unreadable")), STACK, NOTHING_FOUND),
}


# -- the node's own comparison: a success is an order that is carried out ------------------------------------------

GOES = node_side.order(node_side.stack(web=Action.REMOVE))
NODES = {
    "node: a service that only its compose knows": Attack(
        lambda: (
            not node_side.beyond(
                node_side.order(node_side.stack(web=Action.NONE)), models=node_side.services("web", "miner")
            )
        ),
        (approved, "_unnamed"),
        NOTHING_FOUND,
    ),
    "node: a removal takes a container that nobody named": Attack(
        lambda: not node_side.beyond(GOES, containers=[node_side.container("data")]),
        (approved, "_removed"),
        NOTHING_FOUND,
    ),
    "node: more containers replace the first": Attack(
        lambda: (
            not node_side.beyond(
                node_side.order(node_side.stack(web=Action.CREATE)),
                containers=[node_side.container("web", config="other")],
                deployed=node_side.deployed("web"),
            )
        ),
        (approved, "_replaced"),
        NOTHING_FOUND,
    ),
}


# -- addresses: a success is one from which a node would fetch -----------------------------------------------------


def fetches(url: str) -> bool:
    try:
        safe_git.check_address(Stanza("s", SubmodulePath("s"), url, None))
    except UnsafeAddressError:
        return False
    return True


ADDRESSES = {
    f"address: {url}": Attack(partial(fetches, url), (safe_git, "check_address"), nothing)
    for url in ("ext::sh -c id", "file:///etc", "/srv/other", "git://host/x", "-u./x", "http://host/x", "fd::17")
}


# -- reviews: a success is a merge that nobody looked at -----------------------------------------------------------


def merges(path: str, *, read: bool = False, effect: MergeEffect = MergeEffect.NOTHING, **more: Any) -> bool:
    facts = ReviewFacts(
        paths=(path,),
        complete=more.pop("complete", True),
        rules=ReviewRules(auto_merge=True),
        author="aios-bot[bot]",
        head=HEAD,
        ours=True,
        read=frozenset([path] if read else []),
        effect=effect,
        **more,
    )
    return review.decide_review(facts).auto_merge


def is_approved(
    login: str,
    *,
    permission: Permission = Permission.WRITE,
    commit: CommitSha = HEAD,
    pushed_by: str | None = "",
) -> bool:
    word = ReviewApproval(login=login, permission=permission, approves=True, commit=commit)
    facts = ReviewFacts(
        paths=("stacks/web/compose.yaml",),
        complete=True,
        rules=ReviewRules(),
        author="ada",
        head=HEAD,
        ours=False,
        approvals=(word,),
        pushed_by=pushed_by,
    )
    return review.decide_review(facts).missing is review.Missing.NOTHING


BY_NAME = (review, "_judge_path")
OPTIONAL = review.ReviewRule(name="all is well", need=review.Need.OPTIONAL, globs=())
RELAXED: Callable[..., review.ReviewRule] = lambda *_: OPTIONAL  # noqa: E731 - a guard that is not there
REVIEWS = {
    "review: a document that a stack includes": Attack(lambda: merges("docs/x.md", read=True), BY_NAME, RELAXED),
    "review: beside a stack that cannot be read": Attack(lambda: merges("docs/x.md", blind=True), BY_NAME, RELAXED),
    "review: a workflow": Attack(lambda: merges(".github/workflows/docs.md"), BY_NAME, RELAXED),
    "review: a workflow in other letters": Attack(lambda: merges(".GitHub/docs/x.md"), BY_NAME, RELAXED),
    "review: the fleet file": Attack(lambda: merges(".github/aios-bot.yml"), BY_NAME, RELAXED),
    "review: where submodules come from": Attack(lambda: merges(".gitmodules"), BY_NAME, RELAXED),
    "review: who pushed it": Attack(
        lambda: is_approved("eve", pushed_by="Eve"),
        (review, "_is_same"),
        lambda login, other: False,  # noqa: ARG005
    ),
    "review: the author in other letters": Attack(
        lambda: is_approved("ADA"), (review, "_is_same"), lambda login, other: login == other
    ),
    "review: a stack": Attack(lambda: merges("stacks/docs/compose.yaml"), BY_NAME, RELAXED),
}


# -- what owns the machine: a success is a mount that counts as nothing --------------------------------------------


def counts_as_nothing(path: str) -> bool:
    return host_paths.judge_path(path, read_only=False) is host_paths.Holds.NOTHING


HARMLESS: Callable[..., host_paths.Holds] = lambda *_, **__: host_paths.Holds.NOTHING  # noqa: E731 - as above
PATHS = (
    "/ //etc /etc/. /srv/../etc /proc/1/root /var/run/docker.sock /run/podman/podman.sock /root/.ssh "
    "/var/lib/docker/volumes /home/ada /dev/mem C:\\\\ /mnt/c/Windows "
    "C:\\a\\..\\..\\Windows c:/x/../../Users C:..\\Windows"
)
MOUNTS = {
    f"mount: {path}": Attack(
        partial(counts_as_nothing, path),
        (host_paths, "judge_path"),
        HARMLESS,
    )
    for path in PATHS.split(" ")
}


# -- what leaks, costs or is printed -------------------------------------------------------------------------------


def shows(**facts: Any) -> bool:
    whole = {"named": True, "listed": None, "publish": False, "private": True, "hub_private": False} | facts
    return hub.decide_hub_fleet(HubFleetFacts(fleet=FLEET, **whole)) is hub.HubReason.SHOWN


def costs(**recent: Any) -> bool:
    return attention.decide_attention(attention.RecentCommands(**recent)) is attention.Attention.HEARD


def prints(text: str) -> bool:
    return text in terminal.printable(f"a{text}b")


HUB, LIMIT = (hub, "decide_hub_fleet"), (attention, "decide_attention")
SHOWN: Callable[..., hub.HubReason] = lambda _: hub.HubReason.SHOWN  # noqa: E731 - as above
HEARD: Callable[..., attention.Attention] = lambda _: attention.Attention.HEARD  # noqa: E731 - as above
OTHERS = {
    "hub: a private fleet in public": Attack(shows, HUB, SHOWN),
    "hub: a fleet that does not name it": Attack(lambda: shows(named=False, private=False), HUB, SHOWN),
    "hub: a fleet that it does not list": Attack(lambda: shows(listed=False, private=False), HUB, SHOWN),
    "commands: a stranger's second": Attack(lambda: costs(earlier=1, refused=True), LIMIT, HEARD),
    "commands: the thirty-first": Attack(lambda: costs(earlier=30), LIMIT, HEARD),
    "commands: the thousandth": Attack(lambda: costs(earlier=999), LIMIT, HEARD),
    **{
        f"terminal: {name}": Attack(partial(prints, text), (terminal, "printable"), lambda text: text)
        for name, text in {"title": "\x1b]0;x\x07", "line": "\r", "one byte": "\x9b2J", "turned": "\u202e"}.items()
    },
}

ATTACKS: dict[str, Attack] = ORDERS | APPROVALS | NODES | ADDRESSES | REVIEWS | MOUNTS | OTHERS | KEPT | MERGES


@pytest.mark.parametrize("name", ATTACKS)
def test_it_fails_and_would_succeed_without_its_guard(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    attack = ATTACKS[name]
    assert not attack.attempt(), "the attack succeeded"
    monkeypatch.setattr(*attack.guard, attack.weak)
    assert attack.attempt(), "it does not succeed on a weakened build either: it shows nothing"


def test_they_are_enough() -> None:
    print(f"{len(ATTACKS)} attacks on {len({attack.guard[1] for attack in ATTACKS.values()})} guards, 0 succeeded")
    assert len(ATTACKS) >= 90


@pytest.mark.parametrize(
    ("login", "changes"),
    [
        ("ada", {}),
        ("ADA", {}),
        ("eve", {"permission": Permission.READ}),
        ("eve", {"commit": OLDER}),
        ("eve", {"pushed_by": "Eve"}),
        ("eve", {"pushed_by": None}),
    ],
    ids=[
        "the author's own",
        "the author's own in other letters",
        "without permission",
        "of an older commit",
        "of who pushed it",
        "of perhaps who pushed it",
    ],
)
def test_an_approval_that_does_not_count(login: str, changes: dict[str, Any]) -> None:
    """The same word of another person, with permission and of the head, counts."""
    assert not is_approved(login, **changes)
    assert is_approved("eve")
