"""What is hidden beside what is shown: the same text in another place, or one that only looks like it."""

from __future__ import annotations

import pytest

from bot.redaction.recognise import find_shaped, is_secret_name, is_secret_under
from bot.redaction.redact import Redactor, known_from

REDACTOR = Redactor(b"k" * 32)


@pytest.mark.parametrize(
    ("name", "value", "is_secret"),
    [
        ("TLS_KEY", "certs/server.key", False),
        ("PASSWORD", "certs/server.key", True),  # where a key lies is no password
        ("API_KEY", "a1B2/c3D4/e5F6", True),  # base64 holds slashes
        ("BORG_PASSCOMMAND", "cat /run/secrets/borg", False),
        ("PASSWORD", "cat /run/secrets/borg", True),  # nobody runs it
        ("PASSWORD", "trueish", True),
        ("PASSWORD", "${DB_PASSWORD}1", True),
        ("PASSWORD", True, False),
        ("PASSWORD", 123_456.5, True),
        ("PASSWORD", 123_456, True),
        ("SIZE", 123_456, False),
    ],
)
def test_a_value_is_secret_by_its_name_and_by_what_it_is(name: str, value: object, is_secret: bool) -> None:
    assert is_secret_under(name, str(value)) is is_secret
    shown = REDACTOR.model({"services": {"web": {"environment": {name: value}}}})
    hidden = shown["services"]["web"]["environment"][name] != value
    assert hidden is is_secret


# Each word that makes a name one of a secret, in a name that no other word makes one.
SECRET = (
    "DB_PASSWORD_NEW DB_PASSWD PASSPHRASE_NEW PASSWORT SECRET_VALUE CREDENTIALS APIKEY_NEW PRIVATE_KEY_NEW "
    "ACCESS_KEY_NEW PASSCODE PASSKEY BORG_PASSCOMMAND MOT_DE_PASSE CONTRASENA WACHTWOORD KENNWORT "
    "SMTP_PASS USERPASS DB_PWD DB_PW WIFI_PSK GITEA_PAT SENTRY_DSN HASH_SALT HASH_PEPPER APP_JWT WEBHOOK_HMAC "
    "LOGIN_OTP LOGIN_TOTP WALLET_MNEMONIC LDAP_ROOTPW MASTERAUTH SIM_PUK SENHA API_TOKEN API_TOKENS "
    "SIGNING_KEY SIGNING_KEYS BASIC_AUTH TS_AUTHKEY ERLANG_COOKIE AUTHORIZATION GAME_RCON "
    "BACKUP_CODE RECOVERY_CODES ACCESS_CODE SECURITY_CODE PAIRING_CODE UNLOCK_CODE ACTIVATION_CODE INVITE_CODE "
    "LOGIN_CODE MASTER_CODE PIN_CODE ALARM_CODE SNMP_COMMUNITY ROCOMMUNITY RWCOMMUNITY KEY_PEM KEY_HEX KEY_DATA "
    "VAULT_SECRET_ID VAULT_TOKEN_ID"
)
PUBLIC = (
    "PWD PUBLIC_KEY PUB_KEY SSH_HOST_KEY KNOWN_KEYS COUNTRY_CODE BYPASS COMPASS OVERPASS UNDERPASS SURPASS TRESPASS "
    "COMMUNITY KEYBOARD AUTHOR COOKIES_ACCEPTED"
)
ABOUT = (
    "ID NAME NAMES URL URI ENDPOINT HOST PORT HEADER ISSUER AUDIENCE TYPE ALGORITHM ALG TTL EXPIRY "
    "EXPIRES EXPIRATION LIFETIME TIMEOUT LENGTH SIZE COUNT MIN MAX LIMIT ENABLED ENABLE DISABLED REQUIRED "
    "POLICY PREFIX SUFFIX VERSION PROVIDER BACKEND DRIVER ENGINE STORE MOUNT ROTATION INTERVAL USER "
    "USERNAME EMAIL ROUNDS METHOD MODE REF REFS "
)


@pytest.mark.parametrize("name", SECRET.split())
def test_a_name_that_says_secret(name: str) -> None:
    assert is_secret_name(name)
    assert is_secret_name(name.lower())


@pytest.mark.parametrize("name", [*PUBLIC.split(), *(f"PASSWORD_{word}" for word in ABOUT.split())])
def test_a_name_that_is_only_about_one(name: str) -> None:
    assert not is_secret_name(name)


@pytest.mark.parametrize("word", ["FILE", "FILES", "PATH", "DIR", "DIRECTORY", "FOLDER"])
def test_where_a_secret_lies_is_none(word: str) -> None:
    assert not is_secret_under(f"PASSWORD_{word}", "/run/secrets/x")
    assert is_secret_under(f"PASSWORD_{word}", "hunter2 and more")


