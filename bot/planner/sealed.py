"""Seal what is stored: without the key it reads as noise, and a change of one bit is noticed.

Encrypt-then-MAC of the standard library's parts (a node has no other): SHAKE-256 of key and a random nonce as the key
stream, HMAC-SHA-256 over nonce and text.
"""

from __future__ import annotations

import hashlib
import hmac
import os

_NONCE = 16  # bytes
_MAC = 32


class SealError(Exception):
    """It was not sealed with this key, or it was changed."""


class Seal:
    """Seals and opens bytes with one key."""

    def __init__(self, key: bytes) -> None:
        self._stream_key = hmac.digest(key, b"sealed: key stream", "sha256")
        self._mac_key = hmac.digest(key, b"sealed: authentication", "sha256")

    def close(self, content: bytes) -> bytes:
        """`content`, sealed."""
        nonce = os.urandom(_NONCE)
        hidden = self._mixed(nonce, content)
        return nonce + hmac.digest(self._mac_key, nonce + hidden, "sha256") + hidden

    def open(self, sealed: bytes) -> bytes:
        """What was sealed, or SealError."""
        nonce, mac, hidden = sealed[:_NONCE], sealed[_NONCE : _NONCE + _MAC], sealed[_NONCE + _MAC :]
        if not hmac.compare_digest(mac, hmac.digest(self._mac_key, nonce + hidden, "sha256")):
            raise SealError
        return self._mixed(nonce, hidden)

    def _mixed(self, nonce: bytes, content: bytes) -> bytes:
        stream = hashlib.shake_256(self._stream_key + nonce).digest(len(content))
        mixed = int.from_bytes(content, "big") ^ int.from_bytes(stream, "big")
        return mixed.to_bytes(len(content), "big")
