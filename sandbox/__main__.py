"""`python -m sandbox demo|serve`: the demo, and the embedded GitHub on its own, from a clone of this repository."""

from __future__ import annotations

from bot.__main__ import starting

with starting():  # the imports take a second
    import click

    from bot.cli.main import run_program
    from sandbox.demo import demo
    from sandbox.serve import serve


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def sandbox() -> None:
    """Try aios-bot against an embedded GitHub on this machine. No account needed."""


sandbox.add_command(demo)
sandbox.add_command(serve)

if __name__ == "__main__":
    run_program(sandbox, "python -m sandbox")
