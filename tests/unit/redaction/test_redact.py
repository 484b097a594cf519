"""Secrets are hidden wherever they stand; public values stay readable."""

from __future__ import annotations

from typing import Any

import pytest

from bot.redaction.recognise import is_secret_name
from bot.redaction.redact import Redactor, known_from, redact_text

REDACTOR = Redactor(b"key of a test")
MARK = "‹secret "


def environment(**values: str) -> dict[str, Any]:
    model = {"services": {"app": {"environment": values}}}
    found: dict[str, Any] = REDACTOR.model(model)["services"]["app"]["environment"]
    return found


@pytest.mark.parametrize(
    "name",
    """DB_PASSWORD MYSQL_ROOT_PASSWORD password dbPassword PGPASSWORD db.password DB_PASS SMTP_PASSWD DB_PWD
    SECRET SECRET_KEY_BASE JWT_SECRET client-secret clientSecret API_KEY apikey apiKey X_API_KEY OPENAI_API_KEY
    AWS_SECRET_ACCESS_KEY PRIVATE_KEY SIGNING_KEY APP_KEY ENCRYPTION_KEYS TOKEN GITHUB_TOKEN TUNNEL_TOKEN authToken
    VAULT_DEV_ROOT_TOKEN_ID VAULT_SECRET_ID CREDENTIALS SENTRY_DSN NEO4J_AUTH REDIS_AUTH PASSPHRASE WIFI_PSK
    GITHUB_PAT PASSWORD_SALT --auth-token --requirepass COOKIE_SECRET N8N_ENCRYPTION_KEY KEY TLS_KEY_PEM""".split(),  # noqa: SIM905 - names read better as prose
)
def test_names_that_hide(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    """KEYCLOAK_URL KEYCLOAK_ADMIN_USER KEYSPACE MONKEY KEYBOARD_LAYOUT HOTKEYS_ENABLED PUBLIC_KEY SSH_PUBLIC_KEY
    TOKENIZERS_PARALLELISM TOKEN_TTL TOKEN_URL PASSWORD_MIN_LENGTH PASSWORD_POLICY AUTH_METHOD AUTHOR AUTHORITY PWD
    COMPASS_URL BYPASS LOG_LEVEL IMAGE TZ PUID POSTGRES_USER POSTGRES_DB SECRET_NAME PASSWORD_RESET_ENABLED
    traefik.http.routers.app.rule PATH BASE_URL DOMAIN PASSENGER_COUNT SECRETS_ENGINE""".split(),  # noqa: SIM905 - as above
)
def test_names_that_do_not_hide(name: str) -> None:
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    "value",
    [
        "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
        "ghs_123_eyJhbGciOi.JIUzI1NiJ9.abcdefghijklmnop",
        "github_pat_11ABCDEFG0abcdefghijklmnopqrstuvwxyz",
        "AKIAIOSFODNN7EXAMPLE",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
        "glpat-abcdefghij0123456789",
        "xoxb-123456789012-abcdefghijkl",
        "sk_live_abcdefghij0123456789",
        "hvs.CAESIJabcdefghijklmnop0123456789",
        "$apr1$H6uskkkW$IgXLP6ewTrSuBkTrqE8wj/",
        "$2y$05$c4WoMPo3SXsafkva.HHa6uXQZWr7oboPiC2bT/r7q1BB8I2s0BRqC",
        "4f1d9c7be23a85f06d4c9b7e81a2f35c",
        "tG7kQ2xV9mB4nZ8pL5wR3yJ6",
        "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsawE",
        "AGE-SECRET-KEY-1QQPQZRZR7GNDZ0QZ5VXSFNXSJ3NZGVE6TCLJ0AQF9K3ZPK0ZZYQS8ZJQ5",
    ],
)
def test_shapes_hide_under_any_name_and_inside_a_sentence(value: str) -> None:
    assert environment(ANYTHING=value)["ANYTHING"].startswith(MARK)
    assert value not in REDACTOR.text(f"it said {value} and stopped")


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("postgres://app:hunter2@db:5432/app", "hunter2"),
        ("redis://:hunter2@cache/0", "hunter2"),
        ("https://user:pa/ss@host/x", "pa/ss"),
        ("amqp://user:p@ss@host/x", "p@ss"),
        ("https://abcdef0123456789abcdef0123456789@o1.ingest.example/1", "abcdef0123456789abcdef0123456789"),
        ("app:hunter2@tcp(db:3306)/app", "hunter2"),
        ("host=db user=app password=hunter2 dbname=x", "hunter2"),
        ("Server=db;User=app;Password=hunter2;", "hunter2"),
        ("jdbc:postgresql://db/app?user=a&password=hunter2", "hunter2"),
        ("https://hooks.slack.com/services/T000/B000/XXXXXXXXhunter", "XXXXXXXXhunter"),
        ("https://discord.com/api/webhooks/123456/hunter-hunter", "hunter-hunter"),
        ("curl -u admin:hunter2 http://x", "hunter2"),
        ("mysqladmin ping -h localhost -uroot -phunter2", "hunter2"),
        ("redis-cli -a hunter2 ping", "hunter2"),
        ("sshpass -p hunter2 ssh x", "hunter2"),
        ("PGPASSWORD=hunter2 psql -c 'select 1'", "hunter2"),
        ("server --password hunter2 --port 80", "hunter2"),
        ("server --db.password=hunter2", "hunter2"),
        ('{"password": "hunter2", "user": "ada"}', "hunter2"),
        ("<config><apiKey>hunter2</apiKey></config>", "hunter2"),
        ("port 6379\nrequirepass hunter2\n", "hunter2"),
        ("[db]\npassword = hunter2\n", "hunter2"),
        ("Authorization: Basic aHVudGVyMg==", "aHVudGVyMg=="),
        ("Authorization: Bearer abcdef.hunter2.abcdef", "hunter2"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2\nhunter2\n-----END OPENSSH PRIVATE KEY-----", "hunter2"),
        ("-----BEGIN RSA PRIVATE KEY-----\nhunter2 and cut", "hunter2"),
    ],
)
def test_secrets_inside_texts(text: str, secret: str) -> None:
    hidden = REDACTOR.text(text)
    assert secret not in hidden
    assert MARK in hidden
    assert REDACTOR.text(hidden) == hidden, "hiding twice changes nothing"
    assert secret not in environment(ANYTHING=text)["ANYTHING"]


