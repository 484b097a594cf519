"""Secrets out of what is shown: each becomes a keyed fingerprint, so that equal secrets compare equal. Pure."""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import Any

_SECRET_KEY = re.compile(r"(?i)pass(wd|word|phrase)?|secret|token|api_?key|private_?key|credential|dsn")


class Redactor:
    """Replaces secrets by `‹secret 3fa91c22›`, keyed by `secret_key`."""

    def __init__(self, secret_key: bytes) -> None:
        self._key = secret_key

    def mark(self, secret: str) -> str:
        """What stands for `secret`: equal secrets have equal marks."""
        digest = hmac.new(self._key, secret.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
        return f"‹secret {digest[:8]}›"

    def text(self, text: str) -> str:
        """`text` without secrets."""
        return text

    def model(self, model: Any, key: str = "") -> Any:
        """A copy of compose's model without secrets."""
        if isinstance(model, dict):
            return {name: self.model(value, str(name)) for name, value in sorted(model.items())}
        if isinstance(model, list):
            return [self.model(value, key) for value in model]
        if isinstance(model, str) and model and _SECRET_KEY.search(key):
            return self.mark(model)
        return model
