"""The only reader of the process environment.

Everything else is handed values. Child programs (git, docker) get `child_environment`, never our own, in which
the App's key and the webhook secret may stand.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from bot.domain.errors import SettingsError
from bot.settings.values import (
    Credentials,
    Reading,
    Secret,
    as_url,
    parse_address,
    parse_app_id,
    parse_database_url,
    parse_days,
    parse_folder,
    parse_key,
    parse_megabytes,
    parse_port,
    parse_public_url,
)

__all__ = [
    "Credentials",
    "NodeSettings",
    "Secret",
    "Settings",
    "StoreSettings",
    "child_environment",
    "derive_html_url",
    "docker_environment",
    "read_data_folder",
    "read_node_settings",
    "read_settings",
    "read_store_settings",
    "stack_environment",
]

_KEPT_FOR_CHILDREN = (
    "PATH",
    "HOME",
    "SYSTEMROOT",
    "TEMP",
    "TMP",
    "GIT_SSL_CAINFO",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "HTTPS_PROXY",
    "NO_PROXY",
)

_SHORTEST_GOOD_SECRET = 16  # characters; GitHub asks for "high entropy"


def child_environment() -> dict[str, str]:
    """What any child program may see: enough to be found and to verify TLS, no setting and no secret."""
    return {name: os.environ[name] for name in _KEPT_FOR_CHILDREN if name in os.environ}


_KEPT_FOR_DOCKER = (
    "DOCKER_HOST",
    "DOCKER_CONTEXT",
    "DOCKER_CONFIG",
    "DOCKER_CERT_PATH",
    "DOCKER_TLS_VERIFY",
    "SSH_AUTH_SOCK",  # for an engine reached over ssh
    "USERPROFILE",
    "APPDATA",
    "LOCALAPPDATA",
    "PROGRAMDATA",
    "PROGRAMFILES",
    "PATHEXT",
    "COMSPEC",
)


_NOT_FOR_STACKS = ("GITHUB_", "ACTIONS_", "RUNNER_", "INPUT_", "AIOS_BOT_", "COMPOSE_", "GIT_", "PYTHON_ON_WHALES_")


def docker_environment() -> dict[str, str]:
    """What a docker client may see: `child_environment`, and where the engine is and how to reach it."""
    return child_environment() | {name: os.environ[name] for name in _KEPT_FOR_DOCKER if name in os.environ}


@dataclass(frozen=True)
class Settings:
    """The settings of the service. Addresses have no slash at their end."""

    credentials: Credentials | None  # None: the environment names no App; the set-up page makes one
    api_url: str  # "https://api.github.com", or "https://HOST/api/v3"
    html_url: str  # "https://github.com": pages for people, and git repositories
    data: Path  # absolute; mirrors, caches and the SQLite files live here
    database_url: Secret  # SQLAlchemy's form; it may carry a password
    host: str
    port: int  # 0: any free one
    public_url: str = ""  # where people reach this service; "" when they do not: reports then link no plan pages
    keep_days: int = 30  # how long finished deliveries are kept
    mirrors_bytes: int = 10 * 1024**3  # all mirrors together
    warnings: tuple[str, ...] = ()  # for the log at start

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every secret that the log has to hide."""
        password = as_url(self.database_url.reveal()).password
        return (*(self.credentials.secrets if self.credentials else ()), *([str(password)] if password else []))


