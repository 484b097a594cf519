"""Parse `.gitmodules` into stanzas, where a broken one invalidates only itself. Pure.

Git's own parser gives up on the whole file at the first broken line, and so does every library that follows
it; one bad stanza must not stop the bumps of the others. The syntax is git-config's
(git-scm.com/docs/git-config, "Syntax").
"""

from __future__ import annotations

import posixpath
import re
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from bot.domain.names import BranchName, RepoName, SubmodulePath, parse_repo_name

_HEADER = re.compile(r'^\s*\[\s*(?P<section>[A-Za-z0-9.-]+)(?:\s+"(?P<name>(?:[^"\\]|\\.)*)")?\s*\]\s*(?:[#;].*)?$')
_ENTRY = re.compile(r"^\s*(?P<key>[A-Za-z][A-Za-z0-9-]*)\s*(?:=\s*(?P<value>.*))?$")
_SCP = re.compile(r"(?:[^@/]+@)?(?P<host>[^:/]+):(?P<path>(?!//).+)")


class Stanza(NamedTuple):
    """One submodule. `branch` "." means: the same as the fleet's own branch."""

    name: str
    path: SubmodulePath
    url: str
    branch: str | None


class BrokenStanza(NamedTuple):
    """One stanza that cannot be used. `line` counts from 1."""

    line: int
    message: str


class GitModules(NamedTuple):
    """The contents of a `.gitmodules`."""

    stanzas: tuple[Stanza, ...]
    broken: tuple[BrokenStanza, ...]


def parse_gitmodules(text: str) -> GitModules:
    """Every usable stanza, and every one that is not, with its line. Never raises."""
    stanzas: list[Stanza] = []
    broken: list[BrokenStanza] = []
    names: set[str] = set()
    for line, block in _blocks(text):
        parsed = _parse_block(line, block)
        if isinstance(parsed, BrokenStanza):
            broken.append(parsed)
        elif parsed.name in names:
            # Git takes both as one submodule, and which of their values counts depends on who asks.
            broken.append(BrokenStanza(line, f"submodule {parsed.name[:60]!r} is there twice"))
            stanzas = [other for other in stanzas if other.name != parsed.name]  # neither counts
        elif any(parsed.path == other.path for other in stanzas):
            broken.append(BrokenStanza(line, f"the path `{parsed.path}` is taken by an earlier stanza"))
        else:
            stanzas.append(parsed)
        names |= {parsed.name} if isinstance(parsed, Stanza) else set()
    return GitModules(tuple(stanzas), tuple(broken))


def _blocks(text: str) -> list[tuple[int, list[str]]]:
    blocks: list[tuple[int, list[str]]] = []
    for number, line in enumerate(_lines(text), start=1):
        if line.lstrip().startswith("["):
            blocks.append((number, [line]))
        elif blocks:
            blocks[-1][1].append(line)
        elif line.strip() and line.lstrip()[0] not in "#;":
            blocks.append((number, [line]))
    return blocks


def _lines(text: str) -> list[str]:
    """The lines as git counts them: only a line feed ends one, with a carriage return before it or not."""
    return [line.removesuffix("\r") for line in text.removeprefix("\ufeff").split("\n")]


def _parse_block(line: int, block: list[str]) -> Stanza | BrokenStanza:
    header = _HEADER.match(block[0])
    if header is None or header["section"].lower() != "submodule" or header["name"] is None:
        return BrokenStanza(line, f'expected [submodule "name"], found {block[0].strip()[:60]!r}')
    fields: dict[str, str] = {}
    for offset, entry in _joined(block[1:]):
        if not entry.strip() or entry.lstrip()[0] in "#;":
            continue
        match = _ENTRY.match(entry)
        value = _unquote(match["value"] or "") if match else None
        if match is None or value is None:
            return BrokenStanza(line + offset, f"not `key = value`: {entry.strip()[:60]!r}")
        if fields.setdefault(match["key"].lower(), value) != value:
            return BrokenStanza(line + offset, f"`{match['key']}` is set twice: git may read either")
    return _make_stanza(line, re.sub(r"\\(.)", r"\1", header["name"]), fields)


