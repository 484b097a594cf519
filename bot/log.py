"""What the log says, and what it never says.

JSON lines for machines, short lines for a terminal; in both, the delivery and the look being worked on. Every
secret that is registered here, and everything shaped like GitHub's tokens and keys, is replaced before it is
written.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TextIO

_HIDDEN = "***"
_SHORTEST_SECRET = 6  # characters; replacing shorter ones would shred every line

_SHAPES = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----(?:.|\\n|\n)*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|\bgh[oprsu]_[A-Za-z0-9._-]{16,}"  # GitHub's tokens; installation tokens hold dots and reach 520 characters
    r"|\bgithub_pat_[A-Za-z0-9_]{20,}"
    r"|\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"  # a JWT
    r"|(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"  # name and password of an address
    r"|(?i:(?<=bearer )|(?<=x-access-token:))[A-Za-z0-9._~+/=-]{8,}"
)

_context: ContextVar[dict[str, str]] = ContextVar("log_context", default={})  # noqa: B039 - replaced, never changed
_secrets: set[str] = set()
_secrets_lock = threading.Lock()


@contextmanager
def log_context(**fields: str) -> Iterator[None]:
    """Add `fields` (delivery="...", look="...") to every line logged inside the block by this thread or task."""
    token = _context.set({**_context.get(), **{name: text for name, text in fields.items() if text}})
    try:
        yield
    finally:
        _context.reset(token)


def register_secret(*texts: str) -> None:
    """Hide these texts from now on, as they stand and as JSON writes them. Call it for every token that is made."""
    with _secrets_lock:
        for text in texts:
            for form in (text, text.strip(), json.dumps(text)[1:-1]):
                if len(form) >= _SHORTEST_SECRET:
                    _secrets.add(form)


def forget_secret(*texts: str) -> None:
    """Stop looking for texts that are of no use any more, such as expired tokens."""
    with _secrets_lock:
        for text in texts:
            _secrets.difference_update((text, text.strip(), json.dumps(text)[1:-1]))


def hide_secrets(text: str) -> str:
    """`text` with every registered secret and everything shaped like one replaced."""
    with _secrets_lock:
        known = [secret for secret in _secrets if secret in text]
    for secret in sorted(known, key=len, reverse=True):
        text = text.replace(secret, _HIDDEN)
    return _SHAPES.sub(_HIDDEN, text)


def configure_logging(
    *, level: str = "INFO", stream: TextIO | None = None, as_json: bool | None = None, secrets: Iterable[str] = ()
) -> None:
    """Send the log to `stream` (default: standard error); JSON lines unless it is a terminal."""
    register_secret(*secrets)
    out = sys.stderr if stream is None else stream
    handler = logging.StreamHandler(out)
    handler.setFormatter(_JsonLines() if (not out.isatty() if as_json is None else as_json) else _ShortLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for chatty in ("urllib3", "github", "waitress.queue", "filelock"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, root.level))


class _JsonLines(logging.Formatter):
    """One JSON object a line: at, level, logger, message, the context, and error with its traceback."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": _at(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_context.get(),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps({name: hide_secrets(text) for name, text in line.items()}, ensure_ascii=False)


class _ShortLines(logging.Formatter):
    """`12:00:00 WARNING message  [delivery=... look=...]`, then the traceback."""

    def format(self, record: logging.LogRecord) -> str:
        context = " ".join(f"{name}={text}" for name, text in _context.get().items())
        # A line break in a message would let hostile text forge a line of its own.
        message = record.getMessage().replace("\r", "\\r").replace("\n", "\\n")
        line = f"{_at(record)[11:19]} {record.levelname:<7} {message}" + (f"  [{context}]" if context else "")
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return hide_secrets(line)


def _at(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
