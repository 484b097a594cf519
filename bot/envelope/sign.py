"""Put bytes into an envelope and sign it."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.dsse import Envelope
from securesystemslib.signer import CryptoSigner


def seal(payload: bytes, payload_type: str, keys: Iterable[Ed25519PrivateKey]) -> str:
    """An envelope with `payload` and the signature of every key, as JSON text."""
    envelope = Envelope(payload, payload_type, {})
    for key in keys:
        envelope.sign(CryptoSigner(key))
    return msgspec.json.encode(envelope.to_dict()).decode()
