"""The reference pages of the commands in a pull request, and of every reason."""

from __future__ import annotations

from bot.domain.verbs import PREFIX, Verb
from bot.features.commands.decide.reasons import CommandReason
from bot.features.commands.grammar import USAGES
from bot.features.commands.text.words import WORDS, Tone

_TONES = {Tone.DONE: "🚀 done", Tone.NO: "👎 refused", Tone.HUH: "😕 nothing done"}


def render_grammar() -> str:
    """docs/reference/pull-request-commands.md."""
    lines = [
        "# Commands in a pull request",
        "",
        "Made from the code by `make docs`. How to use them: [talk to the bot](../howto/commands.md).",
        "",
        "A command is the first line of a **new** comment on a pull request, by a person. Edited comments and",
        "those of bots do not count, and one in a review is refused in words. `commands.prefix` in the fleet file",
        "puts a word before each: `/aios deploy`.",
        "",
        "| command | what it does | example |",
        "| --- | --- | --- |",
    ]
    for verb in Verb:
        usage = USAGES[verb]
        shape = f"{PREFIX}{verb} {usage.shape}".rstrip().replace("|", "\\|")
        example = f"`{PREFIX}{verb} {usage.example}`" if usage.example else ""
        lines.append(f"| `{shape}` | {usage.does} | {example} |")
    lines += [
        "",
        "The arguments are names of nodes, then of stacks, and the keywords above. Anything else is refused, and",
        "nothing of it ever reaches a shell. A reason is free text, and is escaped where it is shown.",
        "",
        "Each answer carries its reason: [every reason](reason-codes.md).",
        "",
    ]
    return "\n".join(lines)


def render_reasons() -> str:
    """docs/reference/reason-codes.md."""
    lines = [
        "# Reason codes",
        "",
        "Made from the code by `make docs`. Every answer to a command has one of these. They also appear in the log,",
        "the metrics and the audit trail, and never change their meaning.",
        "",
        "| code | answer | message | what to do |",
        "| --- | --- | --- | --- |",
    ]
    for reason in CommandReason:
        words = WORDS[reason]
        message = words.headline.format(about="NAME").replace("|", "\\|")
        lines.append(f"| `{reason}` | {_TONES[words.tone]} | {message} | {words.cure.format(lead=PREFIX)} |")
    return "\n".join([*lines, ""])
