"""Settings of the service: every problem at once, no value shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from bot.domain.errors import SettingsError
from bot.settings.service import read_notify_settings, read_settings, read_store_settings
from bot.settings.values import Secret, StoreSettings, derive_html_url
from tools.docs.settings import render_settings


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, password: bytes | None = None) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption(),
    ).decode()


KEY = pem(rsa.generate_private_key(public_exponent=65537, key_size=2048))
GOOD = {
    "GITHUB_APP_ID": "12345",
    "GITHUB_APP_PRIVATE_KEY": KEY,
    "GITHUB_WEBHOOK_SECRET": "0123456789abcdef0123456789abcdef",
}


def test_the_defaults() -> None:
    settings = read_settings(GOOD)
    assert settings.credentials is not None
    assert settings.credentials.app_id == 12345
    assert settings.credentials.private_key.reveal() == KEY
    assert settings.api_url == "https://api.github.com"
    assert settings.html_url == "https://github.com"
    assert settings.data == Path("data").absolute()
    assert settings.database_url.reveal() == f"sqlite:///{settings.data}/aios-bot.sqlite3"
    assert (settings.host, settings.port) == ("127.0.0.1", 8080)
    assert settings.warnings == ()


def test_the_key_may_be_text_with_escaped_line_ends_or_a_path(tmp_path: Path) -> None:
    file = tmp_path / "app.pem"
    file.write_text(KEY)
    for form in (KEY, KEY.strip(), KEY.replace("\n", "\\n"), str(file)):
        found = read_settings({**GOOD, "GITHUB_APP_PRIVATE_KEY": form}).credentials
        assert found is not None
        assert found.private_key.reveal() == KEY


def test_everything_missing_is_told_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings({"PORT": "http", "GITHUB_APP_ID": "1"})
    text = str(caught.value)
    for name in ("GITHUB_APP_PRIVATE_KEY", "GITHUB_WEBHOOK_SECRET"):
        assert f"{name} is missing" in text
    assert "or none of them" in text
    assert "PORT must be a port number" in text


def test_no_app_at_all_is_a_bot_to_be_set_up() -> None:
    settings = read_settings(dict.fromkeys(GOOD, " "))
    assert settings.credentials is None
    assert settings.secrets == ()


@pytest.mark.parametrize("alone", list(GOOD))
def test_a_part_of_the_credentials_is_refused(alone: str) -> None:
    with pytest.raises(SettingsError, match="set all three of the App, or none of them"):
        read_settings({alone: GOOD[alone]})


@pytest.mark.parametrize("blank", ["", "  ", "\n"])
def test_a_blank_webhook_secret_is_none(blank: str) -> None:
    with pytest.raises(SettingsError, match="GITHUB_WEBHOOK_SECRET is missing"):
        read_settings({**GOOD, "GITHUB_WEBHOOK_SECRET": blank})


WRONG = [
    ("GITHUB_APP_ID", "app-12", "the App's number"),
    ("GITHUB_APP_ID", "-3", "the App's number"),
    ("GITHUB_APP_ID", "٣", "the App's number"),
    ("GITHUB_APP_PRIVATE_KEY", "nowhere/at-all.pem", "neither PEM text nor the path"),
    ("GITHUB_APP_PRIVATE_KEY", "/", "cannot be read"),
    ("GITHUB_APP_PRIVATE_KEY", "a\0b", "cannot be read"),
    ("GITHUB_APP_PRIVATE_KEY", "x" * 5000, "cannot be read"),
    ("GITHUB_APP_PRIVATE_KEY", KEY[:300], "not a private key"),
    ("GITHUB_APP_PRIVATE_KEY", KEY.replace("A", "é"), "not a private key"),
    ("GITHUB_APP_PRIVATE_KEY", pem(ec.generate_private_key(ec.SECP256R1())), "must be an RSA key"),
    (
        "GITHUB_APP_PRIVATE_KEY",
        pem(rsa.generate_private_key(public_exponent=65537, key_size=2048), b"locked"),
        "without a password",
    ),
    ("GITHUB_API_URL", "github.example", "must be an address"),
    ("GITHUB_API_URL", "ftp://github.example", "must be an address"),
    ("GITHUB_API_URL", "https://user:hunter2@github.example", "must be an address"),
    ("GITHUB_API_URL", "https://github.example:99999", "must be an address"),
    ("GITHUB_API_URL", "https://[", "must be an address"),
    ("AIOS_BOT_DATABASE_URL", "mysql://u:hunter2@h/db", "must be of PostgreSQL"),
    ("AIOS_BOT_DATABASE_URL", "sqlite://", "must be of PostgreSQL"),
    ("AIOS_BOT_DATABASE_URL", "hunter2", "is not an address"),
    ("AIOS_BOT_DATABASE_URL", "postgresql://h:hunter2/db", "is not an address"),
    ("PORT", "65536", "port number"),
    ("PORT", "-1", "port number"),
]


@pytest.mark.parametrize(("name", "value", "says"), WRONG)
def test_a_wrong_value_is_told_and_not_shown(name: str, value: str, says: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings({**GOOD, name: value})
    text = str(caught.value)
    assert name in text
    assert says in text
    assert len(value) < 4 or value not in text
    assert "hunter2" not in text


def test_a_short_secret_is_warned_about_without_showing_it() -> None:
    (warning,) = read_settings({**GOOD, "GITHUB_WEBHOOK_SECRET": "hunter2"}).warnings
    assert "GITHUB_WEBHOOK_SECRET is shorter" in warning
    assert "hunter2" not in warning


def test_plain_http_is_warned_about_beyond_this_machine() -> None:
    assert read_settings({**GOOD, "GITHUB_API_URL": "http://127.0.0.1:9000"}).warnings == ()
    assert "unencrypted" in read_settings({**GOOD, "GITHUB_API_URL": "http://github.lan"}).warnings[0]


@pytest.mark.parametrize(
    ("api", "html"),
    [
        ("https://api.github.com", "https://github.com"),
        ("https://github.example.com/api/v3", "https://github.example.com"),
        ("https://github.example.com:8443/api/v3", "https://github.example.com:8443"),
        ("https://api.octocorp.ghe.com", "https://octocorp.ghe.com"),
        ("https://api.example.com/api/v3", "https://api.example.com"),
        ("http://127.0.0.1:9000/api/v3", "http://127.0.0.1:9000"),
        ("http://[::1]:9000", "http://[::1]:9000"),
    ],
)
def test_pages_and_git_are_found_from_the_api(api: str, html: str) -> None:
    assert derive_html_url(api) == html


@pytest.mark.parametrize("form", ["postgres", "postgresql", "postgresql+psycopg"])
def test_postgresql_in_every_spelling(form: str) -> None:
    settings = read_settings(
        {**GOOD, "AIOS_BOT_DATABASE_URL": f"{form}://bot:pass%40word@db:5433/bot?sslmode=require"}
    )
    assert settings.database_url.reveal() == "postgresql+psycopg://bot:pass%40word@db:5433/bot?sslmode=require"
    assert "pass@word" in settings.secrets


def test_secrets_show_in_nothing() -> None:
    settings = read_settings({**GOOD, "AIOS_BOT_DATABASE_URL": "postgres://bot:hunter2@db/bot"})
    shown = f"{settings} {settings!r} {[settings.credentials]}"
    assert "hunter2" not in shown
    assert "BEGIN" not in shown
    assert GOOD["GITHUB_WEBHOOK_SECRET"] not in shown
    assert Secret("a") == Secret("a") != Secret("b")


TOLD = {
    "GITHUB_APP_ID": ("x", "GITHUB_APP_ID must be the App's number"),
    "GITHUB_APP_PRIVATE_KEY": (
        "nowhere.pem",
        "GITHUB_APP_PRIVATE_KEY is neither PEM text nor the path of a file that exists",
    ),
    "GITHUB_API_URL": (
        "x",
        (
            "GITHUB_API_URL must be an address such as https://api.github.com, or https://HOST/api/v3 for GitHub "
            "Enterprise Server"
        ),
    ),
    "AIOS_BOT_DATABASE_URL": ("mysql://h/db", "AIOS_BOT_DATABASE_URL must be of PostgreSQL, or of an SQLite file"),
    "AIOS_BOT_PUBLIC_URL": (
        "x",
        (
            "AIOS_BOT_PUBLIC_URL must be an address such as https://api.github.com, or https://HOST/api/v3 for "
            "GitHub Enterprise Server"
        ),
    ),
    "AIOS_BOT_KEEP_DAYS": (
        "6",
        "AIOS_BOT_KEEP_DAYS must be a number of days, 7 or more: GitHub lists deliveries for 3",
    ),
    "AIOS_BOT_MIRRORS_MB": ("0", "AIOS_BOT_MIRRORS_MB must be a number of megabytes"),
    "PORT": ("65536", "PORT must be a port number"),
}


def test_all_problems_are_reported_at_once_one_a_line() -> None:
    environ = {name: value for name, (value, _) in TOLD.items()}
    with pytest.raises(SettingsError) as caught:
        read_settings(environ)
    head, *lines = str(caught.value).split("\n")
    assert head == "the settings are not usable:"
    assert sorted(lines) == sorted(
        [
            "  GITHUB_WEBHOOK_SECRET is missing: the secret set in the App's webhook settings",
            "  set all three of the App, or none of them: then `aios-bot serve` helps to make one",
            *(f"  {message}" for _, message in TOLD.values()),
        ]
    )
    assert caught.value.__context__ is None  # whose traceback would show values


def test_what_is_missing_of_the_app_is_explained() -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings({"GITHUB_WEBHOOK_SECRET": "0123456789abcdef"})
    assert str(caught.value) == (
        "the settings are not usable:\n"
        "  GITHUB_APP_ID is missing: the number on the App's settings page\n"
        "  GITHUB_APP_PRIVATE_KEY is missing: the App's private key: PEM text, or a path\n"
        "  set all three of the App, or none of them: then `aios-bot serve` helps to make one"
    )


def test_pulling_needs_no_webhook_secret() -> None:
    environ = {name: value for name, value in GOOD.items() if name != "GITHUB_WEBHOOK_SECRET"}
    settings = read_settings(environ, pull=True)
    assert settings.credentials is not None
    assert settings.credentials.webhook_secret == Secret("-")
    assert settings.warnings == ()
    assert read_settings({**environ, "GITHUB_WEBHOOK_SECRET": "short"}, pull=True).warnings == ()
    assert read_settings({}, pull=True).credentials is None
    with pytest.raises(SettingsError) as caught:
        read_settings({"GITHUB_APP_ID": "1"}, pull=True)
    assert "GITHUB_WEBHOOK_SECRET" not in str(caught.value)
    assert "GITHUB_APP_PRIVATE_KEY is missing" in str(caught.value)


def test_every_setting_is_read(tmp_path: Path) -> None:
    settings = read_settings(
        {
            **GOOD,
            "GITHUB_API_URL": " https://github.example/api/v3/ ",
            "AIOS_BOT_DATA": str(tmp_path),
            "AIOS_BOT_DATABASE_URL": f"sqlite:///{tmp_path}/x.db",
            "AIOS_BOT_PUBLIC_URL": "https://bot.example/",
            "AIOS_BOT_KEEP_DAYS": "7",
            "AIOS_BOT_MIRRORS_MB": "1",
            "HOST": "::",
            "PORT": "0",
        }
    )
    assert (settings.api_url, settings.html_url) == ("https://github.example/api/v3", "https://github.example")
    assert settings.data == tmp_path
    assert settings.database_url == Secret(f"sqlite:///{tmp_path}/x.db")
    assert settings.public_url == "https://bot.example"
    assert (settings.keep_days, settings.mirrors_bytes) == (7, 1024**2)
    assert (settings.host, settings.port) == ("::", 0)


def test_the_defaults_of_what_is_kept() -> None:
    settings = read_settings({})
    assert (settings.public_url, settings.keep_days, settings.mirrors_bytes) == ("", 30, 10 * 1024**3)


@pytest.mark.parametrize(
    ("name", "good", "wrong"),
    [
        ("GITHUB_APP_ID", ["1"], ["0", "1.0", "+1", "1_0"]),
        ("AIOS_BOT_KEEP_DAYS", ["7", "9999"], ["6", "10000", "30.0", "٣٠"]),
        ("AIOS_BOT_MIRRORS_MB", ["1", "999999999"], ["0", "1000000000", "-1"]),
        ("PORT", ["0", "65535"], ["65536", "8 0", "0x10"]),
        ("AIOS_BOT_PUBLIC_URL", ["-", "http://h"], ["--", "https://h/?a=b", "https://h/#a", "https://u@h"]),
    ],
)
def test_the_limits_of_a_setting(name: str, good: list[str], wrong: list[str]) -> None:
    for value in good:
        read_settings({**GOOD, name: value})
    for value in wrong:
        with pytest.raises(SettingsError, match=f"{name} must be"):
            read_settings({**GOOD, name: value})


def test_a_secret_of_sixteen_characters_is_long_enough() -> None:
    assert read_settings({**GOOD, "GITHUB_WEBHOOK_SECRET": "x" * 16}).warnings == ()
    assert read_settings({**GOOD, "GITHUB_WEBHOOK_SECRET": "x" * 15}).warnings == (
        (
            "GITHUB_WEBHOOK_SECRET is shorter than 16 characters and can be guessed: make one with "
            "`openssl rand -hex 32`, and set it in the App too"
        ),
    )


def test_only_the_given_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "9")
    monkeypatch.setenv("host", "10.0.0.1")
    assert read_settings({}).port == 8080
    assert read_settings({"port": "9"}).port == 8080
    assert (read_settings().port, read_settings().host) == (9, "127.0.0.1")


def test_the_operators_commands_need_only_the_store(tmp_path: Path) -> None:
    found = read_store_settings({"AIOS_BOT_DATA": str(tmp_path), "PORT": "none", "GITHUB_APP_ID": "x"})
    assert found == StoreSettings(tmp_path, Secret(f"sqlite:///{tmp_path}/aios-bot.sqlite3"))
    assert found.secrets == ()
    found = read_store_settings({"AIOS_BOT_DATABASE_URL": "postgres://bot:pass%40word@db/bot"})
    assert found.secrets == ("pass@word",)
    assert found.data == Path("data").absolute()
    with pytest.raises(SettingsError) as caught:
        read_store_settings({"AIOS_BOT_DATABASE_URL": "hunter2"})
    assert str(caught.value) == (
        "the settings are not usable:\n"
        "  AIOS_BOT_DATABASE_URL is not an address such as postgresql://USER:PASSWORD@HOST/NAME"
    )


def test_the_page_lists_every_setting() -> None:
    page = Path(__file__).parents[3] / "docs/reference/settings.md"
    assert page.read_text() == render_settings()
    for name in (*GOOD, *TOLD, "AIOS_BOT_DATA", "HOST"):
        assert f"| `{name}` |" in page.read_text()


def test_the_addresses_of_notices_and_the_token_of_metrics_are_secret() -> None:
    given = {"AIOS_BOT_NOTIFY": "ntfy://h/t\n mailto://u:p@h  ntfy://h/t", "AIOS_BOT_METRICS_TOKEN": "a token"}
    settings = read_settings({**GOOD, **given})
    assert [one.reveal() for one in settings.notify] == ["ntfy://h/t", "mailto://u:p@h"]
    assert settings.metrics_token is not None
    assert {"ntfy://h/t", "mailto://u:p@h", "a token"} <= set(settings.secrets)
    assert "u:p" not in repr(settings)
    assert [one.reveal() for one in read_notify_settings(given)] == ["ntfy://h/t", "mailto://u:p@h"]
    assert read_settings(GOOD).notify == read_notify_settings({}) == ()
    assert read_settings(GOOD).metrics_token is None
    with pytest.raises(
        SettingsError, match=r"AIOS_BOT_NOTIFY must be addresses such as .*; number 2 is none"
    ) as caught:
        read_notify_settings({"AIOS_BOT_NOTIFY": "ntfy://h/t secret-word"})
    assert "secret-word" not in str(caught.value)
