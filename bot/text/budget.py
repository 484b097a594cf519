"""Fitting a report into a limit of characters by saying less, never by cutting what is written. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

_JOINT = "\n\n"
_RESERVED = 400  # characters, for the sentence that says what was left out


class Form(NamedTuple):
    """One way to say a piece. `left_out` names what it does not say, compared with the fullest one."""

    text: str
    left_out: str = ""


class Piece(NamedTuple):
    """A part of a report. `forms` are its ways of being said, the fullest first; each is made for the room it gets.

    A form may be larger than its room, except the last, which says as much as fits there.
    """

    forms: Sequence[Callable[[int], Form]]


def fixed(text: str) -> Piece:
    """A piece that can only be said as it is."""
    return Piece((lambda _room: Form(text),))


def fit(
    pieces: Sequence[Piece], limit: int, *, shorten: Sequence[int], notice: Callable[[tuple[str, ...]], str]
) -> str:
    """The pieces in their order, as full as `limit` characters allow.

    `shorten` is the order in which pieces go to their next form: an index for each step. `notice` makes the last
    paragraph from what was left out. The result is longer than `limit` only when the last forms do not fit.
    """
    levels = [0] * len(pieces)
    said: dict[tuple[int, int], Form] = {}  # each form but a last one is made once
    for index in (None, *shorten):
        if index is not None:
            levels[index] = min(levels[index] + 1, len(pieces[index].forms) - 1)
        text = _assemble(pieces, levels, limit, notice, said)
        if len(text) <= limit:
            return text
    return text


def _assemble(
    pieces: Sequence[Piece],
    levels: Sequence[int],
    limit: int,
    notice: Callable[[tuple[str, ...]], str],
    said: dict[tuple[int, int], Form],
) -> str:
    # The last forms share what the others leave, in their order.
    last = {i for i, piece in enumerate(pieces) if levels[i] and levels[i] == len(piece.forms) - 1}
    for i in set(range(len(pieces))) - last:
        if (i, levels[i]) not in said:
            said[i, levels[i]] = pieces[i].forms[levels[i]](limit)
    forms = {i: said[i, levels[i]] for i in range(len(pieces)) if i not in last}
    least = {i: pieces[i].forms[levels[i]](0) for i in last}
    needed = [form.text for form in (*forms.values(), *least.values()) if form.text]
    room = max(0, limit - _RESERVED - sum(len(text) + len(_JOINT) for text in needed))
    for i in sorted(last):
        forms[i] = pieces[i].forms[levels[i]](room + len(least[i].text))
        room -= max(0, len(forms[i].text) - len(least[i].text))
    left_out = tuple(form.left_out for _, form in sorted(forms.items()) if form.left_out)
    texts = [forms[i].text for i in range(len(pieces))]
    return _JOINT.join(filter(None, [*texts, notice(left_out) if left_out else ""]))