def read_settings(environ: Mapping[str, str] | None = None, *, pull: bool = False) -> Settings:
    """The service's settings from `environ` (default: the process environment).

    With `pull` no webhook comes in, so that no secret is needed.

    Raises SettingsError naming every missing or unusable setting at once; the values are never shown.
    """
    reading = Reading(os.environ if environ is None else environ)
    credentials = _read_credentials(reading, pull=pull)
    api_url = reading.take("GITHUB_API_URL", parse_address, default="https://api.github.com")
    data = reading.take("AIOS_BOT_DATA", parse_folder, default="data")
    database = reading.take("AIOS_BOT_DATABASE_URL", parse_database_url, default="")
    host = reading.take("HOST", str, default="127.0.0.1")
    port = reading.take("PORT", parse_port, default="8080")
    public_url = reading.take("AIOS_BOT_PUBLIC_URL", parse_public_url, default="-")
    keep_days = reading.take("AIOS_BOT_KEEP_DAYS", parse_days, default="30")
    mirrors = reading.take("AIOS_BOT_MIRRORS_MB", parse_megabytes, default="10240")
    if (
        reading.problems
        or api_url is None
        or data is None
        or database is None
        or host is None
        or port is None
        or public_url is None
        or keep_days is None
        or mirrors is None
    ):
        raise SettingsError("the settings are not usable:\n" + "\n".join(f"  {p}" for p in reading.problems))
    warnings = []
    if credentials is not None and not pull and len(credentials.webhook_secret.reveal()) < _SHORTEST_GOOD_SECRET:
        warnings.append(
            f"GITHUB_WEBHOOK_SECRET is shorter than {_SHORTEST_GOOD_SECRET} characters and can be guessed: "
            "make one with `openssl rand -hex 32`, and set it in the App too"
        )
    if api_url.startswith("http://") and urlsplit(api_url).hostname not in ("127.0.0.1", "localhost", "::1"):
        warnings.append("GITHUB_API_URL is plain http: tokens travel unencrypted")
    return Settings(
        credentials=credentials,
        api_url=api_url,
        html_url=derive_html_url(api_url),
        data=data,
        database_url=database if database.reveal() else _own_file(data),
        host=host,
        port=port,
        public_url=public_url,
        keep_days=keep_days,
        mirrors_bytes=mirrors,
        warnings=tuple(warnings),
    )


def read_data_folder() -> Path:
    """Where the service on this machine keeps its data."""
    return parse_folder(os.environ.get("AIOS_BOT_DATA", "").strip() or "data")


_OF_THE_APP = ("GITHUB_APP_ID", "GITHUB_APP_PRIVATE_KEY", "GITHUB_WEBHOOK_SECRET")


def _read_credentials(reading: Reading, *, pull: bool) -> Credentials | None:
    """The App's credentials; None when none of them is set. Some without the others are a mistake, and told."""
    if not any(reading.is_set(name) for name in _OF_THE_APP):
        return None
    app_id = reading.take("GITHUB_APP_ID", parse_app_id, needed="the number on the App's settings page")
    key = reading.take("GITHUB_APP_PRIVATE_KEY", parse_key, needed="the App's private key: PEM text, or a path")
    secret = reading.take(
        "GITHUB_WEBHOOK_SECRET",
        Secret,
        needed="the secret set in the App's webhook settings",
        default="-" if pull else None,
    )
    if app_id is None or key is None or secret is None:
        reading.problems.append("set all three of the App, or none of them: then `aios-bot serve` helps to make one")
        return None
    return Credentials(app_id=app_id, private_key=key, webhook_secret=secret)


@dataclass(frozen=True)
class StoreSettings:
    """Where the service's memory is: all that the operator's commands need."""

    data: Path
    database_url: Secret

    @property
    def secrets(self) -> tuple[str, ...]:
        """What the log has to hide."""
        password = as_url(self.database_url.reveal()).password
        return (str(password),) if password else ()


def read_store_settings(environ: Mapping[str, str] | None = None) -> StoreSettings:
    """Where the memory is, from `environ` (default: the process environment), or SettingsError."""
    reading = Reading(os.environ if environ is None else environ)
    data = reading.take("AIOS_BOT_DATA", parse_folder, default="data")
    database = reading.take("AIOS_BOT_DATABASE_URL", parse_database_url, default="")
    if reading.problems or data is None or database is None:
        raise SettingsError("the settings are not usable:\n" + "\n".join(f"  {p}" for p in reading.problems))
    return StoreSettings(data, database if database.reveal() else _own_file(data))


