"""What exactly is replaced, and what around it stays: `#VALUE#` stands for the mark of VALUE."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import pytest

from bot.redaction.recognise import find_shaped, is_secret_name, is_secret_under, looks_secret
from bot.redaction.redact import KnownSecrets, Redactor, known_from, without_marks

REDACTOR = Redactor(b"key of a test")
RANDOM = "tG7kQ2xV9mB4nZ8pL5wR3yJ6"


def marked(text: str) -> str:
    """`text` with every #VALUE# replaced by VALUE's mark."""
    return re.sub(r"#([^#]+)#", lambda match: REDACTOR.mark(match[1]), text)


def known(*values: str) -> KnownSecrets:
    """Values that are hidden wherever they turn up."""
    return KnownSecrets(everywhere=frozenset(values))


def test_marks_are_the_same_in_every_version() -> None:
    # Stored plans are compared by these: another spelling or another hash would change every plan's id.
    assert REDACTOR.mark("hunter2") == "‹secret e81a7bc6›"
    assert REDACTOR.mark("\udcff") == "‹secret 4c72ac91›", "bytes that are no UTF-8 have a mark too"
    assert REDACTOR.mark(REDACTOR.mark("hunter2")) == REDACTOR.mark("hunter2")
    assert REDACTOR.fingerprint == "290ec356fa7e7fc0"


def test_marks_of_a_plan_are_its_own() -> None:
    text = f"a {REDACTOR.mark('one')} b {REDACTOR.mark('two')} c {REDACTOR.mark('one')} ‹secret x›"
    plan = REDACTOR.marks_of_plan(text, "octo/fleet", "a1", "b2")
    assert plan == "a ‹secret 2a86279d› b ‹secret 5538e9af› c ‹secret 2a86279d› ‹secret x›"
    assert plan == REDACTOR.marks_of_plan(text, "octo/fleet", "a1", "b2"), "the same in every process"
    others = [
        REDACTOR.marks_of_plan(text, "octo/fleet", "a1", "b3"),
        REDACTOR.marks_of_plan(text, "octo/fleet", "a1b2", ""),
        Redactor(b"another").marks_of_plan(text, "octo/fleet", "a1", "b2"),
        text,
    ]
    assert len({plan, *others}) == 5


def test_texts_are_compared_without_marks() -> None:
    assert without_marks(f"a {REDACTOR.mark('x')}{REDACTOR.mark('y')} ‹secret x›") == "a ‹secret›‹secret› ‹secret x›"


@pytest.mark.parametrize(
    ("value", "text", "expected"),
    [
        ("hunter2", "hunter2 xhunter2x hunter2", "#hunter2# x#hunter2#x #hunter2#"),
        ("abcd", "xabcdx", "x#abcd#x"),  # four characters are hidden inside words, too
        ("abc", "abc xabc abcx x-abc", "#abc# xabc abcx x-#abc#"),  # three only where they stand alone
        ("abc", "-abc=", "-#abc#="),
        ("aaaa", "aaaaa", "#aaaaa#"),  # overlapping places become one
        ("abab", "xababab", "x#ababab#"),
        ("ab", "ab,ab", "#ab#,#ab#"),
    ],
)
def test_known_values_inside_text(value: str, text: str, expected: str) -> None:
    assert REDACTOR.text(text, known(value)) == marked(expected)


def test_known_values_that_touch_stay_two_marks() -> None:
    assert REDACTOR.text("onetwo", known("onetw", "o", "one")) == marked("#onetw#o")
    assert REDACTOR.text("abcdefgh", known("abcd", "efgh")) == marked("#abcd##efgh#")


