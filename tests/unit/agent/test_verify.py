"""Signed orders: taken once by the node they name, refused otherwise, each time with its reason."""

from __future__ import annotations

import base64
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from bot.agent.verify import verify_order
from bot.domain.errors import BotError
from bot.domain.names import NodeName, RepoName
from bot.envelope.keys import PublicKey
from bot.envelope.sign import seal
from bot.features.rollout.apply.signing import sign_order
from bot.protocol.order import MAX_ENVELOPE_LENGTH, PAYLOAD_TYPE, Order, Refusal, RefusalReason, encode_order
from tests.unit.protocol.test_order import FLEET, NODE, NOW, make_order

pytestmark = pytest.mark.portable
KEY = Ed25519PrivateKey.generate()
NEXT_KEY = Ed25519PrivateKey.generate()


def public(key: Ed25519PrivateKey) -> PublicKey:
    return PublicKey(key.public_key().public_bytes_raw())


def verify(text: str, **changes: object) -> Order | Refusal:
    given_values: dict[str, object] = {
        "public_keys": [public(KEY)],
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
    assert reason(verify(sign_order(make_order(requires=("x",)), KEY))) is RefusalReason.REQUIRES_UPDATE


def test_a_node_that_trusts_no_key_says_how_to_trust_one() -> None:
    answer = verify(sign_order(make_order(), KEY), public_keys=[])
    assert isinstance(answer, Refusal)
    assert answer.text == "this node trusts no key yet: run `aios-bot node trust KEYFILE`"


def test_a_forged_order_is_not_read() -> None:
    answer = verify(seal(b"\xff no order", PAYLOAD_TYPE, [NEXT_KEY]))
    assert answer == Refusal(
        reason=RefusalReason.BAD_SIGNATURE, text="no key that this node trusts made the order's signature"
    )


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
    both = [public(KEY), public(NEXT_KEY)]
    assert isinstance(verify(sign_order(make_order(), KEY), public_keys=both), Order)
    assert isinstance(verify(sign_order(make_order(), NEXT_KEY), public_keys=both), Order)
    assert (
        reason(verify(sign_order(make_order(), KEY), public_keys=[public(NEXT_KEY)])) is RefusalReason.BAD_SIGNATURE
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
    other = seal(encode_order(make_order()), "application/vnd.aios-bot.other+json", [KEY])
    assert verify(other) == Refusal(
        reason=RefusalReason.MALFORMED, text="signed, but not an order: application/vnd.aios-bot.other+json"
    )


def test_fields_of_a_newer_bot_are_ignored_and_what_it_requires_is_not() -> None:
    newer = json.loads(encode_order(make_order())) | {"from_the_future": 1}
    assert verify(seal(json.dumps(newer).encode(), PAYLOAD_TYPE, [KEY])) == make_order()
    newer["requires"] = ["from_the_future"]
    answer = verify(seal(json.dumps(newer).encode(), PAYLOAD_TYPE, [KEY]))
    assert reason(answer) is RefusalReason.REQUIRES_UPDATE
    assert isinstance(answer, Refusal)
    assert "the order needs from_the_future" in answer.text
    assert "update aios-bot" in answer.text


def test_signed_but_unreadable_says_what_to_do() -> None:
    newer = json.loads(encode_order(make_order())) | {"kind": "from_the_future"}
    answer = verify(seal(json.dumps(newer).encode(), PAYLOAD_TYPE, [KEY]))
    assert reason(answer) is RefusalReason.MALFORMED
    assert isinstance(answer, Refusal)
    assert "update aios-bot" in answer.text


@given(st.text() | st.binary().map(lambda b: b.decode("latin-1")))
def test_garbage_is_malformed_and_never_an_error(text: str) -> None:
    answer = verify(text)
    assert reason(answer) is RefusalReason.MALFORMED
    assert isinstance(answer, Refusal)
    assert answer.text.startswith("not a signed order: ")


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
    with pytest.raises(BotError) as caught:
        sign_order(make_order(variables={"A": "x" * 32_000}), KEY)
    length = len(seal(encode_order(make_order(variables={"A": "x" * 32_000})), PAYLOAD_TYPE, [KEY]))
    assert str(caught.value) == (
        f"the order for HP_LAB has {length} characters, and a node takes {MAX_ENVELOPE_LENGTH}: "
        "give the node fewer stacks in the fleet file"
    )
    assert MAX_ENVELOPE_LENGTH == 32_000
