"""`aios-bot node ...`: the commands that run on a node, in its runner's job or by hand.

Each command imports what it needs when it runs, as in bot.cli.main.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TextIO

import click

from bot.cli.groups import CommandGroup
from bot.domain.errors import ExitCode
from bot.settings.environment import process_environment
from bot.settings.node import read_node_settings
from bot.text.terminal import printable

if TYPE_CHECKING:
    from bot.agent.node import LocalNode

_state_option = click.option(
    "--state",
    "state_folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="The node's state folder. Default: AIOS_BOT_NODE_STATE, otherwise the platform's.",
)
_repo_option = click.option(
    "--repo",
    type=click.Path(file_okay=False, path_type=Path),
    help="The node's checkout. Default: the one that the order names.",
)


_COMMANDS = {name: f"bot.cli.join:{name}" for name in ("add", "join", "leave", "remove")}


@click.group(cls=CommandGroup, later=_COMMANDS)
def node() -> None:
    """Run on a node: verify the bot's orders, carry them out, report the result. Add or remove nodes."""


@node.command("deploy")
@click.option(
    "--order",
    "order_file",
    type=click.File("r", encoding="utf-8", errors="replace"),  # what is no text is refused as no order
    help="File with the signed order; - for standard input. Default: AIOS_BOT_ORDER.",
)
@click.option(
    "--commit", help="Deploy without GitHub: the fleet repository's commit, in full. The node makes the order itself."
)
@click.option("--submodule", help="With --commit: the submodule, if the fleet has several.")
@click.option("--base", default="main", show_default=True, help="With --commit: the branch that must contain it.")
@click.option("--dry-run", is_flag=True, help="With --commit: only show the plan.")
@_repo_option
@_state_option
def deploy_command(  # noqa: PLR0917 - one parameter per option of the command
    order_file: TextIO | None,
    commit: str | None,
    submodule: str | None,
    base: str,
    dry_run: bool,
    repo: Path | None,
    state_folder: Path | None,
) -> None:
    """Carry out one signed order, or deploy a commit by hand. Exits with 0 if all is healthy, 4 if refused."""
    from bot.agent.deploy import deploy
    from bot.agent.other_program import OtherProgram, hand_over
    from bot.agent.wiring import make_node, write_summary
    from bot.protocol.outcome import OrderEnd, render_outcome

    settings = read_node_settings()
    if commit:
        _deploy_by_hand(make_node(settings, state_folder, repo), commit, submodule, base, dry_run=dry_run)
    envelope = order_file.read() if order_file else settings.order
    if not envelope.strip():
        raise click.UsageError("no order: set AIOS_BOT_ORDER, or name a file with --order")
    made = make_node(settings, state_folder, repo)
    try:
        outcome = deploy(envelope, made)
    except OtherProgram as other:
        given = {"--state": state_folder, "--repo": repo}
        arguments = [word for name, path in given.items() if path for word in (name, str(path.absolute()))]
        result = hand_over(made, other, envelope, arguments, process_environment())
        if isinstance(result, int):
            sys.exit(result)
        outcome = result
    text = render_outcome(outcome)
    click.echo(printable(text))
    write_summary(settings, text, outcome)
    sys.exit({OrderEnd.SUCCESS: ExitCode.OK, OrderEnd.REFUSED: ExitCode.REFUSED}.get(outcome.end, ExitCode.FAILED))


def _deploy_by_hand(node: LocalNode, commit: str, submodule: str | None, base: str, *, dry_run: bool) -> NoReturn:
    from bot.agent.by_hand import deploy_by_hand
    from bot.plan.report.text import render_text
    from bot.protocol.outcome import OrderEnd, render_outcome

    plan, outcome = deploy_by_hand(node, commit=commit, submodule=submodule, base=base, dry_run=dry_run)
    click.echo(printable(render_text(plan)))
    if outcome is None:
        sys.exit(ExitCode.OK)
    click.echo(printable(render_outcome(outcome)))
    sys.exit({OrderEnd.SUCCESS: ExitCode.OK, OrderEnd.REFUSED: ExitCode.REFUSED}.get(outcome.end, ExitCode.FAILED))


