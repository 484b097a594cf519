"""Bring the fleet's clone to a machine, whole or not at all, and read the fleet file of its base.

A new clone is made in ROOT/.aios-bot-joining, because ROOT's parent may be another user's, and moved into place when
it is whole: `.git` last, so that what has one is complete. A join that was interrupted goes on with what it finds.
"""

from __future__ import annotations

import getpass
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from bot.agent.installer import remove
from bot.agent.work_tree import WorkTree
from bot.domain.errors import BotError
from bot.fleetfile import FLEET_FILE, Fleet, parse_fleet
from bot.git.git import GitError
from bot.git.safe_clone import AS_COMMITTED
from bot.git.safe_git import GitAccess, is_address_of
from bot.onboarding.join.programs import run_shown
from bot.protocol.invitation import Invitation

JOINING = ".aios-bot-joining"


class FleetClone(NamedTuple):
    """The clone of the invitation's fleet at `root`. `environment` is git's; `log` takes a line for the user."""

    invitation: Invitation
    root: Path
    environment: Mapping[str, str]
    log: Callable[[str], None]

    def bring(self) -> None:
        """Clone the fleet with its submodules, or check the clone that is there. Raises BotError."""
        whole = self.root / JOINING / "whole"
        if not whole.is_dir():
            if (self.root / ".git").exists():
                self._check()
                return
            self._clone(whole)
        try:
            for path in sorted(whole.iterdir(), key=lambda one: one.name == ".git"):
                path.rename(self.root / path.name)
        except OSError as problem:
            raise BotError(
                f"the clone in {whole} cannot be moved to {self.root} ({problem.strerror}: {problem.filename}): move "
                "away what is in its place, and paste the command again"
            ) from None
        remove(self.root / JOINING)
        self.log(f"ok   cloned into {self.root}")

    def read_fleet(self) -> Fleet:
        """The fleet file as it is on the base, whatever is checked out. Raises BotError."""
        base = f"origin/{self.invitation.base}"
        try:
            text = self._tree.repository.read_file(f"refs/remotes/{base}", FLEET_FILE)
        except GitError as problem:
            raise BotError(f"git cannot read {base} of {self.root}: {problem}") from None
        if text is None:
            raise BotError(
                f"{base} of {self.root} has no {FLEET_FILE}: `aios-bot fleet init` in a clone of it proposes one"
            )
        return parse_fleet(text.decode("utf-8", "replace"))

    @property
    def _tree(self) -> WorkTree:
        return WorkTree(self.root, GitAccess(self.invitation.web_url, None))

    def _check(self) -> None:
        """Check the clone that is there, and fetch the base. Raises BotError for that of another repository."""
        fleet, base = self.invitation.fleet, self.invitation.base
        away = "move it away, or add the node with another --root"
        try:
            tree = self._tree
            origin = tree.git("config", "--default", "", "--get", "remote.origin.url")
        except GitError as problem:
            raise BotError(f"git cannot read {self.root} ({problem}): run this as its owner, or {away}") from None
        if not is_address_of(origin, fleet):
            found = "its origin is another" if origin else "it has no origin"
            raise BotError(f"{self.root} is no clone of {fleet}: {found}; {away}")
        try:
            tree.fetch(f"+refs/heads/{base}:refs/remotes/origin/{base}")
        except GitError as problem:
            if tree.repository.resolve(f"refs/remotes/origin/{base}") is None:
                raise BotError(
                    f"{base} cannot be fetched into {self.root} ({problem}): run "
                    f"`git -C {self.root} fetch origin {base}`, and paste the command again"
                ) from None
            self.log(f"note {base} could not be fetched ({problem}): the fleet file is that of the last fetch")
        self.log(f"ok   {self.root} exists already")

    def _clone(self, whole: Path) -> None:
        try:
            others = [path for path in self.root.iterdir() if path.name != JOINING] if self.root.exists() else []
        except OSError as problem:
            raise self._unwritable(problem.strerror or "error") from None
        if others:
            raise BotError(
                f"{self.root} is neither empty nor a clone: move it away, or add the node with another --root"
            )
        self._make_root()
        remove(whole.parent)
        whole.parent.mkdir()
        url = f"{self.invitation.web_url}/{self.invitation.fleet}.git"
        self.log(f"     cloning {url} into {self.root}")
        settings = [word for setting in AS_COMMITTED for word in ("-c", setting)]
        made = whole.with_name("clone")
        # A user is at this terminal: git may prompt, and may use its credential helpers.
        run_shown(
            [
                *("git", *settings, "clone", "--recursive", "--quiet", *settings),
                *("--branch", self.invitation.base, "--", url, str(made)),
            ],
            cwd=whole.parent,
            environment=self.environment,
            cure=f"check that this machine may read the repository, and that it has a branch {self.invitation.base}; "
            "`git clone` by hand shows more",
        )
        made.rename(whole)

    def _make_root(self) -> None:
        """Make the checkout's folder, with sudo where only root may. Raises BotError if it is not writable then."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
        except PermissionError:
            sudo = shutil.which("sudo")
            if sudo is not None:
                self.log(f"     making {self.root} for this user (sudo)")
                command = [sudo, "install", "-d", "-o", getpass.getuser(), str(self.root)]
                subprocess.run(command, env=dict(self.environment), check=False)
        except OSError as problem:
            raise self._unwritable(problem.strerror or "error") from None
        try:
            with tempfile.TemporaryFile(dir=self.root):
                pass
        except OSError as problem:
            raise self._unwritable(problem.strerror or "error") from None

    def _unwritable(self, reason: str) -> BotError:
        me = getpass.getuser()
        return BotError(
            f"{me} cannot write to {self.root} ({reason}): make it for this user, for example with "
            f"`sudo install -d -o {me} {self.root}`, or add the node with another --root, "
            f"such as one below {Path.home()}"
        )