def test_a_mark_is_kept_and_what_touches_it_is_still_hidden() -> None:
    mark = REDACTOR.mark("x")
    assert REDACTOR.text(f"{mark}hunter2{mark} hunter2", known("hunter2")) == marked(
        f"{mark}#hunter2#{mark} #hunter2#"
    )
    assert REDACTOR.text(f"hunter2 {mark} hunter2", known("secret", "hunter2")) == marked(
        f"#hunter2# {mark} #hunter2#"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("password=hunter2 user=ada", "password=#hunter2# user=ada"),
        ('password="hun ter2" x', 'password="#hun ter2#" x'),
        ("password='hun ter2' x", "password='#hun ter2#' x"),
        ('password="', 'password="'),
        ('password=""', 'password=""'),
        ("password=true", "password=true"),
        ("password='off'", "password='off'"),
        ("--password x --port 80", "--password #x# --port 80"),
        ("--password --port 80", "--password --port 80"),
        ("--password =x", "--password =#x#"),
        ("--password Xy", "--password #Xy#"),
        ("--password --token x", "--password --token #x#"),
        ("password=Xtrue", "password=#Xtrue#"),
        ("say password x", "say password x"),  # a word of a sentence
        ("password x", "password x"),
        ("a: b\n  password x\nc", "a: b\n  password #x#\nc"),  # a line of a configuration
        ("a: b\nsay password x\nc", "a: b\nsay password x\nc"),
        ("password one\nx password two\n  password six", "password #one#\nx password two\n  password #six#"),
        ("user=ada,password=hunter2", "user=ada,password=#hunter2#"),
        ("command: --password x", "command: --password #x#"),
        (
            "<a><password>hunter2</password><user>ada</user></a>",
            "<a><password>#hunter2#</password><user>ada</user></a>",
        ),
        ("redis-cli -a x1 -n 2; sshpass -p y2 ssh", "redis-cli -a #x1# -n 2; sshpass -p #y2# ssh"),
        ("curl -u ada:x1 https://a", "curl -u ada:#x1# https://a"),
        ("curl --user=ada:x1 https://a", "curl --user=ada:#x1# https://a"),
        ("mysqldump -h db -px1 all", "mysqldump -h db -p#x1# all"),
        ("Authorization: token x1 and more", "Authorization: token #x1# and more"),
        ("postgres://app:x1@db/app", "postgres://app:#x1#@db/app"),
        ("https://a:p/q@host/x", "https://a:#p/q#@host/x"),
        ("app:x1@tcp(db)/a", "app:#x1#@tcp(db)/a"),
        # A token in the place of a user: twenty characters, or ten with a digit among them.
        ("https://abcdefghijklmnopqrst@host", "https://#abcdefghijklmnopqrst#@host"),
        ("https://abcdefghijklmnopqrs@host", "https://abcdefghijklmnopqrs@host"),
        ("https://abcdefghi1@host", "https://#abcdefghi1#@host"),
        ("https://abcdefgh1@host", "https://abcdefgh1@host"),
        ("https://abcdefghij@host", "https://abcdefghij@host"),
        (f"a {RANDOM} b", f"a #{RANDOM}# b"),
    ],
)
def test_what_stands_around_a_secret_stays(text: str, expected: str) -> None:
    assert REDACTOR.text(text) == marked(expected)


@pytest.mark.parametrize(
    ("value", "hidden"),
    [
        ("a1b2c3d4e5f6g7h8i9j0", True),  # twenty characters with three numbers among them
        ("a1b2c3d4e5f6g7h8i9j", False),
        ("a1b2c3defghijklmnopq", True),
        ("a1b2cdefghijklmnopqr", False),
        ("12345678901234567890", False),  # a number
        ("a1-b2-c3-d4efghijklmn", True),
        ("a1-b2-c3-d4-efghijklmn", False),  # five words of a name
        ("a1_b2_c3_d4-efghijklmn", False),
        ("a1-b2_c3-defghijklmno", True),
        ("a1/b2c3d4efghijklmnop", True),
        ("a1/b2/c3d4efghijklmnop", False),  # a path
        ("z/y/a1b2c3d4e5f6g7h8i9j0k1", True),  # with one part that is long enough alone
        ("0123456789abcdef0123456789abcdef", True),
        ("0123456789abcdef0123456789abcde", False),
        ("sha256:0123456789abcdef0123456789abcdef", False),
        ("sha256:a1b2c3d4e5f6g7h8i9j0", False),
        ("6f1c2d3e-4b5a-6978-8a9b-0c1d2e3f4a5b", False),
    ],
)
def test_the_boundary_of_what_looks_random(value: str, hidden: bool) -> None:
    assert looks_secret(value) is hidden
    assert find_shaped(value, free=False) == []


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("OLDPWD", False),
        ("oldpwd", False),
        ("USER_PWD", True),
        ("TLS_KEY_PEM", True),
        ("TLS_KEY_HEX", True),
        ("CERT_PEM", False),
        ("KEY_LAYOUT", False),
        ("PASS_WORD", True),
        ("API_KEY_VALUE", True),
        ("KNOWN_KEYS", False),
        ("", False),
    ],
)
def test_names_at_the_boundary(name: str, secret: bool) -> None:
    assert is_secret_name(name) is secret


