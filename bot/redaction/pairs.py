"""Find names that stand elsewhere than before their value: `name: A_PASSWORD` beside `value: x`, and others. Pure."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import NamedTuple

from bot.redaction.recognise import may_name_secret
from bot.redaction.values import read_value

_KEY = re.compile(r"""(?i)\b(?P<key>name|key|variable|value)["']?\s{0,3}[=:]\s{0,9}""")
_NAME = re.compile(r"""["']([^"'<>\n]{1,128})["']|([^\s"',{}<>]{1,128})""")
_IN_QUOTES = re.compile(r'"[^"\n]*+"|' + r"'[^'\n]*+'")
_OTHER_OBJECT = re.compile(r"[{}<>]|\n[ \t]*+-")
_FARTHEST = 400  # characters between a name and its value
# `variable "x" { default = "y" }` of Terraform and OpenTofu.
_VARIABLE = re.compile(
    r"""\bvariable\s{1,9}"(?P<name>[^"\n]{1,128})"\s{0,9}\{[^{}]{0,400}?\b(?P<value>default)\s{0,9}="""
)
_KIND = re.compile(r"""(?m)^kind:[ \t]{0,9}["']?Secret["']?[ \t\r]{0,9}$""")
_DOCUMENT = re.compile(r"(?m)^---")
_DATA = re.compile(r"(?m)^(?:data|stringData):[ \t\r]{0,9}\n((?:(?:[ \t]++[^\n]*+)?\n)*+(?:[ \t]++[^\n]*+)?)")
_DATA_KEY = re.compile(r"""(?m)^[ \t]{1,16}["']?[^A-Za-z\s"':]{0,64}(?P<key>[A-Za-z])""")


class Pairs(NamedTuple):
    """What names the value behind the word at a place, and where the names begin, which are no secrets."""

    named: dict[int, str]
    names: set[int]


def find_pairs(text: str) -> Pairs:
    """Find the secret names of values, by where `value`, or a key of a Secret, stands."""
    pairs = Pairs({}, set())
    if "value" in text.lower():
        _find_beside(text, pairs)
    for found in _VARIABLE.finditer(text) if "variable" in text else ():
        pairs.named[found.start("value")] = found["name"]
    for start, end in _documents(text) if "Secret" in text else ():
        if _KIND.search(text, start, end):
            for data in _DATA.finditer(text, start, end):
                keys = _DATA_KEY.finditer(text, *data.span(1))
                pairs.named.update(dict.fromkeys((key.start("key") for key in keys), "secret"))
    return pairs


def _find_beside(text: str, pairs: Pairs) -> None:
    name, name_end = "", 0  # the one that waits for its value
    value_at, value_end = -1, 0  # the one that waits for its name
    at = 0
    while key := _KEY.search(text, at):
        at = key.end()
        if key["key"].lower() == "value":
            if name and _same(text, name_end, key.start()):
                pairs.named[key.start()] = name
                name = ""
                value_at = -1
            else:
                value_at = key.start()
            at = value_end = max(at, read_value(text, key.start(), at, line=_begins_line(text, key.start())).end)
            continue
        found = _NAME.match(text, at)
        if not found:
            continue
        at = found.end()
        group = found.lastindex or 0
        is_secret = may_name_secret(found[group])
        if value_at >= 0 and _same(text, value_end, key.start()):
            pairs.names.add(found.start(group))
            if is_secret:
                pairs.named[value_at] = found[group]
                value_at = -1
            continue
        if _has_value(text, found.end()):
            pairs.names.add(found.start(group))
        if is_secret or not _same(text, name_end, key.start()):
            name, name_end = (found[group], found.end()) if is_secret else ("", 0)
            value_at = -1


def _has_value(text: str, end: int) -> bool:
    """Whether `value` comes soon, in the same object."""
    at = text[end : end + _FARTHEST].lower().find("value")
    return at >= 0 and _same(text, end, end + at)


def _begins_line(text: str, at: int) -> bool:
    before = text[max(0, at - 256) : at]
    return before[before.rfind("\n") + 1 :].strip() in ("", "-") and "\n" in text


def _same(text: str, start: int, end: int) -> bool:
    """Whether what stands between a name and a value leaves them in the same object."""
    if end - start > _FARTHEST:
        return False
    between = text[start:end]
    return between.count("\n") <= 5 and not _OTHER_OBJECT.search(_IN_QUOTES.sub("", between))


def _documents(text: str) -> list[tuple[int, int]]:
    """The documents of YAML, as (start, end)."""
    begins = [0, *(found.start() for found in _DOCUMENT.finditer(text)), len(text)]
    return list(pairwise(begins))
