"""Texts made to be slow are read in time proportional to their length; a quadratic search would not end here."""

from __future__ import annotations

import base64
import random
from typing import Any

import pytest

from bot.observability.log import hide_secrets
from bot.redaction.redact import Redactor, known_from

REDACTOR = Redactor(b"key of a test")
SIZE = 32 * 1024  # characters
UNITS = {
    "letters": "b",
    "capitals": "A",
    "dots": "a.",
    "words": "a ",
    "names with =": "a=",
    "names with :": "a: ",
    "blanks": " ",
    "a name and blanks": "a" + " " * 500,
    "names of passwords": "password=",
    "names of password files": "password_file=/a",
    "neutral values": "password=true ",
    "open quotes": 'password="',
    "open quotes and escapes": 'password="\\\n',
    "open single quotes": "password='",
    "lines": "\npassword x",
    "words of one line": "password x ",
    "headers": "authorization: ",
    "elements": "<password>",
    "users": " -u a:",
    "commands": "mysql ",
    "commands with options": "mysql -p ",
    "redis": "redis-cli -a ",
    "JWT heads": "eyJaaaaaaaaa-",
    "sk": "sk-",
    "hf": "hf_-",
    "addresses": "://",
    "addresses with users": "://a:",
    "addresses with passwords": "://a:b@",
    "addresses with ports": "://a:9/@",
    "at signs": "a@",
    "Go addresses": "a:b@tcp(",
    "hexadecimal": "0123456789abcdef",
    "digests": "sha256:0123456789abcdef0123456789abcdef ",
    "random words": "tG7kQ2xV9mB4nZ8pL5wR3yJ6 ",
    "marks": "‹secret 00000000›tG7kQ2xV9mB4nZ8pL5wR3yJ6",
    "keys without an end": "-----BEGIN RSA PRIVATE KEY-----",
    "ends of keys": "-----BEGIN RSA PRIVATE KEY----- -----END AAAA",
    "hashes": "$2y$",
    "blocks": "password: |\n x\n",
    "open blocks": "password: |\n" + " " * 300,
    "commands by position": "htpasswd -b a ",
    "machines": "machine a login b password ",
    "lines of pgpass": "a:1:b:c:",
    "access lists": "user a on >",
    "basic": "basic aaaa ",
    "commas": "a',",
    "statements": "identified by ",
    "statements with quotes": "identified with a by '",
    "roles": "password '",
    "pairs": 'name="password" value="',
    "names of pairs": 'name="',
    "pairs of which the value is first": 'value="x" key="a" ',
    "values of pairs": "value='",
    "pairs with more between": 'key="a" b="c" d="',
    "pairs in lines": "- key: a\n value: b\n",
    "lines of values": "value: a\n",
    "values in blocks": "- name: a_token\n  value: |\n",
    "deeper and deeper blocks": "".join(" " * at + "value: |\n" for at in range(1, 60)),
    "pairs in braces": '{"name":"a_token","b":"',
    "names before a value": "name: a_token ",
    "tags": "token: !a ",
    "anchors": "token: &",
    "lists": "tokens: [",
    "lists of texts": 'tokens: ["',
    "items": "tokens:\n - a\n",
    "three quotes": 'token="""',
    "three other quotes": "token='''a''",
    "here-documents": "token = <<A\n",
    "lines that go on": "token: a\\\n",
    "deeper lines": "token: a\n  b\n",
    "comments": "token: a #",
    "defaults": 'variable "a_token" {',
    "Secrets": "kind: Secret\ndata:\n a: b\n",
    "documents": "kind: Secret\n---\ndata:\n",
    "lines of data": "kind: Secret\ndata:\n" + " \n" * 900,
    "directives": "ENV A_TOKEN ",
    "flags of directives": "set -a -b ",
    "acme": "acme_dns a",
    "secrets of PPP": "a * b ",
    "PuTTY": "Private-Lines: 1\n",
    "SSH2": "---- BEGIN SSH2 ",
    "blanks before a key": " " * 500 + "key: a\n" + " " * 500,
    "paths of keys": "key=/etc/a.b/",
    "names of key files": "--key a.",
    "relays": "\n[a]:1 b:",
    "mail": "\na.b c@d:",
    "Oracle": "jdbc:oracle:thin:a/",
    "Wi-Fi": "WIFI:a;",
    "Wi-Fi passwords": "WIFI:P:\\",
    "echoes": "echo a:",
    "pipes": "echo a|",
    "piped passwords": "echo a:b | c ",
    "passwords of openssl": " -pass pass:",
    "openssl": "openssl -k ",
    "rsync": "rsync a:",
    "logins of rsync": "rsync a:b@",
    "mc": "mc alias set ",
    "smbclient": "smbclient -U a",
    "Pushover": "pover://",
    "pings": "/ping/00000000-0000-",
    "signatures": "?sig=",
    "base64": base64.b64encode(random.Random(1).randbytes(3000)).decode(),
}


@pytest.mark.parametrize("unit", UNITS.values(), ids=UNITS)
def test_a_hostile_text_is_read_once(unit: str) -> None:
    text = (unit * (SIZE // len(unit) + 1))[:SIZE]
    hidden = REDACTOR.text(text)
    assert REDACTOR.text(hidden[:2000])[:1000] == hidden[:1000]
    REDACTOR.setting(text, text)
    hide_secrets(text)


def test_a_mebibyte_of_letters() -> None:
    text = "z" * 1024 * 1024
    assert REDACTOR.setting("A", text) == text


def test_many_known_values_cost_no_more_than_one() -> None:
    values = [f"value-{number:05}" for number in range(5_000)]
    known = known_from([("A_PASSWORD", value) for value in values])
    text = " ".join(f"x-{value}" for value in values)
    assert REDACTOR.text(text, known) == " ".join(f"x-{REDACTOR.mark(value)}" for value in values)
    model = {"services": {f"s{at}": {"image": f"{at:05}"} for at in range(5_000)}}
    assert REDACTOR.model(model, known) == {"services": dict(sorted(model["services"].items()))}


def test_a_long_known_value_that_repeats_itself() -> None:
    value = "ab" * SIZE
    known = known_from([], whole=[value])
    assert REDACTOR.text(f"<{value}>", known) == f"<{REDACTOR.mark(value)}>"
    assert REDACTOR.text(f"<{value}ab>", known) == f"<{REDACTOR.mark(value + 'ab')}>"
    assert REDACTOR.text(f"<{value[:-1]}>", known) == f"<{REDACTOR.mark(value[:-1])}>", "a part of it is secret, too"


@pytest.mark.parametrize("length", [63, 64, 65, 127, 128, 129, 200])
def test_a_long_known_value_is_one_mark(length: int) -> None:
    value = "".join(random.Random(length).choices("abc d:/", k=length))
    known = known_from([], whole=[f"x{value}y"])
    assert REDACTOR.text(f"-x{value}y-", known) == f"-{REDACTOR.mark(f'x{value}y')}-"


def test_argument_lists_with_many_passwords() -> None:
    words: list[Any] = ["curl", "-u", "ada:hunter2", "x-hunter2"] * 1000
    hidden = REDACTOR.model({"command": words})["command"]
    mark = REDACTOR.mark("hunter2")
    assert hidden == ["curl", "-u", f"ada:{mark}", f"x-{mark}"] * 1000
