"""How a Dockerfile is split into stages and instructions."""

from __future__ import annotations

import contextlib
import time

import pytest

from bot.plan.build_effect import describe_effect
from bot.plan.dockerfile import BuildStage, Dockerfile, Instruction, NotUnderstoodError, fill_in, parse_dockerfile

FROM = Instruction("from", (), "a", 1)


def steps(text: str) -> tuple[Instruction, ...]:
    """The instructions of the last stage."""
    return parse_dockerfile(text).stages[-1].steps


def test_stages_have_bases_names_and_steps() -> None:
    text = "ARG V=1\n\nFROM --platform=$X Node:20 as Build\nRUN make\n# why\nfrom scratch\nCOPY --from=build /x /\n"
    assert parse_dockerfile(text) == Dockerfile(
        settings=("arg V=1",),
        stages=(
            BuildStage(
                base="node:20",
                name="build",
                start=Instruction("from", (("platform", "$X"),), "Node:20 as Build", 3),
                steps=(Instruction("run", (), "make", 4),),
            ),
            BuildStage(
                base="scratch",
                name="",
                start=Instruction("from", (), "scratch", 6),
                steps=(Instruction("copy", (("from", "build"),), "/x /", 7),),
            ),
        ),
    )
    assert parse_dockerfile("# nothing\n\n") == Dockerfile((), ())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FROM a\nRUN a \\\n  b\n", [Instruction("run", (), "a   b", 2)]),
        ("FROM a\nRUN a \\ \t\n# why\n\n  && b\n", [Instruction("run", (), "a   && b", 2)]),
        ("FROM a\r\nRUN a\\\r\nb\r\n", [Instruction("run", (), "ab", 2)]),
        ("FROM a\n\n\tRUN\ta", [Instruction("run", (), "a", 3)]),
        ("\ufeffFROM a\nUSER b\\", [Instruction("user", (), "b", 2)]),
        ("FROM a\nCOPY --link --Chown=1:1  a b", [Instruction("copy", (("link", ""), ("chown", "1:1")), "a b", 2)]),
        ("FROM a\nRUN --mount=type=cache", [Instruction("run", (("mount", "type=cache"),), "", 2)]),
        ("FROM a\nSTOPSIGNAL", [Instruction("stopsignal", (), "", 2)]),
        ("# escape=`\nFROM a\nRUN a`\n b\\\n", [Instruction("run", (), "a b\\", 3)]),
        ("# escape=\\\nFROM a\nRUN a\\\nb", [Instruction("run", (), "ab", 3)]),
        ("# why\n# escape=`\nFROM a\nRUN a\\\nb", [Instruction("run", (), "ab", 4)]),
        ("FROM a\nRUN <<EOF\na\n# b\n EOF\nEOF\nUSER c", [Instruction("run", (), "<<EOF", 2, ("a\n# b\n EOF",))]),
        ("FROM a\nRUN <<-'E.1' cat\na\n\tE.1\n", [Instruction("run", (), "<<-'E.1' cat", 2, ("a",))]),
        ('FROM a\nCOPY <<A 3<<"B" /\n1\nA\nB\n', [Instruction("copy", (), '<<A 3<<"B" /', 2, ("1", ""))]),
        ("FROM a\nENV A=<<B", [Instruction("env", (), "A=<<B", 2)]),
    ],
)
def test_lines_become_instructions(text: str, expected: list[Instruction]) -> None:
    assert steps(text)[: len(expected)] == tuple(expected)


def test_what_follows_a_heredoc_is_an_instruction_again() -> None:
    found = steps("FROM a\nRUN <<EOF\nCOPY x /\nEOF\nCOPY y /\n")
    assert [(step.verb, step.rest, step.line) for step in found] == [("run", "<<EOF", 2), ("copy", "y /", 5)]


def test_directives_stand_at_the_top() -> None:
    text = "# syntax=docker/dockerfile:1\n#check = skip=all\n# escape = `\n# syntax=other\nARG A\nFROM a\n"
    with pytest.raises(NotUnderstoodError, match="the directive syntax stands there twice"):
        parse_dockerfile(text)
    found = parse_dockerfile(text.replace("# syntax=other", "# a=b\n# syntax=other"))
    assert found.settings == ("syntax=docker/dockerfile:1", "escape=`", "arg A")


