"""Which services of a stack build their images on those of others."""

from __future__ import annotations

import pytest

from bot.planner.build_bases import DockerfileUse, brings_own, find_base_images, find_bases

pytestmark = pytest.mark.portable

SCRATCH = DockerfileUse("FROM scratch")
BUILD: dict[str, object] = {"build": {}}
MODEL = {
    "name": "s",
    "services": {"base": {"image": "Own/Base"} | BUILD, "app": BUILD, "tool": {"image": "own/base:2"} | BUILD},
}


def bases(app: str | None, target: str = "") -> tuple[str, ...]:
    found = find_bases(MODEL, {"base": SCRATCH, "app": DockerfileUse(app, target), "tool": SCRATCH})
    assert set(found) <= {"app"}
    return tuple(found.get("app", ()))  # type: ignore[call-overload]  # a plain name will do


@pytest.mark.parametrize(
    ("dockerfile", "target", "expected"),
    [
        ("FROM own/base", "", ("base",)),
        ("FROM docker.io/own/base:latest AS x", "", ("base",)),
        ("FROM own/base:2", "", ("tool",)),
        ("FROM own/base:3", "", ()),
        ("FROM scratch\nCOPY --from=own/base /a /a", "", ("base",)),
        ("FROM scratch\nRUN --mount=from=own/base:2,target=/x true", "", ("tool",)),
        ("FROM own/base AS a\nFROM scratch AS b\nCOPY x x", "", ()),
        ("FROM own/base AS a\nFROM scratch AS b\nCOPY x x", "a", ("base",)),
        ("ARG B=own/base\nFROM $B", "", ("base",)),
        ("ARG B\nFROM $B", "", ("base", "tool")),
        ("FROM own/base\nNONSENSE", "", ("base",)),
        ("NONSENSE", "", ("base", "tool")),
        (None, "", ("base", "tool")),
    ],
)
def test_a_dockerfile_names_the_images_of_other_services(
    dockerfile: str | None, target: str, expected: tuple[str, ...]
) -> None:
    assert bases(dockerfile, target) == expected


def test_who_shares_an_image_does_not_build_on_it() -> None:
    model = {"name": "s", "services": {"a": {"image": "x"} | BUILD, "b": {"image": "x"} | BUILD}}
    assert find_bases(model, {"a": DockerfileUse("FROM x"), "b": DockerfileUse("FROM x")}) == {}


@pytest.mark.parametrize(
    ("text", "brings"),
    [
        ("FROM x\nONBUILD COPY . /app", True),
        ("FROM x\n  onbuild run true", True),
        ("FROM x-onbuild", False),
        (None, False),
    ],
)
def test_an_image_may_bring_instructions_for_who_builds_on_it(text: str | None, brings: bool) -> None:
    found = find_bases(MODEL, {"base": SCRATCH, "app": DockerfileUse("FROM own/base")})
    app = DockerfileUse("FROM own/base\nONBUILD RUN x")
    assert brings_own(found, {"base": DockerfileUse(text), "app": app}, "app") is brings
    assert not brings_own(found, {"base": DockerfileUse(text), "app": DockerfileUse("FROM own/base")}, "base")


def test_the_images_that_a_dockerfile_reads_are_named_where_they_are_known() -> None:
    texts = {"a": "FROM one\nCOPY --from=two:2 x x", "b": "ARG I\nFROM $I", "c": None}
    found = find_base_images({name: DockerfileUse(text) for name, text in texts.items()})
    assert found == {"a": ("one:latest", "two:2")}


@pytest.mark.parametrize(
    ("text", "arguments", "expected"),
    [
        ("ARG V=2\nFROM own/base:$V", {}, "own/base:2"),
        ("ARG V=2\nFROM own/base:${V} AS x", {"V": "3"}, "own/base:3"),
        ('ARG I="own/base" V=2\nARG B=$I:${V}\nFROM ${B}', {}, "own/base:2"),
        ("ARG V\nFROM own/base:${V:-4}", {}, "own/base:4"),
        ("ARG V\nFROM own/base:${V:-4}", {"V": "Five"}, "own/base:five"),
        ("ARG V=2\nFROM own/base:$V", {"V": None}, None),
        ("ARG V='2'\nFROM own/base:$V", {}, None),
        ("ARG V=2\nFROM own/base:${V%x}", {}, None),
        ("ARG V\nFROM $V", {}, None),
        ("FROM own/base:$V", {"V": "2"}, None),
        ("ARG S=b\nFROM one AS a\nFROM two AS b\nFROM $S", {}, "two:latest"),
    ],
)
def test_a_variable_of_from_is_what_the_build_or_the_file_says(
    text: str, arguments: dict[str, str | None], expected: str | None
) -> None:
    found = find_base_images({"a": DockerfileUse(text, "", arguments)}).get("a")  # type: ignore[call-overload]  # as above
    assert (found is None) if expected is None else (expected in found)
