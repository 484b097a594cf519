"""Orders: signed by the bot, taken once by the node they name, refused otherwise, each time with its reason."""

from __future__ import annotations

import base64
import json

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import BotError
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
from bot.protocol.action import Action
from bot.protocol.order import (
    Order,
    OrderKind,
    Refusal,
    RefusalReason,
    ServiceOrder,
    StackOrder,
    sign_order,
    verify_order,
)

pytestmark = pytest.mark.portable
KEY = Ed25519PrivateKey.generate()
NEXT_KEY = Ed25519PrivateKey.generate()
FLEET, NODE, NOW = RepoName("tecnocrat/aios-win"), NodeName("HP_LAB"), 1_800_000_000


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
    order = Order(
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
    return msgspec.structs.replace(order, **changes)


def verify(text: str, **changes: object) -> Order | Refusal:
    given_values: dict[str, object] = {
        "public_keys": [KEY.public_key()],
        "fleet": FLEET,
        "node": NODE,
        "now": NOW,
        "last_number": 6,
    }
    return verify_order(text, **(given_values | changes))  # type: ignore[arg-type]  # a test states only its difference


def reason(answer: Order | Refusal) -> RefusalReason:
    assert isinstance(answer, Refusal), answer
    return answer.reason


def test_a_good_order_comes_back_as_it_was_signed() -> None:
    assert verify(sign_order(make_order(), KEY)) == make_order()


def test_each_way_to_be_wrong_has_its_reason() -> None:
    signed = sign_order(make_order(), KEY)
    assert reason(verify(signed, fleet=RepoName("tecnocrat/other"))) is RefusalReason.OTHER_FLEET
    assert reason(verify(signed, node=NodeName("AIOS"))) is RefusalReason.OTHER_NODE
    assert reason(verify(signed, now=NOW + 600)) is RefusalReason.EXPIRED
    assert reason(verify(signed, now=NOW - 200)) is RefusalReason.NOT_YET_VALID
    assert reason(verify(signed, last_number=7)) is RefusalReason.ALREADY_USED
    assert reason(verify(signed, last_number=9, used=frozenset({7, 9}))) is RefusalReason.ALREADY_USED
    assert reason(verify(signed, last_number=9)) is RefusalReason.OLDER_NUMBER
    assert reason(verify(signed, public_keys=[])) is RefusalReason.BAD_SIGNATURE
    assert reason(verify(sign_order(make_order(), NEXT_KEY))) is RefusalReason.BAD_SIGNATURE


def test_only_an_order_of_ours_that_was_not_taken_may_be_spoken_of_under_its_number() -> None:
    signed = sign_order(make_order(), KEY)
    for told in (verify(signed, now=NOW + 600), verify(signed, now=NOW - 200), verify(signed, last_number=9)):
        assert isinstance(told, Refusal)
        assert told.order == make_order()
    for silent in (verify(signed, last_number=7), verify(signed, node=NodeName("AIOS")), verify("{}")):
        assert isinstance(silent, Refusal)
        assert silent.order is None


def test_a_small_clock_difference_is_borne() -> None:
    assert isinstance(verify(sign_order(make_order(), KEY), now=NOW - 100), Order)


def test_keys_are_replaced_with_an_overlap() -> None:
    both = [KEY.public_key(), NEXT_KEY.public_key()]
    assert isinstance(verify(sign_order(make_order(), KEY), public_keys=both), Order)
    assert isinstance(verify(sign_order(make_order(), NEXT_KEY), public_keys=both), Order)
    assert (
        reason(verify(sign_order(make_order(), KEY), public_keys=[NEXT_KEY.public_key()]))
        is RefusalReason.BAD_SIGNATURE
    )


def test_any_altered_byte_of_the_order_breaks_the_signature() -> None:
    envelope = json.loads(sign_order(make_order(), KEY))
    payload = base64.b64decode(envelope["payload"])
    for at in range(0, len(payload), 7):
        changed = payload[:at] + bytes([payload[at] ^ 1]) + payload[at + 1 :]
        envelope["payload"] = base64.b64encode(changed).decode()
        assert reason(verify(json.dumps(envelope))) is RefusalReason.BAD_SIGNATURE


def test_what_was_signed_for_another_purpose_is_no_order() -> None:
    envelope = json.loads(sign_order(make_order(), KEY))
    envelope["payloadType"] = "application/vnd.aios-bot.other+json"
    assert reason(verify(json.dumps(envelope))) is RefusalReason.BAD_SIGNATURE


def test_signed_but_unreadable_says_what_to_do() -> None:
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import CryptoSigner

    from bot.protocol.order import PAYLOAD_TYPE

    newer = json.loads(msgspec.json.encode(make_order())) | {"from_the_future": 1}
    envelope = Envelope(json.dumps(newer).encode(), PAYLOAD_TYPE, {})
    envelope.sign(CryptoSigner(KEY))
    answer = verify(json.dumps(envelope.to_dict()))
    assert reason(answer) is RefusalReason.MALFORMED
    assert isinstance(answer, Refusal)
    assert "update aios-bot" in answer.text


@given(st.text() | st.binary().map(lambda b: b.decode("latin-1")))
def test_garbage_is_malformed_and_never_an_error(text: str) -> None:
    assert reason(verify(text)) is RefusalReason.MALFORMED


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_envelopes_of_any_shape_are_refused(value: object) -> None:
    for field in ("payload", "payloadType", "signatures"):
        shape = json.loads(sign_order(make_order(), KEY)) | {field: value}
        assert reason(verify(json.dumps(shape))) in (RefusalReason.MALFORMED, RefusalReason.BAD_SIGNATURE)


def test_an_order_that_no_dispatch_can_carry_is_not_signed() -> None:
    with pytest.raises(BotError, match="fewer stacks"):
        sign_order(make_order(variables={"A": "x" * 32_000}), KEY)
