"""Pages of accounts and Apps: create a repository, an account's repositories, an App, and where it is installed."""

from __future__ import annotations

import re
from typing import Any

from flask import Flask, redirect, render_template, request

from sandbox import forks, registration
from sandbox.api import Api
from sandbox.app_records import Installation
from sandbox.pages import PERSON, Pages, add_pages
from sandbox.state import ApiError

_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}")


def _show_new(api: Api) -> Any:
    return render_template("new.html", owners=_owners(api))


def _owners(api: Api) -> list[str]:
    """The accounts that the visitor may create repositories in: their own, and those that have some here."""
    return list(dict.fromkeys([*(repo.owner.login for repo in api.state.repos.values()), PERSON]))


def _create(api: Api) -> Any:
    owner, name = request.form.get("owner", ""), request.form.get("name", "").strip()
    if owner not in _owners(api):
        raise ApiError(404, "Not Found")
    if not _NAME.fullmatch(name) or name in (".", "..") or name.endswith(".git"):
        raise ApiError(422, "A name has letters, digits, '.', '_' and '-', and does not end in .git")
    full_name = f"{owner}/{name}"
    if any(known.lower() == full_name.lower() for known in api.state.repos):
        raise ApiError(422, f"The repository {name} already exists on this account")
    private = request.form.get("visibility") == "private"
    repo = forks.create_repository(api.state, api.state.root, full_name, default_branch="main", private=private)
    repo.permissions[PERSON] = "admin"
    return redirect(f"/{full_name}", 303)


def _show_account(api: Api, login: str) -> Any:
    account = next((user for name, user in api.state.users.items() if name.lower() == login.lower()), None)
    if account is None:
        raise ApiError(404, "Not Found")
    repos = [repo for repo in api.state.repos.values() if repo.owner is account]
    return render_template("account.html", account=account, repos=repos)


def _show_app(api: Api, slug: str) -> Any:
    app = next((one for one in api.state.apps.values() if one.slug == slug), None)
    if app is None:
        raise ApiError(404, "Not Found")
    installations = [one for one in api.state.installations.values() if one.app is app]
    return render_template("app.html", app=app, installations=installations)


def _find(api: Api, number: int) -> Installation:
    if number not in api.state.installations:
        raise ApiError(404, "Not Found")
    return api.state.installations[number]


def _show_installation(api: Api, number: int) -> Any:
    found = _find(api, number)
    others = [
        repo.full_name
        for repo in api.state.repos.values()
        if repo.owner is found.account and repo.full_name not in found.repositories
    ]
    asked = {
        name: level
        for name, level in registration.accepted(api.state, found.app, found.account).items()
        if found.permissions.get(name) != level
    }
    return render_template("installation.html", found=found, others=others, asked=asked)


def _change_installation(api: Api, number: int) -> Any:
    found = _find(api, number)
    chosen = [api.state.repo(name) for name in request.form.getlist("repository")]
    if any(repo.owner is not found.account for repo in chosen):
        raise ApiError(422, "Choose repositories of one owner")
    added = [repo.full_name for repo in chosen if repo.full_name not in found.repositories]
    if added:
        registration.add_repositories(api, found, added)
    if request.form.get("accept"):
        registration.accept_permissions(api, found, None)
    return redirect(f"/settings/installations/{number}", 303)


_PAGES: Pages = {
    ("GET", "/new"): _show_new,
    ("POST", "/new"): _create,
    ("GET", "/<login>"): _show_account,
    ("GET", "/apps/<slug>"): _show_app,
    ("GET", "/settings/installations/<int:number>"): _show_installation,
    ("POST", "/settings/installations/<int:number>"): _change_installation,
}


def register(flask: Flask, api: Api) -> None:
    """Serve the pages."""
    add_pages(flask, api, _PAGES)
