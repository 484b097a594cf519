"""`review:` of the fleet file: which changes a person has to look at. Pure."""

from __future__ import annotations

from bot.domain.values import Value
from bot.fleetfile.fields import Flag, Part, Section, Texts
from bot.fleetfile.shapes import GLOB


class Review(Value, frozen=True):
    """A fleet's own rules, looked at before the built-in ones; `required` wins over `optional`."""

    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    auto_merge: bool = False


REVIEW = Part(
    "review",
    "which changes a person has to look at",
    Section(
        Review,
        (
            Texts("required", "paths whose change needs an approving review", GLOB, "server/stacks/**"),
            Texts("optional", "paths whose change needs none; `required` wins", GLOB, "notes/**"),
            Flag("auto_merge", "let the bot's own pull requests merge when nothing in them needs a review"),
        ),
    ),
)
