"""Build Markdown that hostile text cannot break out of. Pure.

GitHub parses a text twice: as Markdown, and then the rendered page once more for mentions, references and links.
A character reference stops the first pass; a zero-width space behind the sign stops the second as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from urllib.parse import quote

_CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e0fff]"
)
_SPECIAL = re.compile(r"[\\`*\[\]<&~|$#@]|(?<![A-Za-z0-9])_+|_+(?![A-Za-z0-9])")  # a_b is no emphasis
_BREAKS = re.compile(r"(?i)([@#]|gh-|www(?=\.)|:(?=//))")  # what GitHub would link, or mention
_ZERO_WIDTH = "&#8203;"
_LONGEST_ADDRESS = 2_000  # characters that every browser takes
_LINKABLE = re.compile(r"https?://[A-Za-z0-9._-]+(:[0-9]{1,5})?([/?#][A-Za-z0-9._~:/?#@%+,;=-]*)?", re.ASCII)


def one_line(hostile: str) -> str:
    """`hostile` without controls, invisible characters and line ends."""
    return " ".join(_CONTROL.sub("", hostile).split())


def cut(hostile: str, most: int) -> str:
    """At most `most` characters of `hostile`, before it is made Markdown."""
    return hostile if len(hostile) <= most else hostile[: most - 1] + "…"


def text(hostile: str) -> str:
    """`hostile` as plain words on one line: no markup, no mention, no reference, no link."""
    broken = _BREAKS.sub("\\1\u200b", one_line(hostile))
    start = len(broken) - len(broken.lstrip(">-+=.:()0123456789"))  # these mean something where a line begins
    leads = start and not broken[:start].isdigit()
    head = _references(broken[:start]) if leads else broken[:start]
    return f"{head}{_escape(broken[start:])}".replace("\u200b", _ZERO_WIDTH)


def code(hostile: str) -> str:
    """`hostile` as inline code, where GitHub looks for no mentions.

    As HTML: backticks cannot hold a backslash before a pipe inside a table.
    """
    # Addresses would become links all the same, those of mail even behind a character reference.
    inside = _escape(one_line(hostile)).replace("://", "&#58;//").replace("www.", "www&#46;")
    inside = inside.replace("&#64;", f"&#64;{_ZERO_WIDTH}")
    return f"<code>{inside or ' '}</code>"


def _escape(line: str) -> str:
    return _SPECIAL.sub(lambda found: _references(found.group()), line)


def _references(chars: str) -> str:
    return "".join(f"&#{ord(char)};" for char in chars)


def fence(hostile: str, language: str = "") -> str:
    """`hostile` as a block of code, its fence longer than any run of backticks inside."""
    body = _CONTROL.sub("", hostile.replace("\r\n", "\n").replace("\r", "\n"))
    marks = "`" * max(3, max((len(run) for run in re.findall(r"`+", body)), default=0) + 1)
    return f"{marks}{language}\n{body}\n{marks}"


def fold(summary: str, body: str, *, is_open: bool = False) -> str:
    """`body` behind a line that opens or closes it; both are Markdown already, `summary` on one line."""
    return f"<details{' open' * is_open}><summary>{summary}</summary>\n\n{body}\n\n</details>"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; the cells are Markdown on one line already, without a bare pipe."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def link(words: str, *address: str) -> str:
    """A link from `words`, Markdown already, to the parts of `address`, joined by slashes; `words` if not linkable.

    Only the first part may hold `:` and `?`, the others are percent-encoded.
    """
    href = _href(*address)
    return f"[{words}]({href})" if href else words


def html_link(words: str, *address: str) -> str:
    """The same as HTML, for the line that opens a fold. `words` are HTML already."""
    href = _href(*address)
    return f'<a href="{href}">{words}</a>' if href else words


def is_linkable(address: str) -> bool:
    """Whether an address, perhaps a stranger's, may stand in a link of Markdown or HTML.

    It is absolute, by HTTP or HTTPS, names a host and nobody's credentials, and holds no character that either
    language, a table or GitHub's second reading could take for its own: only ASCII letters, digits and
    `-._~:/?#@%+,;=`. A host in brackets (IPv6) is not linked.
    """
    return len(address) <= _LONGEST_ADDRESS and _LINKABLE.fullmatch(address) is not None


def _href(base: str, *rest: str) -> str:
    if not is_linkable(base):
        return ""
    parts = [quote(part.encode("utf-8", "replace"), safe="/@.-_~") for part in rest]
    return "/".join([base.rstrip("/"), *parts]) if parts else base
