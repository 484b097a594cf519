"""Reply to commands: one comment for each, edited in place, and outdated ones hidden."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.names import PullNumber, RepoName
from bot.features.commands.text.reply import parse_reply_marker, reply_marker
from bot.github.client import Client
from bot.github.comments import minimize_comment, put_comment

if TYPE_CHECKING:
    from bot.features.commands.run import CommandTools

_ONE_AT_A_TIME = ("status", "plan", "help")  # kinds of replies of which only the newest matters


def put_reply(tools: CommandTools, client: Client, repo: RepoName, number: PullNumber, *, body: str) -> None:
    """Make the one reply with the marker of `body`, or edit it when its text differs.

    A new one of a kind of which only the newest matters hides the one before.
    """
    source, kind = parse_reply_marker(body) or ("", "")
    marker = reply_marker(source, kind)
    before = put_comment(client, repo, number, marker=marker, body=body, login=tools.fleets.app.login())
    same = [one for one in before if (parse_reply_marker(one.body) or ("", ""))[1] == kind]
    if same and kind in _ONE_AT_A_TIME:
        minimize_comment(client, same[-1])
