"""Ask a server in one request which refs a repository has: a mirror that has them already needs no fetch.

A fetch that finds nothing new costs several processes, a connection of its own and two requests. What is sent here
is the command `ls-refs` of git's protocol, version 2 (gitprotocol-v2), over a connection that is kept. It only ever
saves work: whatever is not understood, or is no success, is left to git, which says what is wrong.
"""

from __future__ import annotations

import http.cookiejar
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from types import MappingProxyType

import requests

from bot.domain.names import CommitSha, parse_commit_sha
from bot.git.credentials import basic_authorization

_TIMEOUT = 10  # seconds without an answer; git waits longer
_LARGEST = 8 * 1024 * 1024  # bytes of an answer: 100,000 branches
_TYPE = "application/x-git-upload-pack-{}"
_FLUSH, _DELIMITER = b"0000", b"0001"
_LENGTH = re.compile(rb"[0-9a-f]{4}")


def list_remote_refs(url: str, token: str | None, prefixes: Sequence[str]) -> Mapping[str, CommitSha] | None:
    """The refs of the repository at `url` whose names begin with one of `prefixes`; None when git has to find out.

    Safe between threads, which share the connections.
    """
    if not url.startswith(("https://", "http://")):
        return None
    headers = {
        "Accept": _TYPE.format("result"),
        "Content-Type": _TYPE.format("request"),
        "Git-Protocol": "version=2",
        "User-Agent": "git/aios-bot",
    }
    if token:
        headers["Authorization"] = basic_authorization(token)
    try:
        with _session().post(
            f"{url}/git-upload-pack",
            data=compose_request(prefixes),
            headers=headers,
            allow_redirects=False,  # they would take the token along (see bot.git.moves)
            timeout=_TIMEOUT,
            stream=True,
        ) as answer:
            if answer.status_code != requests.codes.ok:
                return None
            return read_refs(b"".join(_take(answer.iter_content(65536))), prefixes)
    except (requests.RequestException, ValueError):
        return None


@cache
def _session() -> requests.Session:
    session = requests.Session()
    session.auth = lambda request: request  # not the credentials in .netrc
    session.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
    return session


def compose_request(prefixes: Sequence[str]) -> bytes:
    """The command `ls-refs` for refs that begin with one of `prefixes`."""
    arguments = b"".join(_packet(f"ref-prefix {prefix}\n") for prefix in prefixes)
    return _packet("command=ls-refs\n") + _DELIMITER + arguments + _FLUSH


def read_refs(content: bytes, prefixes: Sequence[str]) -> Mapping[str, CommitSha] | None:
    """The refs of an answer to `ls-refs`; None when it is not one, or not a whole one."""
    found: dict[str, CommitSha] = {}
    at = 0
    while content[at : at + 4] != _FLUSH:
        size = int(content[at : at + 4], 16) if _LENGTH.match(content, at) else 0
        if size <= len(_FLUSH) or at + size > len(content):
            return None
        try:
            sha, _, name = content[at + 4 : at + size].decode().removesuffix("\n").partition(" ")
            commit = parse_commit_sha(sha)
        except ValueError:
            return None
        if name.startswith(tuple(prefixes)):  # a server may send more
            found[name] = commit
        at += size
    return MappingProxyType(found) if at + len(_FLUSH) == len(content) else None


def _take(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The chunks up to the first beyond _LARGEST, that one included."""
    taken = 0
    for chunk in chunks:
        taken += len(chunk)
        yield chunk
        if taken > _LARGEST:
            return


def _packet(line: str) -> bytes:
    content = line.encode()
    return f"{len(content) + 4:04x}".encode() + content