FREE = (
    "environment labels annotations args command entrypoint test content options driver_opts sysctls post_start "
    "pre_stop extra_hosts provider x-own"
)
NAMES = (
    "name image container_name hostname network_mode ipc pid volumes_from links external_links networks depends_on "
    "source target file context dockerfile device devices path env_file label_file volumes aliases profiles service "
    "type driver published host_ip protocol mode working_dir configs"
)


@pytest.mark.parametrize("field", FREE.split())
def test_a_field_that_takes_any_text_is_searched_for_what_may_be_secret(field: str) -> None:
    known = known_from([("REALM", "lemonade stand")])
    shown = REDACTOR.model({"services": {"web": {field: ["a lemonade stand"]}}}, known)
    assert shown["services"]["web"][field] == [f"a {REDACTOR.mark('lemonade stand')}"]


@pytest.mark.parametrize("field", NAMES.split())
def test_a_name_that_equals_a_short_secret_stays_readable(field: str) -> None:
    known = known_from([("PASSWORD", "lemonade")])
    model = {"services": {"web": {field: "lemonade", "other": "lemonade"}}}
    shown = REDACTOR.model(model, known)["services"]["web"]
    assert (shown[field], shown["other"]) == ("lemonade", REDACTOR.mark("lemonade"))


def test_an_example_of_a_token_is_shown_up_to_a_length() -> None:
    assert find_shaped("ghp_" + "x" * 36) == []
    long = "ghp_" + "x" * 128 + "_" + "x" * 40
    assert find_shaped(long) == [(0, len(long))]


@pytest.mark.parametrize("text", ["550e8400-e29b-41d4-a716-446655440000", "id=550E8400-E29B-41D4-A716-446655440000"])
def test_a_name_that_is_unique_in_the_world_is_shown(text: str) -> None:
    assert REDACTOR.text(text) == text


def test_a_secret_within_another_one_leaves_no_rest_of_it() -> None:
    known = known_from((), whole=["abcdefghijkl", "defg"])
    assert REDACTOR.text("x abcdefghijkl y", known) == f"x {REDACTOR.mark('abcdefghijkl')} y"


def test_a_short_password_that_is_joined_to_its_option_is_hidden() -> None:
    words = ["mysql", "-uroot", "-pab", "shop"]
    shown = REDACTOR.model({"services": {"web": {"command": words}}})
    assert shown["services"]["web"]["command"] == ["mysql", "-uroot", f"-p{REDACTOR.mark('ab')}", "shop"]


def test_the_content_of_a_config_is_free_text_whatever_the_config_is_called() -> None:
    known = known_from([("REALM", "lemonade stand")])
    for name in ("notes", "token_file"):
        shown = REDACTOR.model({"configs": {name: {"content": "/srv/lemonade stand"}}}, known)
        assert "lemonade" not in shown["configs"][name]["content"], name


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("secrets: hunter2x", "hunter2x"),
        ('"password": |\n hunter2x and more\nother: 1', "hunter2x and more"),
        ("PASSWORD=one\\\r\ntwo\r\nOTHER=1", "one\\\r\ntwo"),
        ("password: hunter2#x # of the shop", "hunter2#x"),
        ("other: 1\n- password: one two three\n", "one two three"),
        ("ADMIN_PIN=123456", "123456"),
        ('- name: ADMIN_PIN\n  value: "123456"', "123456"),
        ('- value: "123456"\n  name: ADMIN_PIN', "123456"),
        ('variable "admin_pin" {\n  default = "123456"\n}', "123456"),
    ],
)
def test_a_named_secret_is_hidden_to_its_end_however_it_is_written(text: str, secret: str) -> None:
    assert REDACTOR.text(text) == text.replace(secret, REDACTOR.mark(secret))


@pytest.mark.parametrize(
    "text", ["secrets: [token]", 'variable "region" {\n  default = "1234567"\n}', "- name: REGION\n  value: 1234567"]
)
def test_what_is_named_as_no_secret_is_shown(text: str) -> None:
    assert REDACTOR.text(text) == text


@pytest.mark.parametrize("char", ":={}[]<>")
def test_a_deeper_line_of_another_kind_does_not_go_on_with_a_password(char: str) -> None:
    shown = REDACTOR.text(f"password: hunter2x\n  more{char}less\n")
    assert shown == f"password: {REDACTOR.mark('hunter2x')}\n  more{char}less\n"


def test_only_where_nginx_sets_it_a_small_variable_is_no_password() -> None:
    assert REDACTOR.text("proxy_set_header X-Password $remote_pass;") == "proxy_set_header X-Password $remote_pass;"
    assert "$hunter_two" not in REDACTOR.text("password: $hunter_two")
