"""Register GitHub Apps from a manifest, convert the manifest's code, and install Apps."""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from flask import Flask, Response, redirect, render_template, request

from sandbox import access, pages
from sandbox.api import Api, ApiResponse, Context, Route
from sandbox.app_records import AppRecord, Installation
from sandbox.behaviours import ORGANIZATION_PERMISSIONS
from sandbox.records import User
from sandbox.state import ApiError, State

CODE_LIFETIME = 3600  # seconds (registering a GitHub App from a manifest)
MAX_NAME_LENGTH = 34
MOST_CALLBACKS = 10
_LEVELS = {
    **dict.fromkeys(("actions", "administration", "checks", "contents", "deployments"), ("read", "write")),
    **dict.fromkeys(
        ("environments", "issues", "metadata", "merge_queues", "pull_requests", "statuses"), ("read", "write")
    ),
    **dict.fromkeys(("members", "secrets", "organization_self_hosted_runners"), ("read", "write")),
    "workflows": ("write",),
}


def new_app(
    state: State,
    name: str,
    *,
    owner: User,
    permissions: dict[str, str],
    events: Sequence[str],
    webhook_url: str,
    secret: str,
) -> AppRecord:
    """Register an App with a new private key."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    number = state.new_id()
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    record = AppRecord(
        id=number,
        slug=slug,
        owner=owner,
        bot=state.user(f"{slug}[bot]", "Bot"),
        permissions=dict(permissions),
        events=list(events),
        webhook_url=webhook_url,
        webhook_secret=secret,
        client_id=f"Iv23li{number:014d}",
        public_key_pem=key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
        client_secret=secrets.token_hex(20),
        private_key_pem=key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode(),
    )
    state.apps[number] = record
    return record


def new_installation(api: Api, app: AppRecord, account: User, repositories: Sequence[str]) -> Installation:
    """Install `app` and send the webhook."""
    found = Installation(api.state.new_id(), app, account, list(repositories), accepted(api.state, app, account))
    api.state.installations[found.id] = found
    payload = {
        "installation": api.shapes.installation(found),
        "repositories": _repository_list(api, repositories),
        "requester": None,
        "sender": api.shapes.user(account),
    }
    api.webhooks.emit_to(found, "installation", payload, repo=None, action="created")
    return found


def accepted(state: State, app: AppRecord, account: User) -> dict[str, str]:
    """The permissions that an installation of `app` in `account` has once its owner accepted them all."""
    personal = state.behaviours.personal_accounts and account.kind == "User"
    return {
        name: level for name, level in app.permissions.items() if not (personal and name in ORGANIZATION_PERMISSIONS)
    }


def accept_permissions(api: Api, installation: Installation, permissions: dict[str, str] | None) -> None:
    """Accept what the App asks for by now, or only `permissions`, and send the webhook."""
    everything = accepted(api.state, installation.app, installation.account)
    installation.permissions = everything if permissions is None else dict(permissions)
    payload = {
        "installation": api.shapes.installation(installation),
        "sender": api.shapes.user(installation.account),
    }
    api.webhooks.emit_to(installation, "installation", payload, repo=None, action="new_permissions_accepted")


def add_repositories(api: Api, installation: Installation, repositories: Sequence[str]) -> None:
    """Give the App more repositories of its account and send the webhook."""
    installation.repositories.extend(repositories)
    payload = {
        "installation": api.shapes.installation(installation),
        "repository_selection": "selected",
        "repositories_added": _repository_list(api, repositories),
        "repositories_removed": [],
        "requester": None,
        "sender": api.shapes.user(installation.account),
    }
    api.webhooks.emit_to(installation, "installation_repositories", payload, repo=None, action="added")


def _repository_list(api: Api, repositories: Sequence[str]) -> list[dict[str, Any]]:
    return [
        {"id": r.id, "node_id": f"R_{r.id}", "name": r.name, "full_name": r.full_name, "private": r.private}
        for r in map(api.state.repo, repositories)
    ]


# -- the manifest -------------------------------------------------------------------------------------------------


def _read_manifest(text: str) -> dict[str, Any]:
    """Parse a manifest. Raises ApiError, with the problems that GitHub would show."""
    try:
        manifest = json.loads(text)
    except ValueError:
        raise ApiError(422, "Manifest is not valid JSON") from None
    if not isinstance(manifest, dict):
        raise ApiError(422, "Manifest is not a JSON object")
    problems = [*_name_problems(manifest), *_address_problems(manifest), *_permission_problems(manifest)]
    if problems:
        raise ApiError(422, "Invalid GitHub App configuration: " + "; ".join(problems))
    return manifest


def _name_problems(manifest: dict[str, Any]) -> list[str]:
    name = str(manifest.get("name", ""))
    return [f"name is too long (maximum is {MAX_NAME_LENGTH} characters)"] if len(name) > MAX_NAME_LENGTH else []


def _address_problems(manifest: dict[str, Any]) -> list[str]:
    hook = manifest.get("hook_attributes")
    problems = [] if _is_address(manifest.get("url")) else ["url is missing or wrong"]
    if hook is not None and not (isinstance(hook, dict) and _is_address(hook.get("url"))):
        problems.append("hook_attributes.url is missing or wrong")
    for name in ("redirect_url", "setup_url"):
        if name in manifest and not _is_address(manifest[name]):
            problems.append(f"{name} is wrong")
    callbacks = manifest.get("callback_urls", [])
    if not isinstance(callbacks, list) or len(callbacks) > MOST_CALLBACKS or not all(map(_is_address, callbacks)):
        problems.append("callback_urls is wrong")
    return problems


def _is_address(value: object) -> bool:
    return isinstance(value, str) and urlsplit(value).scheme in ("http", "https") and bool(urlsplit(value).netloc)


def _permission_problems(manifest: dict[str, Any]) -> list[str]:
    requested = manifest.get("default_permissions", {})
    problems = [
        f"permission {name}: {level} is unknown"
        for name, level in requested.items()
        if level not in _LEVELS.get(name, ())
    ]
    for event in manifest.get("default_events", []):
        needed = access.EVENT_PERMISSIONS.get(event)
        if needed is None:
            problems.append(f"default events unsupported: {event}")
        elif needed not in requested:
            problems.append(f"event {event} needs the permission {needed}")
    return problems


# -- pages --------------------------------------------------------------------------------------------------------


def register(flask: Flask, api: Api) -> None:
    """Serve the pages for registering and installing Apps."""
    for rule in ("/settings/apps/new", "/organizations/<owner>/settings/apps/new"):
        # The only page that a form of another site may post to: it shows the manifest and changes nothing.
        flask.add_url_rule(rule, rule, pages.view(api, rule, _show_manifest, from_anywhere=True), methods=["POST"])
    for rule, method, show in (
        ("/settings/apps/manifest", "POST", _create),
        ("/apps/<slug>/installations/new", "GET", _show_install),
        ("/apps/<slug>/installations", "POST", _install),
    ):
        flask.add_url_rule(rule, rule, pages.view(api, rule, show), methods=[method])


def _show_manifest(api: Api, owner: str = "") -> Any:
    text = request.form.get("manifest", "")
    manifest = _read_manifest(text)
    return render_template(
        "app_new.html",
        manifest=manifest,
        text=text,
        owner=owner or pages.PERSON,
        organization=owner,
        state=request.args.get("state", ""),
        taken=manifest.get("name", "") in {app.slug for app in api.state.apps.values()},
    )


def _create(api: Api) -> Any:
    manifest = _read_manifest(request.form.get("manifest", ""))
    name = request.form.get("name", "").strip() or manifest.get("name", "")
    if not name or any(app.slug == name.lower() for app in api.state.apps.values()):
        raise ApiError(422, "Name is already taken")
    hook = manifest.get("hook_attributes") or {}
    app = new_app(
        api.state,
        name,
        owner=api.state.user(request.form.get("organization") or pages.PERSON),
        permissions=manifest.get("default_permissions", {}) | {"metadata": "read"},
        events=manifest.get("default_events", []),
        webhook_url=hook.get("url", "") if hook.get("active", True) else "",
        secret=secrets.token_hex(20) if hook else "",
    )
    app.setup_url = manifest.get("setup_url", "")
    app.callback_urls = list(manifest.get("callback_urls", []))
    code = new_code(api.state, app)
    return redirect(_with_query(manifest["redirect_url"], code=code, state=request.form.get("state", "")), 302)


def new_code(state: State, app: AppRecord) -> str:
    """A code that can be exchanged once for the App's credentials."""
    code = secrets.token_hex(20)
    state.manifest_codes[code] = (app, time.time() + CODE_LIFETIME)
    return code


