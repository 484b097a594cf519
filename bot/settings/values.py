"""The values that settings become, and the few texts that both the service and a node read. Standard library only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bot.domain.errors import SettingsError


class Secret:
    """A text that only `reveal` shows: never a repr, an f-string, a log line or a traceback."""

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
    client_secret: Secret | None = None  # with it people sign in; None: nobody can

    @property
    def secrets(self) -> tuple[str, ...]:
        """What the log has to hide."""
        known = (self.private_key, self.webhook_secret, *((self.client_secret,) if self.client_secret else ()))
        return tuple(secret.reveal() for secret in known)


@dataclass(frozen=True)
class StoreSettings:
    """Where the service keeps its data: all that the operator's commands need."""

    data: Path  # absolute; mirrors, caches, keys and the SQLite file are here
    database_url: Secret  # SQLAlchemy's form; it may carry a password

    @property
    def secrets(self) -> tuple[str, ...]:
        """What the log has to hide."""
        password = urlsplit(self.database_url.reveal()).password
        return (unquote(password),) if password else ()


@dataclass(frozen=True)
class Settings(StoreSettings):
    """The settings of the service. Addresses have no slash at their end."""

    credentials: Credentials | None  # None: the environment names no App; the set-up page makes one
    api_url: str  # "https://api.github.com", or "https://HOST/api/v3"
    html_url: str  # "https://github.com": pages for people, and git repositories
    host: str
    port: int  # 0: any free one
    public_url: str  # where people reach this service; "" when they do not: reports then link no plan pages
    client_secret: Secret | None  # the environment's: also for an App that the set-up page made
    open_pages: bool  # anyone on this machine sees every page, without signing in
    metrics_token: Secret | None  # who sends it may read /metrics; None: only this machine may
    notify: tuple[Secret, ...]  # where notices are sent, in Apprise's notation
    keep_days: int  # how long finished deliveries are kept
    mirrors_bytes: int  # all mirrors together
    warnings: tuple[str, ...]  # for the log at start

    @property
    def secrets(self) -> tuple[str, ...]:
        """What the log has to hide."""
        own = (*(self.credentials.secrets if self.credentials else ()), *(one.reveal() for one in self.notify))
        client = (self.client_secret.reveal(),) if self.client_secret else ()
        own += (self.metrics_token.reveal(),) if self.metrics_token else ()
        return (*own, *client, *super().secrets)


LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})


def host_of(url: str) -> str:
    """The host that a URL names; "" when it names none."""
    return urlsplit(url).hostname or ""


def is_loopback(host: str) -> bool:
    """Whether `host` is this machine alone."""
    return host in LOOPBACK_NAMES


def settings_error(problems: Iterable[str]) -> SettingsError:
    """The error that lists every problem of the settings, one a line."""
    return SettingsError("the settings are not usable:\n" + "\n".join(f"  {problem}" for problem in problems))


def parse_address(text: str) -> str:
    """An http(s) address without a slash at its end, or ValueError."""
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


def parse_folder(text: str) -> Path:
    """An absolute path; `~` is the home folder."""
    return Path(text).expanduser().absolute()


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
