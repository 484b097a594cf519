"""Secrets as stacks hold them, by kind, and ordinary values that must stay readable."""

from __future__ import annotations

import base64
from typing import Any, NamedTuple

from bench.redaction_files import texts_with


class Sample(NamedTuple):
    """One place of a service, or of its stack, with a secret in it."""

    kind: str
    model: dict[str, Any]
    secret: str


WORDS = (
    "hunter2",
    "S3cr3t!x",
    "Tr0ub4dor&3",
    "k9-Qm_7z",
    "p.w/d+1",
    "correcthorse",
    "Xy7",
    "1234abcd",
    "zażółć9",
    "a1b2c3",
)


def _label(name: str, value: str) -> dict[str, Any]:
    return {"services": {"app": {"labels": {name: value}}}}


def _variable(name: str, value: str) -> dict[str, Any]:
    return {"services": {"app": {"environment": {name: value}}}}


def _command(line: str) -> dict[str, Any]:
    return {"services": {"app": {"command": ["sh", "-c", line]}}}


def _words(line: str) -> dict[str, Any]:
    return {"services": {"app": {"entrypoint": line.split(" ")}}}


def _config(text: str, name: str = "settings") -> dict[str, Any]:
    return {"configs": {name: {"content": text}}}


def _in_statements(word: str) -> list[tuple[str, dict[str, Any]]]:
    """The same word in statements, files and command lines of other programs."""
    ada = "ada@example.com"
    return [
        ("SQL", _command(f"mariadb -e \"CREATE USER ada IDENTIFIED BY '{word}'\"")),
        ("SQL", _config(f"ALTER USER ada IDENTIFIED WITH caching_sha2_password BY '{word}';\n", "init.sql")),
        ("SQL", _config(f"CREATE ROLE ada LOGIN WITH PASSWORD '{word}';\n", "init.sql")),
        ("XML settings", _config(f'<appSettings><add key="Password" value="{word}" /></appSettings>', "web.config")),
        ("XML settings", _config(f'[{{"name": "DB_PASSWORD", "value": "{word}"}}]', "env.json")),
        ("XML settings", _config(f'<add value="{word}" key="Password"/>', "web.config")),
        ("XML settings", _config(f'<add key="Password" type="text" value="{word}"/>', "web.config")),
        ("XML settings", _config(f'[{{"value": "{word}", "name": "DB_PASSWORD"}}]', "env.json")),
        ("XML settings", _config(f"env:\n  - name: DB_PASSWORD\n    value: {word}\n", "pod.yaml")),
        ("XML settings", _config(f"env:\n  - value: '{word}'\n    name: DB_PASSWORD\n", "pod.yaml")),
        ("sasl_passwd", _config(f"[smtp.example.com]:587 ada:{word}\n", "sasl")),
        ("sasl_passwd", _config(f"relayhost\n[smtp.example.com]:587    {ada}:{word}\n", "sasl")),
        ("netrc", _config(f"default login ada password {word}\n")),
        ("piped to a command", _command(f"echo ada:{word} | chpasswd")),
        ("piped to a command", _command(f"printf 'ada:{word}' | sudo chpasswd -e")),
        ("piped to a command", _command(f"echo {word} | docker login -u ada --password-stdin")),
        ("piped to a command", _command(f"echo -n '{word}' | podman login --password-stdin registry.example.com")),
        ("other commands", _command(f"smbclient //nas/x -U ada%{word} -c ls")),
        ("other commands", _words(f"smbclient //nas/x -U ada%{word}")),
        ("other commands", _command(f"lftp -u ada,{word} ftp.example.com")),
        ("other commands", _command(f"rsync -a ada:{word}@nas::backup /srv")),
        ("other commands", _words(f"rsync -a /srv ada:{word}@nas::backup")),
        ("other commands", _command(f"zip -r -P {word} /x.zip /srv")),
        ("other commands", _command(f"openssl enc -aes-256-cbc -k {word} -in /x")),
        ("other commands", _command(f"openssl enc -d -pass pass:{word} -in /x")),
        ("other commands", _words(f"openssl rsa -passin pass:{word} -in /x")),
        ("other commands", _command(f"mc alias set nas http://minio:9000 ada {word} --api S3v4")),
        ("other commands", _words(f"mc alias set nas http://minio:9000 ada {word}")),
        *(("names", _variable(name, word)) for name in _NAMES),
        ("names", _variable("BASICAUTH_USERS", f"admin:{word}")),
        ("names", _variable("BORG_PASSCOMMAND", f"echo {word}")),
        ("addresses", _variable("URL", f"jdbc:oracle:thin:ada/{word}@db:1521/x")),
        ("addresses", _config(f"WIFI:T:WPA;S:home;P:{word};;", "qr")),
    ]


