"""Parts of the planner that need no program: settings of `.env`, the seal, the way out of a plan."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.names import NodeName
from bot.domain.tool_settings import TOOL_SETTINGS, is_tool_setting
from bot.engine.setting_names import rename_settings, rename_uses
from bot.fleetfile import Node, Platform
from bot.planner.compose_files import ComposeFile, ComposeGroup, ComposeInputs
from bot.planner.sealed import Seal, SealError
from bot.planner.stack_secrets import put_into_names, without_names
from bot.planner.stacks import _listed_files
from bot.planner.yaml_nodes import parse_yaml
from bot.redaction.redact import KnownSecrets


def test_tools_settings_are_renamed_and_nothing_else_is() -> None:
    assert rename_uses(
        "a$DOCKER_HOST${DOCKER_HOST:-x} $$DOCKER_HOST $$${COMPOSE_FILE} $DOCKER_HOSTX $DOCKER_TAG"
    ) == (
        "a$AIOS_BOT_SETTING_DOCKER_HOST${AIOS_BOT_SETTING_DOCKER_HOST:-x} $$DOCKER_HOST "
        "$$${AIOS_BOT_SETTING_COMPOSE_FILE} $DOCKER_HOSTX $DOCKER_TAG"
    )
    assert rename_settings("export DOCKER_HOST=a\nX=$DOCKER_HOST\nDOCKER_TAG=1\n") == (
        "export AIOS_BOT_SETTING_DOCKER_HOST=a\nX=$AIOS_BOT_SETTING_DOCKER_HOST\nDOCKER_TAG=1\n"
    )
    assert rename_uses("$COMPOSE_PROJECT_NAME") == "$COMPOSE_PROJECT_NAME"


def test_the_tools_settings_are_a_closed_list() -> None:
    assert {"DOCKER_HOST", "COMPOSE_FILE", "BUILDX_BUILDER", "BUILDKIT_PROGRESS"} <= TOOL_SETTINGS
    assert is_tool_setting("Docker_Host")
    assert not any(is_tool_setting(name) for name in ("DOCKER_TAG", "COMPOSE_DATA", "DOCKER_", "HOST"))


@given(st.binary(max_size=200), st.binary(max_size=200), st.integers(0))
def test_what_is_sealed_opens_with_its_key_alone_and_unchanged(key: bytes, content: bytes, at: int) -> None:
    sealed = Seal(key).close(content)
    assert Seal(key).open(sealed) == content
    with pytest.raises(SealError):
        Seal(key + b"x").open(sealed)
    place = at % len(sealed)
    with pytest.raises(SealError):
        Seal(key).open(sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :])
    assert len(content) < 8 or content not in sealed


def test_values_that_are_names_of_the_model_are_no_secrets() -> None:
    model = {
        "name": "site",
        "services": {"app": {"image": "library/postgres:16", "volumes": [{"source": "/fleet/conf/init.sql"}]}},
        "networks": {"proxy": None},
    }
    names = {"site", "app", "postgres", "16", "library/postgres:16", "init", "init.sql", "proxy"}
    known = KnownSecrets(frozenset(names | {"hunter2"}), frozenset(names | {"words"}), frozenset((("app", "A"),)))
    left = without_names(known, model, frozenset(("16",)))
    assert left.everywhere == {"hunter2", "16"}, "which a variable put there"
    assert left.in_names == {"16"}
    assert left.in_free_text == {"words"}
    assert left.environment == {("app", "A")}


def put(text: str, settings: str, *, key: str = "image") -> frozenset[str]:
    inputs = ComposeInputs()
    document = parse_yaml(f"services: {{web: {{{key}: '{text}'}}}}\n".encode())
    inputs.main = ComposeGroup([ComposeFile("c.yaml", "c.yaml", tuple(document), "", [], {})], "")
    inputs.interpolated_from = {".env": settings}
    return put_into_names(inputs)


def test_what_a_variable_puts_into_a_name_is_found_also_by_way_of_another() -> None:
    settings = "BACKUP_CODE=q7-wren\nTAG=v$A\nA=${BACKUP_CODE}\nB=$A\nA=$B\nOTHER_PASSWORD=hunter2\nPIN_CODE=7\n"
    for text in ("x:${BACKUP_CODE}", "${TAG}", "${NO:-$B}", "$A"):
        assert "q7-wren" in put(text, settings), text
        assert "hunter2" not in put(text, settings), text
    for text in ("x:1", "$$BACKUP_CODE", "${OTHER}"):
        assert put(text, settings) == frozenset(), text
    assert put("${BACKUP_CODE}", settings, key="command") == frozenset(), "any text stands there: all is hidden"
    assert put("${BACKUP_CODE}", settings, key="x-note") == frozenset()
    assert put("${A_PASSWORD}", "A_PASSWORD=abc") == frozenset(), "too short to be taken out of texts"
    assert put("${A_PASSWORD}", "A_PASSWORD=abcd") >= {"abcd"}
    assert put("${TAG}", "TAG=1.2\n") == frozenset()
    assert put("${A}", "A=" + "${A:-" * 99) == frozenset(), "compose refuses it"


def test_files_of_dotenv_are_separated_as_the_platform_does() -> None:
    def listed(platform: Platform, **settings: str) -> tuple[str, ...]:
        node = Node(name=NodeName("HP"), platform=platform)
        return _listed_files(node, settings)

    assert listed(Platform.LINUX, COMPOSE_FILE="a.yaml:b.yaml") == ("a.yaml", "b.yaml")
    assert listed(Platform.WINDOWS, COMPOSE_FILE="a.yaml;b.yaml") == ("a.yaml", "b.yaml")
    assert listed(Platform.LINUX, COMPOSE_FILE="a.yaml,b.yaml", COMPOSE_PATH_SEPARATOR=",") == ("a.yaml", "b.yaml")
    assert listed(Platform.LINUX) == ()
