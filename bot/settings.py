"""The only reader of the process environment.

Everything else is handed values. Child programs (git, docker) get `child_environment`, never our own, in which
the App's key and the webhook secret may stand.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from bot.errors import SettingsError

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

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

_T = TypeVar("_T")
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


class Secret:
    """A text that shows itself only when asked to: never in a repr, an f-string, a log line or a traceback."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The secret itself. Call it where it is used, and keep the result in no attribute."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)


@dataclass(frozen=True)
class Credentials:
    """Who we are to GitHub."""

    app_id: int
    private_key: Secret  # PEM text
    webhook_secret: Secret

    @property
    def secrets(self) -> tuple[str, ...]:
        """What the log has to hide."""
        return (self.private_key.reveal(), self.webhook_secret.reveal())


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
        password = _as_url(self.database_url.reveal()).password
        return (*(self.credentials.secrets if self.credentials else ()), *([str(password)] if password else []))


def read_settings(environ: Mapping[str, str] | None = None, *, pull: bool = False) -> Settings:
    """The service's settings from `environ` (default: the process environment).

    With `pull` no webhook comes in, so that no secret is needed.

    Raises SettingsError naming every missing or unusable setting at once; the values are never shown.
    """
    reading = _Reading(os.environ if environ is None else environ)
    credentials = _read_credentials(reading, pull=pull)
    api_url = reading.take("GITHUB_API_URL", _parse_address, default="https://api.github.com")
    data = reading.take("AIOS_BOT_DATA", _parse_folder, default="data")
    database = reading.take("AIOS_BOT_DATABASE_URL", _parse_database_url, default="")
    host = reading.take("HOST", str, default="127.0.0.1")
    port = reading.take("PORT", _parse_port, default="8080")
    public_url = reading.take("AIOS_BOT_PUBLIC_URL", _parse_public_url, default="-")
    keep_days = reading.take("AIOS_BOT_KEEP_DAYS", _parse_days, default="30")
    mirrors = reading.take("AIOS_BOT_MIRRORS_MB", _parse_megabytes, default="10240")
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
        database_url=database if database.reveal() else Secret(f"sqlite:///{data / 'aios-bot.sqlite3'}"),
        host=host,
        port=port,
        public_url=public_url,
        keep_days=keep_days,
        mirrors_bytes=mirrors,
        warnings=tuple(warnings),
    )


def read_data_folder() -> Path:
    """Where the service on this machine keeps its data."""
    return _parse_folder(os.environ.get("AIOS_BOT_DATA", "").strip() or "data")


_OF_THE_APP = ("GITHUB_APP_ID", "GITHUB_APP_PRIVATE_KEY", "GITHUB_WEBHOOK_SECRET")


def _read_credentials(reading: _Reading, *, pull: bool) -> Credentials | None:
    """The App's credentials; None when none of them is set. Some without the others are a mistake, and told."""
    if not any(reading.is_set(name) for name in _OF_THE_APP):
        return None
    app_id = reading.take("GITHUB_APP_ID", _parse_app_id, needed="the number on the App's settings page")
    key = reading.take("GITHUB_APP_PRIVATE_KEY", _parse_key, needed="the App's private key: PEM text, or a path")
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
    reading = _Reading(environ)
    api_url = reading.take("GITHUB_API_URL", _parse_address, default="https://api.github.com")
    state = reading.take("AIOS_BOT_NODE_STATE", _parse_folder, default=_default_node_state(environ))
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


def _default_node_state(environ: Mapping[str, str]) -> str:
    if os.name == "nt":
        return environ.get("PROGRAMDATA", r"C:\ProgramData") + r"\aios-bot-node"
    prefix = environ.get("PREFIX", "")
    if prefix.startswith("/data/data/com.termux/"):
        return f"{prefix}/var/lib/aios-bot-node"
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


class _Reading:
    """Collects every problem of an environment, so that a person fixes them in one go."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.problems: list[str] = []

    def is_set(self, name: str) -> bool:
        return bool(self._environ.get(name, "").strip())

    def take(
        self, name: str, parse: Callable[[str], _T], *, default: str | None = None, needed: str = ""
    ) -> _T | None:
        text = self._environ.get(name, "").strip() or default
        if text is None:
            self.problems.append(f"{name} is missing: {needed}")
            return None
        try:
            return parse(text)
        except ValueError as problem:
            self.problems.append(f"{name} {problem}")
            return None


def _parse_app_id(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise ValueError("must be the App's number")
    return int(text)


def _parse_key(text: str) -> Secret:
    """PEM text (also with `\\n` for its line ends, as many secret stores keep it) or the path of a PEM file."""
    if "-----BEGIN" not in text:
        try:
            text = Path(text).expanduser().read_text(encoding="ascii")
        except FileNotFoundError:
            raise ValueError("is neither PEM text nor the path of a file that exists") from None
        except (OSError, ValueError) as problem:
            raise ValueError(f"is a path that cannot be read as PEM text ({type(problem).__name__})") from None
    text = text.replace("\\n", "\n").strip() + "\n"
    try:
        key = load_pem_private_key(text.encode("ascii"), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError("is not a private key in PEM form without a password") from None
    if not isinstance(key, RSAPrivateKey):
        raise ValueError("must be an RSA key, as GitHub makes them")  # noqa: TRY004 - it is about a value
    return Secret(text)


def _parse_address(text: str) -> str:
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if not usable or parts.query or parts.fragment or parts.username or parts.password:
        raise ValueError(
            "must be an address such as https://api.github.com, or https://HOST/api/v3 for GitHub Enterprise Server"
        )
    return text.rstrip("/")


def _parse_public_url(text: str) -> str:
    return "" if text == "-" else _parse_address(text)


def _parse_folder(text: str) -> Path:
    return Path(text).expanduser().absolute()


def _as_url(text: str) -> URL:
    """The address taken apart, or ValueError. SQLAlchemy is imported here: no node's deploy has to wait for it."""
    from sqlalchemy.engine import make_url  # noqa: PLC0415
    from sqlalchemy.exc import ArgumentError  # noqa: PLC0415

    try:
        return make_url(text)
    except ArgumentError as problem:
        raise ValueError(str(problem)) from None


def _parse_database_url(text: str) -> Secret:
    """A SQLAlchemy address of SQLite or PostgreSQL; `postgres://` as hosters write it is understood."""
    if not text:
        return Secret("")
    try:
        url = _as_url(text)
    except ValueError:
        raise ValueError("is not an address such as postgresql://USER:PASSWORD@HOST/NAME") from None
    if url.drivername in ("postgres", "postgresql", "postgresql+psycopg"):
        return Secret(url.set(drivername="postgresql+psycopg").render_as_string(hide_password=False))
    if url.drivername in ("sqlite", "sqlite+pysqlite") and url.database not in (None, "", ":memory:"):
        return Secret(text)
    raise ValueError("must be of PostgreSQL, or of an SQLite file")


def _parse_days(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 7 <= int(text) < 10_000):
        raise ValueError("must be a number of days, 7 or more: GitHub lists deliveries for 3")
    return int(text)


def _parse_megabytes(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 10**9):
        raise ValueError("must be a number of megabytes")
    return int(text) * 1024**2


def _parse_port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) < 65536):
        raise ValueError("must be a port number")
    return int(text)
