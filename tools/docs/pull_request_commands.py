"""The reference pages of what can be said in a pull request, and of every reason. Pure; `make docs` writes them."""

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
        "The first line of a **new** comment of a person counts. An edited comment, a bot's, and one beside a pull",
        "request never do. `commands.prefix` in the fleet file puts a word before each, such as `/aios deploy`.",
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
        "Words of a command are names of nodes, then of stacks, and the words above. Nothing else is taken, and",
        "nothing of it ever reaches a shell. A reason is free text, shown again escaped.",
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
        "Made from the code by `make docs`. Every answer to a command carries one of these. They also stand in the",
        "log, in the metrics and in the audit trail, and do not change their meaning.",
        "",
        "| code | answer | what it says | what to do |",
        "| --- | --- | --- | --- |",
    ]
    for reason in CommandReason:
        words = WORDS[reason]
        said = words.said.format(about="NAME").replace("|", "\\|")
        lines.append(f"| `{reason}` | {_TONES[words.tone]} | {said} | {words.cure} |")
    return "\n".join([*lines, ""])
