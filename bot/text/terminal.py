"""Write names of strangers to a terminal, where control characters would be obeyed. Pure."""

from __future__ import annotations

import re

# Escapes that move the cursor or set the title, and letters that reverse the order of a line.
_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    """`text` with control characters spelled as JSON does, such as `\\u001b`; line ends and tabs stay.

    A whole JSON document stays the same document.
    """
    return _OBEYED.sub(lambda found: f"\\u{ord(found.group()):04x}", text.replace("\r\n", "\n"))
