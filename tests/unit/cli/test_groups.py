"""Groups import a command when it is named."""

from __future__ import annotations

import contextlib
import gc
import subprocess
import sys

import click
import pytest

from bot.cli.groups import CommandGroup, all_commands
from bot.cli.main import run_program


def test_a_command_is_imported_when_it_is_named() -> None:
    group = CommandGroup("fleet", later={"plan": "bot.cli.plan:plan", "other": "bot.no_such_module:command"})
    context = click.Context(group)
    assert group.list_commands(context) == ["other", "plan"]
    assert group.get_command(context, "no") is None
    plan = group.get_command(context, "plan")
    assert plan is not None
    assert plan.short_help is not None
    assert plan.short_help.startswith("Show what moving a submodule's pin will do")
    assert group.get_command(context, "plan") is plan
    with pytest.raises(ModuleNotFoundError):
        all_commands(group)


@pytest.mark.parametrize("ends", [None, click.UsageError("no"), KeyError("bug")])
def test_the_end_of_a_program_does_not_look_through_what_it_loaded(
    monkeypatch: pytest.MonkeyPatch, ends: Exception | None
) -> None:
    frozen: list[bool] = []
    monkeypatch.setattr(gc, "freeze", lambda: frozen.append(True))
    monkeypatch.setattr(gc, "set_threshold", lambda _: None)

    @click.command()
    def command() -> None:
        if ends:
            raise ends

    monkeypatch.setattr(sys, "argv", ["x"])
    with contextlib.suppress(SystemExit):
        run_program(command, "x")
    assert frozen == [True]


def test_no_command_waits_for_the_modules_of_another() -> None:
    code = """if True:
        import sys, click
        from bot.cli.main import aios_bot
        node = aios_bot.get_command(click.Context(aios_bot), "node")
        node.get_command(click.Context(node), "deploy")
        print(*(name for name in sys.modules if name.startswith("bot.cli.")))
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert sorted(done.stdout.split()) == ["bot.cli.groups", "bot.cli.main", "bot.cli.node"]
