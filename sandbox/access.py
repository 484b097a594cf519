"""Authenticate requests and check permissions, as strictly as GitHub: JWTs of Apps, tokens of all kinds."""

from __future__ import annotations

import base64
import binascii
import secrets
import time

import jwt

from sandbox.app_records import AppRecord, Installation, Token
from sandbox.records import Repo, User
from sandbox.state import ApiError, State

BASIC = "basic"
"""The permission of a route that an App reaches with its client id and secret."""
TOKEN_LIFETIME = 3600  # seconds
MAX_JWT_LIFETIME = 600  # seconds
EVENT_PERMISSIONS = {
    "push": "contents",
    "repository": "metadata",
    "pull_request": "pull_requests",
    "pull_request_review": "pull_requests",
    "check_run": "checks",
    "check_suite": "checks",
    "status": "statuses",
    "deployment": "deployments",
    "deployment_status": "deployments",
    "workflow_run": "actions",
    "workflow_job": "actions",
    "issue_comment": "issues",
    "issues": "issues",
    "merge_group": "merge_queues",
    "member": "members",
    "membership": "members",
    "organization": "members",
}
"""The permission that each webhook event needs (webhook events and payloads); others need none."""
_LEVELS = {"none": 0, "read": 1, "triage": 1, "write": 2, "maintain": 2, "admin": 3}


def read_credential(header: str) -> str:
    """The token in an Authorization header: Bearer, token, or git's Basic with any user name."""
    scheme, _, rest = header.partition(" ")
    if scheme.lower() in ("bearer", "token"):
        return rest.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(rest, validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return ""


def kind_of(state: State, header: str) -> str:
    """Whose credential an Authorization header holds: installation, job, person, app (its JWT), or "" for none."""
    credential = read_credential(header)
    token = state.tokens.get(credential)
    if token is None:
        return "app" if credential.count(".") == 2 else ""
    if token.installation is not None:
        return "installation"
    return "job" if token.job else "person"


def find_app(state: State, credential: str) -> AppRecord:
    """The App that signed the JWT `credential` (RS256, issued in the past, valid for ten minutes at most), or 401."""
    if credential.count(".") != 2:
        raise ApiError(401, "A JSON web token could not be decoded")
    try:
        issuer = str(jwt.decode(credential, options={"verify_signature": False}).get("iss"))
        app = next(a for a in state.apps.values() if issuer in (str(a.id), a.client_id))
        claims = jwt.decode(credential, app.public_key_pem, algorithms=["RS256"], options={"require": ["iat", "exp"]})
    except StopIteration:
        raise ApiError(401, "Integration must generate a public key") from None
    except jwt.ExpiredSignatureError:
        raise ApiError(401, "'Expiration time' claim ('exp') must be a numeric value in the future") from None
    except jwt.ImmatureSignatureError:
        raise ApiError(401, "'Issued at' claim ('iat') must be an Integer in the past") from None
    except jwt.PyJWTError:
        raise ApiError(401, "A JSON web token could not be decoded") from None
    if claims["exp"] - time.time() > MAX_JWT_LIFETIME:
        raise ApiError(401, "'Expiration time' claim ('exp') is too far in the future")
    return app


def find_token(state: State, credential: str) -> Token:
    """The token, unless it is unknown or expired: then 401."""
    token = state.tokens.get(credential)
    if token is None or (token.expires is not None and token.expires < time.time()):
        raise ApiError(401, "Bad credentials")
    return token


def new_person_token(state: State, user: User) -> str:
    """A token with all permissions of its user."""
    text = f"ghp_{secrets.token_hex(18)}"
    state.tokens[text] = Token(user, None, None, None)
    return text


def new_installation_token(
    state: State,
    installation: Installation,
    *,
    permissions: dict[str, str] | None,
    repositories: list[str] | None,
) -> tuple[str, Token]:
    """A token of the installation, for fewer permissions or repositories if given. More than was granted is 422."""
    granted = installation.permissions
    wanted = permissions or granted
    if any(_LEVELS.get(level, 9) > _LEVELS[granted.get(name, "none")] for name, level in wanted.items()):
        raise ApiError(422, "The permissions requested are not granted to this installation.")
    names = set(installation.repositories)
    if repositories is not None:
        owner = installation.account.login
        names = {f"{owner}/{name}" for name in repositories}
        if not names <= set(installation.repositories):
            raise ApiError(422, "There is at least one repository that does not exist or is not accessible.")
    token = Token(
        installation.app.bot, wanted, frozenset(names), time.time() + TOKEN_LIFETIME, installation=installation
    )
    # Long and with dots, like GitHub's newer tokens.
    text = (
        f"ghs_{installation.app.id}_{secrets.token_urlsafe(90)}.{secrets.token_urlsafe(200)}.{secrets.token_hex(16)}"
    )
    state.tokens[text] = token
    return text, token


def new_job_token(state: State, repo: Repo, user: User, permissions: dict[str, str]) -> str:
    """A workflow job's GITHUB_TOKEN."""
    text = f"ghs_{secrets.token_hex(18)}"
    allowed = permissions | {"metadata": "read"}
    state.tokens[text] = Token(user, allowed, frozenset([repo.full_name]), time.time() + 86400, job=True)
    return text


def rank(level: str) -> int:
    """The rank of a permission level; higher allows more."""
    return _LEVELS[level]


def record_use(state: State, permission: str, level: str) -> None:
    """Record that an installation of an App used `permission` at this level."""
    state.exercised[permission] = max(state.exercised.get(permission, "none"), level, key=rank)


def check_access(token: Token | None, repo: Repo, permission: str, level: str) -> None:
    """Raise ApiError unless `token` may do this in `repo`: 404 if that is hidden, 403 for a missing permission."""
    if token is None:
        if repo.private or _LEVELS[level] > 1:
            raise ApiError(404, "Not Found") if repo.private else ApiError(401, "Requires authentication")
        return
    if token.permissions is None:
        held = repo.permissions.get(token.user.login, "none" if repo.private else "read")
        if _LEVELS[held] < _LEVELS[level]:
            raise ApiError(404 if held == "none" else 403, "Not Found" if held == "none" else "Forbidden")
        return
    if token.repositories is not None and repo.full_name not in token.repositories:
        if repo.private or _LEVELS[level] > 1:
            raise ApiError(404, "Not Found")
        return
    # Where a user needs admin, an App needs write.
    if _LEVELS[token.permissions.get(permission, "none")] < min(_LEVELS[level], _LEVELS["write"]):
        raise ApiError(403, "Resource not accessible by integration")