@pytest.mark.parametrize(
    "frontend",
    ["docker/dockerfile", "docker/dockerfile:1.7-labs", "docker.io/docker/dockerfile-upstream:master-labs"],
)
def test_dockers_own_frontends_are_known(frontend: str) -> None:
    assert parse_dockerfile(f"# syntax={frontend}\nFROM a").settings == (f"syntax={frontend}",)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("# syntax=example.org/x\nFROM a", "another frontend reads it"),
        ("# syntax=docker/dockerfilex\nFROM a", "another frontend reads it"),
        ("# escape=x\nFROM a", "an unknown escape character"),
        ("RUN a\nFROM b", "before the first FROM"),
        ("FROM a b", "a FROM of unknown form"),
        ("FROM", "a FROM of unknown form"),
        ("FROM a as", "a FROM of unknown form"),
        ("FROM a\nRUN a\\\\\nb", "two escape characters"),
        ("FROM a\n\\\n", "a line that only continues"),
        ("FROM a\nRUN --mount='type=bind' b", "a flag in quotes"),
        ("FROM a\nRUN <<EOF\n", "the heredoc EOF has no end"),
        ("FROM a\nRUN <<EOF\n\tEOF\n", "the heredoc EOF has no end"),
        ("FROM a\nRUN echo 'x <<EOF'\nEOF\n", "where a heredoc begins"),
        ("FROM a\nRUN x<<EOF\nEOF\n", "where a heredoc begins"),
        ("FROM a\nRUN cat <<<EOF\n", "where a heredoc begins"),
        ("FROM a\nUSER \x0b", "unusual characters"),
        ("FROM a\u2028", "unusual characters"),
        ("FROM " + "a" * 99_996, "too long"),
    ],
)
def test_what_is_not_certain_is_not_understood(text: str, why: str) -> None:
    with pytest.raises(NotUnderstoodError, match=why):
        parse_dockerfile(text)


def test_the_longest_text_is_read() -> None:
    assert parse_dockerfile("FROM " + "a" * 99_995).stages[0].base == "a" * 99_995


@pytest.mark.parametrize(
    "text", ["\\\n" * 50_000, "#\n" * 50_000, "FROM a\n" * 14_000, "FROM x\nRUN " + "--mount=a " * 9_900]
)
def test_hostile_text_takes_no_time(text: str) -> None:
    start = time.process_time()
    with contextlib.suppress(NotUnderstoodError):
        parse_dockerfile(text)
    assert time.process_time() - start < 5


@pytest.mark.parametrize("argument", ["a" * 90_000 + "!", 'a="' * 30_000, "a=" + '"' * 90_001, "a" * 90_000 + '="x'])
def test_hostile_arguments_take_no_time(argument: str) -> None:
    file = parse_dockerfile(f"ARG {argument}\nFROM ${{a}}\n")
    start = time.process_time()
    fill_in(file, {})
    assert time.process_time() - start < 5


def test_arguments_that_double_are_not_followed() -> None:
    doubling = "".join(f"ARG a{at}=${{a{at - 1}}}${{a{at - 1}}}\n" for at in range(1, 60))
    file = parse_dockerfile(f"ARG a0=xx\n{doubling}FROM a:${{a11}}\nFROM b:${{a12}}\nFROM ${{a59}}\n")
    # With "a:" before it, a11 is longer than what is followed.
    assert [stage.base for stage in fill_in(file, {}).stages] == ["a:${a11}", "b:${a12}", "${a59}"]
    shorter = parse_dockerfile(f"ARG a0=xx\n{doubling}FROM a:${{a10}}\n")
    assert fill_in(shorter, {}).stages[0].base == "a:" + "x" * 2048


@pytest.mark.parametrize(
    "step",
    [
        "ENV " + "a" * 90_000,
        "LABEL " + "a=b " * 20_000 + "!",
        'ENV a="' + 'b a="' * 15_000,
        "CMD " + "[" * 90_000,
        "EXPOSE " + "1-" * 40_000,
    ],
)
def test_hostile_steps_take_no_time(step: str) -> None:
    file = parse_dockerfile(f"FROM a\n{step}\n")
    start = time.process_time()
    assert describe_effect(file, file.stages, [0])
    assert time.process_time() - start < 5