_NAMES = [
    "DOOR_PASSCODE",
    "FIDO_PASSKEY",
    "PIN_CODE",
    "ALARM_CODE",
    "SIM_PUK",
    "SNMP_COMMUNITY",
    "RCON",
    "MOT_DE_PASSE",
    "CONTRASENA",
    "WACHTWOORD",
    "SENHA",
    "KENNWORT",
]


def _samples() -> list[Sample]:
    found = []
    for word in WORDS:
        basic = base64.b64encode(f"ada:{word}".encode()).decode()
        headers = "traefik.http.middlewares.a.headers.customrequestheaders"
        found += [
            Sample("header label", _label(f"{headers}.Authorization", f"Basic {basic}"), basic),
            Sample("header label", _label(f"{headers}.X-Proxy", f"Basic {basic}"), basic),
            Sample("header label", _config(f'proxy_set_header Authorization "Basic {basic}";'), basic),
            Sample("mongosh", _command(f"mongosh -u root -p {word} --eval 1"), word),
            Sample("mongosh", _words(f"mongodump -u root -p {word}"), word),
            Sample("rabbitmqadmin", _command(f"rabbitmqadmin -u ada -p {word} list queues"), word),
            Sample("rabbitmqctl", _command(f"rabbitmqctl add_user ada {word}"), word),
            Sample("Pwd=", _variable("CONNECTION", f"Server=db;Uid=ada;Pwd={word};Database=x"), word),
            Sample("configs content", _config(word, "db_password"), word),
            Sample("configs content", _config(f"first line\n{word}\n", "api_token"), word),
            Sample("YAML block", _config(f"db:\n  password: >-\n    {word}\n  user: ada\n"), word),
            Sample("YAML block", _config(f"db:\n  secret: |\n    line\n    {word}\nuser: ada\n"), word),
            Sample("netrc", _config(f"machine example.com login ada password {word}"), word),
            Sample("netrc", _config(f"machine example.com\n  login ada\n  password {word}\n"), word),
            Sample("pgpass", _config(f"db:5432:app:ada:{word}\n*:*:*:bob:other9\n"), word),
            Sample("Redis settings", _config(f"port 6379\nmasterauth {word}\n"), word),
            Sample("Redis settings", _config(f"port 6379\nsentinel auth-pass main {word}\n"), word),
            Sample("Redis ACL", _config(f"user ada on >{word} ~* +@all\n"), word),
            Sample("Redis ACL", _command(f"redis-cli ACL SETUSER ada on >{word} allkeys"), word),
            Sample("htpasswd", _command(f"htpasswd -b -c /auth/users ada {word}"), word),
            Sample("htpasswd", _words(f"htpasswd -nbB ada {word}"), word),
            Sample("other commands", _command(f"mosquitto_passwd -b /p ada {word} && mosquitto"), word),
            Sample("other commands", _command(f"ldapsearch -x -D cn=a -w {word} -b dc=x"), word),
            Sample("other commands", _command(f"docker login -u ada -p {word} registry.example.com"), word),
            Sample("other commands", _command(f"sqlcmd -S db -U sa -P {word} -Q 'select 1'"), word),
        ]
        found += [Sample(kind, model, word) for kind, model in _in_statements(word)]
        found += [Sample(kind, _config(text), word) for kind, text in texts_with(word)]
    for number in ("4711", "00123456", "918273", "55512345"):
        found += [Sample("PIN", _variable(name, number), number) for name in ("ADMIN_PIN", "DOOR_PIN", "userPin")]
        found.append(Sample("backup code", _variable("BACKUP_CODE", f"{number}-{number}"), f"{number}-{number}"))
        found.append(Sample("backup code", _variable("RECOVERY_CODES", f"{number},7"), f"{number},7"))
    found += [
        Sample("claim token", _variable("PLEX_CLAIM", f"claim-{word * 3}"), word) for word in ("a1B2c3D4", "xYz98")
    ]
    hashes = (
        "$2y$05$c4WoMPo3SXsafkva.HHa6uXQZWr7oboPiC2bT/r7q1BB8I2s0BRqC",
        "$6$rounds=5000$usesomesillystri$D4IrlXatmP7rx3P3InaxBeoomnAihCKRVQAr",
        "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC",
        "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b4dWRWJTmaaJObG",
        "{SSHA}DkMTwBl+a/3DQTxCYEApdUtNXGgdUac3",
        "pbkdf2_sha256$260000$x8sV$4f8Jq2kzT0yE1mQ7rN9uC6bX5wA3hL2dP0oI8gK4tVs=",
        "SCRAM-SHA-256$4096:c2FsdHNhbHQ=$abcdefghijklmnop=:qrstuvwxyz012345=",
        "md5d41d8cd98f00b204e9800998ecf8427e",
        "$apr1$H6uskkkW$IgXLP6ewTrSuBkTrqE8wj/",
    )
    found += [Sample("password hash", _label("traefik.x.users", f"ada:{one}"), one[6:]) for one in hashes]
    uuid, token = "3f2504e0-4f89-41d3-9a0c-0305e82c3301", "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY"
    for text, secret in (
        (f"https://x.blob.core.windows.net/a?sv=2024-11-04&sp=r&sig={token}%3D", token),
        (f"https://hooks.slack.com/triggers/T0123/4567/{token}", token),
        (f"pushover://shoutrrr:{token}@uQiRzpo4DXghDmr9QzzfQu27cmVRsG/", token),
        (f"pover://uQiRzpo4DXghDmr9QzzfQu27cmVRsG@{token}", token),
        (f"curl -fsS https://hc-ping.com/{uuid}", uuid),
        (f"https://health.example.com/ping/{uuid}/start", uuid),
        (f"lin_api_{token}", token),
        (f"ntn_{token}", token),
    ):
        found += [
            Sample("addresses", _variable("ANYTHING", text), secret),
            Sample("addresses", _config(text), secret),
        ]
    keys = (
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLEKE",
        "a1/Bc2De3+Fg4Hi5Jk6Lm7No8Pq9Rs0Tu1Vw2Xy/",
        "Zx9/Yw8Vu7Ts6Rq5Po4Nm3Lk2Ji1Hg0+Fe9Dc8Ba",
    )
    for key in keys:
        found.append(Sample("AWS key", _variable("ANYTHING", key), key))
        found.append(Sample("AWS key", _config(f"aws_secret = {key}\n"), key))
        found.append(Sample("AWS key", _command(f"export A={key}; run"), key))
    return found


