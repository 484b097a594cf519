"""The commands that the bot understands: a closed grammar, first line of a comment in, Command out. Pure.

Nothing is passed through: every word is checked against its place, and the free texts (a reason) are only ever
shown again, escaped. The reference page is made from `USAGES` by tools/docs.
"""

from __future__ import annotations

import difflib
import re

from bot.domain.names import PlanId
from bot.domain.values import StoredValue, Value
from bot.domain.verbs import LONGEST_LINE, PREFIX, Verb, spell_lead

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")  # of a node or a stack
_PLAN = re.compile(r"[0-9a-f]{12}")
_COMMIT = re.compile(r"[0-9a-f]{7,40}")
_WAVE = re.compile(r"[1-9][0-9]{0,2}")
_MAX_NAMES = 20  # words of one command


class Usage(Value, frozen=True):
    """One command for people: its shape after the verb, what it does, and an example of what follows the verb."""

    shape: str
    does: str
    example: str = ""


USAGES: dict[Verb, Usage] = {
    Verb.PLAN: Usage("[node...]", "plan the pull request again as it is now, and show the plan", "HP_LAB"),
    Verb.DEPLOY: Usage(
        "[node...|wave N|all] [stack...] [plan ID] [because REASON]",
        "deploy the posted plan to these nodes: before the merge to try it, after the merge to continue",
        "HP_LAB ingress",
    ),
    Verb.ROLLBACK: Usage(
        "[node...] [to COMMIT|to previous] [because REASON]",
        "before the merge, return nodes to what the base pins; after it, to a commit deployed successfully before",
        "HP_LAB to previous",
    ),
    Verb.RETRY: Usage("", "retry the failed orders of this pull request"),
    Verb.LOCK: Usage("[node...] REASON", "keep other pull requests off these nodes", "HP_LAB trying the new disk"),
    Verb.UNLOCK: Usage("[node...] [because REASON]", "end this pull request's locks", "HP_LAB"),
    Verb.HOLD: Usage("[REASON]", "stop moving the pin of this bump", "wait for the release"),
    Verb.RESUME: Usage("", "move the pin again, even to a commit that was rolled back"),
    Verb.STATUS: Usage("", "show what every node runs, locks, and holds"),
    Verb.HELP: Usage("", "show this list"),
}


class Command(StoredValue, frozen=True, tag="said", rename={"override_reason": "because"}):
    """A command as its author wrote it. `names` are nodes and stacks; the fleet says which is which."""

    verb: Verb
    names: tuple[str, ...] = ()
    wave: int | None = None
    everything: bool = False  # "all"
    plan: PlanId | None = None
    to: str | None = None  # a commit's first digits; None: the previous good one
    text: str = ""  # after /lock and /hold, with the nodes still in front: hostile, shown escaped only
    override_reason: str = ""  # asks to override the rules, and why: hostile, shown escaped only


class Misread(StoredValue, frozen=True, tag="misread"):
    """It was meant for the bot, and is no command. `suggestion` is what may have been meant, or empty."""

    problem: str  # a sentence of ours; names nothing of what was written
    word: str = ""  # the word it stumbled over: hostile
    suggestion: str = ""
    verb: Verb | None = None


def parse_command(line: str, *, prefix: str = PREFIX) -> Command | Misread | None:
    """The Command in `line`, why it is none, or None when it was not meant for the bot at all.

    `prefix` is "/" or a word such as "/aios" that stands before the command.
    """
    words = _after_prefix(line, prefix)
    if words is None:
        return None
    if not words:
        return Command(verb=Verb.HELP)
    name, rest = words[0], words[1:]
    if name.lower() not in tuple(Verb):
        near = difflib.get_close_matches(name.lower()[:30], list(Verb), n=1, cutoff=0.75)
        if not near and prefix == PREFIX:
            return None  # another bot's
        suggestion = f"{spell_lead(prefix)}{near[0]}" if near else ""
        return Misread(problem="no such command", word=name[:30], suggestion=suggestion)
    if len(line) > LONGEST_LINE:
        return Misread(problem=f"a command has at most {LONGEST_LINE} characters")
    if _CONTROL.search(line.replace("\t", " ")):
        return Misread(problem="control characters are not allowed")
    return _Reading(Verb(name.lower()), rest, prefix).command()