def _app_named(api: Api, slug: str) -> AppRecord:
    for app in api.state.apps.values():
        if app.slug == slug:
            return app
    raise ApiError(404, "Not Found")


def _show_install(api: Api, slug: str) -> Any:
    return render_template("app_install.html", app=_app_named(api, slug), repos=list(api.state.repos.values()))


def _install(api: Api, slug: str) -> Any:
    app, chosen = _app_named(api, slug), request.form.getlist("repository")
    owners = {api.state.repo(name).owner.login: api.state.repo(name).owner for name in chosen}
    if len(owners) != 1:
        raise ApiError(422, "Choose repositories of one owner")
    (owner,) = owners.values()
    found = new_installation(api, app, owner, chosen)
    if not app.setup_url:
        return Response("Installed.")
    return redirect(_with_query(app.setup_url, installation_id=str(found.id), setup_action="install"), 302)


def _with_query(url: str, **query: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query=urlencode([*parse_qsl(parts.query), *query.items()])))


# -- REST ---------------------------------------------------------------------------------------------------------


def convert(context: Context, code: str) -> Any:
    app, end = context.state.manifest_codes.pop(code, (None, 0.0))
    if app is None or end < time.time():
        raise ApiError(404, "Not Found")
    return ApiResponse(
        201,
        context.shapes.app(app)
        | {
            "client_secret": app.client_secret,
            "webhook_secret": app.webhook_secret or None,
            "pem": app.private_key_pem,
        },
    )


def _hook(app: AppRecord | None) -> dict[str, Any]:
    if app is None:
        raise ApiError(401, "A JSON web token could not be decoded")
    secret = {"secret": "********"} if app.webhook_secret else {}
    return {"content_type": "json", "insecure_ssl": "0", "url": app.webhook_url, **secret}


def get_hook_config(context: Context) -> Any:
    return _hook(context.app)


def update_hook_config(context: Context) -> Any:
    app, body = context.app, context.body
    if app is not None:
        app.webhook_url = str(body.get("url", app.webhook_url))
        app.webhook_secret = str(body.get("secret", app.webhook_secret))
    return _hook(app)


ROUTES = [
    Route("POST", "/app-manifests/{code}/conversions", convert, None, "read"),
    Route("GET", "/app/hook/config", get_hook_config, "app", "read"),
    Route("PATCH", "/app/hook/config", update_hook_config, "app", "read"),
]