@pytest.mark.parametrize(
    ("name", "value", "secret"),
    [
        ("PASSWORD", "x", True),
        ("PASSWORD", "OFF", False),
        ("PASSWORD_FILE", "/run/x", False),
        ("PASSWORD_FILE", "hunter2 x", True),
        ("PASSWORD", "/run/x", True),
        ("NAME", "x", False),
    ],
)
def test_values_under_a_name(name: str, value: str, secret: bool) -> None:
    assert is_secret_under(name, value) is secret


def test_a_digest_under_a_name_that_says_so_is_public() -> None:
    digest = "0123456789abcdef" * 2
    assert REDACTOR.setting("GIT_COMMIT", digest) == digest
    assert REDACTOR.setting("OTHER", digest) == marked(f"#{digest}#")


def test_a_setting_is_hidden_by_its_name_its_text_and_what_is_known() -> None:
    assert REDACTOR.setting("DB_PASSWORD", "hunter2") == marked("#hunter2#")
    assert REDACTOR.setting("ANY", "password=hunter2") == marked("password=#hunter2#")
    assert REDACTOR.setting("ANY", "say it", KnownSecrets(in_free_text=frozenset(("say it",)))) == marked("#say it#")
    assert REDACTOR.setting("ANY", "plain") == "plain"


def test_a_key_is_hidden_by_plain_shapes_alone() -> None:
    assert REDACTOR.key(RANDOM) == RANDOM, "a service may be called like that"
    assert REDACTOR.key("ghp_" + "a1" * 18) == marked("#ghp_" + "a1" * 18 + "#")


SPELLINGS = [
    'quö"te',
    "ends}]",
    'quo"te\\d',
    "ünïcödé",
    "with/slash and space",
    "do$$ar$",
    "four",
    "line one here\n  line two too \nshort",
]


@pytest.mark.parametrize("value", SPELLINGS)
def test_a_known_value_is_found_as_files_spell_it(value: str) -> None:
    found = known_from([("A_PASSWORD", value)]).everywhere
    encoded = base64.b64encode(value.encode()).decode().rstrip("=")
    spelled = {value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], encoded}
    assert spelled <= found
    assert value.replace("$", "$$") in found
    assert not any(len(one) < 4 for one in found)


def test_exactly_these_spellings_are_searched() -> None:
    assert known_from([("A_PASSWORD", "a/b $")]).everywhere == {"a/b $", "a%2Fb%20%24", "a/b $$", "YS9iICQ"}
    assert known_from([("A_PASSWORD", "12345678\n1234567\n 123456789 ")]).everywhere >= {"12345678", "123456789"}
    assert "1234567" not in known_from([("A_PASSWORD", "12345678\n1234567")]).everywhere
    assert known_from([("A_PASSWORD", "é=?")]).everywhere == {"é=?"}, "three characters have no other spelling"
    assert known_from([("A_PASSWORD", "\udcff!!!")]).everywhere >= {"7bO/ISEh"}
    assert known_from([("A_PASSWORD", "")], whole=["", "  "]).everywhere == set()