SAMPLES = _samples()

ORDINARY: dict[str, list[str]] = {
    "image name": [
        "nginx:1.27-alpine",
        "ghcr.io/example/app:v1.2.3",
        "registry.example.com:5000/team/app:2026.11.28",
        "docker.io/library/postgres:16.2",
        "quay.io/prometheus/node-exporter:v1.8.2",
        "lscr.io/linuxserver/plex:latest",
    ],
    "digest": [
        "sha256:" + "0123456789abcdef" * 4,
        "nginx@sha256:" + "fedcba9876543210" * 4,
        "sha1-" + "0123456789abcdef" * 2,
        "ghcr.io/example/app:sha-4f1d9c7be23a85f06d4c9b7e81a2f35c",
    ],
    "path": [
        "/etc/nginx/conf.d/default.conf",
        "/var/lib/postgresql/data",
        "./config/prometheus/prometheus.yml",
        "C:\\Users\\ada\\stack",
        "~/.config/app/settings.toml",
        "/run/secrets/db_password",
        "/srv/media/TV4K/Season01",
    ],
    "port": ["8080", "0.0.0.0:8443:443/tcp", "127.0.0.1:5432:5432", "6379-6380:6379-6380", "[::1]:53:53/udp"],
    "version": [
        "1.27.3",
        "v2.0.0-rc.1",
        "2026.11.28",
        "RELEASE.2026-11-01T00-00-00Z",
        "16-alpine3.20",
        "jammy-20261101",
    ],
    "container id": ["4f1d9c7be23a", "web-1", "stack_app_1", "6f1c2d3e-4b5a-6978-8a9b-0c1d2e3f4a5b"],
    "endpoint": [
        "https://auth.example.com/realms/main",
        "http://prometheus:9090/api/v1/query?query=up",
        "tcp://docker:2375",
        "unix:///var/run/docker.sock",
        "grpc://otel-collector:4317",
        "amqp://rabbitmq:5672/vhost",
    ],
    "command": [
        "--config.file=/etc/prometheus/prometheus.yml",
        "server --port 8080 --log-level info",
        "mysqld --port 3306",
        "wget -q -O- http://localhost:8080/healthz || exit 1",
        "redis-server --maxmemory 256mb --appendonly yes",
        "mkdir -p /data/cache && exec app",
        "nginx -g 'daemon off;'",
        "pg_isready -U app -d app",
        "echo $TOKEN | docker login --password-stdin",
        "echo ready | tee /tmp/state",
        "rsync -a ada@nas:/srv/media /srv",
        "rsync -a nginx:1.27@sha256:0123 /srv",
        "openssl s_client -connect db:5432",
        "openssl req -passin env:KEY -in /x",
        "openssl req -new -key /tls/key.pem -out /x",
        "openssl req -new -key server.key -out /x",
        "curl --key ./client.pem --cert ./client.crt https://db.example.com",
        "dockerd --tlskey=/certs/server-key.pem --tls-key /run/secrets/tls_key",
        "server { ssl_certificate_key /etc/nginx/tls/site.key; }",
        "SSL_KEY='/etc/ssl/private/site' SIGNING_KEY_PEM=C:\\tls\\key.pem",
        "zip -r /x.zip /srv",
        "mc ls nas/backup",
        "lftp -u ada ftp.example.com",
        "smbclient -U ada //nas/x",
        "borg create ::{now} /srv",
    ],
    "setting": [
        "Europe/Berlin",
        "Host(`app.example.com`) && PathPrefix(`/api`)",
        "auth@file,headers@docker",
        "en_US.UTF-8",
        "-Xmx512m -Dcom.example.SomeVeryLongClassNameWith2Numbers=true",
        "10m",
        "json-file",
        "unless-stopped",
        "user nginx;\nworker_processes auto;\nerror_log /var/log/nginx/error.log warn;\n",
        "Basic authentication",
        "SELECT * FROM users WHERE password IS NOT NULL",
        '<add key="Timeout" value="30"/>',
        '<add name="Timeout" value="30" />',
        '<add value="30" key="Timeout"/>',
        '<setting key="Timeout" type="int" value="30"/>',
        '[{"key": "Timeout", "value": "30"}, {"Value": "web", "Key": "Name"}]',
        "tolerations:\n  - key: node-role\n    value: worker\n",
        '[{"name": "LOG_LEVEL", "value": "debug"}]',
        "git git@github.com:example/stacks.git",
        "proxy_pass http://app:8080",
        "WIFI:T:nopass;S:guest;;",
        "jdbc:oracle:thin:@db:1521/x",
        "default login shell /bin/sh",
        "global:\n  scrape_interval: 15s\n  evaluation_interval: 15s\n",
        "security:\n  authorization: enabled\n",
        "services:\n  app:\n    secrets:\n      - db_password\n    image: a\n",
        "secrets:\n  db_password:\n    file: ./x\n",
        "- name: A\n  value: b\n- name: A_TOKEN\n  valueFrom:\n    secretKeyRef: x\n- name: B\n  value: |\n    b\n",
        "kind: ConfigMap\ndata:\n  foo: bar\n---\nkind: Secret\nmetadata:\n  name: x\n",
        'variable "region" {\n  default = "eu"\n}\n',
        "FROM x\nENV LANG C.UTF-8\nARG VERSION=1\n",
        "location / {\n  proxy_set_header Host $host;\n  proxy_set_header Authorization $http_authorization;\n}\n",
        "# m h dom mon dow\n0 4 * * * backup\n",
        "basic_auth {\n  import users\n}\n",
        'if ($host != "a.example") { return 301; }\n',
        "tokens:\n  - name: web\n    id: 3\n",
        "db:\n  password: ${DB_PASSWORD:?set it}\n  user: ada\n",
        'password: "" # none\nuser: ada\n',
        "password:\nuser: ada\n",
    ],
}