PUBLIC: dict[str, Any] = {
    "name": "observability",
    "services": {
        "app": {
            "image": "ghcr.io/example/app:sha-4f1d9c7be23a85f06d4c9b7e81a2f35c@sha256:" + "0123456789abcdef" * 4,
            "command": ["server", "--port=8080", "--log-level", "info", "--config=/etc/app/config.yml"],
            "container_name": "app-1",
            "environment": {
                "LOG_LEVEL": "debug",
                "TZ": "Europe/Berlin",
                "KEYCLOAK_URL": "https://auth.example.com/realms/main",
                "TLS_KEY_FILE": "/run/secrets/tls.key",
                "POSTGRES_PASSWORD_FILE": "/run/secrets/db_password",
                "GIT_COMMIT": "4f1d9c7be23a85f06d4c9b7e81a2f35c12345678",
                "JAVA_OPTS": "-Xmx512m -Dcom.example.SomeVeryLongClassNameWith2Numbers=true",
                "CLUSTER": "6f1c2d3e-4b5a-6978-8a9b-0c1d2e3f4a5b",
                "TOKEN_TTL": "3600",
                "ENABLE_TOKEN": "true",
                "EMPTY_PASSWORD": "",
                "URL": "http://prometheus:9090/api/v1/query?query=up",
            },
            "healthcheck": {"test": ["CMD-SHELL", "wget -q -O- http://localhost:8080/healthz || exit 1"]},
            "labels": {
                "traefik.enable": "true",
                "traefik.http.routers.app.rule": "Host(`app.example.com`) && PathPrefix(`/api`)",
                "traefik.http.routers.app.middlewares": "auth@file,headers@docker",
                "traefik.http.services.app.loadbalancer.server.port": "8080",
            },
            "ports": [{"mode": "ingress", "target": 80, "published": "8080", "protocol": "tcp"}],
            "secrets": [{"source": "db_password", "target": "/run/secrets/db_password"}],
            "volumes": [{"type": "bind", "source": "/fleet/stacks/observability/prometheus.yml", "target": "/p.yml"}],
        }
    },
    "secrets": {"db_password": {"name": "observability_db_password", "file": "/fleet/stacks/x/db_password.txt"}},
    "networks": {"token": {"name": "token_net", "external": True}},
}


def test_public_values_stay_as_they_are() -> None:
    assert REDACTOR.model(PUBLIC) == PUBLIC


def test_equal_secrets_have_equal_marks_and_the_key_decides_them() -> None:
    one, same, other = (environment(PASSWORD=value)["PASSWORD"] for value in ("a", "a", "b"))
    assert one == same != other
    assert Redactor(b"another").mark("a") != REDACTOR.mark("a")


def test_argument_lists() -> None:
    model = {
        "services": {"a": {"command": ["x", "--password", "hunter2", "--token=t,o;k en", "-v", "--key", "--port"]}}
    }
    words = REDACTOR.model(model)["services"]["a"]["command"]
    assert "hunter2" not in str(words)
    assert "k en" not in str(words)
    assert words[0] == "x"
    assert words[4:] == ["-v", "--key", "--port"]


def test_values_of_files_are_hidden_where_they_turn_up() -> None:
    known = known_from(
        [("DB_PASSWORD", "se,c ret"), ("GREETING", "hello there you"), ("DOMAIN", "example.com"), ("MODE", "x1y2")],
        environment=[("app", "FROM_FILE")],
    )
    model = {
        "services": {
            "app": {
                "image": "x:se,c ret",
                "user": "se,c ret",
                "hostname": "hello there you",
                "environment": {"FROM_FILE": "debug", "A": "-hello there you-", "URL": "https://example.com/"},
                "labels": {"q": "se%2Cc%20ret", "b": "c2UsYyByZXQ="},
            }
        }
    }
    app = REDACTOR.model(model, known)["services"]["app"]
    assert app["environment"]["FROM_FILE"].startswith(MARK)
    assert app["environment"]["A"].startswith("-‹secret ")
    assert app["environment"]["URL"] == "https://example.com/"
    assert app["image"] == "x:se,c ret", "an image is a name"
    assert app["user"].startswith(MARK)
    assert app["hostname"] == "hello there you"
    assert MARK in app["labels"]["q"]
    assert MARK in app["labels"]["b"]


def test_inline_configs_and_extensions_are_read_as_text() -> None:
    model = {
        "configs": {"c": {"content": "user: ada\npassword: hunter2\n"}},
        "x-notes": {"deep": ["api_key=hunter2", {"token": 12345}]},
    }
    hidden = REDACTOR.model(model)
    assert "hunter2" not in str(hidden)
    assert "12345" not in str(hidden)
    assert "user: ada" in hidden["configs"]["c"]["content"]


def test_a_logging_filter_can_use_it() -> None:
    line = redact_text("pushed with abc'def to x", secret_key=b"k", known_secrets=["abc'def"])
    assert "abc'def" not in line
    assert line.endswith(" to x")