@pytest.mark.parametrize(
    ("name", "value", "place"),
    [
        ("DB_PASSWORD", "hunter2", "everywhere"),
        ("GREETING", "hello there you", "free"),
        ("GREETING", RANDOM, "everywhere"),
        ("MY_DOMAIN", "hello there you", "nowhere"),
        ("my.domain.x", "hello there you", "nowhere"),
        ("MYDOMAIN", "hello there you", "free"),
        ("GREETING", "true", "nowhere"),
        ("GREETING", "Europe/Berlin", "nowhere"),
        ("DOMAIN", RANDOM, "everywhere"),
        ("HOST_PASSWORD", "hunter2", "everywhere"),
    ],
)
def test_where_a_variable_of_a_file_is_hidden(name: str, value: str, place: str) -> None:
    found = known_from([("EMPTY", ""), ("MODE", "debug"), (name, value), ("AFTER", "something else")])
    assert (value in found.everywhere, value in found.in_free_text) == (place == "everywhere", place == "free")
    assert "something else" in found.in_free_text, "what comes after a public one is read too"


def model(**service: Any) -> dict[str, Any]:
    return {"services": {"app": service}}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["x", "--password", "hunter2", "-v"], ["x", "--password", "#hunter2#", "-v"]),
        (["--password", "-v", "x"], ["--password", "-v", "x"]),
        (["--token=a=b c"], ["--token=#a=b c#"]),
        (["--token=true", "--x y=z"], ["--token=true", "--x y=z"]),
        (["x", "hunter2 said"], ["x", "hunter2 said"]),
        (["-p", "x"], ["-p", "x"]),
        (["x", "-key", "/tls/key.pem", "--api-key", "k9"], ["x", "-key", "/tls/key.pem", "--api-key", "#k9#"]),
        (["--password", "true", "--password", "x"], ["--password", "true", "--password", "#x#"]),
        (["redis-cli", "-a", "hunter2", "ping"], ["redis-cli", "-a", "#hunter2#", "ping"]),
        (["curl", "-u", "ada:hunter2", 5], ["curl", "-u", "ada:#hunter2#", 5]),
        (["sh", "-c", "echo password=hunter2"], ["sh", "-c", "echo password=#hunter2#"]),
        ([{"password": "x"}, 8080], [{"password": "#x#"}, 8080]),
        ([{"a": "redis-cli -a h2h2"}, "run h2h2"], [{"a": "redis-cli -a #h2h2#"}, "run h2h2"]),
    ],
)
@pytest.mark.parametrize("field", ["command", "entrypoint", "test"])
def test_words_of_a_command(words: list[Any], expected: list[Any], field: str) -> None:
    found = REDACTOR.model(model(**{field: words}))["services"]["app"][field]
    assert found == json.loads(marked(json.dumps(expected)))


def test_a_list_takes_its_name_along_but_references_do_not() -> None:
    hidden = REDACTOR.model(
        model(
            secrets=["db", {"source": "db"}],
            configs=["db"],
            passwords=["hunter2", 12345],
            api_key=7,
            enabled=True,
            secret=True,
            ratio=1.5,
        )
    )["services"]["app"]
    assert hidden["secrets"] == ["db", {"source": "db"}]
    assert hidden["configs"] == ["db"]
    assert hidden["passwords"] == [REDACTOR.mark("hunter2"), REDACTOR.mark("12345")]
    assert hidden["api_key"] == REDACTOR.mark("7")
    assert (hidden["enabled"], hidden["secret"], hidden["ratio"]) == (True, True, 1.5)


def test_keys_are_sorted_as_text_and_never_hidden() -> None:
    mixed: dict[Any, Any] = {"b": 1, 10: 2, 9: 3, "a": 4, "x-hunter2": 5}
    hidden = REDACTOR.model(mixed, known("hunter2"))
    assert list(hidden.items()) == [("10", 2), ("9", 3), ("a", 4), ("b", 1), ("x-hunter2", 5)]


def test_only_free_places_are_searched_for_what_only_may_be_secret() -> None:
    free = KnownSecrets(in_free_text=frozenset(("hello there",)))
    fields: dict[str, Any] = {"image": "hello there", "environment": {"A": "hello there"}, "x-any": ["hello there"]}
    hidden = REDACTOR.model(model(**fields) | {"name": RANDOM, "x-top": {"deep": "hello there"}}, free)
    mark = REDACTOR.mark("hello there")
    assert hidden["services"]["app"] == {"image": "hello there", "environment": {"A": mark}, "x-any": [mark]}
    assert (hidden["name"], hidden["x-top"]) == (RANDOM, {"deep": mark})


