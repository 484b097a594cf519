"""The grammar: what is a command, what is meant to be one, and what is none of our business."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.names import PlanId
from bot.domain.verbs import LONGEST_LINE, Verb, first_line
from bot.features.commands.grammar import USAGES, Command, Misread, parse_command, spell

PLAN = PlanId("0123456789ab")


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("/plan", Command(verb=Verb.PLAN)),
        ("/plan HP_LAB AIOS", Command(verb=Verb.PLAN, names=("HP_LAB", "AIOS"))),
        ("/deploy", Command(verb=Verb.DEPLOY)),
        ("/DEPLOY  HP_LAB\tingress", Command(verb=Verb.DEPLOY, names=("HP_LAB", "ingress"))),
        ("/deploy all", Command(verb=Verb.DEPLOY, everything=True)),
        ("/deploy all ingress", Command(verb=Verb.DEPLOY, everything=True, names=("ingress",))),
        ("/deploy wave 2 ingress", Command(verb=Verb.DEPLOY, wave=2, names=("ingress",))),
        (f"/deploy HP_LAB plan {PLAN}", Command(verb=Verb.DEPLOY, names=("HP_LAB",), plan=PLAN)),
        (f"/deploy plan {PLAN.upper()}", Command(verb=Verb.DEPLOY, plan=PLAN)),
        ("/deploy plan", Command(verb=Verb.DEPLOY, names=("plan",))),
        (
            f"/deploy HP_LAB plan {PLAN} because the site is down",
            Command(verb=Verb.DEPLOY, names=("HP_LAB",), plan=PLAN, override_reason="the site is down"),
        ),
        ("/rollback", Command(verb=Verb.ROLLBACK)),
        ("/rollback HP_LAB to previous", Command(verb=Verb.ROLLBACK, names=("HP_LAB",))),
        ("/rollback HP_LAB to C0FFEE1", Command(verb=Verb.ROLLBACK, names=("HP_LAB",), to="c0ffee1")),
        ("/rollback because fire", Command(verb=Verb.ROLLBACK, override_reason="fire")),
        ("/retry", Command(verb=Verb.RETRY)),
        ("/lock HP_LAB new disk", Command(verb=Verb.LOCK, text="HP_LAB new disk")),
        ("/lock", Command(verb=Verb.LOCK)),
        ("/unlock", Command(verb=Verb.UNLOCK)),
        ("/unlock HP_LAB", Command(verb=Verb.UNLOCK, names=("HP_LAB",))),
        ("/hold wait for $(the) `release`", Command(verb=Verb.HOLD, text="wait for $(the) `release`")),
        ("/resume", Command(verb=Verb.RESUME)),
        ("/status", Command(verb=Verb.STATUS)),
        ("/help", Command(verb=Verb.HELP)),
    ],
)
def test_a_command_is_read(line: str, command: Command) -> None:
    assert parse_command(line) == command
    assert parse_command(f"/aios {line.removeprefix('/')}", prefix="/aios") == command


@pytest.mark.parametrize(
    ("line", "problem", "suggestion"),
    [
        ("/depoly HP_LAB", "no such command", "/deploy"),
        ("/rolback", "no such command", "/rollback"),
        ("/statuss", "no such command", "/status"),
        ("/help me", "takes no arguments", "/help"),
        ("/deploy plan 0123456", "a plan's id is 12", "/deploy [node"),
        ("/deploy plan 0123456789abc", "a plan's id is 12", "/deploy [node"),
        ("/deploy --force", "not a valid node", "/deploy [node"),
        ("/deploy HP_LAB;reboot", "not a valid node", "/deploy [node"),
        ("/deploy $(id)", "not a valid node", "/deploy [node"),
        ("/deploy ${{ secrets.X }}", "not a valid node", "/deploy [node"),
        ("/deploy ../x", "not a valid node", "/deploy [node"),
        ("/deploy HP_LAB plan 12", "12 hexadecimal", "/deploy [node"),
        ("/deploy wave", "`wave` needs", "/deploy [node"),
        ("/deploy wave 0", "`wave` needs", "/deploy [node"),
        ("/deploy HP_LAB because", "needs a reason", "/deploy [node"),
        ("/rollback to main", "`to` needs", "/rollback [node"),
        ("/rollback to", "`to` needs", "/rollback [node"),
        ("/rollback to previous now", "`to` needs", "/rollback [node"),
        ("/deploy " + " ".join(f"n{i}" for i in range(30)), "at most 20", "/deploy [node"),
        ("/deploy HP\x00LAB", "control", ""),
        ("/deploy " + "x" * LONGEST_LINE, "at most 300", ""),
    ],
)
def test_a_near_miss_is_told(line: str, problem: str, suggestion: str) -> None:
    found = parse_command(line)
    assert isinstance(found, Misread), found
    assert problem in found.problem
    assert suggestion in found.suggestion


@pytest.mark.parametrize(
    "line",
    [
        "",
        " /deploy",
        "deploy",
        "> /deploy",
        "`/deploy`",
        "/",
        "//deploy",
        "/etc/passwd",
        "/lgtm",
        "/shrug x",
        "- /plan",
        "/retest",  # of other bots
        "/restart",
        "/deny",
    ],
)
def test_the_rest_is_none_of_our_business(line: str) -> None:
    assert parse_command(line) is None


def test_a_named_prefix_leaves_bare_commands_to_others() -> None:
    assert parse_command("/deploy", prefix="/aios") is None
    assert parse_command("/aiosdeploy", prefix="/aios") is None
    assert parse_command("/aios", prefix="/aios") == Command(verb=Verb.HELP)
    assert isinstance(parse_command("/aios nonsense", prefix="/aios"), Misread)


def test_only_the_first_line_counts() -> None:
    assert first_line("/plan\r\n/deploy all") == "/plan"
    assert parse_command(first_line("thanks\n/deploy all")) is None


@pytest.mark.parametrize("verb", Verb)
def test_every_example_is_a_command(verb: Verb) -> None:
    found = parse_command(f"/{verb} {USAGES[verb].example}".rstrip())
    assert isinstance(found, Command)
    assert found.verb is verb


@given(st.text(max_size=400), st.sampled_from(["/", "/aios"]))
def test_any_text_is_read_or_refused(text: str, prefix: str) -> None:
    for line in (text, f"/deploy {text}", f"/aios rollback {text}"):
        found = parse_command(first_line(line), prefix=prefix)
        if isinstance(found, Command):
            words = [*found.names, found.to or "", found.plan or ""]
            assert all(
                set(word) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
                for word in words
            )


# -- every word of an answer, and the edge of every limit -------------------------------------------------------

DEPLOY = "/deploy [node...|wave N|all] [stack...] [plan ID] [because REASON]"
ROLLBACK = "/rollback [node...] [to COMMIT|to previous] [because REASON]"
UNLOCK = "/unlock [node...] [because REASON]"
NO_NAME = "not a valid node or stack name"
NO_WAVE = "`wave` needs a number, counted from 1"
NO_COMMIT = "`to` needs `previous`, or at least 7 digits of a commit"
NO_REASON = "`because` needs a reason"
UNKNOWN = "no such command"


def misread(problem: str, word: str = "", usage: str = DEPLOY, verb: Verb | None = Verb.DEPLOY) -> Misread:
    return Misread(problem=problem, word=word, suggestion=usage, verb=verb)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("/depoly x", misread(UNKNOWN, "depoly", "/deploy", None)),
        ("/DEPOLY x", misread(UNKNOWN, "DEPOLY", "/deploy", None)),
        ("/deploy" + "y" * 30, None),  # not near enough
        ("/unlok", misread(UNKNOWN, "unlok", "/unlock", None)),
        ("/help me", misread("this command takes no arguments", "me", "/help", Verb.HELP)),
        ("/retry LAB now", misread("this command takes no arguments", "LAB", "/retry", Verb.RETRY)),
        ("/deploy LAB ;x -y", misread(NO_NAME, ";x")),
        ("/deploy LAB plan 12", misread("a plan's id is 12 hexadecimal digits", "12")),
        ("/deploy plan x", misread("a plan's id is 12 hexadecimal digits", "x")),
        ("/deploy wave", misread(NO_WAVE)),
        ("/deploy WAVE x ingress", misread(NO_WAVE, "x")),
        ("/deploy because", misread(NO_REASON, "because")),
        ("/rollback LAB BECAUSE", misread(NO_REASON, "because", ROLLBACK, Verb.ROLLBACK)),
        ("/unlock because", misread(NO_REASON, "because", UNLOCK, Verb.UNLOCK)),
        ("/unlock -x because y", misread(NO_NAME, "-x", UNLOCK, Verb.UNLOCK)),
        ("/plan -x", misread(NO_NAME, "-x", "/plan [node...]", Verb.PLAN)),
        ("/rollback to main", misread(NO_COMMIT, "to", ROLLBACK, Verb.ROLLBACK)),
        ("/rollback -x to previous", misread(NO_NAME, "-x", ROLLBACK, Verb.ROLLBACK)),
        ("/deploy" + " a" * 21, misread("at most 20 names at once")),
        ("/deploy a\x07", Misread(problem="control characters are not allowed")),
        ("/hold a\u2028b", Misread(problem="control characters are not allowed")),
        ("/hold " + "a" * 295, Misread(problem="a command has at most 300 characters")),
        ("/unlock LAB BECAUSE of X", Command(verb=Verb.UNLOCK, names=("LAB",), override_reason="of X")),
        ("/rollback A To PREVIOUS because x", Command(verb=Verb.ROLLBACK, names=("A",), override_reason="x")),
        ("/deploy ALL Plan 0123456789ab", Command(verb=Verb.DEPLOY, everything=True, plan=PLAN)),
        ("/deploy LAB all", Command(verb=Verb.DEPLOY, names=("LAB", "all"))),
        ("/deploy plan LAB", misread("a plan's id is 12 hexadecimal digits", "LAB")),
        ("/deploy LAB plan 0123456789ab x", Command(verb=Verb.DEPLOY, names=("LAB", "plan", "0123456789ab", "x"))),
        ("/hold a\tb   c", Command(verb=Verb.HOLD, text="a b c")),
    ],
)
def test_what_is_read_to_the_last_word(line: str, found: Command | Misread | None) -> None:
    assert parse_command(line) == found


def test_a_named_prefix_stands_in_what_is_suggested() -> None:
    assert parse_command("/aios depoly", prefix="/aios") == misread(UNKNOWN, "depoly", "/aios deploy", None)
    assert parse_command("/AIOS nonsense x", prefix="/aios") == misread(UNKNOWN, "nonsense", "", None)
    assert parse_command("/aios " + "n" * 40, prefix="/aios") == misread(UNKNOWN, "n" * 30, "", None)
    assert parse_command("/aios help me", prefix="/aios") == misread(
        "this command takes no arguments", "me", "/aios help", Verb.HELP
    )
    assert parse_command(" /aios help", prefix="/aios") is None


@pytest.mark.parametrize(
    ("most", "too_much"),
    [
        ("/hold " + "a" * 294, "/hold " + "a" * 295),
        ("/deploy" + " a" * 20, "/deploy" + " a" * 21),
        ("/deploy " + "a" * 128, "/deploy " + "a" * 129),
        ("/deploy wave 999", "/deploy wave 1000"),
        ("/deploy wave 1", "/deploy wave 0"),
        ("/deploy wave 10", "/deploy wave 01"),
        ("/rollback to " + "a" * 40, "/rollback to " + "a" * 41),
        ("/rollback to abcdef0", "/rollback to abcdef"),
        ("/rollback to abcdef0", "/rollback to abcdefg"),
        ("/deploy plan " + "0" * 12, "/deploy plan " + "0" * 13),
        ("/deploy a.b_c-d9", "/deploy .b"),
        ("/deploy 9", "/deploy é"),
    ],
)
def test_the_edge_of_each_limit(most: str, too_much: str) -> None:
    assert isinstance(parse_command(most), Command)
    assert isinstance(parse_command(too_much), Misread)


_NAMES = st.lists(
    st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,8}", fullmatch=True).filter(
        lambda name: name.lower() not in ("all", "wave", "to", "because", "plan")
    ),
    max_size=5,
).map(tuple)
_TEXT = st.text("abc <>`$", max_size=20).map(lambda text: " ".join(text.split()))
_COMMANDS = st.one_of(
    st.builds(Command, verb=st.sampled_from([Verb.HELP, Verb.STATUS, Verb.RESUME, Verb.RETRY])),
    st.builds(Command, verb=st.sampled_from([Verb.HOLD, Verb.LOCK]), text=_TEXT),
    st.builds(Command, verb=st.just(Verb.PLAN), names=_NAMES),
    st.builds(Command, verb=st.just(Verb.UNLOCK), names=_NAMES, override_reason=_TEXT),
    st.builds(
        Command,
        verb=st.just(Verb.ROLLBACK),
        names=_NAMES,
        to=st.none() | st.from_regex(r"[0-9a-f]{7,40}", fullmatch=True),
        override_reason=_TEXT,
    ),
    st.builds(
        Command,
        verb=st.just(Verb.DEPLOY),
        names=_NAMES,
        wave=st.none() | st.integers(1, 999),
        plan=st.none() | st.from_regex(r"[0-9a-f]{12}", fullmatch=True),
        override_reason=_TEXT,
    ),
    st.builds(Command, verb=st.just(Verb.DEPLOY), names=_NAMES, everything=st.just(value=True)),
)


@given(_COMMANDS, st.sampled_from(["/", "/aios"]))
def test_a_command_that_is_spelled_is_read_back(command: Command, prefix: str) -> None:
    spelled = spell(command, prefix=prefix)
    assert len(spelled) <= LONGEST_LINE
    assert parse_command(spelled, prefix=prefix) == command


@pytest.mark.parametrize(
    ("said", "spelled"),
    [
        (Command(verb=Verb.DEPLOY, everything=True, names=("a", "b"), plan=PLAN), f"/deploy all a b plan {PLAN}"),
        (Command(verb=Verb.DEPLOY, wave=2, names=("a",), override_reason="x y"), "/deploy wave 2 a because x y"),
        (Command(verb=Verb.ROLLBACK, names=("a",), to="abcdef0"), "/rollback a to abcdef0"),
        (Command(verb=Verb.LOCK, text="a b"), "/lock a b"),
        (Misread(problem="p", word="wrod"), "/wrod"),
        (Misread(problem="p", word="x", verb=Verb.PLAN), "/plan"),
        (Misread(problem="p"), "/"),
    ],
)
def test_how_a_command_is_spelled(said: Command | Misread, spelled: str) -> None:
    assert spell(said) == spelled
    assert spell(said, prefix="/aios") == f"/aios {spelled.removeprefix('/')}"
