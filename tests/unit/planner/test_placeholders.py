"""Values for variables that only the node sets."""

from __future__ import annotations

import pytest

from bot.planner.compose_files import ComposeFile, ComposeGroup
from bot.planner.placeholders import describe_placeholders, find_placeholders, find_typed_placeholders
from bot.planner.yaml_nodes import parse_yaml

pytestmark = pytest.mark.portable


def group(text: str) -> ComposeGroup:
    documents = parse_yaml(f"services:\n  web: {{{text}}}\n".encode())
    return ComposeGroup([ComposeFile("c.yml", "c.yml", documents, "", [], {})], "")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("image: 'a:${TAG:?}'", {"TAG": "<TAG>"}),
        ("image: 'a:${TAG}'", {}),
        ("volumes: ['${DATA:?}:/d', '${UP}:/u', '$LIB:/l', '${OTHER:-x}:/o', './${SUB}:/s']",
         {"DATA": "/<DATA>", "UP": "/<UP>", "LIB": "/<LIB>"}),
        ("command: '${GIVEN:?}'", {}),
        ("volumes: [{type: bind, source: '${UP}', target: /u}, {source: '${SUB}/x', target: /s, type: bind}]",
         {"UP": "/<UP>", "SUB": "/<SUB>"}),
        ("volumes: [{type: volume, source: '${V}', target: /v}, {type: bind, source: './${S}', target: /s}]", {}),
        ("volumes: ['${PWD}/a:/a', '${HOME}/b:/b', {type: bind, source: '${PWD:?}/c', target: /c}]", {}),
        ("volumes: [{type: bind, source: '${UP:-./here}', target: /u}], build: {context: '${C}'}", {}),
    ],
)  # fmt: skip
def test_what_compose_does_not_do_without(text: str, found: dict[str, str]) -> None:
    assert find_placeholders(group(text), {"GIVEN"}) == found


def test_a_file_that_only_the_node_names_is_not_the_stacks_folder() -> None:
    text = "secrets: {s: {file: '${S}'}, t: {file: './${T}'}}\nconfigs: {c: {file: '${C}/c'}, d: {content: '${D}'}}"
    main = ComposeGroup([ComposeFile("c.yml", "c.yml", parse_yaml(text.encode()), "", [], {})], "")
    assert find_placeholders(main, ()) == {"S": "/<S>", "C": "/<C>"}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ports: ['${P}:80', '127.0.0.1:${Q:?}:81']", {"P": "35001", "Q": "32047"}),
        ("ports: [{target: 80, published: '${P}'}]", {"P": "35001"}),
        ("mem_limit: '${M}'", {"M": "64m"}),
        ("mem_limit: '${M}m'", {"M": "1"}),
        ("deploy: {replicas: '${N}', resources: {limits: {memory: '${M}'}}}", {"N": "1", "M": "64m"}),
        ("init: '${B}'", {"B": "true"}),
        ("healthcheck: {interval: '${I}', start_period: '${S}s'}", {"I": "1s", "S": "1"}),
        ("volumes: [{type: bind, source: '${UP}', target: /u}, '${D}:/d']", {"UP": "/<UP>", "D": "/<D>"}),
        ("container_name: '${R}-x'", {"R": "R"}),
        ("environment: {A: '${N}'}, scale: '${N}', labels: ['${N}']", {"N": "1"}),
        ("scale: '${N:-2}', cpus: '${GIVEN}', init: '${B:+x}'", {}),
    ],
)
def test_a_value_is_of_the_kind_that_its_place_takes(text: str, found: dict[str, str]) -> None:
    assert find_typed_placeholders(group(text), {"GIVEN"}) == found


def test_two_variables_are_two_ports() -> None:
    found = find_typed_placeholders(group("ports: ['${A}:1', '${B}:2', '${C}:3']"), ())
    assert len(set(found.values())) == 3
    assert all(20_000 <= int(port) < 40_000 for port in found.values())


def test_people_read_what_stands_for_the_nodes_values() -> None:
    assert list(describe_placeholders({})) == []
    assert list(describe_placeholders({"P": "1", "A": "b"})) == [
        "only the node sets these variables, and compose needs them to read the files: planned with A as b, P as 1"
    ]
