"""Reads rendered Markdown as GitHub would, and says what in it a stranger could have put there."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import cmarkgfm
from cmarkgfm.cmark import Options

_OURS = {"https://github.com/", "https://bot.example/"}
_QUIET = {"code", "pre", "a"}  # where GitHub looks for no mentions
_VOID = {"br", "hr", "img", "input"}
_ALLOWED = {
    *("p", "strong", "em", "code", "pre", "a", "br", "ul", "li", "h3", "blockquote"),
    *("table", "thead", "tbody", "tr", "th", "td", "details", "summary"),
}
# A mention, an issue, a pull request: what GitHub's second reading finds in the text between tags.
_CALLS = re.compile(r"@[a-z0-9]|#\d|\bgh-\d|https?://|\bwww\.\w", re.IGNORECASE)


def to_html(markdown: str) -> str:
    """The page that GitHub's dialect makes of `markdown`, not sanitised."""
    return str(cmarkgfm.github_flavored_markdown_to_html(markdown, options=Options.CMARK_OPT_UNSAFE))


class Reading(HTMLParser):
    """What was found: `faults` is empty when nothing broke out of its place."""

    def __init__(self, markdown: str) -> None:
        super().__init__(convert_charrefs=True)
        self.faults: list[str] = []
        self.rows: list[int] = []  # cells of each table row
        self.folds = 0
        self.words = ""
        self._open: list[str] = []
        self.feed(to_html(markdown))
        self.close()
        if self._open:
            self.faults.append(f"left open: {self._open}")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _ALLOWED:
            self.faults.append(f"a stranger's <{tag}>")
        for name, value in attrs:
            ours = name == "href" and any((value or "").startswith(start) for start in _OURS)
            if not (ours or (tag, name) in (("pre", "lang"), ("details", "open"))):
                self.faults.append(f"a stranger's {name}={value!r} in <{tag}>")
        self.folds += tag == "details"
        if tag == "tr":
            self.rows.append(0)
        if tag in ("td", "th"):
            self.rows[-1] += 1
        if tag not in _VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.faults.append(f"</{tag}> closes something else")

    def handle_data(self, data: str) -> None:
        self.words += data
        if not _QUIET.intersection(self._open) and _CALLS.search(data):
            self.faults.append(f"calls somebody: {data[:200]!r}")

    def handle_comment(self, data: str) -> None:
        if not re.fullmatch(r" aios-bot:[a-z]+(?: [^<>]*)? ", data):
            self.faults.append(f"a stranger's comment: {data[:100]!r}")
