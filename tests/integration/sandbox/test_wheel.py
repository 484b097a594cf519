"""What the wheel holds: the program alone. The sandbox and the tools stay in the repository."""

from __future__ import annotations

import ast
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

from bot.domain.errors import ExitCode
from bot.settings.environment import child_environment

ROOT = Path(__file__).parents[3]
DATA_FILES = {
    "bot/onboarding/join/join.ps1",
    "bot/onboarding/join/join.sh",
    "bot/onboarding/survey/deploy.yml",
    "bot/py.typed",
}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*command, "--wheel-dir", str(folder), str(ROOT)], check=True, env=child_environment())
    (path,) = folder.glob("*.whl")
    return zipfile.ZipFile(path)


def test_the_wheel_holds_the_program_alone(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"bot"}
    assert names >= DATA_FILES


def test_nothing_in_the_wheel_imports_what_is_not_in_it(wheel: zipfile.ZipFile) -> None:
    for name in (one for one in wheel.namelist() if one.endswith(".py")):
        for node in ast.walk(ast.parse(wheel.read(name))):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            modules += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not {module.partition(".")[0] for module in modules} & {"sandbox", "tools", "tests"}, name


def test_the_wheel_offers_no_extra_for_the_sandbox(wheel: zipfile.ZipFile) -> None:
    (name,) = (one for one in wheel.namelist() if one.endswith(".dist-info/METADATA"))
    assert Parser().parsestr(wheel.read(name).decode()).get_all("Provides-Extra") == ["notify", "postgres", "service"]


@pytest.mark.parametrize(("command", "target"), [("demo", "make demo"), ("sandbox", "make sandbox")])
@pytest.mark.parametrize("arguments", [[], ["--merge"], ["--port", "0", "--folder", "x"]])
def test_the_installed_program_says_in_one_line_how_to_run_the_demo(
    wheel: zipfile.ZipFile, tmp_path: Path, command: str, target: str, arguments: list[str]
) -> None:
    wheel.extractall(tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "bot", command, *arguments],
        env=child_environment() | {"PYTHONPATH": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == ExitCode.FAILED
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert "git clone https://github.com/" in line
    assert line.endswith(target)
    assert f"\n{target.removeprefix('make ')}:\n" in (ROOT / "Makefile").read_text()