def test_a_name_is_searched_for_long_secrets_and_for_those_that_a_variable_put_there() -> None:
    fifteen, sixteen = "hunter2-hunter3", "hunter2-hunter34"
    found = KnownSecrets(everywhere=frozenset((fifteen, sixteen, "4711")), in_names=frozenset(("4711",)))
    for field in ("image", "hostname", "source", "aliases"):
        for text, expected in ((fifteen, fifteen), (f"x/{sixteen}", f"x/#{sixteen}#"), ("a:4711", "a:#4711#")):
            assert REDACTOR.model(model(**{field: text}), found)["services"]["app"][field] == marked(expected)
    assert REDACTOR.model(model(other=fifteen), found)["services"]["app"]["other"] == marked(f"#{fifteen}#")


@pytest.mark.parametrize("environment", [None, [], ["A=1"], {"A": None}, {"A": ""}, {"B": "x"}, {"A": 5}])
def test_what_an_env_file_set_is_hidden_only_where_it_is_a_text(environment: Any) -> None:
    from_file = KnownSecrets(environment=frozenset((("app", "A"), ("gone", "A"))))
    one = model(environment=environment)
    assert REDACTOR.model(one, from_file) == REDACTOR.model(one)
    assert REDACTOR.model({}, from_file) == {}
    assert REDACTOR.model({"services": {"app": None}}, from_file) == {"services": {"app": None}}


def test_every_variable_that_an_env_file_set_is_hidden() -> None:
    from_file = KnownSecrets(environment=frozenset((("app", "A"), ("app", "C"), ("gone", "A"))))
    hidden = REDACTOR.model(model(environment={"A": "debug", "B": "debug", "C": "1"}), from_file)
    assert hidden["services"]["app"]["environment"] == {"A": marked("#debug#"), "B": "debug", "C": marked("#1#")}


HEX = "97b6c6c59241976086fabdc41472150c97b6c6c5"


@pytest.mark.parametrize(
    "text",
    [
        "apikey: $API_KEY",
        "PASSWORD=${DB_PASSWORD}",
        "API_KEY=$${API_KEY}",
        "token: xxxxxxxx",
        "token: xxxx-xxxx.XXXX_****",
        "see ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "glsa_XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX",
        f"checksum: {HEX}",
        f'"revision": "{HEX}"',
        f"commit={HEX}",
        f"https://a.example/assets/logo-{HEX}.png",
        f"./static/app.{HEX}.js?v=1",
        f"/{HEX}.png",
        "secret:\n  name: value",
        "serviceAccountToken:\n  reference: x",
    ],
)
def test_what_only_looks_like_a_secret_stays_readable(text: str) -> None:
    assert REDACTOR.text(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("apikey: $API_key", "apikey: #$API_key#"),
        ("apikey: $AB", "apikey: #$AB#"),
        ("apikey: ${API_KEY", "apikey: #${API_KEY#"),
        ("token: xxxxxxx", "token: #xxxxxxx#"),
        ("token: xxx-xxx-xxx", "token: #xxx-xxx-xxx#"),
        ("token: xxxxxxxxy", "token: #xxxxxxxxy#"),
        ("x ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx1", "x #ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx1#"),
        (f"mychecksum: {HEX}", f"mychecksum: #{HEX}#"),
        (f"logo-{HEX}.png", f"logo-#{HEX}#.png"),
        (f"/logo-{HEX}.pngx", f"/logo-#{HEX}#.pngx"),
        ("password:\n  hunter2\n", "password:\n  #hunter2#\n"),
        ("password: hunter2:\n", "password: #hunter2:#\n"),
    ],
)
def test_what_is_close_to_it_is_hidden(text: str, expected: str) -> None:
    assert REDACTOR.text(text) == marked(expected)
