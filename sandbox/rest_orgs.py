"""Team memberships of organisations."""

from __future__ import annotations

from typing import Any

from sandbox import access
from sandbox.api import Context, Route
from sandbox.state import ApiError


def get_membership(context: Context, org: str, team: str, username: str) -> Any:
    token = context.token
    if token is None:
        raise ApiError(401, "Requires authentication")
    if token.installation is not None:
        if token.installation.account.login.lower() != org.lower():
            raise ApiError(404, "Not Found")
        if access.rank((token.permissions or {}).get("members", "none")) < access.rank("read"):
            raise ApiError(403, "Resource not accessible by integration")
        access.record_use(context.state, "members", "read")
    members = context.state.teams.get(f"{org}/{team}".lower(), frozenset())
    if username.lower() not in members:
        raise ApiError(404, "Not Found")
    url = f"{context.shapes.api}/organizations/1/team/1/memberships/{username}"
    return {"url": url, "role": "member", "state": "active"}


ROUTES = [Route("GET", "/orgs/{org}/teams/{team}/memberships/{username}", get_membership, None, "read")]
