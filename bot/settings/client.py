"""The settings of a program that reads the service's API. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from bot.settings.environment import process_environment
from bot.settings.values import Secret, is_loopback, parse_address, settings_error

_LONGEST_TOKEN = 20_000  # bytes of a file that can be one
_NOTHING_SET = (
    "AIOS_BOT_TOKEN or AIOS_BOT_TOKEN_FILE must be set: `aios-bot token add OWNER/NAME` on the service's machine "
    "prints a token"
)


@dataclass(frozen=True)
class ClientSettings:
    """Where the service is, and the token that it is sent."""

    url: str  # without a slash at its end
    token: Secret


def read_client_settings(
    environ: Mapping[str, str] | None = None, *, url: str = "", token_file: Path | None = None
) -> ClientSettings:
    """The settings from `environ` (default: the process environment); `url` and `token_file` go before them.

    Raises SettingsError naming everything that is missing or unusable; the token is never shown.
    """
    environ = process_environment() if environ is None else environ
    problems = []
    address, token = url or environ.get("AIOS_BOT_URL", "").strip(), Secret("")
    try:
        address = _parse_url(address or "http://127.0.0.1:8080")
    except ValueError as problem:
        problems.append(f"{'--url' if url else 'AIOS_BOT_URL'} {problem}")
    named = environ.get("AIOS_BOT_TOKEN_FILE", "").strip()
    try:
        if token_file is None and environ.get("AIOS_BOT_TOKEN", "").strip():
            token = _parse_token(environ["AIOS_BOT_TOKEN"])
        elif token_file is not None or named:
            token = _parse_token(_read(token_file or Path(named).expanduser()))
        else:
            problems.append(_NOTHING_SET)
    except ValueError as problem:
        where = f"the token of {token_file or named}" if token_file or named else "AIOS_BOT_TOKEN"
        problems.append(f"{where} {problem}")
    if problems:
        raise settings_error(problems)
    return ClientSettings(address, token)


def _parse_url(text: str) -> str:
    try:
        address = parse_address(text)
    except ValueError:
        raise ValueError("must be the service's address, such as https://bot.example.com") from None
    parts = urlsplit(address)
    if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
        raise ValueError("must begin with https:// unless it is this machine: others would read the token on its way")
    return address


def _read(file: Path) -> str:
    try:
        with file.open("rb") as content:
            return content.read(_LONGEST_TOKEN).decode("ascii")
    except OSError as problem:
        raise ValueError(f"cannot be read: {problem.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError("is none") from None


def _parse_token(text: str) -> Secret:
    token = text.strip()
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise ValueError("is none: it must be one word of ASCII characters")
    return Secret(token)
