"""Read which agent a release holds: its version, and the hash of the lock that pins it."""

from __future__ import annotations

import hashlib
import re
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import HTTPError

from bot.domain.errors import BotError
from bot.protocol.agent import LOCK_FILE, AgentRelease

LIMIT = 60  # seconds without data
MAX_LOCK = 1_000_000  # bytes
_VERSION = re.compile(r"^aios-bot==([\w.+!]+) ", re.MULTILINE)


def read_release(url: str) -> AgentRelease:
    """The agent of the release whose files are in the folder `url`. Raises BotError if there is none.

    The lock is read once, here, by the person who adds a node or proposes an agent; from then on its hash decides.
    """
    folder = url.rstrip("/")
    address = f"{folder}/{LOCK_FILE}"
    other = (
        "name another release with --agent ADDRESS; `node add` takes `--agent installed` for a machine that has it"
    )
    if urlsplit(folder).scheme not in ("http", "https"):
        raise BotError(f"{url} is not the address of a release: {other}")
    try:
        with requests.get(address, timeout=LIMIT, stream=True) as answer:
            if not answer.ok:
                raise BotError(f"{address} cannot be read ({answer.status_code} {answer.reason}): {other}")
            content = answer.raw.read(MAX_LOCK + 1, decode_content=True)
    except (requests.RequestException, HTTPError) as problem:
        raise BotError(f"{address} cannot be read ({type(problem).__name__}): {other}") from None
    found = _VERSION.search(content.decode("utf-8", "replace"))
    if found is None or len(content) > MAX_LOCK:
        raise BotError(f"{address} is no agent's lock: {other}")
    return AgentRelease(version=found[1], url=folder, lock=hashlib.sha256(content).hexdigest())
