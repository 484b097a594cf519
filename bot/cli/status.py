"""`aios-bot status`: the fleets as their pages show them, on a terminal."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bot.cli.terminal import show_table
from bot.domain.errors import BotError
from bot.domain.names import parse_repo_name
from bot.text.terminal import printable

if TYPE_CHECKING:
    from bot.cli.client import ApiClient, FleetAnswer, StatusFleet, StatusNode

EVERY = 5.0  # seconds between two looks
_COLUMNS = ("node", "submodule", "state", "merged", "runs", "behind", "why")


@click.command()
@click.argument("repo", required=False)
@click.option("--url", default="", help="The service's address. Default: AIOS_BOT_URL, else http://127.0.0.1:8080.")
@click.option(
    "--token-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file that holds the token. Default: AIOS_BOT_TOKEN, else the file that AIOS_BOT_TOKEN_FILE names.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object per fleet and line, as the API sends it.")
@click.option("--watch", is_flag=True, help="Show it again when it changes, until Ctrl-C.")
def status(repo: str | None, url: str, token_file: Path | None, *, as_json: bool, watch: bool) -> None:
    """Show what runs where, what waits for a person and what went wrong, in the fleet REPO or in all.

    Reads the service's API with a token of `aios-bot token add`. Ends with 4 when the service refuses the token or
    the fleet, with 5 when no token is set, and with 6 when the service does not answer.
    """
    from bot.cli.client import ApiClient, ApiUnreachableError
    from bot.settings.client import read_client_settings

    try:
        fleet = parse_repo_name(repo) if repo else None
    except ValueError as problem:
        raise BotError(f"REPO: {problem}") from None
    api = ApiClient(read_client_settings(url=url, token_file=token_file))

    def look() -> tuple[FleetAnswer, ...]:
        return tuple(map(api.read_fleet, (fleet,) if fleet else api.list_fleets()))

    shown = look()
    _show(shown, api, as_json=as_json, watch=watch)
    silent = False
    while watch:
        time.sleep(EVERY)
        try:
            now, silent = look(), False
        except ApiUnreachableError as problem:
            if not silent:
                click.echo(printable(f"aios-bot: {problem}; looking again every {EVERY:.0f} s"), err=True)
            silent = True
            continue
        if now != shown:
            shown = now
            _show(shown, api, as_json=as_json, watch=watch)


def _show(answers: tuple[FleetAnswer, ...], api: ApiClient, *, as_json: bool, watch: bool) -> None:
    if as_json:
        for one in answers:
            click.echo(printable(one.body.decode()))
        return
    if watch and sys.stdout.isatty():
        click.clear()
    for one in answers:
        _show_fleet(one.state)
    if not answers:
        click.echo(f"{api.url} has no fleet that this token may see")
    sys.stdout.flush()


def _show_fleet(fleet: StatusFleet) -> None:
    click.echo(printable(f"{fleet.name}: {fleet.summary}"))
    show_table(_COLUMNS, [_cells(node) for rollout in fleet.rollouts for node in rollout.nodes])
    if fleet.pulls:
        show_table(
            ("waits", "for", "title"), [(f"#{one.number}", one.why, _in_one_line(one.title)) for one in fleet.pulls]
        )


def _cells(node: StatusNode) -> tuple[str, ...]:
    why = "; ".join(
        one.text + (f" ({one.command} in #{one.pull})" if one.command and one.pull else "") for one in node.obstacles
    )
    return (
        node.node,
        f"{node.submodule}@{node.base}",
        node.standing,
        node.wanted_pin[:7],
        (node.runs_pin or "-")[:7],
        str(node.behind or "-"),
        _in_one_line(why or node.text),
    )


def _in_one_line(text: str) -> str:
    """`text` without line ends: no stranger's words begin a row of their own."""
    return " ".join(text.split())
