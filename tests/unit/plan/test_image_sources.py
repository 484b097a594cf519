"""Which files of its contexts a Dockerfile can put into an image."""

from __future__ import annotations

import time
from typing import Any

import pytest

from bot.plan.build_effect import describe_effect
from bot.plan.dockerfile import parse_dockerfile
from bot.plan.image_sources import MAIN, Source, find_sources, image_name

PATHS = ["a", "a.txt", "b/a.txt", "b/c/d", "b2", "Dockerfile"]


def taken(text: str) -> list[str]:
    """Those of PATHS that can become part of the image, of the Dockerfile `FROM x` and `text`."""
    found = find_sources(f"FROM x\n{text}")
    return [path for path in PATHS if found.takes(path)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("RUN make", []),
        ("COPY a /", ["a"]),
        ("copy a a.txt /x/", ["a", "a.txt"]),
        ("COPY . .", PATHS),
        ("COPY / .", PATHS),
        ("COPY * .", PATHS),
        ("COPY ./b /b", ["b/a.txt", "b/c/d"]),
        ("COPY /b/ /b", ["b/a.txt", "b/c/d"]),
        ("COPY ../../b/c /b", ["b/c/d"]),
        ("COPY *.txt /", ["a.txt"]),
        ("COPY b*/a.txt /", ["b/a.txt"]),
        ("COPY b? /", ["b2"]),
        ("COPY b*/ /", ["b/a.txt", "b/c/d", "b2"]),
        ("COPY [!a] /", ["a", "a.txt", "b/a.txt", "b/c/d", "b2", "Dockerfile"]),
        ("COPY b/[c]/d /", ["b/c/d"]),
        ("COPY b/[x]/d /", ["b/c/d"]),  # Go reads brackets in another way: they fit anything
        ('COPY ["a", "/x"]', ["a"]),
        ('ADD --chown=1 ["b", "a", "/x"]', ["a", "b/a.txt", "b/c/d"]),
        ("ADD https://example.org/b git@example.org:b a /x/", ["a"]),
        ("ADD ftp://example.org/b git+ssh://b github.com/a/b /x/", []),
        ("COPY https://example.org/b /x/", []),
        ("COPY github.com/a/b a /x/", ["a"]),
        ("COPY --from=x b /b", []),
        ("COPY --chmod=644 --chown=1:1 --link --exclude=*.md --parents a /", ["a"]),
        ("COPY a $HOME", ["a"]),
        ("COPY <<EOF /b\nCOPY b /\nEOF", []),
        ("COPY a <<EOF /b/\n\nEOF", ["a"]),
        ("RUN --mount=type=bind,source=b/c,target=/x make", ["b/c/d"]),
        ("RUN --mount=src=a,target=/x make", ["a"]),
        ("RUN --mount=target=/x make", PATHS),
        ("RUN --mount=type=bind,from=y,target=/x make", []),
        ("RUN --mount=type=cache,target=/x --mount=type=secret,id=a --mount=type=ssh make", []),
        ("RUN --mount=type=tmpfs,target=/x --network=none --security=insecure make", []),
        ("WORKDIR /b\nENV A=b\nARG B=a\nLABEL a=b\nCMD a\nENTRYPOINT b\nEXPOSE 1\nUSER a\nVOLUME a\nSHELL a", PATHS),
        ("HEALTHCHECK CMD a\nSTOPSIGNAL a\nMAINTAINER a", PATHS),
        # Not certain: everything counts.
        ("COPY $A /", PATHS),
        ("COPY ${A:-a} /", PATHS),
        ("COPY a\\ b /", PATHS),
        ('COPY "a" /', PATHS),
        ("COPY 'a' /", PATHS),
        ("COPY a`b /", PATHS),
        ("COPY --parents **/a /", PATHS),
        ("COPY a", PATHS),
        ("COPY [a b /", PATHS),
        ('COPY ["a", 1]', PATHS),
        ('COPY ["$a", "/"]', PATHS),
        ("COPY --new=x a /", PATHS),
        ("NEW a", PATHS),
        ("ONBUILD COPY a /", PATHS),
        ("RUN --mount=type=$T,target=/x make", PATHS),
        ("RUN --mount=type=bind,source=$S,target=/x make", PATHS),
        (f"COPY {'b/' * 512}a /", PATHS),
    ],
)
def test_sources(text: str, expected: list[str]) -> None:
    assert taken(text) == expected