def spell(command: Command | Misread, *, prefix: str = PREFIX) -> str:
    """The command as it was understood, in one line; the free texts in it are hostile."""
    if isinstance(command, Misread):
        return f"{spell_lead(prefix)}{command.verb or command.word}"
    words = [f"{spell_lead(prefix)}{command.verb}", *(["all"] if command.everything else [])]
    words += ["wave", str(command.wave)] if command.wave is not None else []
    words += command.names
    words += ["to", command.to] if command.to else []
    words += ["plan", command.plan] if command.plan else []
    words += [command.text] if command.text else []
    words += ["because", command.override_reason] if command.override_reason else []
    return " ".join(words)


def _after_prefix(line: str, prefix: str) -> list[str] | None:
    words = line.split()
    if not words or line[0].isspace():
        return None
    if prefix != PREFIX:
        return words[1:] if words[0].lower() == prefix.lower() else None
    if not re.match(r"/[A-Za-z]", words[0]):
        return None
    return [words[0].removeprefix(PREFIX), *words[1:]]


class _Reading:
    """The words behind a verb, taken one place after the other."""

    def __init__(self, verb: Verb, words: list[str], prefix: str) -> None:
        self._verb = verb
        self._words = words
        self._usage = f"{spell_lead(prefix)}{verb} {USAGES[verb].shape}".rstrip()

    def command(self) -> Command | Misread:
        match self._verb:
            case Verb.HELP | Verb.STATUS | Verb.RESUME | Verb.RETRY:
                return self._alone()
            case Verb.HOLD | Verb.LOCK:
                return Command(verb=self._verb, text=" ".join(self._words))
            case Verb.PLAN:
                return self._names(self._words) or Command(verb=self._verb, names=tuple(self._words))
        words, override = self._split_override()
        if override == "":
            return self._no("`because` needs a reason", "because")
        match self._verb:
            case Verb.DEPLOY:
                return self._deploy(words, override or "")
            case Verb.ROLLBACK:
                return self._rollback(words, override or "")
            case _:
                return self._names(words) or Command(
                    verb=self._verb, names=tuple(words), override_reason=override or ""
                )

    def _alone(self) -> Command | Misread:
        if self._words:
            return self._no("this command takes no arguments", self._words[0])
        return Command(verb=self._verb)

    def _split_override(self) -> tuple[list[str], str | None]:
        for index, word in enumerate(self._words):
            if word.lower() == "because":
                return self._words[:index], " ".join(self._words[index + 1 :])
        return self._words, None

    def _deploy(self, words: list[str], override_reason: str) -> Command | Misread:
        plan: PlanId | None = None
        if len(words) >= 2 and words[-2].lower() == "plan":
            if not _PLAN.fullmatch(words[-1].lower()):
                return self._no("a plan's id is 12 hexadecimal digits", words[-1])
            plan, words = PlanId(words[-1].lower()), words[:-2]
        everything = bool(words) and words[0].lower() == "all"
        wave: int | None = None
        if everything:
            words = words[1:]
        elif words and words[0].lower() == "wave":
            if len(words) < 2 or not _WAVE.fullmatch(words[1]):
                return self._no("`wave` needs a number, counted from 1", words[1] if len(words) > 1 else "")
            wave, words = int(words[1]), words[2:]
        return self._names(words) or Command(
            verb=self._verb,
            names=tuple(words),
            wave=wave,
            everything=everything,
            plan=plan,
            override_reason=override_reason,
        )

    def _rollback(self, words: list[str], override_reason: str) -> Command | Misread:
        to: str | None = None
        lowered = [word.lower() for word in words]
        if "to" in lowered:
            at = lowered.index("to")
            target = lowered[at + 1 :]
            if len(target) != 1 or not (target[0] == "previous" or _COMMIT.fullmatch(target[0])):
                return self._no("`to` needs `previous`, or at least 7 digits of a commit", "to")
            to, words = (None if target[0] == "previous" else target[0]), words[:at]
        return self._names(words) or Command(
            verb=self._verb, names=tuple(words), to=to, override_reason=override_reason
        )

    def _names(self, words: list[str]) -> Misread | None:
        """None when every word can be a node's or a stack's name."""
        if len(words) > _MAX_NAMES:
            return self._no(f"at most {_MAX_NAMES} names at once")
        wrong = next((word for word in words if not _NAME.fullmatch(word)), None)
        return self._no("not a valid node or stack name", wrong) if wrong is not None else None

    def _no(self, problem: str, word: str = "") -> Misread:
        return Misread(problem=problem, word=word, suggestion=self._usage, verb=self._verb)
