"""Clone a fleet's repository on its node, and find what git makes of an address, as bot.git.safe_git describes."""

from __future__ import annotations

from pathlib import Path

from bot.git.git import run_in_checkout
from bot.git.moves import follow_renames
from bot.git.safe_git import GitAccess, git_environment

UMASK = 0o022  # the modes of files are the repository's, whichever user starts the node
AS_COMMITTED = ("core.autocrlf=false", "core.eol=lf")
"""Settings of a new clone: a script with the line ends of Windows does not run in a container."""


def rewritten_address(remote: str, folder: Path, access: GitAccess) -> str:
    """The address that git uses for a remote's name or address, by the settings of its user and of `folder`."""
    environment = git_environment(access._replace(token=None), origin=access.web_url)
    return run_in_checkout(folder, "ls-remote", "--get-url", remote, environment=environment).decode().strip()


def clone(url: str, place: Path, *, branch: str, access: GitAccess) -> None:
    """Clone `url` into `place` without checking anything out, or GitError."""
    environment = git_environment(access, origin=rewritten_address(url, place.parent, access))
    settings = [word for setting in AS_COMMITTED for word in ("-c", setting)]
    options = ("--quiet", "--no-checkout", "--no-tags", *settings, "--branch", branch)
    command = ("clone", *options, "--", url, str(place))
    follow_renames(
        lambda found: run_in_checkout(place.parent, *command, environment=found, umask=UMASK),
        environment,
        token=access.token,
        server=access.web_url,
    )
