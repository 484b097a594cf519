"""The edges of what is hidden: where a secret begins and ends, and what stands right beside it."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest

from bot.redaction.addresses import find_in_addresses
from bot.redaction.commands import find_in_commands
from bot.redaction.known import KnownIndex
from bot.redaction.named import find_named
from bot.redaction.pairs import find_pairs
from bot.redaction.recognise import find_shaped, is_secret_under
from bot.redaction.redact import LONG_SECRET, NOTHING_KNOWN, KnownSecrets, Redactor, known_from

REDACTOR = Redactor(b"key of a test")
Find = Callable[[str], list[tuple[int, int]]]


def found(find: Find, text: str) -> list[str]:
    """What `find` finds in `text`, in the order of its places."""
    return [text[start:end] for start, end in sorted(set(find(text)))]


@pytest.mark.parametrize(
    ("text", "secrets"),
    [
        ("://me:hunter2@db", ["hunter2"]),  # an address at the very beginning
        ("x://me:hunter2@db and y://you:letmein@db2", ["hunter2", "letmein"]),
        ("http://host/path a@b", []),  # the @ of another word is no end of this address
        ("a@b http://me:x/y", []),
        ("http://me:x/y a@b", []),
        ("a@b x://me:hunter2@db c@d", ["hunter2"]),
        ("x://me:hunter2@db a@b/c", ["hunter2"]),
        ("x://me:hunter2@db/p@q/r", ["hunter2"]),
        ("x://me:hunter2@db/p?to=ops@example.org", ["hunter2"]),
        ("x://me:hunter2@db:5432/p?to=ops@example.org", ["hunter2"]),
        ("x://me:one@two@db/p", ["one@two"]),  # a password may hold @
        ("x://me:one/two@db", ["one/two"]),  # and a slash
        ("x://db:5432/p?to=ops@example.org", []),  # a port, and no password
        ("x://db:5432", []),
        ("x://me:@db", []),  # an empty password
        ("x://@db", []),
        ("x://me@db", []),
        ("x://a:b@c,x://d:e@f", ["b", "e"]),
        ("x://a:b@c/,x://d:e@f", ["b", "e"]),
        ("'x://me:hunter2@db'", ["hunter2"]),
        ("x://a://me:hunter2@db", ["//me:hunter2"]),
        ("x://0123456789ab@db", ["0123456789ab"]),  # a token in the place of a user
        ("x://abcdefghi1@db", ["abcdefghi1"]),
        ("x://abcdefgh1@db", []),
        ("x://abcdefghij@db", []),
        ("x://abcdefghijklmnopqrst@db", ["abcdefghijklmnopqrst"]),
        ("x://abcdefghijklmnopqrs@db", []),
        ("me:hunter2@tcp(db:3306)/app", ["hunter2"]),
        ("a:b@tcp(x) c:d@unix(y)", ["b", "d"]),
        (":b@tcp(x)", []),
        ("a:@tcp(x)", []),
    ],
)
def test_addresses(text: str, secrets: list[str]) -> None:
    spans = find_in_addresses(text)
    for secret in secrets:
        assert secret in [text[start:end] for start, end in spans], (text, spans)
    if not secrets:
        assert spans == []
    else:
        assert max(end for _, end in spans) <= text.rindex(secrets[-1]) + len(secrets[-1])
        assert min(start for start, _ in spans) == min(text.index(secret) for secret in secrets)


@pytest.mark.parametrize(
    ("text", "secrets"),
    [
        ("rabbitmqctl add_user me 'hunter2'", ["hunter2"]),
        ('rabbitmqctl add_user me "x"', ["x"]),
        ("rabbitmqctl add_user me ''", ["''"]),
        ("rabbitmqctl add_user me hunter2", ["hunter2"]),
        ("rabbitmqctl add_user me Xhunter2X", ["Xhunter2X"]),
        ("rabbitmqctl add_user hunter2 | tee log", []),
        ("mc alias set minio http://h:9000 key 'x'", ["x"]),
        ("mc alias set minio http://h:9000 key ''", ["''"]),
        ("mc alias set minio http://h:9000 key hunter2 --api s3", ["hunter2"]),
    ],
)
def test_a_word_by_its_place_in_a_command(text: str, secrets: list[str]) -> None:
    assert found(find_in_commands, text) == secrets


@pytest.mark.parametrize(
    ("text", "secrets"),
    [
        ("a: 1\nPASSWORD: hunter2\nb: 2", ["hunter2"]),
        ("a 1\n\n  PASSWORD hunter2\nb 2", ["hunter2"]),  # a name that begins its line needs no separator
        ("a 1\n x PASSWORD hunter2\nb 2", []),
        ("PASSWORD hunter2\nb 2", ["hunter2"]),
        ("PASSWORD hunter2", []),  # one line is a sentence
        ("device-pin: 123456", ["123456"]),
        ("DEVICE_PIN=1234", ["1234"]),
        ("DEVICE_PIN=front", []),
        ("spin: 123456", []),
        ("password: ''", []),
        ("password: 'x'", ["x"]),
        ("password: '", []),
        ("authority: token abc", []),
        ("password: token abc", ["token"]),
        ("authorization: token abc", ["abc"]),
        ("sentinel auth-pass master hunter2\n", ["hunter2"]),
        ("machine a login b password hunter2", ["hunter2"]),
        ("user a on >one >two ~*", ["one", "two"]),
        ("user a on >one\nuser b on >two\nplain >three", ["one", "two"]),
        ("setuser a >one", ["one"]),
        ("<password>one</password><password>two</password> password=three", ["one", "three", "two"]),
        ("mysql -pone <password>two</password>", ["one", "two"]),
        ("a:\n  password: |\n    one\n    two\n  b: 1\n", ["one\n    two"]),
        ("password: |\n  one\n\n  two\nb: 1", ["one\n\n  two"]),
        ("x: 1\n  password: >-\n    one\n  b: 1\n    c: 2", ["one"]),
        ("password: |\n  one", ["one"]),
        ("a:\n  b: 1\n  password: |\n    one\n  c: 2", ["one"]),
        ("password: |\n  one\n two\nb: 1", ["one\n two"]),
        ('a 1\n"PASSWORD hunter2\nb 2', []),
        ("a 1\n(\n PASSWORD hunter2\nb 2", ["hunter2"]),
        ('"password": |\n hunter2\nb: 1', ["hunter2"]),  # deeper than the quote, and not than the name
        ("PASSWORDS:\n-\thunter2\n-\tletmein\n", ["hunter2", "letmein"]),
        ("password: |\nb: 1", []),
        ("password: |\n", []),
        ("password: one\n  two\nb: 1", ["one\n  two"]),
        ("password: one\n  - two\n", ["one"]),
        ("password: one\n  # two\n", ["one"]),
        ("password: one\ntwo\n", ["one"]),
        ("password=one\\\ntwo\n", ["one\\\ntwo"]),
        ("rwcommunity hunter2 10.0.0.0/8\nb 1", ["hunter2"]),
        ("rocommunity hunter2\nb 1", ["hunter2"]),
        ("a:\n    password: |\n      one\n  b:\n      two\n", ["one"]),
    ],
)
def test_names(text: str, secrets: list[str]) -> None:
    assert sorted(set(found(find_named, text))) == sorted(secrets)


HEAD = "eyJhbGciOiJ"  # eleven characters of a token's head


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        (f"{HEAD}.xy", True),
        (f"{HEAD}.x", False),
        ("eyJabcdefgheyJ.xy", True),
        (f"{HEAD[:-1]}.xy", False),
        (f"{HEAD[:-1]}.xyz-abc", False),
        (f"{HEAD}abcdefgh", False),
        (f"eyJ.eyJ.abcdefghijklmnop.{HEAD}.xy", True),
        (f"eyJeyJabcdefgh.{HEAD[:-1]}", True),
        (f"{HEAD}.x.abcdefgh.y", False),
        (f"eyJ.{HEAD[:-3]}eyJ.x.abcdef", False),
        (f"eyJab.abcdefghijkl{HEAD[:4]}.xy", False),
    ],
)
def test_web_tokens(text: str, *, hidden: bool) -> None:
    assert bool(find_shaped(text, free=False)) is hidden


@pytest.mark.parametrize("pair", ["me:x", "me:hunter", "me:hunter2", "me:hunter22", "user:password"])
def test_basic_credentials(pair: str) -> None:
    word = base64.b64encode(pair.encode()).decode()
    assert found(lambda text: find_shaped(text, free=False), f"Basic {word.rstrip('=')}") in (
        [word.rstrip("=")],
        [word.rstrip("=")[:-1]],
    )
    assert found(lambda text: find_shaped(text, free=False), f"basic {word}") == [word]


def test_what_is_no_basic_credential() -> None:
    assert find_shaped("basic understanding", free=False) == []  # not UTF-8, and no colon
    assert find_shaped("basic abcde", free=False) == []
    assert find_shaped("Basic abcdefghi", free=False) == []  # no length that base64 has


def test_a_path_of_forty_characters_is_no_key() -> None:
    path = "/AbcdefghijAbcdefghijAbcdefghijAbcdefgh1"
    assert find_shaped(path) == []
    assert found(find_shaped, f"x{path[1:]}") == [f"x{path[1:]}"]


def test_two_keys_are_two_and_one_without_end_goes_to_the_end() -> None:
    begin, end = "-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----"
    text = f"a {begin}\none\n{end} b {begin}\ntwo\n{end} c {begin} three"
    assert found(lambda one: find_shaped(one, free=False), text) == [
        f"{begin}\none\n{end}",
        f"{begin}\ntwo\n{end}",
        f"{begin} three",
    ]


def test_the_folder_of_a_shell_is_no_password() -> None:
    assert [is_secret_under("PWD", value) for value in ("hunter2", "/srv", "/srv/a=b", "$HOME/x", "./a", "~/a")] == [
        True,
        False,
        False,
        False,
        False,
        False,
    ]
    assert not is_secret_under("", "x")


@pytest.mark.parametrize(
    ("values", "text", "secrets"),
    [
        (["abcd", "abcdef"], "xabcdefx", ["abcdef"]),  # the longest that fits
        (["abcd"], "abcd", ["abcd"]),
        (["abcd"], "zabcd", ["abcd"]),
        (["abcd"], "abcabc", []),
        (["abcd"], "ab", []),
        (["abc"], "abc", ["abc"]),
        (["a"], "a b-a aa", ["a", "a"]),
        (["ab"], "ab", ["ab"]),
        (["abc"], "xabc abc", ["abc"]),
        (["abc"], "ab", []),
        ([], "anything at all", []),
    ],
)
def test_known_values(values: list[str], text: str, secrets: list[str]) -> None:
    spans = KnownIndex(values).find(text)
    assert [text[start:end] for start, end in spans] == secrets


@pytest.mark.parametrize("length", [63, 64, 65, 127, 128, 129, 192, 200])
def test_a_long_value_is_found_whole(length: int) -> None:
    value = "".join(chr(0x4E00 + at) for at in range(length))
    text = f"before {value} after"
    assert KnownIndex([value]).find(text) == [(7, 7 + length)]
    assert KnownIndex([value]).find(value) == [(0, length)]
    assert KnownIndex([value]).find(f"{value} {value}") == [(0, length), (length + 1, 2 * length + 1)]


def test_spellings_of_a_known_value() -> None:
    known = known_from([("PASSWORD", "a/b c=d$eé")])
    for spelling in ("a%2Fb%20c%3Dd%24e%C3%A9", "a/b c=d$$eé", "a/b c=d$e\\u00e9", "YS9iIGM9ZCRlw6k"):
        assert REDACTOR.text(f"[{spelling}]", known) == f"[{REDACTOR.mark(spelling)}]", spelling


def test_what_a_plan_shows_hides_what_is_known_and_what_has_a_secrets_shape() -> None:
    known = KnownSecrets(everywhere=frozenset(["hunter2"]), in_free_text=frozenset(["public"]))
    token = "ghp_" + "a1B2" * 9
    text = f"hunter2 public {token} password=x 0123456789abcdef0123456789abcdef"
    assert REDACTOR.shown(text, known) == text.replace("hunter2", REDACTOR.mark("hunter2")).replace(
        token, REDACTOR.mark(token)
    )
    assert REDACTOR.shown("hunter2") == "hunter2"
    assert "public" not in REDACTOR.text(text, known)
    assert REDACTOR.key("0123456789abcdef0123456789abcdef") == "0123456789abcdef0123456789abcdef"


def test_a_name_holds_a_known_secret_only_when_that_is_long() -> None:
    short, long = "s" * (LONG_SECRET - 1), "l" * LONG_SECRET
    known = KnownSecrets(everywhere=frozenset([short, long]))
    model = {"services": {"web": {"image": f"registry.example/{short}", "hostname": f"x{long}"}}}
    web = REDACTOR.model(model, known)["services"]["web"]
    assert web == {"image": f"registry.example/{short}", "hostname": f"x{REDACTOR.mark(long)}"}


def test_arguments_of_every_kind() -> None:
    known = KnownSecrets(in_free_text=frozenset(["letmein"]))
    words = ["mysql", "-u", "me", "-phunter2", "and", "hunter2", "letmein", {"x": "letmein"}, ["letmein"], 5, True]
    done = REDACTOR.model({"services": {"a": {"command": words}}}, known)["services"]["a"]["command"]
    mark, other = REDACTOR.mark("hunter2"), REDACTOR.mark("letmein")
    assert done == ["mysql", "-u", "me", f"-p{mark}", "and", mark, other, {"x": other}, [other], 5, True]


def test_arguments_behind_a_long_one() -> None:
    words = ["sh", "-c", "redis-cli -a hunter2 ping; redis-cli -a letmein ping", "--", "redis-cli", "-a", "third"]
    done = REDACTOR.model({"services": {"a": {"command": words}}}, NOTHING_KNOWN)["services"]["a"]["command"]
    one, two, three = map(REDACTOR.mark, ("hunter2", "letmein", "third"))
    assert done == ["sh", "-c", f"redis-cli -a {one} ping; redis-cli -a {two} ping", "--", "redis-cli", "-a", three]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("name: DB_PASSWORD\nvalue: one\n", ["one"]),
        ("value: one\nname: DB_PASSWORD\n", ["one"]),
        ("value: one\nname: DB_PASSWORD\nname: DB_PASSWORD\nvalue: two\n", ["one", "two"]),
        ("value: one name: DB_PASSWORD\n", []),  # all of it is the value
        ("- value: one name: DB_PASSWORD\n", []),
        ("a value: one name: DB_PASSWORD\n", ["one name: DB_PASSWORD"]),
        ("{value: one, name: DB_PASSWORD}", ["one"]),
        ("name: DB_HOST\nvalue: db\n", []),
        ("name: DB_PASSWORD\nvalue: one\nname: X_TOKEN\n", ["one"]),
        ("name: , name: DB_PASSWORD, value: one", ["one"]),
        ("name: DB_PASSWORD\n" + " " * 399 + "value: one", ["one"]),
        ("name: DB_PASSWORD\n" + " " * 400 + "value: far", []),
    ],
)
def test_a_value_beside_its_name(text: str, values: list[str]) -> None:
    named = find_pairs(text).named
    assert [text[at:].partition(": ")[2].split(",")[0].split("\n")[0] for at in sorted(named)] == values


def test_a_name_is_shown_when_its_value_follows_it_at_once() -> None:
    assert find_pairs('name: "DB_HOST"value: x').names == {7}
    assert find_pairs('name: "DB_HOST", value: x').names == {7}
    assert find_pairs('name: "DB_HOST", other: x').names == set()
