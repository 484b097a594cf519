"""What YAML files of people are read as."""

from __future__ import annotations

import pytest

from bot.planner.yaml_dialect import YamlRefusedError
from bot.planner.yaml_nodes import parse_yaml, write_yaml


def test_a_merge_may_carry_its_tag() -> None:
    """As yq writes it."""
    text = b"x-a: &a {b: 1}\nc:\n  !!merge <<: *a\n  d: 2\n"
    assert write_yaml(parse_yaml(text)) == write_yaml(parse_yaml(text.replace(b"!!merge ", b"")))
    with pytest.raises(YamlRefusedError, match="is not used by compose"):
        parse_yaml(b"a: !!merge b")


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
