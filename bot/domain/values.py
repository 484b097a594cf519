"""The base of every value that crosses a room's door: frozen, comparable, and JSON by msgspec.

`Value` forbids unknown fields on decoding, for what we wrote ourselves. What others wrote is decoded with
`Wire`, which keeps the fields it names and ignores the rest.
"""

from __future__ import annotations

import msgspec


class Value(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A frozen value of ours."""


class Wire(msgspec.Struct, frozen=True):
    """The part of somebody else's JSON that we read; unknown fields are ignored."""
