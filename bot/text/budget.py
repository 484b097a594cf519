"""Fit a report into a limit of characters by choosing shorter variants, never by cutting text. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

_JOINT = "\n\n"
_SHORTEST = 2_000  # characters that the shortest report may need
_RESERVED = 400  # characters, for the sentence that says what was left out


class Variant(NamedTuple):
    """One rendering of a section. `left_out` names what it omits, compared with the fullest one."""

    text: str
    left_out: str = ""


class Section(NamedTuple):
    """A part of a report. `variants` are its renderings, the fullest first; each is made for a budget of characters.

    A variant may exceed its budget, except the last, which holds as much as fits.
    """

    variants: Sequence[Callable[[int], Variant]]


def fixed(text: str) -> Section:
    """A section with a single variant."""
    return Section((lambda _budget: Variant(text),))


def fit(
    sections: Sequence[Section], limit: int, *, shorten: Sequence[int], notice: Callable[[tuple[str, ...]], str]
) -> str:
    """Render the sections in their order, as full as `limit` characters allow.

    `shorten` is the order in which sections move to their next variant: an index for each step. `notice` makes the
    last paragraph from what was left out. The result exceeds `limit` only when the last variants do not fit.
    """
    levels = [0] * len(sections)
    made: dict[tuple[int, int], Variant] = {}  # each variant but a last one is made once
    for index in (None, *shorten):
        if index is not None:
            levels[index] = min(levels[index] + 1, len(sections[index].variants) - 1)
        text = _assemble(sections, levels, limit, notice, made)
        if len(text) <= limit:
            return text
    return text


def _assemble(
    sections: Sequence[Section],
    levels: Sequence[int],
    limit: int,
    notice: Callable[[tuple[str, ...]], str],
    made: dict[tuple[int, int], Variant],
) -> str:
    # The last variants share what the others leave, in their order.
    last = {i for i, section in enumerate(sections) if levels[i] and levels[i] == len(section.variants) - 1}
    for i in set(range(len(sections))) - last:
        if (i, levels[i]) not in made:
            made[i, levels[i]] = sections[i].variants[levels[i]](limit)
    variants = {i: made[i, levels[i]] for i in range(len(sections)) if i not in last}
    least = {i: sections[i].variants[levels[i]](0) for i in last}
    needed = [variant.text for variant in (*variants.values(), *least.values()) if variant.text]
    budget = max(0, limit - _RESERVED - sum(len(text) + len(_JOINT) for text in needed))
    for i in sorted(last):
        variants[i] = sections[i].variants[levels[i]](budget + len(least[i].text))
        budget -= max(0, len(variants[i].text) - len(least[i].text))
    left_out = tuple(variant.left_out for _, variant in sorted(variants.items()) if variant.left_out)
    texts = [variants[i].text for i in range(len(sections))]
    return _JOINT.join(filter(None, [*texts, notice(left_out) if left_out else ""]))


def within_bytes(render: Callable[[int], str], limit: int) -> str:
    """What `render` makes of so many characters that they are at most `limit` bytes, as UTF-8 has them.

    Exceeds `limit` only where the shortest report does.
    """
    characters = limit
    text = render(characters)
    while (size := len(text.encode())) > limit and characters > _SHORTEST:
        characters = max(_SHORTEST, min(characters * limit // size, len(text)) - _RESERVED)
        text = render(characters)
    return text
