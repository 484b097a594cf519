"""Known secrets: the values that a stack read from its files, and where a text repeats them. Pure.

The search costs the same per character whatever the values are: each is looked up by its first characters and its
length, and a long value is cut into pieces, so no value is compared at every place of a text.
"""

from __future__ import annotations

import base64
import json
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import quote

from bot.redaction.recognise import is_secret_under, looks_secret, word_set

LONG_SECRET = 16  # characters; one that stands in a name did not get there by chance
_MIN_LENGTH = 4  # characters; shorter known secrets are hidden where they stand alone
_PIECE = 64  # characters; a longer value is searched piece by piece

_PUBLIC_WORDS = word_set(
    "domain host hostname port ports url uri tz timezone version tag image path dir directory root log level "
    "loglevel debug mode env environment stage network subnet gateway name project uid gid puid pgid user locale "
    "lang language enabled enable region zone replicas memory cpu cpus interval timeout retention size limit "
    "platform arch"
)
_PUBLIC_VALUE = re.compile(
    r"(?i)true|false|yes|no|on|off|null|none|auto|always|never|default|latest|stable"
    r"|trace|debug|info|warn(?:ing)?|error|fatal|critical|prod(?:uction)?|dev(?:elopment)?|test(?:ing)?|staging|local"
    r"|[0-9]{1,5}|[0-9.]+ ?[kmgt]?i?b?|[0-9]+(?:ms|[smhd])|v?[0-9]+(?:\.[0-9]+){1,3}(?:[-+.][a-z0-9.]{1,20})?"
    r"|[a-z]+/[a-z_]+(?:/[a-z_]+)?|[a-z]{2}_[a-z]{2}(?:\.utf-?8)?|utc|localhost"
    r"|(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?:/[0-9]{1,2})?(?::[0-9]{1,5})?"
    r"|(?:\.{0,2}/|~/|[a-z]:[\\/])[^\s:@]*|https?://[^\s@?]+"
)


class KnownIndex:
    """Finds any of `values` in a text, in time proportional to the text's length."""

    def __init__(self, values: Iterable[str]) -> None:
        self._short: set[str] = set()
        self._pieces: set[str] = set()
        lengths: defaultdict[str, set[int]] = defaultdict(set)
        for value in values:
            if len(value) < _MIN_LENGTH:
                self._short.add(value)
            for piece in _cut(value):
                self._pieces.add(piece)
                lengths[piece[:_MIN_LENGTH]].add(len(piece))
        self._lengths = {start: sorted(found, reverse=True) for start, found in lengths.items()}

    def find(self, text: str) -> list[tuple[int, int]]:
        """The (start, end) of every place where a value stands; places that touch are joined if they are pieces."""
        spans: list[tuple[int, int]] = []
        for at in range(len(text) - _MIN_LENGTH + 1) if self._lengths else ():
            for length in self._lengths.get(text[at : at + _MIN_LENGTH], ()):
                if at + length <= len(text) and text[at : at + length] in self._pieces:
                    spans.append(self._extended(spans, at, at + length))
                    break
        return spans + (self._find_short(text) if self._short else [])

    @staticmethod
    def _extended(spans: list[tuple[int, int]], start: int, end: int) -> tuple[int, int]:
        """The span, with the one before it if both are pieces of a long value."""
        if spans and end - start == _PIECE and spans[-1][1] >= start and spans[-1][1] - spans[-1][0] >= _PIECE:
            before = spans.pop()
            return before[0], max(end, before[1])
        return start, end

    def _find_short(self, text: str) -> list[tuple[int, int]]:
        return [
            (at, at + length)
            for at in range(len(text))
            for length in range(1, _MIN_LENGTH)
            if text[at : at + length] in self._short
            and at + length <= len(text)
            and not (text[at - 1 : at].isalnum() or text[at + length : at + length + 1].isalnum())
        ]


def _cut(value: str) -> list[str]:
    """`value`, or the pieces that cover it: all of the same length, the last one overlapping the one before."""
    if len(value) < _MIN_LENGTH:
        return []
    if len(value) <= _PIECE:
        return [value]
    return [value[at : at + _PIECE] for at in (*range(0, len(value) - _PIECE, _PIECE), len(value) - _PIECE)]


@dataclass(frozen=True)
class KnownSecrets:
    """Values that a stack read from files, and where they are hidden. Built by `known_from`."""

    everywhere: frozenset[str] = frozenset()
    in_free_text: frozenset[str] = frozenset()
    environment: frozenset[tuple[str, str]] = frozenset()  # (service, variable) that an env_file set
    in_names: frozenset[str] = frozenset()  # that a variable put into a name

    def find(self, text: str, *, free: bool) -> list[tuple[int, int]]:
        """Where `text` repeats them, as (start, end). `free` means that the field takes any text."""
        return (self._in_free_text if free else self._everywhere).find(text)

    def find_in_name(self, text: str) -> list[tuple[int, int]]:
        """Where a name repeats them: the long ones, and those that a variable put into one. Others are chance."""
        found = self._everywhere.find(text)
        return [one for one in found if one[1] - one[0] >= LONG_SECRET] + self._in_names.find(text)

    @cached_property
    def _everywhere(self) -> KnownIndex:
        return KnownIndex(self.everywhere)

    @cached_property
    def _in_free_text(self) -> KnownIndex:
        return KnownIndex(self.everywhere | self.in_free_text)

    @cached_property
    def _in_names(self) -> KnownIndex:
        return KnownIndex(self.in_names)


NOTHING_KNOWN = KnownSecrets()


def known_from(
    variables: Iterable[tuple[str, str]], *, environment: Iterable[tuple[str, str]] = (), whole: Iterable[str] = ()
) -> KnownSecrets:
    """Collect what has to be hidden of a stack's files.

    `variables` are (name, value) of every env file and `.env`; `environment` are the (service, variable) that
    were set by an env_file; `whole` are texts that are secret altogether, such as a secret file's content.
    """
    everywhere: set[str] = set()
    free: set[str] = set()
    for name, value in variables:
        if not value or _is_public(name, value):
            continue
        (everywhere if is_secret_under(name, value) or looks_secret(value) else free).add(value)
    everywhere.update(text.strip() for text in whole)
    return KnownSecrets(_spellings(everywhere), _spellings(free), frozenset(environment))


def _is_public(name: str, value: str) -> bool:
    if is_secret_under(name, value) or looks_secret(value):
        return False
    words = re.split(r"[^a-z]+", name.lower())
    return bool(_PUBLIC_VALUE.fullmatch(value)) or any(word in _PUBLIC_WORDS for word in words)


def _spellings(values: Iterable[str]) -> frozenset[str]:
    """Each value as it is, line by line, and as JSON, URLs, compose files and base64 spell it."""
    found = set()
    for value in values:
        found.add(value)
        found.update(line.strip() for line in value.splitlines() if len(line.strip()) >= 8)
        if len(value) >= _MIN_LENGTH:
            found |= {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
            raw = value.encode("utf-8", "surrogatepass")  # what is not UTF-8 in a file must not stop the search
            found |= {quote(raw, safe=""), value.replace("$", "$$"), base64.b64encode(raw).decode().rstrip("=")}
    return frozenset(found - {""})
