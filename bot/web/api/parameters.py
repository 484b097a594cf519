"""The parameters of requests: their schemas for the OpenAPI document, and reading them by the same. Pure.

What a schema refuses is a 400 (in a query) or a 404 (in a path), so that the document never promises too much.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from bot.domain.values import Value

PAGE = 50  # entries of one answer, unless the program sends `most`
MOST = 200
_LARGEST = 2**53 - 1  # the largest whole number that every JSON reader takes


class NumberParameter(Value, frozen=True):
    """A whole number."""

    name: str
    about: str
    least: int
    greatest: int
    default: int

    @property
    def schema(self) -> dict[str, object]:
        """The JSON Schema of the parameter."""
        return {"type": "integer", "minimum": self.least, "maximum": self.greatest, "default": self.default}

    def parse(self, text: str | None) -> int:
        """The number, or ValueError with what to send."""
        if text is None:
            return self.default
        if not (re.fullmatch(r"[0-9]{1,16}", text) and self.least <= int(text) <= self.greatest):
            raise ValueError(f"{self.name} must be a whole number from {self.least} to {self.greatest}")
        return int(text)


class TextParameter(Value, frozen=True):
    """A text without control characters."""

    name: str
    about: str
    longest: int
    pattern: str = "^[^\\u0000-\\u001f\\u007f]*$"

    @property
    def schema(self) -> dict[str, object]:
        """The JSON Schema of the parameter."""
        return {"type": "string", "maxLength": self.longest, "pattern": self.pattern}

    def parse(self, text: str | None) -> str:
        """The text, or ValueError with what to send."""
        if text is None:
            return ""
        if len(text) > self.longest or not re.fullmatch(self.pattern[1:-1], text):
            raise ValueError(f"{self.name} must be at most {self.longest} characters of {self.pattern}")
        return text


Parameter = NumberParameter | TextParameter

_NAME = "^[A-Za-z0-9_.-]+$"
PATH: Mapping[str, TextParameter] = {
    "owner": TextParameter("owner", "who owns the fleet's repository", 100, _NAME),
    "name": TextParameter("name", "the fleet's repository", 100, _NAME),
    "node": TextParameter("node", "a node of the fleet", 100, _NAME),
    "plan": TextParameter("plan", "the id of a plan", 12, "^[0-9a-f]{12}$"),
    "stack": TextParameter("stack", "a stack of the fleet", 255, "^[^/\\u0000-\\u001f\\u007f]+$"),
}
"""The parts of a path that vary, by name."""

HOW_MANY = NumberParameter("most", "how many entries the answer holds at most", 1, MOST, PAGE)
AFTER = TextParameter("after", "entries behind this one; `next` has it", 255)
BEFORE = NumberParameter("before", "entries below this number; `next` has it", 1, _LARGEST, _LARGEST)
SEARCH = TextParameter("words", "only records that hold these words", 100)
ABOVE = NumberParameter("above", "entries above this number; `next` has it", 0, _LARGEST, 0)
NODE = TextParameter("node", "only what concerns this node", 100)
