"""Secrets of every kind are hidden, and ordinary values stay readable."""

from __future__ import annotations

from collections import Counter

import pytest

from bench import redaction
from bench.redaction_samples import ORDINARY, SAMPLES
from bot.redaction.recognise import is_secret_name, is_secret_under
from bot.redaction.redact import Redactor

REDACTOR = Redactor(b"key of a test")


def test_every_sample_is_hidden() -> None:
    assert len(SAMPLES) >= 150
    assert redaction.missed_samples() == []


def test_every_ordinary_value_is_readable() -> None:
    assert sum(map(len, ORDINARY.values())) >= 50
    assert redaction.marked_ordinary() == []


def test_the_samples_of_a_kept_rule_set_are_hidden() -> None:
    counts, missed = redaction.judge_gitleaks()
    assert counts["positive"] == 823
    # Addresses that are secret altogether, pairs of words, and curl's user without a name.
    assert Counter(missed).keys() <= {"curl-auth-user", "microsoft-teams-webhook", "sidekiq-secret"}
    assert counts["caught"] >= 815
    assert counts["kept"] >= 56


def test_a_measurement_prints_all_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    redaction.main()
    out = capsys.readouterr().out
    assert f"{len(SAMPLES)} of {len(SAMPLES):4} secrets hidden" in out
    assert "gitleaks' positives: " in out


@pytest.mark.parametrize(
    ("name", "value", "secret"),
    [
        ("ADMIN_PIN", "4711", True),
        ("ADMIN_PIN", "471", False),  # of a GPIO
        ("ADMIN_PIN", "1234567890123", False),
        ("ADMIN_PIN", "GPIO17", False),
        ("BACKUP_CODE", "x", True),
        ("EXIT_CODE", "x", False),
        ("CODE", "x", False),
        ("PWD", "hunter2", True),
        ("Pwd", "/srv/app", False),
        ("PWD", "$PWD", False),
        ("authorization", "enabled", False),
        ("PIN_CODE", "x", True),
        ("SNMP_COMMUNITY", "x", True),
        ("COMMUNITY", "x", False),
        ("SNMP_COMMUNITY_URL", "x", False),
        ("RCON", "x", True),
        ("RCON_PORT", "1", False),
        ("BASICAUTH_USERS", "a:b", True),
        ("BASICAUTH_USERS", "a", False),
        ("BASICAUTH_USERS", "a:$2y$05$x", False),
        ("BASIC_AUTH_USER", "a:b", True),
        ("USERS", "a:b", False),
        ("BORG_PASSCOMMAND", "cat /run/secrets/x", False),
        ("BORG_PASSCOMMAND", "echo x", True),
        ("MOT_DE_PASSE", "x", True),
        ("SENHA", "x", True),
        ("SIM_PUK", "x", True),
        ("authorization", "x1", True),
    ],
)
def test_values_under_names_that_may_be_secret(name: str, value: str, secret: bool) -> None:
    assert is_secret_under(name, value) is secret


def test_names_that_say_secret() -> None:
    names = ("masterauth", "RECOVERY_CODES", "X-Authorization", "EXIT_CODE", "AUTHORIZATION_URL", "PIN")
    assert [is_secret_name(name) for name in names] == [True, True, True, False, False, False]