def _own_file(data: Path) -> Secret:
    return Secret(f"sqlite:///{data / 'aios-bot.sqlite3'}")


@dataclass(frozen=True)
class NodeSettings:
    """What a node's command finds in its environment: GitHub's job variables, and where the node keeps its state."""

    state: Path  # the node's own folder
    order: str  # the signed order's JSON; "" when the environment holds none
    repository: str  # "owner/name" of the fleet whose workflow runs; "" outside of a job
    token: Secret | None  # the job's own token: posts deployment statuses
    git_token: Secret | None  # fetches the fleet and its submodules
    api_url: str
    html_url: str
    log_url: str  # the job's page; "" outside of a job
    summary: Path | None  # the job's summary file

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every secret that output has to hide."""
        return tuple(secret.reveal() for secret in (self.token, self.git_token) if secret is not None)


def read_node_settings(environ: Mapping[str, str] | None = None) -> NodeSettings:
    """A node's settings from `environ` (default: the process environment), or SettingsError."""
    environ = os.environ if environ is None else environ
    reading = Reading(environ)
    api_url = reading.take("GITHUB_API_URL", parse_address, default="https://api.github.com")
    state = reading.take("AIOS_BOT_NODE_STATE", parse_folder, default=_default_node_state(environ))
    if reading.problems or api_url is None or state is None:
        raise SettingsError("the settings are not usable:\n" + "\n".join(f"  {p}" for p in reading.problems))
    token = environ.get("GITHUB_TOKEN", "").strip()
    git_token = environ.get("AIOS_BOT_GIT_TOKEN", "").strip() or token
    html_url = derive_html_url(api_url)
    repository, run, summary = (
        environ.get(name, "").strip() for name in ("GITHUB_REPOSITORY", "GITHUB_RUN_ID", "GITHUB_STEP_SUMMARY")
    )
    return NodeSettings(
        state=state,
        order=environ.get("AIOS_BOT_ORDER", ""),
        repository=repository,
        token=Secret(token) if token else None,
        git_token=Secret(git_token) if git_token else None,
        api_url=api_url,
        html_url=html_url,
        log_url=f"{html_url}/{repository}/actions/runs/{run}" if repository and run else "",
        summary=Path(summary) if summary else None,
    )


def stack_environment() -> dict[str, str]:
    """What compose may interpolate on a node: the node's own environment without the job's and the bot's variables.

    A node's secrets come from there (the GitHub environment named like the node) or from `.env` files. What would
    make compose do something else than the order says (COMPOSE_*) is left out.
    """
    return {name: value for name, value in os.environ.items() if not name.upper().startswith(_NOT_FOR_STACKS)}


def find_platform(environ: Mapping[str, str] | None = None) -> str:
    """What this machine is to a node: "windows", "android" (Termux) or "linux"."""
    if os.name == "nt":
        return "windows"
    prefix = (os.environ if environ is None else environ).get("PREFIX", "")
    return "android" if prefix.startswith("/data/data/com.termux/") else "linux"


def _default_node_state(environ: Mapping[str, str]) -> str:
    match find_platform(environ):
        case "windows":
            return environ.get("PROGRAMDATA", r"C:\ProgramData") + r"\aios-bot-node"
        case "android":
            return f"{environ['PREFIX']}/var/lib/aios-bot-node"
    return "/var/lib/aios-bot-node"


def derive_html_url(api_url: str) -> str:
    """Where people and git find the GitHub whose API is at `api_url`; its scheme and port are kept.

    `https://api.github.com` gives `https://github.com`, GitHub Enterprise Server's `https://HOST/api/v3` gives
    `https://HOST`, and data residency's `https://api.NAME.ghe.com` gives `https://NAME.ghe.com`.
    """
    parts = urlsplit(api_url)
    place = parts.netloc
    if place == "api.github.com" or (place.startswith("api.") and place.endswith(".ghe.com")):
        place = place.removeprefix("api.")
    return f"{parts.scheme}://{place}"