@node.command()
@click.argument("keyfile", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--fleet", help="OWNER/NAME of the fleet repository; required the first time.")
@click.option("--node", "name", help="This node's name in the fleet file; required the first time.")
@click.option("--root", help="This node's checkout, for orders that do not name one.")
@click.option(
    "--report-only/--obey", default=None, help="Only report and refuse every order that changes something, or obey."
)
@_state_option
def trust(  # noqa: PLR0917 - one parameter per option of the command
    keyfile: Path,
    fleet: str | None,
    name: str | None,
    root: str | None,
    report_only: bool | None,
    state_folder: Path | None,
) -> None:
    """Trust the key in KEYFILE (the bot's keys/orders.pub.pem): accept orders that it signed."""
    from bot.agent.state import NodeState
    from bot.fleetfile.shapes import NODE_NAME

    if name is not None and not NODE_NAME.pattern.fullmatch(name):
        raise click.UsageError(f"--node {name!r} is not usable; {NODE_NAME.words}")
    state = NodeState(state_folder or read_node_settings().state)
    identity = state.trust(keyfile, fleet=fleet, node=name, root=root, report_only=report_only)
    trusted = ", ".join(key.fingerprint for key in state.read_keys())
    click.echo(
        f"{identity.node} of {identity.fleet} trusts {trusted}"
        + (", and only reports" if identity.report_only else "")
    )


@node.command()
@_state_option
def show(state_folder: Path | None) -> None:
    """Print this node's identity, the keys it trusts, and the orders it has accepted."""
    from bot.agent.state import Begun, NodeState, Touching

    state = NodeState(state_folder or read_node_settings().state)
    identity = state.read_identity()
    click.echo(f"node:  {identity.node}\nfleet: {identity.fleet}")
    for key in state.read_keys():
        click.echo(f"key:   {key.fingerprint}")
    for record in state.read_record():
        if isinstance(record, Touching):
            continue
        when = time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(record.at))
        if isinstance(record, Begun):
            click.echo(f"{when}  order {record.order.number} begun: {record.order.kind} {record.order.commit}")
        else:
            click.echo(printable(f"{when}  order {record.number} {record.end}: {record.text}"))


@node.command("recover")
@_repo_option
@_state_option
def recover_command(repo: Path | None, state_folder: Path | None) -> None:
    """Finish or undo an interrupted order. Run this when the machine starts, or by hand after a crash."""
    from bot.agent.deploy import recover_node
    from bot.agent.wiring import make_node
    from bot.protocol.outcome import OrderEnd, render_outcome

    outcome = recover_node(make_node(read_node_settings(), state_folder, repo))
    click.echo("nothing to recover" if outcome is None else printable(render_outcome(outcome)))
    sys.exit(ExitCode.FAILED if outcome and outcome.end is OrderEnd.FAILED else ExitCode.OK)


@node.command()
@_repo_option
@_state_option
def doctor(repo: Path | None, state_folder: Path | None) -> None:
    """Check that this node has what it needs, and say how to fix each problem."""
    from bot.agent.doctor import run_checks
    from bot.agent.wiring import make_node

    settings = read_node_settings()
    made = make_node(settings, state_folder, repo)
    findings = run_checks(made.state, made.docker, made.access, repo)
    for finding in findings:
        click.echo(printable(f"{'ok  ' if finding.good else 'FAIL'} {finding.name}: {finding.text}"))
    sys.exit(ExitCode.OK if all(finding.good for finding in findings) else ExitCode.FAILED)


@node.command()
@click.argument("name")
@_repo_option
@_state_option
def rename(name: str, repo: Path | None, state_folder: Path | None) -> None:
    """Go on as this node where the fleet's repository got another name: OWNER/NAME, as NAME."""
    from bot.agent.wiring import make_node
    from bot.domain.names import parse_repo_name
    from bot.onboarding.join.rename import rename_fleet

    done = rename_fleet(make_node(read_node_settings(), state_folder, repo), parse_repo_name(name))
    click.echo(f"this is a node of {done.fleet} now (before: {done.before})")
    if done.checkout is not None:
        click.echo(f"{done.checkout} is fetched from {done.fleet} now")


@node.command("self-check")
def self_check() -> None:
    """Check that the agent can load, and print its version."""
    from importlib import import_module
    from importlib.metadata import version

    for name in ("bot.agent.deploy", "bot.agent.wiring", "bot.agent.github_sink", "bot.planner.plans"):
        import_module(name)
    click.echo(version("aios-bot"))
