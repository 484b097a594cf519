"""How single settings are read: each text as a value, or with a sentence that says what it must be.

`Reading` collects what is wrong, so that a person mends all of it in one go; values are never shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

_T = TypeVar("_T")


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


class Reading:
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


def parse_app_id(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise ValueError("must be the App's number")
    return int(text)


def parse_key(text: str) -> Secret:
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


def parse_address(text: str) -> str:
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


def parse_public_url(text: str) -> str:
    return "" if text == "-" else parse_address(text)


def parse_folder(text: str) -> Path:
    return Path(text).expanduser().absolute()


def as_url(text: str) -> URL:
    """The address taken apart, or ValueError. SQLAlchemy is imported here: no node's deploy has to wait for it."""
    from sqlalchemy.engine import make_url  # noqa: PLC0415 - see above
    from sqlalchemy.exc import ArgumentError  # noqa: PLC0415 - see above

    try:
        return make_url(text)
    except ArgumentError as problem:
        raise ValueError(str(problem)) from None


def parse_database_url(text: str) -> Secret:
    """A SQLAlchemy address of SQLite or PostgreSQL; `postgres://` as hosters write it is understood."""
    if not text:
        return Secret("")
    try:
        url = as_url(text)
    except ValueError:
        raise ValueError("is not an address such as postgresql://USER:PASSWORD@HOST/NAME") from None
    if url.drivername in ("postgres", "postgresql", "postgresql+psycopg"):
        return Secret(url.set(drivername="postgresql+psycopg").render_as_string(hide_password=False))
    if url.drivername in ("sqlite", "sqlite+pysqlite") and url.database not in (None, "", ":memory:"):
        return Secret(text)
    raise ValueError("must be of PostgreSQL, or of an SQLite file")


def parse_days(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 7 <= int(text) < 10_000):
        raise ValueError("must be a number of days, 7 or more: GitHub lists deliveries for 3")
    return int(text)


def parse_megabytes(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 10**9):
        raise ValueError("must be a number of megabytes")
    return int(text) * 1024**2


def parse_port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) < 65536):
        raise ValueError("must be a port number")
    return int(text)
