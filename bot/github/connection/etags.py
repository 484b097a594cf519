"""Cache responses for conditional requests: GitHub counts no 304 against the rate limit."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import NamedTuple

LARGEST = 256 * 1024  # characters of one response
_MOST = 16 * 1024 * 1024  # characters altogether


class CachedResponse(NamedTuple):
    """A response to a GET."""

    etag: str
    text: str
    link: str = ""  # the Link header: the pages around it


class Etags:
    """The latest responses by identity and URL; the least recently used are dropped first. Safe between threads."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._size = 0
        self._kept: OrderedDict[tuple[str, str], CachedResponse] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, who: str, url: str) -> CachedResponse | None:
        """The response that `who` got from `url` last."""
        with self._lock:
            found = self._kept.get((who, url))
            if found is not None:
                self._kept.move_to_end((who, url))
            return found

    def keep(self, who: str, url: str, kept: CachedResponse) -> None:
        """Cache a response, unless it is large."""
        with self._lock:
            before = self._kept.pop((who, url), None)
            self._size -= len(before.text) if before else 0
            if len(kept.text) > LARGEST:
                return
            self._kept[who, url] = kept
            self._size += len(kept.text)
            while self._size > self._most:
                _, gone = self._kept.popitem(last=False)
                self._size -= len(gone.text)