def mark(text: str) -> str:
    return REDACTOR.mark(text)


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("htpasswd -b /f ada 'h2' > /x", "h2"),
        ("htpasswd -b ada", None),
        ("htpasswd -b", None),
        ("mosquitto_pub -P h2 -t x", "h2"),
        ("7z a -ph2 x.7z", "h2"),
        ("mysql -p h2", None),
        ("mongosh -ph2", "h2"),
        ("redis-cli -ah2", None),
        ("my-mysql -ph2", None),
        ("mysql.cnf -ph2", None),
        ("mysql | x -ph2", None),
        ("curl -u 'ada:h2' x", "h2"),
        ("password: |-\n  h2 x\n\n  y\nuser: z", "h2 x\n\n  y"),
        ("password: >\n  h2", "h2"),
        ("a:\n  password: |\n    h2\n  user: z", "h2"),
        ("password: |\nuser: z", None),
        ('set("API_TOKEN", "h2")', "h2"),
        ("API_TOKEN := `h2`", "h2"),
        ("API_TOKEN => 'h2'", "h2"),
        ("Authorization: Bearer h2", "h2"),
        ("a:1:b:c", None),
        ("h:5432:b:c:h2\nx", "h2"),
        ("user ada on #h2x +@all", "h2x"),
        ("user nginx on", None),
        ("IDENTIFIED BY 'h2'", "h2"),
        ('identified with sha256 by "h2"', "h2"),
        ("ALTER ROLE ada PASSWORD 'h2'", "h2"),
        ("password ''", None),
        ('name="ApiToken" value="h2x"', "h2x"),
        ("[mx]:25 ada:h2", "h2"),
        ("mx.a:25 ada@a.b:h2", "h2"),
        ("mx.a ada@a.b:h2/c", None),
        ("default login ada password h2", "h2"),
        ("echo ada:h2 | chpasswd", "h2"),
        ("echo h2 | cat", None),
        ("echo $H2 | docker login --password-stdin", None),
        ("echo h2 | docker login --password-stdin", "h2"),
        ("echo h2 | sudo -S id", "h2"),
        ("smbclient -U ada%h2", "h2"),
        ("smbclient -U ada", None),
        ("lftp -u ada,h2 x", "h2"),
        ("rsync ada:h&2@nas::x", "h&2"),
        ("rsync app:1@sha256:0", None),
        ("rsync nas:/x@y z", None),
        ("zip -P h2 x", "h2"),
        ("openssl enc -k h2", "h2"),
        ("openssl x -passout pass:h2", "h2"),
        ("openssl x -passout env:h2", None),
        ("mc alias set nas http://a ada 'h2' --api S3v4", "h2"),
        ("mc alias set nas http://a ada h2h2", "h2h2"),
        ("mc alias set nas http://a ada", None),
        ("- name: A_PASSWORD\n  value: 'h2h2'\n", "h2h2"),
        ("- name: A_PASSWORD\n  value: h2h2 \n", "h2h2"),
        ('<add key="A_PASSWORD" value="h2h2"/>', "h2h2"),
        ("jdbc:oracle:thin:ada/h2@db", "h2"),
        ("WIFI:T:WPA;S:x;P:h2;;", "h2"),
        ("WIFI:S:x;T:nopass;;", None),
        ("pover://h2h2h2h2", "h2h2h2h2"),
        ("- name: A_PASSWORD\n  value: |\n    h2h2\n\n    h3\n- name: B\n  value: c\n", "h2h2\n\n    h3"),
        ("- value: >\n    h2h2\n  name: A_PASSWORD\n", "h2h2"),
        ("- name: A\n  value: b\n- name: A_PASSWORD\n", None),
        ("- name: A_PASSWORD\n- name: A\n  value: b\n", None),
        ("- name: A_PASSWORD\n  a: 1\n  b: 1\n  c: 1\n  d: 1\n  value: h2h2\n", "h2h2"),
        ("- name: A_PASSWORD\n  a: 1\n  b: 1\n  c: 1\n  d: 1\n  e: 1\n  value: h2h2\n", None),
        ("name: A_PASSWORD\nkey: x\nvalue: h2h2\n", "h2h2"),
        ('[{"name":"A_PASSWORD"},{"value":"h2"}]', None),
        ('[{"value":"h2h2","name":"A_PASSWORD"},{"value":"b"}]', "h2h2"),
        ('{"name":"A_PASSWORD","value":"h2h2","about":"b"}', "h2h2"),
        ('{"Name":"A_PASSWORD","about":"{a}","Value":"h2h2"}', "h2h2"),
        ("password: h2 h3 # h4\nuser: a", "h2 h3"),
        ("password: h2 h3\n  h4\n  # h5\n", "h2 h3\n  h4"),
        ("password: h2\n  user: a\n", "h2"),
        ("password: h2\n\n  b", "h2"),
        ("password = h2\\\n h3\nuser = a", "h2\\\n h3"),
        ("password: !!str 'h2'\n", "h2"),
        ("password: !h2 h3\n", "!h2 h3"),
        ("password: &a h2\n", "&a h2"),
        ("password: &a |\n  h2\n", "h2"),
        ("passwords: ['h2']\n", "h2"),
        ('{"passwords": ["h2", true]}', "h2"),
        ('{"passwords": [{"id": 1}]}', None),
        ("passwords: [\nx: 1", None),
        ("passwords:\n- h2 # of a\n- null\nuser: a", "h2"),
        ("a:\n  passwords:\n  - 'h2'\n- b\n", "h2"),
        ("passwords:\n  - name: h2\n", None),
        ("secrets:\n  - h2\n", None),
        ('secrets: ["h2"]\n', None),
        ("password: {\n", None),
        ("password: (\n", None),
        ('password = """\nh"2\n"""\n', '\nh"2\n'),
        ("password = '''h'2'''\n", "h'2"),
        ("password = <<-EOF\n  h2\n  h3\n  EOF\nuser = a\n", "  h2\n  h3"),
        ("password = <<EOF\nh2", "h2"),
        ('variable "a_token" {\n  default = "h2"\n}', "h2"),
        ('variable "a" {\n  default = "h2"\n}', None),
        ('variable "a_token" {\n}\nx { default = "h2" }', None),
        ("kind: Secret\ndata:\n  a: h2\nb: c\n", "h2"),
        ("kind: Secret\nstringData:\n  a.b: |\n    h2\n    c: h3\nb: c\n", "h2\n    c: h3"),
        ("kind: Secret\n---\ndata:\n  a: h2\n", None),
        ("kind: SecretStore\ndata:\n  a: h2\n", None),
        ("ENV A_TOKEN h2\nENV B c\n", "h2"),
        ("x ENV A_TOKEN h2\n", None),
        ("set -gx A_TOKEN h2\n", "h2"),
        ("set $a_token h2;\n", "h2;"),
        ("set A_TOKEN h2\n", None),
        ("proxy_set_header Authorization $http_authorization;\n", None),
        ('if ($a_token != "h2") {\n', "h2"),
        ("rocommunity h2\nx", "h2"),
        ("client-key-data: h2\n", "h2"),
        ("acme_dns cloudflare {env.A}\n", None),
        ("ada * h2 *\n", "h2"),
        ("ada l2tpd h2 *\n", "h2"),
        ("0 4 * h2 *\n", None),
        ("Private-Lines: 1\nh2\nPrivate-MAC: a", "Private-Lines: 1\nh2"),
        ("a ---- BEGIN SSH2 PRIVATE KEY ----\nh2", "---- BEGIN SSH2 PRIVATE KEY ----\nh2"),
    ],
)
def test_exactly_the_secret_is_hidden(text: str, secret: str | None) -> None:
    hidden = REDACTOR.text(text)
    if secret is None:
        assert hidden == text
    else:
        assert hidden == text.replace(secret, mark(secret))