def test_few_patterns_are_matched_and_many_take_everything() -> None:
    assert taken("".join(f"COPY {number}* /\n" for number in range(20))) == []
    assert taken("".join(f"COPY {number}* /\n" for number in range(21))) == PATHS


STAGES = """\
FROM x AS one
COPY a /
FROM one AS two
COPY a.txt /
FROM x AS three
COPY b /
FROM x AS last
COPY --from={0} /x /x
COPY b2 /
"""


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("x", ["b2"]),
        ("one", ["a", "b2"]),
        ("0", ["a", "b2"]),
        ("Two", ["a", "a.txt", "b2"]),
        ("1", ["a", "a.txt", "b2"]),
        ("three", ["b/a.txt", "b/c/d", "b2"]),
        ("3", ["b2"]),
        ("last", ["b2"]),
        ("99999999999999999999", ["b2"]),
        ("$A", ["a", "a.txt", "b/a.txt", "b/c/d", "b2"]),
    ],
)
def test_only_the_stages_that_are_needed_count(reference: str, expected: list[str]) -> None:
    found = find_sources(STAGES.format(reference))
    assert [path for path in PATHS if found.takes(path)] == expected
    mounted = STAGES.replace("COPY --from={0} /x /x", "RUN --mount=type=cache,from={0},target=/x make")
    found = find_sources(mounted.format(reference))
    assert [path for path in PATHS if found.takes(path)] == expected


def test_the_target_is_a_stage_by_name_or_number() -> None:
    text = STAGES.format("x")
    for target, expected in (("one", ["a"]), ("TWO", ["a", "a.txt"]), ("2", ["b/a.txt", "b/c/d"]), ("", ["b2"])):
        found = find_sources(text, target)
        assert [path for path in PATHS if found.takes(path)] == expected
        assert not found.problem


def test_a_name_given_twice_means_any_of_the_stages_before() -> None:
    text = "FROM x AS s\nCOPY a /\nFROM x AS s\nCOPY b2 /\nFROM s\nFROM x AS s\nCOPY b /\n"
    assert [path for path in PATHS if find_sources(text, "2").takes(path)] == ["a", "b2"]
    assert [path for path in PATHS if find_sources(text, "s").takes(path)] == ["a", "b/a.txt", "b/c/d", "b2"]


def test_a_build_that_cannot_succeed_is_known() -> None:
    assert find_sources("FROM x\n", "gone").problem == "it has no stage gone"
    assert find_sources("FROM x\n", "1").problem == "it has no stage 1"
    assert find_sources("# empty\n").problem == "it has no FROM"
    assert not find_sources("# empty\nRUN x").problem
    assert find_sources("FROM x\n", "gone").takes("a")
    assert find_sources("FROM x\n", "gone").effect is None


def test_a_base_that_says_it_brings_instructions_takes_everything() -> None:
    assert find_sources("FROM node:20-onbuild").takes("a")
    assert find_sources("FROM node:20-onbuild\nRUN x").takes("a")
    assert not find_sources("FROM node:20\nRUN x").takes("a")
    assert not find_sources("FROM node:20-onbuild AS unused\nFROM x\nRUN x").takes("a")


@pytest.mark.parametrize("step", ["COPY b /", "ADD b /", "RUN x"])
def test_a_dockerfile_that_does_nothing_itself_takes_everything_for_its_base_may(step: str) -> None:
    assert find_sources("FROM node:20").takes("a")
    assert find_sources(f"FROM x AS unused\n{step}\nFROM node:20\nENV A=1").takes("a")
    assert not find_sources(f"FROM node:20\nENV A=1\n{step}").takes("a")
    assert not find_sources(f"FROM x AS own\n{step}\nFROM own\nENV A=1").takes("a")


