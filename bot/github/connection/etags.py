"""Answers kept for conditional requests: GitHub counts a 304 against nobody's limit."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import NamedTuple

LARGEST = 256 * 1024  # characters of one answer
_MOST = 16 * 1024 * 1024  # characters altogether


class Kept(NamedTuple):
    """An answer as it came."""

    etag: str
    text: str
    link: str = ""  # to the pages around it


class Etags:
    """The answers last seen, by who asked and for what; the ones not asked for longest go first."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._size = 0
        self._kept: OrderedDict[tuple[str, str], Kept] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, who: str, url: str) -> Kept | None:
        """What `who` got from `url` before."""
        with self._lock:
            found = self._kept.get((who, url))
            if found is not None:
                self._kept.move_to_end((who, url))
            return found

    def keep(self, who: str, url: str, kept: Kept) -> None:
        """Keep an answer, unless it is large."""
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
