"""A command that the bot names is spelled with the prefix of the fleet: a person copies it from there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.domain.names import CommitSha, SubmodulePath
from bot.domain.verbs import Verb, spell_lead, spell_verb
from bot.features.bump.decide import BumpReason
from bot.features.bump.text import render_note
from bot.features.commands.grammar import parse_command
from bot.features.commands.text.words import WORDS

ROOT = Path(__file__).parents[2]
COMMAND = re.compile(rf"(?<![\w/.-])/(?:{'|'.join(Verb)})\b(?!/)")


def find_texts(path: Path) -> Iterator[str]:
    """The string constants of a module that are no docstrings."""
    tree = ast.parse(path.read_text("utf-8"))
    owners = (ast.Module, ast.ClassDef, ast.FunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, owners) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


def test_no_text_of_the_program_names_a_command_with_the_usual_prefix() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {text}"
        for path in sorted((ROOT / "bot").rglob("*.py"))
        for text in find_texts(path)
        if COMMAND.search(text)
    ]
    assert found == []


@pytest.mark.parametrize("prefix", ["/", "/aios"])
def test_what_the_replies_advise_is_read_as_that_command(prefix: str) -> None:
    lead = spell_lead(prefix)
    named = [
        command
        for words in WORDS.values()
        for command in re.findall(r"`([^`]+)`", words.cure.format(lead=lead))
        if command.startswith(lead)
    ]
    assert len(named) > 5
    for command in named:
        found = parse_command(command.replace("NODE", "LAB").replace("COMMIT", "a" * 40), prefix=prefix)
        assert found is not None
        assert found.verb, command


def test_a_bump_on_hold_names_the_command_of_its_fleet() -> None:
    note = render_note(
        BumpReason.ON_HOLD, SubmodulePath("server"), pin=CommitSha("a" * 40), tip=None, people=(), prefix="/aios"
    )
    assert "`/aios resume`" in note
    assert spell_verb(Verb.RESUME) == "/resume"