def test_too_many_stages_take_everything() -> None:
    assert not find_sources("FROM x\nRUN x\n" * 200).takes("a")
    assert find_sources("FROM x\n" * 201).takes("a")


def test_other_contexts_are_read_apart() -> None:
    text = "FROM base\nCOPY --from=data a /\nCOPY b /\nRUN --mount=type=bind,from=tools,target=/t make\n"
    found = find_sources(text, "", ["data", "tools", "docker.io/library/base:latest", "other"])
    assert [path for path in PATHS if found.takes(path)] == ["b/a.txt", "b/c/d"]
    assert [path for path in PATHS if found.takes(path, "data")] == ["a"]
    for whole in ("tools", "docker.io/library/base:latest"):
        assert [path for path in PATHS if found.takes(path, whole)] == PATHS
    assert not found.takes("a", "other")
    unknown = find_sources("FROM $BASE\nRUN x\n", "", ["data"])
    assert unknown.takes("a", "data")
    assert not unknown.takes("a")
    assert find_sources("FROM a@sha256:1", "", ["a@sha256:1"]).takes("x", "a@sha256:1")


def test_a_link_that_a_source_leads_through_takes_everything() -> None:
    found = find_sources("FROM x\nCOPY b/c /\nCOPY v*/d /\nCOPY --from=data e /\n", "", ["data"])
    for link in ("b", "b/c", "v1", "v1/d"):
        followed = found.follow([link])
        assert followed.takes("elsewhere")
        assert followed.effect == found.effect
        assert not followed.takes("elsewhere", "data")
    for link in ("b2", "b/c/d", "x/v1", "v1/d/e", "e"):
        assert found.follow([link]) is found
    assert found.follow(["e"], "data").takes("elsewhere", "data")
    assert not found.follow(["e"], "data").takes("elsewhere")


def test_what_must_be_there_is_known_with_its_line() -> None:
    text = (
        "FROM x\nCOPY a b* c[1] /\nADD d https://e x:f /\nCOPY --parents g /\nCOPY --exclude=x h /\n"
        "COPY --from=y i /\nRUN --mount=type=bind,source=j,target=/j make\nCOPY . /\n"
    )
    found = find_sources(text)
    assert [source for source in found.sources if source.is_certain] == [
        Source(MAIN, "a", 2, is_certain=True),
        Source(MAIN, "d", 3, is_certain=True),
        Source(MAIN, "", 8, is_certain=True),
    ]


def test_the_effect_is_what_the_needed_stages_do() -> None:
    text = "# syntax=docker/dockerfile:1\nARG V=1\nFROM x AS unused\nRUN a\nFROM y\nRUN <<EOF\nb\nEOF\nUSER 1\n"
    effect = find_sources(text).effect
    same = text.replace("RUN a", "RUN other").replace("USER 1", "# why\n\n  USER   1") + "# end\n"
    assert find_sources(same).effect == effect
    for old, new in (("V=1", "V=2"), ("FROM y", "FROM z"), ("\nb\n", "\nc\n"), ("USER 1", "USER 2"), (":1", ":1.7")):
        assert find_sources(text.replace(old, new)).effect != effect
    assert find_sources(text, "unused").effect != effect
    copied = "FROM x\nCOPY {} a b /\n"
    assert find_sources(copied.format("--chown=1")).effect != find_sources(copied.format("--chown=2")).effect


