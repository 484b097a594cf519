"""The settings of the service, read from environment variables by pydantic-settings.

Every problem is reported at once, one a line: the setting's name, what is wrong, what to write. Values are never
shown. The page of settings is made from the models, by `make docs`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any, TypeVar

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pydantic import Field, PlainValidator, ValidationError
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from bot.settings.environment import DEFAULT_DATA, process_environment
from bot.settings.values import (
    Credentials,
    Secret,
    Settings,
    StoreSettings,
    derive_html_url,
    host_of,
    is_loopback,
    parse_address,
    parse_folder,
    settings_error,
)

V = TypeVar("V", bound="StoreVariables")

_SHORTEST_GOOD_SECRET = 16  # characters; GitHub asks for "high entropy"
_OF_THE_APP = {
    "GITHUB_APP_ID": "the number on the App's settings page",
    "GITHUB_APP_PRIVATE_KEY": "the App's private key: PEM text, or a path",
    "GITHUB_WEBHOOK_SECRET": "the secret set in the App's webhook settings",
}


def parse_number(text: str, *, least: int, most: int, problem: str) -> int:
    """A whole number from `least` to `most`, or ValueError with `problem`."""
    if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
        raise ValueError(problem)
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


def parse_public_url(text: str) -> str:
    """An address, or `-` for none."""
    return "" if text == "-" else parse_address(text)


def parse_pages(text: str) -> bool:
    """Whether the pages are open: `open` or `sign-in`."""
    if text not in ("open", "sign-in"):
        raise ValueError("must be `sign-in` or `open`")
    return text == "open"


def parse_notify(text: str) -> tuple[Secret, ...]:
    """Addresses such as `mailto://USER:PASSWORD@HOST`, or `-` for none."""
    addresses = () if text == "-" else tuple(dict.fromkeys(text.split()))
    wrong = [number for number, one in enumerate(addresses, 1) if not re.match(r"[A-Za-z][A-Za-z0-9]*://.", one)]
    if wrong:
        raise ValueError(f"must be addresses such as ntfy://HOST/TOPIC; number {wrong[0]} is none")
    return tuple(Secret(one) for one in addresses)


def parse_database_url(text: str) -> Secret:
    """A SQLAlchemy address of SQLite or PostgreSQL; `postgres://` as hosters write it is understood."""
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise ValueError("is not an address such as postgresql://USER:PASSWORD@HOST/NAME") from None
    if url.drivername in ("postgres", "postgresql", "postgresql+psycopg"):
        return Secret(url.set(drivername="postgresql+psycopg").render_as_string(hide_password=False))
    if url.drivername in ("sqlite", "sqlite+pysqlite") and url.database not in (None, "", ":memory:"):
        return Secret(text)
    raise ValueError("must be of PostgreSQL, or of an SQLite file")


_parse_app_id = partial(parse_number, least=1, most=sys.maxsize, problem="must be the App's number")
_parse_days = partial(
    parse_number, least=7, most=9_999, problem="must be a number of days, 7 or more: GitHub lists deliveries for 3"
)
_parse_megabytes = partial(parse_number, least=1, most=10**9 - 1, problem="must be a number of megabytes")
_parse_port = partial(parse_number, least=0, most=65_535, problem="must be a port number")


class _GivenEnvironment(EnvSettingsSource):
    """The variables that the caller passes, blank ones left out, in place of the process environment."""

    def __init__(self, model: type[BaseSettings], environ: Mapping[str, str]) -> None:
        super().__init__(model, case_sensitive=True)
        self.env_vars = {name: text.strip() for name, text in environ.items() if text.strip()}


def _setting(about: str, default: str | None = None) -> Any:
    """A setting, with its default as it would be written; None: nothing is set."""
    if default is None:
        return Field(default=None, validate_default=False, description=about)
    return Field(default=default, description=about)  # read like a text that is set


class StoreVariables(BaseSettings):
    """What the operator's commands read. The names in capitals are the variables."""

    model_config = SettingsConfigDict(alias_generator=str.upper, case_sensitive=True, extra="ignore")

    aios_bot_data: Annotated[Path, PlainValidator(parse_folder)] = _setting(
        "folder of mirrors, caches, keys and the SQLite file", DEFAULT_DATA
    )
    aios_bot_database_url: Annotated[Secret | None, PlainValidator(parse_database_url)] = _setting(
        "`postgresql://USER:PASSWORD@HOST/NAME` in place of SQLite"
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the signature is pydantic's
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)  # what `_GivenEnvironment` found; pydantic-settings never reads on its own

    @property
    def database_url(self) -> Secret:
        """The address of the database: the one that is set, else of a file in the data folder."""
        return self.aios_bot_database_url or Secret(f"sqlite:///{self.aios_bot_data / 'aios-bot.sqlite3'}")


