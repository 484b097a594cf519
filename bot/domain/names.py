"""The names of the domain as types, so that a branch is never passed where a commit is wanted.

Anything that comes from outside goes through the `parse_` function of its type, once, where it comes in.
"""

from __future__ import annotations

import re
from typing import NewType

RepoName = NewType("RepoName", str)  # "owner/name", as GitHub spells it
BranchName = NewType("BranchName", str)  # "main"; never with refs/heads/
CommitSha = NewType("CommitSha", str)  # 40 lower-case hexadecimal digits
SubmodulePath = NewType("SubmodulePath", str)  # "server"; POSIX, relative to the fleet repository
NodeName = NewType("NodeName", str)  # "HP_LAB"; also the GitHub environment
StackName = NewType("StackName", str)  # "ingress"
ServiceName = NewType("ServiceName", str)  # "traefik"
PlanId = NewType("PlanId", str)  # 12 hexadecimal digits
DeliveryId = NewType("DeliveryId", str)  # X-GitHub-Delivery, a UUID
PullNumber = NewType("PullNumber", int)
InstallationId = NewType("InstallationId", int)
DeploymentId = NewType("DeploymentId", int)

_REPO = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}/(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}"
)  # _ : enterprise-managed owners
_LOGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}(?:\[bot\])?")
_SHA = re.compile(r"[0-9a-f]{40}")


def parse_repo_name(text: str) -> RepoName:
    """`owner/name` or ValueError. GitHub's own alphabet: nothing here can leave a path or a URL segment."""
    if not _REPO.fullmatch(text):
        raise ValueError(f"not a repository name (owner/name): {text!r}")
    return RepoName(text)


def parse_login(text: str) -> str:
    """A person's or a bot's login, or ValueError; nothing in it can leave a URL segment."""
    if not _LOGIN.fullmatch(text):
        raise ValueError(f"not a login: {text!r}")
    return text


def parse_commit_sha(text: str) -> CommitSha:
    """Forty hexadecimal digits or ValueError; an abbreviated commit is refused, because it can change meaning."""
    if not _SHA.fullmatch(text):
        raise ValueError(f"not a full commit id (40 hexadecimal digits): {text!r}")
    return CommitSha(text)


def short(sha: str) -> str:
    """The first seven digits of a commit, for people only."""
    return sha[:7]