@pytest.mark.parametrize(
    ("before", "after", "is_same"),
    [
        ("FROM x AS a\nRUN a\nFROM a AS b\nRUN b\n", "FROM x AS c\nRUN a\nFROM c\nRUN b\n", True),
        ("FROM x AS a\nFROM y\nCOPY --from=a s /\n", "FROM x\nFROM y\nCOPY --from=0 s /\n", True),
        ("FROM x AS a\nFROM y\nCOPY --from=a s /\n", "FROM x\nFROM y\nCOPY --from=a s /\n", False),
        (
            "FROM x AS a\nRUN --mount=type=bind,from=a,target=/t a\nFROM y\nRUN --mount=from=a,target=/t a\n",
            "FROM x AS b\nRUN --mount=type=bind,from=a,target=/t a\nFROM y\nRUN --mount=from=b,target=/t a\n",
            True,
        ),
        (
            "FROM x AS a\nFROM y AS b\nFROM a\nCOPY --from=b s /\n",
            "FROM y AS b\nFROM x AS a\nFROM a\nCOPY --from=b s /\n",
            True,
        ),
        (
            "FROM x AS a\nFROM y AS b\nFROM a\nCOPY --from=b s /\n",
            "FROM x AS a\nFROM y AS b\nFROM b\nCOPY --from=a s /\n",
            False,
        ),
        ("FROM x AS a\nFROM a\nCOPY --from=$S s /\n", "FROM x AS b\nFROM b\nCOPY --from=$S s /\n", False),
        ("FROM x AS a\nRUN 1\nFROM y AS a\nFROM a\n", "FROM x AS b\nRUN 1\nFROM y AS b\nFROM b\n", False),
        ("FROM x\nCOPY s t /\n", 'FROM x\nCOPY ["s", "t",  "/"]\n', True),
        ("FROM x\nCOPY s t /\n", "FROM x\nCOPY s \\\n  t /\n", True),
        ("FROM x\nCOPY s t /\n", "FROM x\nCOPY t s /\n", False),
        ("FROM x\nRUN a  b\n", "FROM x\nRUN a b\n", False),
    ],
)
def test_what_leaves_no_trace_in_the_image_has_one_spelling(before: str, after: str, is_same: bool) -> None:
    effects = [find_sources(text).effect for text in (before, after)]
    assert None not in effects
    assert (effects[0] == effects[1]) is is_same


@pytest.mark.parametrize(
    "text",
    [
        "FROM $x\n" * 12_000,
        "FROM x\nCOPY " + "a/" * 49_000 + " /x",
        "FROM x\nCOPY [" + "[" * 90_000,
        "FROM x\nCOPY " + "*a" * 40_000 + " /x",
        "FROM x\n" + "COPY */*a*a*a*a*b /x\n" * 4_000,
        "FROM x\n" + "".join(f"COPY {number}/*a*a*a*a*b /x\n" for number in range(3_000)),
        "FROM x\n" + "".join(f"COPY {'a/' * 500}{number} /x\n" for number in range(95)),
        "FROM x\n" + "COPY --from=1 a b\n" * 5_000,
        "FROM x\nRUN " + "--mount=a " * 9_900,
    ],
)
def test_hostile_text_takes_no_time(text: str) -> None:
    start = time.process_time()
    found = find_sources(text).follow([f"{number}/{'a' * 200}" for number in range(1_000)])
    for number in range(10_000):
        found.takes(f"{'a' * 50}/{'a' * 200}/{number}")
    assert time.process_time() - start < 5


def test_an_image_has_one_name() -> None:
    names = ("redis", "redis:latest", "docker.io/redis", "docker.io/library/Redis:latest", "library/redis")
    assert {image_name(name) for name in names} == {"redis:latest"}
    assert image_name("localhost:5000/app") == image_name("localhost:5000/app:latest") == "localhost:5000/app:latest"
    assert image_name("redis@sha256:ab") == "redis@sha256:ab"


class _Counted(tuple[Any, ...]):
    """A tuple that counts how often something of it is looked up."""

    looks = 0

    def __getitem__(self, at: Any) -> Any:
        self.looks += 1
        return super().__getitem__(at)


def test_the_time_to_follow_stages_grows_with_their_number() -> None:
    most = 150
    text = "".join(f"FROM x{at} AS s{at}\nCOPY --from=s{at - 1} /a /a\n" for at in range(1, most))
    file = parse_dockerfile(text)
    stages = _Counted(file.stages)
    effect = describe_effect(file._replace(stages=stages), file.stages, [most - 2])
    assert len(effect.splitlines()) == 2 * (most - 1)
    assert stages.looks < 10 * most
