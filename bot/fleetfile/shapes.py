"""What a name, a path or a branch may look like in the fleet file: each shape once, also in words. Pure.

The patterns keep to what Python and ECMA 262 read alike, because the JSON Schema carries them to editors.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Shape(NamedTuple):
    """A pattern that the whole text must match, and what it is in words."""

    pattern: re.Pattern[str]
    words: str


def _shape(pattern: str, words: str) -> Shape:
    return Shape(re.compile(pattern), words)


NODE_NAME = _shape(
    r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", "made of letters, digits, `.`, `_` and `-`, 63 characters at most"
)
STACK_NAME = _shape(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", "made of letters, digits, `.`, `_` and `-`")
VARIABLE = _shape(r"[A-Za-z_][A-Za-z0-9_]*", "made of letters, digits and `_`, without a digit at its start")
LABEL = _shape(r"[^,\x00-\x1f]{1,50}", "text of 50 characters at most, without a comma")
WORKFLOW = _shape(r"[A-Za-z0-9._-]+\.ya?ml", "a file name that ends in `.yml` or `.yaml`, without a folder")
PATH = _shape(
    r"(?!/)(?!.*(?:^|/)\.{1,2}(?:/|$))(?!.*//)[^\\\x00-\x1f:]{1,200}(?<!/)",
    "a relative path with `/`, without `..` and without `:`",
)
ROOT = _shape(r"(?:/|~/|[A-Za-z]:[\\/])[^\x00-\x1f\"<>|?*]{0,250}", "an absolute path, as the node spells it")
COMPOSE_FILE = _shape(r"(?!/)[^\\\x00-\x1f:]{1,200}(?<!/)", "a path relative to the stack's folder")
SCRIPT = _shape(
    r"(?!/)(?!.*(?:^|/)\.{1,2}(?:/|$))(?!.*//)[^\\\x00-\x1f:]{1,200}\.(?:sh|ps1|py)",
    "a path in this repository that ends in .sh, .ps1 or .py",
)
AGENT = _shape(
    r"[0-9][A-Za-z0-9.+!]{0,63}@sha256:[0-9a-f]{64}", "a version and the SHA-256 of its lock, `VERSION@sha256:...`"
)
ADDRESS = _shape(r"https?://[^\s\x00-\x1f\"'<>\\]{1,500}", "an address that begins with https://")
ARGUMENT = _shape(r"[^\x00-\x1f]{1,500}", "text of one line")
PROFILE = _shape(r"[A-Za-z0-9][A-Za-z0-9_.-]*", "made of letters, digits, `_`, `.` and `-`")
HOURS = _shape(
    r"(?:[01][0-9]|2[0-3]):[0-5][0-9]-(?:[01][0-9]|2[0-3]):[0-5][0-9]", "two times of the day such as `22:00-07:00`"
)
DURATION = _shape(r"[0-9]{1,5}[smhd]", "a whole number and `s`, `m`, `h` or `d`")
BRANCH = _shape(
    r"(?!/)(?!.*(?:\.\.|//|@\{|\.lock$))[^\s~^:?*\[\\\x00-\x1f\x7f]{1,200}(?<![/.])",
    "a branch, without `refs/heads/`",
)
REPOSITORY = _shape(
    r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}/(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}", "`owner/name`, as GitHub spells it"
)
PREFIX = _shape(r"/(?:[a-z][a-z0-9-]{0,20})?", "`/`, or `/` and a lower-case word that precedes the command")
PRINCIPAL = _shape(
    r"read|triage|write|maintain|admin|team:[a-z0-9][a-z0-9_-]{0,99}|person:[A-Za-z0-9][A-Za-z0-9_-]{0,38}",
    "a permission in this repository that is enough (`read`, `triage`, `write`, `maintain`, `admin`), `team:SLUG` or "
    "`person:LOGIN`",
)
GLOB = _shape(r"(?!/)[^\\\x00-\x1f]{1,200}", "a path, `*` for a part of a name, `**` for any folders")
