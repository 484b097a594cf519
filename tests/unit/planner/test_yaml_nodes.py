"""What YAML files of people are read as."""

from __future__ import annotations

import base64

import pytest

from bot.planner.yaml_dialect import YamlRefusedError
from bot.planner.yaml_fields import field
from bot.planner.yaml_nodes import YamlScalar, parse_yaml, write_yaml


def test_a_merge_may_carry_its_tag() -> None:
    """As yq writes it."""
    text = b"x-a: &a {b: 1}\nc:\n  !!merge <<: *a\n  d: 2\n"
    assert write_yaml(parse_yaml(text)) == write_yaml(parse_yaml(text.replace(b"!!merge ", b"")))
    with pytest.raises(YamlRefusedError, match="is not used by compose"):
        parse_yaml(b"a: !!merge b")


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("!secret 12", '!<!secret> "12"'),
        ("!secret ~", '!<!secret> "~"'),
        ("!secret {b: !!python/str 1}", '!<!secret> {b: !<tag:yaml.org,2002:python/str> "1"}'),
        ("!<tag:example.org,2000:x> [b]", "!<tag:example.org,2000:x> [b]"),
        ("!!set {b}", "!<tag:yaml.org,2002:set> {b: null}"),
        ("!!str 12", "!!str 12"),
        ("!reset []", "!reset []"),
        ("! 12", "! 12"),
        ("!!binary MTI=", '"12"'),
        ("!!binary |\n  bnVs\n  bA==\n", '"null"'),
    ],
)
def test_a_tag_means_what_it_means_to_compose(text: str, written: str) -> None:
    """One that YAML does not define makes text of a number; what stands in base64 is what it says."""
    assert write_yaml(parse_yaml(f"a: {text}".encode())) == f"---\n{{a: {written}}}\n"


def test_what_is_hidden_in_base64_is_checked_as_what_it_says() -> None:
    (document,) = parse_yaml(b"env_file: !!binary L2V0Yy9zaGFkb3c=")
    assert field(document, "env_file") == YamlScalar("/etc/shadow", 1)
    with pytest.raises(YamlRefusedError, match="nested deeper"):
        parse_yaml(b"a: !!binary " + base64.b64encode(b"${A:-" * 40))


@pytest.mark.parametrize("text", ["!!binary bnVsbA", "!!binary 'bnVs bA=='", "!!binary /w=="])
def test_what_is_no_text_in_base64_is_refused(text: str) -> None:
    with pytest.raises(YamlRefusedError, match="is not text in base64") as refused:
        parse_yaml(f"\na: {text}".encode())
    assert refused.value.line == 2


@pytest.mark.parametrize("tag", ["!<%>", "!" + "x" * 100])
def test_a_tag_that_no_editor_writes_is_refused(tag: str) -> None:
    with pytest.raises(YamlRefusedError):
        parse_yaml(f"a: {tag} b".encode())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"a: {b c: 1, d {}}", "not valid YAML: did not find expected ',' or '}'"),
        (b"a: {b:}", "not valid YAML: found unexpected ':'"),
    ],
)
def test_a_message_names_the_sign_that_is_missing(text: bytes, message: str) -> None:
    with pytest.raises(YamlRefusedError) as refused:
        parse_yaml(text)
    assert refused.value.message == message


def test_a_message_quotes_nothing_of_the_file() -> None:
    with pytest.raises(YamlRefusedError) as refused:
        parse_yaml(b"a: {b c: 'hunter2' 'x, y'}")
    assert "hunter2" not in refused.value.message
