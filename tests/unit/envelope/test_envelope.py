"""Envelopes: what was signed comes out as it went in, or not at all; with and without the cryptography library."""

from __future__ import annotations

import base64
import json
import subprocess
import sys

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from hypothesis import given
from hypothesis import strategies as st
from securesystemslib.signer import SSlibKey

from bot.envelope.keys import PublicKey, PublicKeyError, parse_public_key
from bot.envelope.sign import seal
from bot.envelope.verify import EnvelopeError, EnvelopeFault, open_envelope

pytestmark = pytest.mark.portable
KEY, OTHER = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
TYPE = "application/vnd.example+json"


def public(key: Ed25519PrivateKey) -> PublicKey:
    return PublicKey(key.public_key().public_bytes_raw())


def pem(key: Ed25519PrivateKey | ec.EllipticCurvePrivateKey | ed448.Ed448PrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def fault(text: str, *keys: PublicKey, payload_type: str = TYPE) -> tuple[EnvelopeFault, str]:
    with pytest.raises(EnvelopeError) as caught:
        open_envelope(text, keys=keys or [public(KEY)], payload_type=payload_type)
    return caught.value.fault, str(caught.value)


@given(st.binary(), st.text())
def test_what_was_signed_comes_out_as_it_went_in(payload: bytes, payload_type: str) -> None:
    text = seal(payload, payload_type, [KEY])
    assert open_envelope(text, keys=[public(KEY)], payload_type=payload_type) == payload


def test_an_envelope_is_dsse() -> None:
    """github.com/secure-systems-lab/dsse: what is signed is the type and the payload, each with its length."""
    envelope = json.loads(seal(b"hello", TYPE, [KEY]))
    assert envelope.keys() == {"payload", "payloadType", "signatures"}
    assert base64.b64decode(envelope["payload"]) == b"hello"
    assert envelope["payloadType"] == TYPE
    (signature,) = envelope["signatures"]
    assert signature["keyid"] == public(KEY).key_id
    KEY.public_key().verify(base64.b64decode(signature["sig"]), b"DSSEv1 28 %b 5 hello" % TYPE.encode())


def test_one_trusted_signature_of_several_is_enough() -> None:
    text = seal(b"hello", TYPE, [OTHER, KEY])
    assert len(json.loads(text)["signatures"]) == 2
    assert open_envelope(text, keys=[public(KEY)], payload_type=TYPE) == b"hello"
    assert open_envelope(seal(b"hello", TYPE, [OTHER]), keys=[public(KEY), public(OTHER)], payload_type=TYPE)


def test_a_signature_that_no_trusted_key_made_opens_nothing() -> None:
    text = seal(b"hello", TYPE, [KEY])
    nobody = "Accepted signatures do not match threshold, Found: 0, Expected 1"
    assert fault(text, public(OTHER)) == (EnvelopeFault.UNTRUSTED, nobody)
    assert fault(seal(b"hello", TYPE, []))[0] is EnvelopeFault.UNTRUSTED
    with pytest.raises(EnvelopeError) as caught:
        open_envelope(text, keys=[], payload_type=TYPE)
    assert caught.value.fault is EnvelopeFault.UNTRUSTED


@pytest.mark.parametrize("field", ["payload", "payloadType", "keyid", "sig"])
def test_whatever_is_altered_breaks_the_signature(field: str) -> None:
    envelope = json.loads(seal(b"hello", TYPE, [KEY]))
    foreign = json.loads(seal(b"hullo", TYPE + "2", [OTHER]))
    if field in envelope:
        envelope[field] = foreign[field]
    else:
        envelope["signatures"][0][field] = foreign["signatures"][0][field]
    assert fault(json.dumps(envelope), payload_type=envelope["payloadType"])[0] is EnvelopeFault.UNTRUSTED


def test_a_signature_for_another_purpose_opens_nothing() -> None:
    text = seal(b"hello", "x" * 100, [KEY])
    assert fault(text) == (EnvelopeFault.OTHER_TYPE, "x" * 80)


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"payload":"","payloadType":""}', "[" * 100_000])
def test_what_is_no_envelope_is_malformed(text: str) -> None:
    assert fault(text)[0] is EnvelopeFault.MALFORMED


def test_what_is_not_base64_is_malformed_and_told_in_one_line() -> None:
    envelope = json.loads(seal(b"hello", TYPE, [KEY]))
    assert fault(json.dumps(envelope | {"payload": "a"}))[0] is EnvelopeFault.MALFORMED
    twice = envelope["signatures"] * 2
    assert fault(json.dumps(envelope | {"signatures": twice}))[0] is EnvelopeFault.MALFORMED
    long = [{"keyid": "k" * 500, "sig": twice[0]["sig"]}] * 2
    found, message = fault(json.dumps(envelope | {"signatures": long}))
    assert found is EnvelopeFault.MALFORMED
    assert message == f"Multiple signatures found for keyid {'k' * 500}"[:200]


@pytest.mark.parametrize(
    "changes",
    [
        {"payload": None},
        {"payloadType": 1},
        {"signatures": {}},
        {"signatures": [{"keyid": 1, "sig": "AAAA"}]},
        {"signatures": [{"keyid": "a", "sig": None}]},
        {"signatures": [{"sig": "AAAA"}]},
    ],
)
def test_a_field_of_another_type_makes_an_envelope_malformed(changes: dict[str, object]) -> None:
    envelope = json.loads(seal(b"hello", TYPE, [KEY]))
    assert fault(json.dumps(envelope | changes))[0] is EnvelopeFault.MALFORMED


