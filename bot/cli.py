"""The command line, and the only composition root: it reads the settings and wires the rooms together."""

from __future__ import annotations

import sys
import traceback

import click

from bot.errors import BotError, ExitCode


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="aios-bot")
def aios_bot() -> None:
    """Make a fleet of Docker Compose machines run exactly what a person approved."""


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
