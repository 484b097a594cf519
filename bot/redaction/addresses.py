"""Find secrets in addresses: `scheme://user:password@host`, `user:password@tcp(host)`. Pure.

Each address is read once: patterns that may run over a whole text stop at the character with which the next try
would begin.
"""

from __future__ import annotations

import re

_ADDRESS = re.compile(r"""[^\s"']+""")
_USER = re.compile(r"""[^\s/"'@:]*+:""")
_PORT = re.compile(r"[0-9]++/")
_TOKEN_AS_USER = re.compile(r"""(?<=://)(?P<user>[^\s/"'@:‹›]{6,})@""")
_GO_HOST = re.compile(r"@(?:tcp|unix)\(")
_GO_END = re.compile(r"""[\s@/"']""")
_GO_USER = re.compile(r"[\w.-]:(?=.)", re.DOTALL)

Spans = list[tuple[int, int]]


def find_in_addresses(text: str) -> Spans:
    """Find passwords, and tokens in the place of a user, as (start, end)."""
    if "@" not in text:
        return []
    spans = [span for run in _ADDRESS.finditer(text) for span in _passwords(text, *run.span())]
    spans += [match.span("user") for match in _TOKEN_AS_USER.finditer(text) if _is_token(match["user"])]
    return spans + _go_passwords(text)


def _passwords(text: str, start: int, end: int) -> Spans:
    """The passwords of the addresses between `start` and `end`, where no blank stands."""
    spans = []
    last = text.rfind("@", start, end)
    at = text.find("://", start, end)
    while 0 <= at < last:
        at += len("://")
        user = _USER.match(text, at, end)
        if user:
            slash = text.find("/", user.end(), end)
            inside = text.rfind("@", user.end(), end if slash < 0 else slash)
            if inside < 0 and not _PORT.match(text, user.end(), end):
                inside = last  # the password holds a slash
            if inside > user.end():
                spans.append((user.end(), inside))
                at = inside
        at = text.find("://", at, end)
    return spans


def _go_passwords(text: str) -> Spans:
    """`user:password@tcp(host:port)/name`, as Go's MySQL driver writes it."""
    spans = []
    begin = 0
    for host in _GO_HOST.finditer(text):
        for border in _GO_END.finditer(text, begin, host.start()):
            begin = border.end()
        user = _GO_USER.search(text, begin, host.start())
        if user:
            spans.append((user.end(), host.start()))
        begin = host.end()
    return spans


def _is_token(user: str) -> bool:
    return len(user) >= 20 or (len(user) >= 10 and any(char.isdigit() for char in user))
