"""Rename repositories, take people out of them, and remove installations."""

from __future__ import annotations

from dataclasses import replace

from sandbox.api import Api
from sandbox.app_records import Installation
from sandbox.records import Repo, User, iso_now


def rename_repository(api: Api, repo: Repo, new_name: str) -> None:
    """Give `repo` another name in its account; what was given to Apps and tokens goes with it."""
    before, now = repo.full_name, f"{repo.owner.login}/{new_name}"
    state = api.state
    state.repos[now] = state.repos.pop(before)
    repo.full_name = now
    state.moved[before.lower()] = repo
    for installation in state.installations.values():
        installation.repositories = [now if name == before else name for name in installation.repositories]
    for text, token in list(state.tokens.items()):
        if token.repositories is not None and before in token.repositories:
            state.tokens[text] = replace(token, repositories=token.repositories - {before} | {now})
    changes = {"repository": {"name": {"from": before.split("/")[1]}}}
    api.effects.send("repository", repo, repo.owner, action="renamed", changes=changes)


def delete_repository(api: Api, repo: Repo) -> None:
    """Delete `repo`: no App and no token has it any more, and another one may get its name."""
    api.effects.send("repository", repo, repo.owner, action="deleted")
    state, name = api.state, repo.full_name
    del state.repos[name]
    state.forget_numbers(name)
    repo.git.git_dir.rename(repo.git.git_dir.with_suffix(f".deleted-{repo.id}"))
    for installation in state.installations.values():
        installation.repositories = [one for one in installation.repositories if one != name]
    for text, token in list(state.tokens.items()):
        if token.repositories is not None:
            state.tokens[text] = replace(token, repositories=token.repositories - {name})


def rename_branch(api: Api, repo: Repo, old: str, new: str, person: User) -> None:
    """Give a branch another name: it is the base of its open pull requests still, and the default if it was that."""
    commit = repo.heads()[old]
    repo.git.run("update-ref", f"refs/heads/{new}", commit)
    for pull in repo.pulls.values():
        if pull.state == "open" and pull.base == old:
            pull.base = new
    repo.git.run("update-ref", "-d", f"refs/heads/{old}")
    if repo.default_branch == old:
        repo.default_branch = new
        repo.git.run("symbolic-ref", "HEAD", f"refs/heads/{new}")
        changes = {"default_branch": {"from": old}}
        api.effects.send("repository", repo, person, action="edited", changes=changes)


def uninstall(api: Api, installation: Installation) -> None:
    """Remove an installation: its tokens end, and GitHub answers 404 for it."""
    _announce(api, installation, "deleted")
    state = api.state
    state.tokens = {text: token for text, token in state.tokens.items() if token.installation is not installation}
    state.uninstalled[installation.id] = state.installations.pop(installation.id)


def suspend(api: Api, installation: Installation) -> None:
    """Suspend an installation: it is listed still, and every request for a token of it is refused."""
    installation.suspended_at = iso_now()
    _announce(api, installation, "suspend")
    state = api.state
    state.tokens = {text: token for text, token in state.tokens.items() if token.installation is not installation}


def _announce(api: Api, installation: Installation, action: str) -> None:
    payload = {
        "installation": api.shapes.installation(installation),
        "sender": api.shapes.user(installation.account),
        "repositories": [],
    }
    api.webhooks.emit_to(installation, "installation", payload, repo=None, action=action)


def remove_collaborator(api: Api, repo: Repo, person: User) -> None:
    """Take from `person` what they may do in `repo` beyond what everybody may."""
    repo.permissions.pop(person.login, None)
    api.effects.send("member", repo, repo.owner, action="removed", member=api.shapes.user(person))