class ServiceVariables(StoreVariables):
    """What the service reads."""

    github_app_id: Annotated[int | None, PlainValidator(_parse_app_id)] = _setting(
        "the App's number; with the next two left out, `serve` helps to make an App"
    )
    github_app_private_key: Annotated[Secret | None, PlainValidator(parse_key)] = _setting(
        "the App's private key: PEM text, or the path of a PEM file"
    )
    github_webhook_secret: Annotated[Secret | None, PlainValidator(Secret)] = _setting(
        "what GitHub signs its deliveries with, as set in the App"
    )
    github_client_secret: Annotated[Secret | None, PlainValidator(Secret)] = _setting(
        "a client secret of the App, with which people sign in to the pages; an App that the set-up page made has one"
    )
    github_api_url: Annotated[str, PlainValidator(parse_address)] = _setting(
        "`https://HOST/api/v3` for GitHub Enterprise Server", "https://api.github.com"
    )
    aios_bot_public_url: Annotated[str, PlainValidator(parse_public_url)] = _setting(
        "where people reach the service; `-`: they do not, and reports link no page", "-"
    )
    aios_bot_pages: Annotated[bool, PlainValidator(parse_pages)] = _setting(
        "`sign-in`: a person signs in with GitHub and sees the fleets that they may read there; `open`: whoever is "
        "on this machine sees all of them, which needs HOST to be a loopback address, and no proxy in front",
        "sign-in",
    )
    aios_bot_notify: Annotated[tuple[Secret, ...], NoDecode, PlainValidator(parse_notify)] = _setting(
        "addresses that notices are sent to, in [Apprise's notation](https://github.com/caronc/apprise/wiki), "
        "separated by spaces or line ends; `-`: none",
        "-",
    )
    aios_bot_metrics_token: Annotated[Secret | None, PlainValidator(Secret)] = _setting(
        "what Prometheus sends to read `/metrics`, as a bearer token; without it only the machine itself may read it"
    )
    aios_bot_keep_days: Annotated[int, PlainValidator(_parse_days)] = _setting(
        "days that finished deliveries are kept", "30"
    )
    aios_bot_mirrors_mb: Annotated[int, PlainValidator(_parse_megabytes)] = _setting(
        "megabytes that all git mirrors may take together", "10240"
    )
    host: str = _setting("address to listen on", "127.0.0.1")
    port: Annotated[int, PlainValidator(_parse_port)] = _setting("port to listen on; 0: any free one", "8080")


def read_settings(environ: Mapping[str, str] | None = None, *, pull: bool = False) -> Settings:
    """The service's settings from `environ` (default: the process environment).

    With `pull` no webhook comes in, so that no secret is needed.

    Raises SettingsError naming every missing or unusable setting at once; the values are never shown.
    """
    environ = process_environment() if environ is None else environ
    if pull and not environ.get("GITHUB_WEBHOOK_SECRET", "").strip() and _any_of_the_app(environ):
        environ = {**environ, "GITHUB_WEBHOOK_SECRET": "-"}
    found = _read(ServiceVariables, environ, _missing(environ))
    if found.aios_bot_pages and not is_loopback(found.host):
        raise settings_error([f"AIOS_BOT_PAGES is open, and HOST {found.host} is no loopback address: set 127.0.0.1"])
    if found.aios_bot_pages and found.aios_bot_public_url and not is_loopback(host_of(found.aios_bot_public_url)):
        raise settings_error(["AIOS_BOT_PAGES is open, and AIOS_BOT_PUBLIC_URL is elsewhere: set it to sign-in"])
    credentials = None
    if found.github_app_id and found.github_app_private_key and found.github_webhook_secret:
        credentials = Credentials(
            app_id=found.github_app_id,
            private_key=found.github_app_private_key,
            webhook_secret=found.github_webhook_secret,
            client_secret=found.github_client_secret,
        )
    return Settings(
        credentials=credentials,
        api_url=found.github_api_url,
        html_url=derive_html_url(found.github_api_url),
        data=found.aios_bot_data,
        database_url=found.database_url,
        host=found.host,
        port=found.port,
        public_url=found.aios_bot_public_url,
        client_secret=found.github_client_secret,
        open_pages=found.aios_bot_pages,
        metrics_token=found.aios_bot_metrics_token,
        notify=found.aios_bot_notify,
        keep_days=found.aios_bot_keep_days,
        mirrors_bytes=found.aios_bot_mirrors_mb * 1024**2,
        warnings=tuple(_warnings(found.github_api_url, None if pull else credentials)),
    )


def read_notify_settings(environ: Mapping[str, str] | None = None) -> tuple[Secret, ...]:
    """Where notices are sent, from `environ` (default: the process environment), or SettingsError."""
    return _read(ServiceVariables, process_environment() if environ is None else environ, ()).aios_bot_notify


def read_store_settings(environ: Mapping[str, str] | None = None) -> StoreSettings:
    """Where the service keeps its data, from `environ` (default: the process environment), or SettingsError."""
    found = _read(StoreVariables, process_environment() if environ is None else environ, ())
    return StoreSettings(found.aios_bot_data, found.database_url)


def _read(model: type[V], environ: Mapping[str, str], problems: Iterable[str]) -> V:
    """The variables that `model` names; `problems` were found before."""
    found = [*problems]
    try:
        variables = model(**_GivenEnvironment(model, environ)())
    except ValidationError as wrong:
        found += [f"{error['loc'][0]} {error['ctx']['error']}" for error in wrong.errors(include_input=False)]
    if found:
        raise settings_error(found)
    return variables


def _any_of_the_app(environ: Mapping[str, str]) -> bool:
    return any(environ.get(name, "").strip() for name in _OF_THE_APP)


def _missing(environ: Mapping[str, str]) -> list[str]:
    """The App's settings come together, or none of them."""
    missing = [
        f"{name} is missing: {needed}" for name, needed in _OF_THE_APP.items() if not environ.get(name, "").strip()
    ]
    if not missing or not _any_of_the_app(environ):
        return []
    return [*missing, "set all three of the App, or none of them: then `aios-bot serve` helps to make one"]


def _warnings(api_url: str, credentials: Credentials | None) -> Iterable[str]:
    if credentials is not None and len(credentials.webhook_secret.reveal()) < _SHORTEST_GOOD_SECRET:
        yield (
            f"GITHUB_WEBHOOK_SECRET is shorter than {_SHORTEST_GOOD_SECRET} characters and can be guessed: "
            "make one with `openssl rand -hex 32`, and set it in the App too"
        )
    if api_url.startswith("http://") and not is_loopback(host_of(api_url)):
        yield "GITHUB_API_URL is plain http: tokens travel unencrypted"
