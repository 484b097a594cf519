"""The grammar: what is a command, what is meant to be one, and what is none of our business."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.names import PlanId
from bot.domain.verbs import LONGEST_LINE, Verb, first_line
from bot.features.commands.grammar import USAGES, Command, Misread, parse_command

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
        ("/depoly HP_LAB", "this command does not exist", "/deploy"),
        ("/rolback", "this command does not exist", "/rollback"),
        ("/statuss", "this command does not exist", "/status"),
        ("/help me", "nothing follows", "/help"),
        ("/deploy --force", "no node's", "/deploy [node"),
        ("/deploy HP_LAB;reboot", "no node's", "/deploy [node"),
        ("/deploy $(id)", "no node's", "/deploy [node"),
        ("/deploy ${{ secrets.X }}", "no node's", "/deploy [node"),
        ("/deploy ../x", "no node's", "/deploy [node"),
        ("/deploy HP_LAB plan 12", "12 hexadecimal", "/deploy [node"),
        ("/deploy wave", "`wave` is followed", "/deploy [node"),
        ("/deploy wave 0", "`wave` is followed", "/deploy [node"),
        ("/deploy HP_LAB because", "followed by the reason", "/deploy [node"),
        ("/rollback to main", "`to` is followed", "/rollback [node"),
        ("/rollback to", "`to` is followed", "/rollback [node"),
        ("/rollback to previous now", "`to` is followed", "/rollback [node"),
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
