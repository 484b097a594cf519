"""How the docker client is run: a program of these tests stands in for it, and says what it was given."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from bot.domain.names import ServiceName, StackName
from bot.engine import cli
from bot.engine.compose import ComposeStack
from bot.engine.docker import Docker, DockerError
from bot.engine.process import render_limit
from bot.protocol.order import StackOrder

SCRIPT = """\
#!{python}
import json, os, sys
if "boom" in sys.argv:
    print("one", "two", "three of TOKEN-IS-SECRET", "four", sep="\\n", file=sys.stderr)
    sys.exit(3)
print("pulled it, TOKEN-IS-SECRET", file=sys.stderr)
print(json.dumps({{"arguments": sys.argv[1:], "environment": dict(os.environ), "input": sys.stdin.read()}}))
"""


class Fake:
    """A docker client that prints what it was given, and the lines that were logged."""

    def __init__(self, folder: Path) -> None:
        program = folder / "docker"
        program.write_text(SCRIPT.format(python=sys.executable))
        program.chmod(0o755)
        self.log: list[str] = []
        self.docker = Docker({"HOME": "/h", "A": "1"}, secrets=["TOKEN-IS-SECRET"], log=self.log.append)


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fake:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("JOB_TOKEN", "of the job")
    return Fake(tmp_path)


def stack() -> StackOrder:
    return StackOrder(
        stack=StackName("web"),
        folder="server/stacks/web",
        files=("compose.yml",),
        profiles=("blue",),
        project="prod-web",
        services=(),
    )


def test_a_child_sees_our_environment_and_nothing_to_read(fake: Fake) -> None:
    given = json.loads(fake.docker.with_variables({"A": "2", "B": "3"}).run("ps"))
    assert given["arguments"] == ["ps"]
    assert given["input"] == ""
    environment = given["environment"]
    assert {name: environment.get(name) for name in ("HOME", "A", "B")} == {"HOME": "/h", "A": "2", "B": "3"}
    assert "JOB_TOKEN" not in environment
    assert environment["COMPOSE_EXPERIMENTAL_GIT_REMOTE"] == environment["COMPOSE_EXPERIMENTAL_OCI_REMOTE"] == "false"
    assert environment["COMPOSE_REMOVE_ORPHANS"] == "false"


def test_a_stacks_own_names_are_in_the_environment_of_its_commands_alone(fake: Fake, tmp_path: Path) -> None:
    done = fake.docker.start(["ps"], extra={"COMPOSE_PROJECT_NAME": "prod-web"})
    assert json.loads(done.out)["environment"]["COMPOSE_PROJECT_NAME"] == "prod-web"
    assert "COMPOSE_PROJECT_NAME" not in json.loads(fake.docker.run("ps"))["environment"]
    model, warnings = ComposeStack(fake.docker, tmp_path, stack()).read_model()
    folder = tmp_path / "server/stacks/web"
    assert model["arguments"] == [
        *("compose", "--file", str(folder / "compose.yml"), "--profile", "blue", "--project-name", "prod-web"),
        *("--project-directory", str(folder), "config", "--format", "json"),
    ]
    assert model["environment"]["COMPOSE_PROJECT_NAME"] == "prod-web"
    assert model["environment"]["COMPOSE_PROFILES"] == "blue"
    assert model["environment"]["PWD"] == str(folder)
    assert warnings.startswith("pulled it")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda c: c.build([ServiceName("a")]), ["build", "a"]),
        (lambda c: c.up([ServiceName("a")], recreate=False), ["up", "--detach", "--no-deps", "a"]),
        (lambda c: c.up([ServiceName("a")], recreate=True), ["up", "--detach", "--no-deps", "--force-recreate", "a"]),
        (lambda c: c.restart([ServiceName("a"), ServiceName("b")]), ["restart", "--no-deps", "a", "b"]),
        (lambda c: c.send_signal(ServiceName("a"), "SIGHUP"), ["kill", "--signal", "SIGHUP", "a"]),
    ],
)
def test_each_command_names_its_services_and_no_other(
    fake: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: object, words: list[str]
) -> None:
    given: list[list[str]] = []
    start = fake.docker.start

    def record(arguments: list[str], **options: object) -> object:
        given.append(list(arguments))
        return start(arguments, **options)  # type: ignore[arg-type]  # passed on as they came

    monkeypatch.setattr(fake.docker, "start", record)
    call(ComposeStack(fake.docker, tmp_path, stack()))  # type: ignore[operator]  # one of the above
    (arguments,) = given
    assert arguments[-len(words) :] == words
    assert [line.partition(",")[0] for line in fake.log] == ["pulled it"]
    assert "TOKEN-IS-SECRET" not in fake.log[0]


def test_a_pull_is_logged_line_by_line_without_secrets(fake: Fake, tmp_path: Path) -> None:
    ComposeStack(fake.docker, tmp_path, stack()).pull([ServiceName("a")])
    (line,) = fake.log
    assert line.startswith("  pulled it, ")
    assert "TOKEN-IS-SECRET" not in line


def test_a_failure_ends_with_the_last_lines_redacted(fake: Fake) -> None:
    with pytest.raises(DockerError) as caught:
        fake.docker.run("container", "inspect", "--format", "x", "boom")
    message = str(caught.value)
    assert message.startswith("`docker container inspect` failed: two / three of ")
    assert message.endswith(" / four")
    assert "TOKEN-IS-SECRET" not in message
    assert fake.docker.run("boom", check=False) == ""


def test_a_command_that_hangs_is_ended_in_the_same_words_whether_followed_or_not() -> None:
    """The program here is `sleep` itself, which has no children that would hold its output open."""

    class Slow(Docker):
        program = "/bin/sleep"

    docker = Slow({}, limit=0.5).with_variables({})
    for call in (docker.run, docker.follow):
        with pytest.raises(DockerError, match=r"`docker 30` did not end within 0\.5 s"):
            call("30")
    assert render_limit(cli.COMMAND_TIMEOUT) == "did not end within 1800 s"


def test_without_docker_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DockerError, match="install Docker Engine or Docker Desktop"):
        Docker({}).run("ps")
