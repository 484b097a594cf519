"""The bases of our values: frozen, comparable, and JSON by msgspec where they leave the process."""

from __future__ import annotations

import msgspec


class Value(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A frozen value of ours, which stays in its process unless it is a StoredValue."""


class StoredValue(Value, frozen=True, omit_defaults=True, forbid_unknown_fields=False):
    """A value that is stored or sent by one version of the bot and read by another, older or newer.

    A field that is not set is not written, and a field that the reader does not know is ignored. So a new field
    has a default that means "as before" (`""`, `0`, `False`, `None`, `()`: other defaults may be written out), is
    added at the end, and never changes what an older reader *does* with the value: see `Order.requires`.
    docs/decisions/values-survive-versions.md.
    """


class Wire(msgspec.Struct, frozen=True):
    """The part of somebody else's JSON that we read; unknown fields are ignored."""
