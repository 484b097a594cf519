"""Log as JSON lines, or as short lines on a terminal, without secrets.

Each line names the delivery and the job that it belongs to. Every registered secret, and everything shaped like
GitHub's tokens and keys, is replaced before a line is written.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TextIO

from bot.redaction.recognise import find_shaped

_HIDDEN = "***"
_SHORTEST_SECRET = 6  # characters; replacing shorter ones would shred every line

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
    """Replace these texts from now on, however a log line quotes them. To be called for every new token."""
    with _secrets_lock:
        for text in texts:
            _secrets.update(form for form in _spellings(text) if len(form) >= _SHORTEST_SECRET)


def forget_secret(*texts: str) -> None:
    """Stop replacing texts that are no longer secret, such as expired tokens."""
    with _secrets_lock:
        for text in texts:
            _secrets.difference_update(_spellings(text))


def _spellings(text: str) -> set[str]:
    return {text, text.strip(), json.dumps(text)[1:-1], repr(text)[1:-1]}


def hide_secrets(text: str) -> str:
    """`text` with every registered secret, and everything shaped like a token or key, replaced."""
    with _secrets_lock:
        known = [secret for secret in _secrets if secret in text]
    for secret in sorted(known, key=len, reverse=True):
        text = text.replace(secret, _HIDDEN)
    # Not free text: there commit ids would count as secrets.
    parts, at = [], 0
    for start, end in _merged(find_shaped(text, free=False)):
        parts += [text[at:start], _HIDDEN]
        at = end
    return "".join([*parts, text[at:]])


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def configure_logging(
    *, level: str = "INFO", stream: TextIO | None = None, as_json: bool | None = None, secrets: Iterable[str] = ()
) -> None:
    """Write the log to `stream` (default: standard error), as JSON lines unless it is a terminal."""
    register_secret(*secrets)
    out = sys.stderr if stream is None else stream
    handler = logging.StreamHandler(out)
    handler.setFormatter(_JsonLines() if (not out.isatty() if as_json is None else as_json) else _ShortLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for chatty, least in (("urllib3", "WARNING"), ("github", "WARNING"), ("waitress.queue", "ERROR")):
        logging.getLogger(chatty).setLevel(least)


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
