"""The node's commands, as a person or a job calls them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from bot.agent.checkout import CheckoutPosition
from bot.domain.errors import ExitCode
from bot.features.rollout.apply.signing import sign_order
from sandbox.engine import Engine
from tests.nodeworld import CREATE_ALL, FLEET, NODE, NodeWorld


class Shell:
    """A node's shell: its own environment, and nothing of the test's."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.state = folder / "state"
        self._environment = {"PATH": "/usr/local/bin:/usr/bin:/bin"} | environment | {"HOME": str(folder)}

    def run(self, *arguments: str, stdin: str = "") -> tuple[int, str]:
        """Exit code and everything printed."""
        done = subprocess.run(
            [sys.executable, "-c", "from bot.cli.main import main; main()", "node", *arguments],
            env=self._environment | {"AIOS_BOT_NODE_STATE": str(self.state)},
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout


def write_key(path: Path, key: Ed25519PrivateKey) -> Path:
    path.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return path


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def test_trusting_a_first_and_a_next_key(shell: Shell, tmp_path: Path) -> None:
    first, second = (write_key(tmp_path / name, Ed25519PrivateKey.generate()) for name in ("one.pem", "two.pem"))
    code, said = shell.run("trust", str(first))
    assert (code, "--fleet OWNER/NAME --node NAME" in said) == (ExitCode.FAILED, True)
    assert shell.run("trust", str(first), "--fleet", FLEET, "--node", NODE)[0] == ExitCode.OK
    assert shell.run("trust", str(second))[0] == ExitCode.OK
    code, said = shell.run("show")
    assert code == ExitCode.OK
    assert said.count("key: ") == 2
    code, said = shell.run("trust", str(second), "--node", "OTHER")
    assert (code, f"this is {NODE} of {FLEET} already" in said) == (ExitCode.FAILED, True)


@pytest.mark.parametrize("content", ["", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "\x00"])
def test_what_is_no_key_is_not_trusted(shell: Shell, tmp_path: Path, content: str) -> None:
    (tmp_path / "bad.pem").write_text(content)
    code, said = shell.run("trust", str(tmp_path / "bad.pem"), "--fleet", FLEET, "--node", NODE)
    assert code == ExitCode.FAILED
    assert "no public key in PEM form" in said
    assert "Traceback" not in said


def test_a_private_key_is_refused_and_never_shown(shell: Shell, tmp_path: Path) -> None:
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "orders.pem").write_bytes(pem)
    for words in (("trust", str(tmp_path / "orders.pem")), ("add", NODE, "--key", str(tmp_path / "orders.pem"))):
        code, said = shell.run(*words, "--fleet", FLEET, *(("--node", NODE) if words[0] == "trust" else ()))
        assert (code, "orders.pem is a private key, which no node may have" in said) == (ExitCode.FAILED, True), said
        assert pem.splitlines()[1].decode() not in said
    assert not shell.state.exists()


@pytest.mark.parametrize("command", ["show", "leave", "recover"])
def test_a_machine_without_a_node_says_so_and_how_it_becomes_one(shell: Shell, command: str) -> None:
    code, said = shell.run(command)
    assert code == ExitCode.NO_DATA
    assert said.startswith(f"aios-bot: there is no node in {shell.state}: make one with the command that")
    assert "--state" in said
    assert "node trust" not in said


def test_a_name_that_no_fleet_file_takes_is_refused(shell: Shell, tmp_path: Path) -> None:
    key = write_key(tmp_path / "one.pem", Ed25519PrivateKey.generate())
    code, said = shell.run("trust", str(key), "--fleet", FLEET, "--node", "../x y")
    assert (code, "--node '../x y' is not usable" in said) == (ExitCode.USAGE, True)
    assert not shell.state.exists()


def test_bytes_that_are_no_text_are_no_order(shell: Shell, tmp_path: Path) -> None:
    key = write_key(tmp_path / "one.pem", Ed25519PrivateKey.generate())
    shell.run("trust", str(key), "--fleet", FLEET, "--node", NODE)
    (tmp_path / "order").write_bytes(b"\xff\xfe\x80")
    code, said = shell.run("deploy", "--order", str(tmp_path / "order"))
    assert (code, said.startswith("refused (malformed)")) == (ExitCode.REFUSED, True), said


def test_the_doctor_names_each_lack_with_its_cure(shell: Shell) -> None:
    code, said = shell.run("doctor")
    assert code == ExitCode.FAILED
    failed = [line for line in said.splitlines() if line.startswith("FAIL")]
    assert [line.split()[1] for line in failed] == ["identity:", "keys:", "engine:", "checkout:"]
    assert "`aios-bot node add` prints" in failed[0]
    assert not shell.state.exists()  # it only looks


def test_the_doctor_is_content_with_a_good_node(
    engine: Engine, empty_node: tuple[NodeWorld, CheckoutPosition], tmp_path: Path
) -> None:
    shell = Shell(empty_node[0].folder, **engine.environment)
    code, said = shell.run("doctor")
    assert code == ExitCode.OK, said
    assert "FAIL" not in said
    assert "jobs of this runner could change that" in said


def test_no_order_and_no_node_are_different_mistakes(shell: Shell) -> None:
    code, said = shell.run("deploy")
    assert (code, "no order" in said) == (ExitCode.USAGE, True)
    code, said = shell.run("deploy", "--order", "-", stdin="{}")
    assert (code, "there is no node in" in said) == (ExitCode.NO_DATA, True)


def test_an_order_from_standard_input_is_carried_out_and_shown(
    engine: Engine, empty_node: tuple[NodeWorld, CheckoutPosition]
) -> None:
    world, first = empty_node
    remote = (world.folder / "remote").as_uri()
    (world.folder / ".gitconfig").write_text(f'[url "{remote}/"]\n\tinsteadOf = https://github.com/\n')
    summary = world.folder / "summary.md"
    shell = Shell(world.folder, GITHUB_STEP_SUMMARY=str(summary), **engine.environment)
    envelope = sign_order(world.order(first, CREATE_ALL), world.key)
    code, said = shell.run("deploy", "--order", "-", stdin=envelope)
    assert code == ExitCode.OK, said
    assert "ingress/traefik: create" in said
    assert "3 created" in summary.read_text()
    code, said = shell.run("deploy", "--order", "-", stdin=envelope)
    assert code == ExitCode.REFUSED
    assert said.startswith("refused (already_used)")
    assert f"order {world.number} success: runs " in shell.run("show")[1]