def _joined(lines: list[str]) -> list[tuple[int, str]]:
    """Lines with those joined that end in a backslash; each with its distance from the header."""
    joined: list[tuple[int, str]] = []
    continues = False
    for offset, line in enumerate(lines, start=1):
        if continues:
            first, text = joined[-1]
            joined[-1] = (first, text[:-1] + line)
        else:
            joined.append((offset, line))
        continues = bool(re.search(r"(?<!\\)(?:\\\\)*\\$", line))
    return joined


def _unquote(value: str) -> str | None:
    """The value as git reads it: quotes, escapes, a comment at its end; None when a quote is left open."""
    out: list[str] = []
    quoted = False
    kept = 0  # length up to which trailing white space belongs to the value
    index = 0
    while index < len(value):
        char = value[index]
        if char == "\\" and index + 1 < len(value):
            index += 1
            out.append({"n": "\n", "t": "\t", "b": "\b"}.get(value[index], value[index]))
            kept = len(out)
        elif char == '"':
            quoted = not quoted
            kept = len(out)
        elif char in "#;" and not quoted:
            break
        else:
            out.append(char)
            kept = len(out) if quoted or not char.isspace() else kept
        index += 1
    return None if quoted else "".join(out[:kept])


def _make_stanza(line: int, name: str, fields: dict[str, str]) -> Stanza | BrokenStanza:
    path, url = fields.get("path", ""), fields.get("url", "")
    if not path or not url:
        lacking = " and ".join(key for key in ("path", "url") if not fields.get(key))
        return BrokenStanza(line, f"submodule {name[:60]!r} has no {lacking}")
    if path != posixpath.normpath(path) or path.startswith(("/", "..", "-")) or path == "." or "\n" in path:
        return BrokenStanza(line, f"submodule {name[:60]!r}: the path {path[:60]!r} leaves the repository")
    if url.startswith("-") or "\n" in url:
        return BrokenStanza(line, f"submodule {name[:60]!r}: the url {url[:60]!r} is not usable")
    return Stanza(name, SubmodulePath(path), url, fields.get("branch") or None)


def resolve_upstream(url: str, *, fleet: RepoName, web_url: str) -> RepoName | None:
    """The repository on our GitHub that a submodule's `url` means, or None when it is elsewhere.

    Relative URLs start from the fleet's own address, as git does it. `web_url` is "https://github.com" or an
    Enterprise Server's address.
    """
    here = urlsplit(web_url)
    if url.startswith(("./", "../")):
        path = posixpath.normpath(posixpath.join("/", fleet, url))
        return _repo_of(path)
    if "://" in url:
        try:
            there = urlsplit(url)
            same = _is_host(there.hostname, here) and (there.scheme == "ssh" or _port(there) == _port(here))
        except ValueError:  # no port, no address: "https://github.com:acme/server", "https://[acme/server"
            return None
        return _repo_of(there.path) if same else None
    scp = _SCP.fullmatch(url)
    if scp and _is_host(scp["host"].lower(), here):
        return _repo_of(scp["path"])
    return None


def _is_host(host: str | None, here: SplitResult) -> bool:
    """Whether `host` is our GitHub's; github.com answers ssh by another name too, on the port of https."""
    return host == here.hostname or (host == "ssh.github.com" and here.hostname == "github.com")


def _port(address: SplitResult) -> int | None:
    """The port, where it is not the scheme's own."""
    return None if (address.scheme, address.port) in (("https", 443), ("http", 80)) else address.port


def _repo_of(path: str) -> RepoName | None:
    try:
        return parse_repo_name(path.strip("/").removesuffix(".git"))
    except ValueError:
        return None


def tracked_branch(stanza: Stanza, *, own: BranchName) -> BranchName | None:
    """The upstream branch that the stanza names, or None: the upstream's default branch."""
    if stanza.branch is None:
        return None
    return own if stanza.branch == "." else BranchName(stanza.branch)
