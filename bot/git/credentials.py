"""The environment that gives git its settings and a token, for one command and written nowhere. Pure."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping


def basic_authorization(token: str) -> str:
    """The value of the header by which git authenticates with an installation's token."""
    return "Basic " + base64.b64encode(f"x-access-token:{token}".encode()).decode()


def add_settings(environment: Mapping[str, str], settings: Iterable[tuple[str, str]]) -> dict[str, str]:
    """`environment` with settings of git's beside those that it sets already; a later one counts."""
    made = dict(environment)
    for index, (name, value) in enumerate(settings, start=int(environment.get("GIT_CONFIG_COUNT", "0"))):
        made |= {f"GIT_CONFIG_KEY_{index}": name, f"GIT_CONFIG_VALUE_{index}": value}
        made["GIT_CONFIG_COUNT"] = str(index + 1)
    return made


def token_environment(token: str | None, *, server: str) -> dict[str, str]:
    """The environment that makes git authenticate with an installation's token, which is written nowhere.

    The token goes to `server` ("https://github.com") alone: a submodule may live on a foreign host, and after a
    redirect git would send the header there, too. So none of that server's is followed (see bot.git.moves).
    """
    if not token:
        return {}
    settings = {
        f"http.{server}/.extraHeader": f"Authorization: {basic_authorization(token)}",
        f"http.{server}/.followRedirects": "false",
    }
    return add_settings({}, settings.items())
