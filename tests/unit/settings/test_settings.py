"""Settings: every problem at once, no value shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from bot.domain.errors import SettingsError
from bot.settings.read import Secret, child_environment, derive_html_url, read_settings


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


def test_child_programs_see_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    assert "PATH" in child_environment()
    assert not set(GOOD) & set(child_environment())
