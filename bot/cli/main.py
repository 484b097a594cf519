"""The command line: one command group a module. Here and in these modules the program is put together.

Each command imports what it needs when it runs: a node's deploy must not wait for the service's database engine
to load.
"""

from __future__ import annotations

import sys
import tempfile
import traceback
from pathlib import Path

import click

from bot.cli import operations
from bot.cli.audit import audit
from bot.cli.check import check
from bot.cli.fleet import fleet
from bot.cli.join import add, join, leave, remove
from bot.cli.keys import keys
from bot.cli.node import node
from bot.cli.serve import serve
from bot.domain.errors import BotError, ExitCode


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="aios-bot")
def aios_bot() -> None:
    """Make a fleet of Docker Compose machines run exactly what a person approved."""


for _command in (add, remove, join, leave):
    node.add_command(_command)
aios_bot.add_command(node)
aios_bot.add_command(operations.inbox)
aios_bot.add_command(operations.backup)
aios_bot.add_command(operations.restore)
aios_bot.add_command(check)
aios_bot.add_command(audit)
aios_bot.add_command(fleet)
aios_bot.add_command(keys)
aios_bot.add_command(serve)


@aios_bot.command()
@click.option("--repo", default=".", type=click.Path(exists=True, file_okay=False, path_type=Path), show_default=True)
@click.option("--submodule", default="server", show_default=True, help="Path of the submodule in the repository.")
@click.option("--from", "old", help="The pin to start from. Default: the one that HEAD pins.")
@click.option("--to", "new", help="The pin to plan for. Default: what is checked out in the submodule.")
@click.option(
    "--fleet",
    "fleet_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Fleet file to use. Default: HEAD's .github/aios-bot.yml.",
)
@click.option("--format", "form", type=click.Choice(["text", "markdown", "json"]), default="text", show_default=True)
def plan(  # noqa: PLR0917 - one parameter per option of the command
    repo: Path, submodule: str, old: str | None, new: str | None, fleet_file: Path | None, form: str
) -> None:
    """Say what moving a submodule's pin will do to every running service, from a local checkout."""
    from bot.cli.plan import read_local_plan
    from bot.features.bump.text import render_body
    from bot.plan.report.links import Links
    from bot.plan.report.text import render_json, render_text
    from bot.planner.renderer import Renderer

    with tempfile.TemporaryDirectory(prefix="aios-bot-plan-") as folder:
        renderer = Renderer(cache_root=Path(folder), secret_key=folder.encode())
        made = read_local_plan(
            repo=repo, submodule=submodule, old=old, new=new, fleet_file=fleet_file, renderer=renderer
        )
    match form:
        case "json":
            click.echo(render_json(made))
        case "markdown":
            click.echo(render_body(made, Links()))
        case _:
            click.echo(render_text(made))


@aios_bot.command()
@click.option("--merge/--wait", "by_itself", default=None, help="Merge by itself, or wait for a person to.")
def demo(by_itself: bool | None) -> None:
    """Show the whole way on this machine: an embedded GitHub, a push, a plan, a merge, a deployed node."""
    from sandbox.demo import has_terminal, run_demo

    run_demo(by_itself=not has_terminal() if by_itself is None else by_itself)


@aios_bot.command(add_help_option=False, context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def sandbox(arguments: tuple[str, ...]) -> None:
    """Run an embedded GitHub on this machine, with a small AIOS in it, until Ctrl-C."""
    from sandbox.command import sandbox as command

    command.main(args=list(arguments), prog_name="aios-bot sandbox", standalone_mode=False)


def main() -> None:
    """Run a command; expected errors print one message, a bug prints everything."""
    try:
        aios_bot(standalone_mode=False)
    except click.ClickException as problem:
        problem.show()
        sys.exit(ExitCode.USAGE)
    except click.exceptions.Abort:
        sys.exit(130)
    except BotError as problem:
        click.echo(f"aios-bot: {problem}", err=True)
        sys.exit(problem.exit_code)
    except Exception:  # noqa: BLE001 - the last resort: a bug is printed in full, with its own exit code
        traceback.print_exc()
        sys.exit(ExitCode.BUG)