def test_what_a_later_version_adds_to_an_envelope_is_ignored() -> None:
    envelope = json.loads(seal(b"hello", TYPE, [KEY])) | {"later": 1}
    envelope["signatures"][0]["later"] = 1
    assert open_envelope(json.dumps(envelope), keys=[public(KEY)], payload_type=TYPE) == b"hello"


# -- keys -------------------------------------------------------------------------------------------------------


def test_a_key_is_the_file_that_other_programs_read() -> None:
    key = public(KEY)
    assert key.pem.encode() == pem(KEY)
    assert parse_public_key(pem(KEY)) == key
    assert load_pem_public_key(key.pem.encode()) == KEY.public_key()
    assert key.fingerprint == KEY.public_key().public_bytes_raw().hex()[:16]
    assert key.key_id == SSlibKey.from_crypto(KEY.public_key()).keyid


@pytest.mark.parametrize("lines", ["\n", "\r\n"])
def test_a_key_is_read_whatever_its_lines_end_with(lines: str) -> None:
    text = "a comment\n" + public(KEY).pem.replace("\n", lines) + lines
    assert parse_public_key(text.encode()) == public(KEY)


@pytest.mark.parametrize(
    "content",
    [
        pem(ec.generate_private_key(ec.SECP256R1())),
        pem(ed448.Ed448PrivateKey.generate()),
        X25519PrivateKey.generate()
        .public_key()
        .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),  # as long as an Ed25519 key
        pem(RSA),
        RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.PKCS1),
    ],
)
def test_a_key_of_another_kind_is_named_as_such(content: bytes) -> None:
    with pytest.raises(PublicKeyError) as caught:
        parse_public_key(content)
    assert str(caught.value) == "not an Ed25519 key; the bot's own is in AIOS_BOT_DATA/keys/orders.pub.pem"


def as_pem(der: bytes) -> bytes:
    return b"-----BEGIN PUBLIC KEY-----\n" + base64.b64encode(der) + b"\n-----END PUBLIC KEY-----\n"


WHOLE = base64.b64decode(public(KEY).pem.splitlines()[1])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"nonsense",
        as_pem(b""),
        as_pem(b"\0\0\0"),
        as_pem(b"0"),
        as_pem(WHOLE[:-1]),
        as_pem(WHOLE + b"\0"),
        as_pem(b"1" + WHOLE[1:]),
        as_pem(b"\x30\x82\x01"),
        as_pem(b"\x30\x81\x05abcd"),
        as_pem(b"\x30\x80" + b"x" * 128),  # a length that is left open
        as_pem(WHOLE).replace(b"MCow", b"MCow="),
        b"-----BEGIN PUBLIC KEY-----\nAAA\n-----END PUBLIC KEY-----\n",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ],
)
def test_what_is_no_key_is_named_as_such(content: bytes) -> None:
    with pytest.raises(PublicKeyError) as caught:
        parse_public_key(content)
    assert str(caught.value) == "no public key in PEM form (-----BEGIN PUBLIC KEY-----)"


@pytest.mark.parametrize("kind", ["", "RSA ", "EC ", "ENCRYPTED ", "OPENSSH "])
def test_a_private_key_is_named_as_such_and_never_shown(kind: str) -> None:
    with pytest.raises(PublicKeyError, match="a private key, which no node may have") as caught:
        parse_public_key(f"-----BEGIN {kind}PRIVATE KEY-----\nAAAA\n-----END {kind}PRIVATE KEY-----\n".encode())
    assert "AAAA" not in str(caught.value)


def test_a_key_with_a_length_of_several_bytes_is_read() -> None:
    with pytest.raises(PublicKeyError, match="not an Ed25519 key"):
        parse_public_key(as_pem(b"\x30\x81\x80" + b"x" * 128))
    with pytest.raises(PublicKeyError, match="not an Ed25519 key"):
        parse_public_key(as_pem(b"\x30\x7f" + b"x" * 127))
    with pytest.raises(PublicKeyError, match="not an Ed25519 key"):
        parse_public_key(as_pem(b"\x30\x00"))
    with pytest.raises(PublicKeyError, match="not an Ed25519 key"):
        parse_public_key(as_pem(b"\x30\x80"))


# -- without the cryptography library -------------------------------------------------------------------------------

WITHOUT = """
import json, sys
if {absent}:
    sys.modules["cryptography"] = None
from bot.agent.verify import verify_order
from bot.envelope.keys import parse_public_key
from bot.envelope.verify import EnvelopeError, open_envelope
assert sys.modules.get("cryptography") is None
keys = [parse_public_key(sys.argv[1].encode())]
for text in sys.stdin:
    try:
        print(open_envelope(text, keys=keys, payload_type=sys.argv[2]).decode())
    except EnvelopeError as problem:
        print(problem.fault)
"""


@pytest.mark.parametrize("absent", [True, False])
def test_verifying_is_imported_and_done_without_cryptography(absent: bool) -> None:
    good = seal(b"hello", TYPE, [KEY])
    altered = json.loads(good)
    altered["payload"] = base64.b64encode(b"hullo").decode()
    short = json.loads(good)
    short["signatures"][0]["sig"] = "AAAA"
    off_curve = json.loads(good)
    off_curve["signatures"][0]["sig"] = base64.b64encode(b"\xff" * 64).decode()
    texts = [good, altered, short, off_curve, seal(b"hello", TYPE, [OTHER]), seal(b"hello", "other", [KEY]), {}]
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT.format(absent=absent), public(KEY).pem, TYPE],
        input="\n".join(text if isinstance(text, str) else json.dumps(text) for text in texts),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert done.stdout.split() == [
        "hello",
        "untrusted",
        "untrusted",
        "untrusted",
        "untrusted",
        "other_type",
        "malformed",
    ]
