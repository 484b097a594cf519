"""Read and write the public halves of Ed25519 keys as PEM, without the cryptography library."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from typing import NamedTuple

_PEM = re.compile(rb"-----BEGIN (RSA )?PUBLIC KEY-----([A-Za-z0-9+/=\s]+)-----END (RSA )?PUBLIC KEY-----")
_PRIVATE = re.compile(rb"-----BEGIN [A-Z0-9 ]{0,20}PRIVATE KEY-----")
_ED25519 = bytes.fromhex("302a300506032b6570032100")  # what the 32 bytes of the key follow in DER (RFC 8410)


class PublicKeyError(ValueError):
    """A text is no key that can be used; the message continues "PATH is ..."."""


class PublicKey(NamedTuple):
    """The public half of an Ed25519 key: 32 bytes."""

    raw: bytes

    @property
    def pem(self) -> str:
        """The key as the content of a file."""
        body = base64.b64encode(_ED25519 + self.raw).decode()
        return f"-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n"

    @property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits, for people to compare."""
        return self.raw.hex()[:16]

    @property
    def key_id(self) -> str:
        """What a signature calls its key: the hash of the key's canonical JSON, as securesystemslib makes it."""
        named = {"keytype": "ed25519", "keyval": {"public": self.raw.hex()}, "scheme": "ed25519"}
        return hashlib.sha256(json.dumps(named, separators=(",", ":")).encode()).hexdigest()


def parse_public_key(pem: bytes) -> PublicKey:
    """The key in `pem`, or PublicKeyError, which shows nothing of what is there."""
    if _PRIVATE.search(pem):
        raise PublicKeyError("a private key, which no node may have: the public one is orders.pub.pem beside it")
    found = _PEM.search(pem)
    try:
        der = base64.b64decode(b"".join(found.group(2).split()), validate=True) if found else b""
    except binascii.Error:
        der = b""
    if not _is_der(der):
        raise PublicKeyError("no public key in PEM form (-----BEGIN PUBLIC KEY-----)")
    if not der.startswith(_ED25519) or len(der) != len(_ED25519) + 32:
        raise PublicKeyError("not an Ed25519 key; the bot's own is in AIOS_BOT_DATA/keys/orders.pub.pem")
    return PublicKey(der[len(_ED25519) :])


def _is_der(der: bytes) -> bool:
    """Whether `der` is one sequence that ends where its own length says."""
    if len(der) < 2 or der[0] != 0x30:
        return False
    if der[1] < 0x80:
        return len(der) == 2 + der[1]
    digits = der[1] - 0x80  # a longer length is written in so many bytes
    return len(der) == 2 + digits + int.from_bytes(der[2 : 2 + digits])
