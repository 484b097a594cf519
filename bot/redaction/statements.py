"""Find secrets in statements and files of other programs: SQL, Postfix, Wi-Fi codes. Pure.

Each repetition is bounded, or ends at a character with which the next try would begin.
"""

from __future__ import annotations

import re

_STATEMENT = re.compile(
    r"""
      \bidentified\s{1,9}(?:with\s{1,9}[^\s'"]{1,64}\s{1,9})?(?:by|as)\s{1,9}(?:password\s{1,9})?['"](?P<sql>[^'"\n]+)
    | \bpassword\s{1,9}'(?P<role>[^'\n]+)'
    | ^\[[\w.:-]{1,255}\](?::\w{1,9})?[ \t]{1,9}[^\s:]{1,255}:(?P<relay>\S+)$
    | ^[\w-]{1,63}\.[\w.-]{1,255}(?::\w{1,9})?[ \t]{1,9}[^\s:@]{1,128}@[\w.-]{1,255}:(?P<mail>[^\s/]+)$
    | \bjdbc:oracle:(?:thin|oci8?):[^\s/@"']{1,128}/(?P<oracle>[^\s@"']{1,256})@
    | ^[ \t]{0,9}acme_dns[ \t]{1,9}\w{1,64}[ \t]{1,9}(?P<caddy>[^\s{}]+)
    | ^["']?[A-Za-z][^\s"':]{0,128}["']?[ \t]{1,9}(?:\*|[a-z][\w-]{0,63})[ \t]{1,9}
      ["']?(?P<chap>[^\s"'*]+)["']?[ \t]{1,9}\*[ \t]{0,9}$
    | \bWIFI:(?:[^;\n]{0,128};){0,5}?P:(?P<wifi>(?:[^;\\\n]|\\.){1,128})
    """,
    re.VERBOSE | re.MULTILINE | re.IGNORECASE,
)


def find_in_statements(text: str) -> list[tuple[int, int]]:
    """Find passwords that a statement sets, as (start, end)."""
    return [found.span(found.lastgroup or 0) for found in _STATEMENT.finditer(text)]
