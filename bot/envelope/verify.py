"""Open an envelope whose signature a trusted key made."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import msgspec

from bot.domain.values import Wire
from bot.envelope.keys import PublicKey


class EnvelopeFault(StrEnum):
    """What is wrong with an envelope."""

    MALFORMED = "malformed"  # it is no envelope
    UNTRUSTED = "untrusted"  # forged, altered, or signed with a key that is not trusted
    OTHER_TYPE = "other_type"  # signed for another purpose


class EnvelopeError(Exception):
    """An envelope was not opened. The message holds what the sender wrote: cut, but hostile."""

    def __init__(self, fault: EnvelopeFault, message: str) -> None:
        super().__init__(message)
        self.fault = fault


class _Signature(Wire, frozen=True):
    keyid: str
    sig: str


class _Envelope(Wire, frozen=True, rename={"payload_type": "payloadType"}):
    """The envelope's JSON, so that the library below is fed nothing that surprises it."""

    payload: str
    payload_type: str
    signatures: tuple[_Signature, ...]


def open_envelope(text: str, *, keys: Sequence[PublicKey], payload_type: str) -> bytes:
    """The bytes that one of `keys` signed as `payload_type`, exactly as they were signed; or EnvelopeError."""
    # Loads cryptography where that is installed, and checks in pure Python where it is not.
    from securesystemslib.dsse import Envelope  # noqa: PLC0415
    from securesystemslib.exceptions import Error  # noqa: PLC0415
    from securesystemslib.signer import SSlibKey  # noqa: PLC0415

    try:
        envelope = Envelope.from_dict(msgspec.to_builtins(msgspec.json.decode(text, type=_Envelope)))
    except (msgspec.MsgspecError, ValueError, KeyError, TypeError, RecursionError, Error) as problem:
        raise EnvelopeError(EnvelopeFault.MALFORMED, str(problem)[:200]) from None
    trusted = [SSlibKey(key.key_id, "ed25519", "ed25519", {"public": key.raw.hex()}) for key in keys]
    try:
        envelope.verify(list(trusted), 1)
    except (Error, ValueError) as problem:
        raise EnvelopeError(EnvelopeFault.UNTRUSTED, str(problem)[:200]) from None
    if envelope.payload_type != payload_type:
        raise EnvelopeError(EnvelopeFault.OTHER_TYPE, envelope.payload_type[:80])
    return envelope.payload
