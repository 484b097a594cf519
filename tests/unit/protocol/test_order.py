"""Orders: their bytes, and every reason for which a node does not carry one out."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.names import (
    CommitSha,
    DeploymentId,
    NodeName,
    PlanId,
    RepoName,
    ServiceName,
    StackName,
    SubmodulePath,
)
from bot.protocol import PROTOCOL_VERSION, order
from bot.protocol.action import Action
from bot.protocol.order import (
    CLOCK_SKEW,
    MismatchPolicy,
    Order,
    OrderKind,
    Refusal,
    RefusalReason,
    ServiceOrder,
    StackOrder,
    check_order,
    encode_order,
    parse_order,
)
from tests.stored_values import values_of, with_later_fields

pytestmark = pytest.mark.portable
FLEET, NODE, NOW = RepoName("tecnocrat/aios-win"), NodeName("HP_LAB"), 1_800_000_000
SHAS = st.text("0123456789abcdef", min_size=40, max_size=40)
ORDERS = st.builds(
    lambda made, commit, pin: msgspec.structs.replace(made, commit=commit, pin=pin), values_of(Order), SHAS, SHAS
)


def make_order(**changes: object) -> Order:
    """An order that is good for NODE at NOW."""
    stack = StackOrder(
        stack=StackName("ingress"),
        folder="server/stacks/ingress",
        files=("docker-compose.yml",),
        profiles=(),
        project="ingress",
        services=(ServiceOrder(service=ServiceName("traefik"), action=Action.RECREATE),),
    )
    made = Order(
        kind=OrderKind.DEPLOY,
        fleet=FLEET,
        node=NODE,
        commit=CommitSha("a" * 40),
        base="main",
        submodule=SubmodulePath("server"),
        pin=CommitSha("b" * 40),
        plan=PlanId("0123456789ab"),
        root="/srv/aios",
        stacks=(stack,),
        variables={"A": "1"},
        issued=NOW - 10,
        expires=NOW + 600,
        number=DeploymentId(7),
    )
    return msgspec.structs.replace(made, **changes)


def check(made: Order, **changes: object) -> Refusal | None:
    given_values: dict[str, object] = {"fleet": FLEET, "node": NODE, "now": NOW, "last_number": 6}
    return check_order(made, **(given_values | changes))  # type: ignore[arg-type]  # a test states only its difference


def refuse(reason: RefusalReason, text: str, told: Order | None = None) -> Refusal:
    return Refusal(reason=reason, text=text, order=told)


def read(payload: bytes) -> Order:
    made = parse_order(payload)
    assert isinstance(made, Order), made
    return made


# -- bytes ------------------------------------------------------------------------------------------------------


@given(ORDERS)
def test_an_order_comes_back_as_it_was_written(made: Order) -> None:
    assert read(encode_order(made)) == made


@given(ORDERS)
def test_equal_orders_have_equal_bytes(made: Order) -> None:
    turned = msgspec.structs.replace(made, variables=dict(reversed(made.variables.items())))
    assert encode_order(turned) == encode_order(made)


@given(ORDERS)
def test_an_order_of_a_later_version_that_requires_nothing_new_is_read(made: Order) -> None:
    assert read(msgspec.json.encode(with_later_fields(made))) == made


def test_the_bytes_of_an_order_are_these() -> None:
    """Nodes of every version read them: a name that changes here is an order that they refuse."""
    assert encode_order(make_order()).decode() == (
        '{"kind":"deploy","fleet":"tecnocrat/aios-win","node":"HP_LAB","commit":"' + "a" * 40 + '","base":"main",'
        '"submodule":"server","pin":"' + "b" * 40 + '","plan":"0123456789ab","root":"/srv/aios","stacks":['
        '{"stack":"ingress","folder":"server/stacks/ingress","files":["docker-compose.yml"],"profiles":[],'
        '"project":"ingress","services":[{"service":"traefik","action":"recreate"}]}],"variables":{"A":"1"},'
        '"issued":1799999990,"expires":1800000600,"number":7}'
    )


@pytest.mark.parametrize("field", ["commit", "pin"])
@pytest.mark.parametrize("text", ["a" * 39, "a" * 41, "A" * 40, "main", ""])
def test_a_commit_that_is_not_whole_makes_an_order_unreadable(field: str, text: str) -> None:
    answer = parse_order(encode_order(make_order(**{field: text})))
    assert isinstance(answer, Refusal)
    assert answer == refuse(
        RefusalReason.MALFORMED,
        f"an order that this version cannot read (not a full commit id (40 hexadecimal digits): {text!r}): "
        "update aios-bot on this node",
    )


@pytest.mark.parametrize("payload", [b"", b"{}", b"[]", b"\xff", b"[" * 100_000, b'{"requires":[1]}', b'"' * 3])
def test_what_is_no_order_is_malformed(payload: bytes) -> None:
    answer = parse_order(payload)
    assert isinstance(answer, Refusal)
    assert (answer.reason, answer.order) == (RefusalReason.MALFORMED, None)
    assert answer.text.startswith("an order that this version cannot read (")
    assert answer.text.endswith("): update aios-bot on this node")
    assert len(answer.text) <= 200 + len("an order that this version cannot read (): update aios-bot on this node")


def test_a_long_complaint_is_cut() -> None:
    answer = parse_order(encode_order(make_order(commit="z" * 300)))
    assert isinstance(answer, Refusal)
    complaint = answer.text.removeprefix("an order that this version cannot read (")
    assert len(complaint.removesuffix("): update aios-bot on this node")) == 200


# -- what an order requires ---------------------------------------------------------------------------------------

_CURE = "which this version of aios-bot does not know: update aios-bot on this node"


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({"requires": ("snapshot",)}, "snapshot"),
        ({"requires": ("snapshot", "quiesce")}, "snapshot, quiesce"),
        ({"protocol": PROTOCOL_VERSION + 1}, f"version {PROTOCOL_VERSION + 1} of the protocol"),
        ({"protocol": 9, "requires": ("snapshot",)}, "version 9 of the protocol, snapshot"),
    ],
)
def test_an_order_that_requires_what_is_not_known_here_is_refused(changes: dict[str, object], missing: str) -> None:
    made = make_order(**changes)
    text = f"the order needs {missing}, {_CURE}"
    assert check(made) == refuse(RefusalReason.REQUIRES_UPDATE, text, made)
    # So is one that cannot be read at all; it is not known then for whom it is.
    newer = json.loads(encode_order(made)) | {"kind": "of a later version"}
    assert parse_order(json.dumps(newer).encode()) == refuse(RefusalReason.REQUIRES_UPDATE, text)


def test_an_order_may_require_what_is_known_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order, "UNDERSTOOD", frozenset({"snapshot"}))
    assert check(make_order(requires=("snapshot",))) is None
    answer = check(make_order(requires=("snapshot", "quiesce")))
    assert answer is not None
    assert answer.text == f"the order needs quiesce, {_CURE}"


def test_an_order_requires_nothing_unless_it_is_made_to() -> None:
    assert (make_order().protocol, make_order().requires) == (1, ())
    assert {"agent", "follows", "if_same", "tree", "watch"} == order.UNDERSTOOD
    assert check(make_order(protocol=PROTOCOL_VERSION)) is None
    assert check(make_order(protocol=PROTOCOL_VERSION - 1)) is None


def test_what_an_order_requires_is_named_in_the_length_of_a_line() -> None:
    made = make_order(requires=("x" * 500,))
    assert check(made) == refuse(RefusalReason.REQUIRES_UPDATE, f"the order needs {'x' * 200}, {_CURE}", made)


# -- checks -----------------------------------------------------------------------------------------------------


def test_an_order_for_this_node_now_is_carried_out() -> None:
    assert check(make_order()) is None
    assert check(make_order(), last_number=0) is None


def test_an_order_for_another_fleet_or_node_is_not_reported_under_its_number() -> None:
    assert check(make_order(), fleet=RepoName("tecnocrat/other")) == refuse(
        RefusalReason.OTHER_FLEET,
        "the order is for the fleet tecnocrat/aios-win, and this node is tecnocrat/other's; "
        "if that got another name, run `aios-bot node rename` on it",
    )
    assert check(make_order(), node=NodeName("AIOS")) == refuse(
        RefusalReason.OTHER_NODE, "the order is for the node HP_LAB, and this one is AIOS"
    )


@pytest.mark.parametrize("spelled", ["Tecnocrat/AIOS-Win", "TECNOCRAT/aios-win"])
def test_github_does_not_tell_upper_from_lower_case_in_a_fleets_name(spelled: str) -> None:
    assert check(make_order(), fleet=RepoName(spelled)) is None
    assert check(make_order(fleet=spelled)) is None


@pytest.mark.parametrize("spelled", ["hp_lab", "HP_Lab", "HP_LAB ", "HP_LA"])
def test_a_nodes_name_is_taken_as_it_is_spelled(spelled: str) -> None:
    answer = check(make_order(), node=NodeName(spelled))
    assert answer is not None
    assert answer.reason is RefusalReason.OTHER_NODE


def test_a_number_is_taken_once() -> None:
    used = refuse(RefusalReason.ALREADY_USED, "order 7 was taken before")
    assert check(make_order(), last_number=7) == used
    assert check(make_order(), last_number=9, used=frozenset({7, 9})) == used
    assert check(make_order(), last_number=6, used=frozenset({7})) == used
    assert check(make_order(), last_number=6, used=frozenset({5, 6})) is None


@pytest.mark.parametrize("last", [8, 9, 1000])
def test_an_older_number_is_refused(last: int) -> None:
    made = make_order()
    text = f"order 7 is older than {last}, which this node took already"
    assert check(made, last_number=last) == refuse(RefusalReason.OLDER_NUMBER, text, made)


def test_an_order_is_valid_from_its_issue_to_its_expiry() -> None:
    made = make_order(issued=NOW, expires=NOW + 60)
    early = "the order is valid in 121 s; check this node's clock"
    assert check(made, now=NOW - CLOCK_SKEW - 1) == refuse(RefusalReason.NOT_YET_VALID, early, made)
    assert check(made, now=NOW - CLOCK_SKEW) is None
    assert check(made, now=NOW + 59.9) is None
    late = "the order expired {} s ago; ask for a new one"
    assert check(made, now=NOW + 60) == refuse(RefusalReason.EXPIRED, late.format(0), made)
    assert check(made, now=NOW + 90) == refuse(RefusalReason.EXPIRED, late.format(30), made)
    assert CLOCK_SKEW == 120


# -- values -----------------------------------------------------------------------------------------------------


def test_which_orders_touch_nothing() -> None:
    assert [kind for kind in OrderKind if kind.reads_only] == [OrderKind.PLAN_ONLY, OrderKind.DRIFT]


@pytest.mark.parametrize(("number", "by_hand"), [(-2, True), (-1, True), (0, False), (1, False)])
def test_an_order_made_on_the_node_itself_has_a_negative_number(number: int, by_hand: bool) -> None:
    assert make_order(number=DeploymentId(number)).is_by_hand is by_hand


def test_what_is_not_set_means_as_before() -> None:
    made = make_order()
    assert (made.head_of, made.start, made.hooks) == (None, None, ())
    assert (made.on_drift, made.on_edits) == (MismatchPolicy.CONTINUE, MismatchPolicy.STOP)
    (service,) = made.stacks[0].services
    assert (service.signal, service.remaining, made.stacks[0].networks) == ("SIGHUP", 0, ())
