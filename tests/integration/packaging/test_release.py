"""What a release publishes: the same bytes from any checkout of a commit, by a workflow that pins what it runs."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from bot.protocol.agent import RELEASES
from tools.release.audit import find_audit_problems
from tools.release.build import CHECKSUMS, BuildError, build, run, write_checksums

ROOT = Path(__file__).resolve().parents[3]
PARTS = ("bot", "requirements", "pyproject.toml", "README.md", "LICENSE")
WORKFLOW = ROOT / ".github/workflows/release.yml"


def copy_source(target: Path) -> Path:
    """The files that distributions are made of."""
    target.mkdir()
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, target / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target / part)
    return target


def test_two_checkouts_give_the_same_bytes_whatever_their_times_and_modes(tmp_path: Path) -> None:
    first = build(tmp_path / "dist-1", source=copy_source(tmp_path / "1"))
    other = copy_source(tmp_path / "2")
    for path in other.rglob("*.py"):
        path.chmod(0o600)
        path.touch()
    assert build(tmp_path / "dist-2", source=other) == first
    assert {name.rpartition(".")[2] for name in first} == {"txt", "whl", "gz"}
    (other / "bot/domain/names.py").write_text("changed = True\n")
    assert build(tmp_path / "dist-2", source=other) != first


def test_the_source_distribution_builds_the_same_wheel(tmp_path: Path) -> None:
    first = build(tmp_path / "dist", source=copy_source(tmp_path / "1"))
    (tmp_path / "unpacked").mkdir()
    run(["tar", "-xzf", str(next((tmp_path / "dist").glob("*.tar.gz"))), "-C", str(tmp_path / "unpacked")])
    (unpacked,) = (tmp_path / "unpacked").iterdir()
    (wheel,) = [name for name in first if name.startswith("aios_bot") and name.endswith(".whl")]
    assert build(tmp_path / "again", source=unpacked)[wheel] == first[wheel]


def test_checksums_are_those_that_sha256sum_reads(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")
    write_checksums(tmp_path)
    assert "a.txt: OK" in run(["sha256sum", "--check", CHECKSUMS], cwd=tmp_path)
    (tmp_path / "a.txt").write_text("b")
    with pytest.raises(BuildError, match="FAILED"):
        run(["sha256sum", "--check", CHECKSUMS], cwd=tmp_path)


def test_the_agent_lock_is_hashed_and_names_no_address() -> None:
    lines = (ROOT / "requirements/agent.txt").read_text().splitlines()
    pins = [line for line in lines if re.match(r"[a-z]", line)]
    assert pins
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9a-z.]+ \\", pin) for pin in pins), pins
    assert "://" not in "".join(lines)
    service = (ROOT / "requirements/run.txt").read_text()
    assert [pin for pin in pins if pin not in service] == [], (
        "a node runs the versions that the service was tested with"
    )


def load(path: Path) -> dict[str, Any]:
    return dict(YAML(typ="safe").load(path.read_text()))


def test_the_workflow_pins_each_action_by_its_commit() -> None:
    used = re.findall(r"uses: (\S+)", WORKFLOW.read_text())
    assert used
    assert all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", one) for one in used), used


def test_the_workflow_tests_before_it_builds_and_fills_the_release_before_it_publishes_it() -> None:
    jobs = load(WORKFLOW)["jobs"]
    assert [jobs[name]["needs"] for name in ("attest", "release", "index")] == ["build", "attest", "release"]
    steps = [step.get("run", "") for step in jobs["build"]["steps"]]
    order = [next(i for i, text in enumerate(steps) if words in text) for words in ("make test", "release-check")]
    assert order == sorted(order)
    (script,) = [step["run"] for step in jobs["release"]["steps"] if "run" in step]
    assert [line.split()[2] for line in script.splitlines()] == ["create", "upload", "edit"]
    assert "--draft --verify-tag" in script
    assert load(WORKFLOW)["permissions"] == {}


def test_the_image_is_that_of_the_release_for_both_machines_and_attested() -> None:
    """The documents name it, so it has to be pushed under that name."""
    jobs = load(WORKFLOW)["jobs"]
    assert [jobs[name]["needs"] for name in ("image", "image-index")] == ["release", "image"]
    machines = [one["name"] for one in jobs["image"]["strategy"]["matrix"]["machine"]]
    (build,) = [step["run"] for step in jobs["image"]["steps"] if "run" in step]
    join, attest = jobs["image-index"]["steps"]
    assert [f"-{name}" in join["run"] for name in machines] == [True, True]
    assert "docker run --rm" in build, "it starts before it is pushed"
    assert attest["uses"].startswith("actions/attest-build-provenance@")
    assert attest["with"]["subject-digest"] == "${{ steps.made.outputs.digest }}"
    named = RELEASES.lower().removeprefix("https://github.com/").removesuffix("/releases/download")
    for path in ("compose.yaml", "docs/howto/set-up-the-bot.md"):
        assert f"ghcr.io/{named}:VERSION" in (ROOT / path).read_text(), path
    assert all("ghcr.io/${GITHUB_REPOSITORY,,}" in script for script in (build, join["run"]))


LOCK = """\
cffi==2.1.1 ; sys_platform == 'linux' \\
    --hash=sha256:00
ruamel-yaml==0.19.1 \\
    --hash=sha256:00
    # via aios-bot
"""
AUDITED = [{"name": "ruamel.yaml", "version": "0.19.1", "vulns": []}]


def report(*packages: object) -> str:
    return json.dumps({"dependencies": list(packages), "fixes": []})


@pytest.mark.parametrize(
    ("lock", "text", "problems"),
    [
        (LOCK, report(*AUDITED), []),
        (LOCK, report(*AUDITED, {"name": "cffi", "version": "2.1.1", "vulns": []}), []),
        ("", report(), ["nothing was looked up"]),
        ("# nothing\n", report(*AUDITED), ["nothing was looked up"]),
        (LOCK, report(), ["nothing was looked up", "ruamel-yaml 0.19.1 was not looked up"]),
        (
            LOCK,
            report({"name": "ruamel-yaml", "version": "0.19.0", "vulns": []}),
            ["ruamel-yaml 0.19.1 was not looked up"],
        ),
        (
            LOCK,
            report({"name": "ruamel-yaml", "skip_reason": "not found"}),
            ["nothing was looked up", "ruamel-yaml 0.19.1 was not looked up"],
        ),
        (
            LOCK,
            report({"name": "ruamel-yaml", "version": "0.19.1", "vulns": [{"id": "PYSEC-1"}, {"id": "GHSA-2"}]}),
            ["ruamel-yaml 0.19.1 has PYSEC-1", "ruamel-yaml 0.19.1 has GHSA-2"],
        ),
        (LOCK, "", ["no report: ''"]),
        (LOCK, "[]", ["no report: '[]'"]),
    ],
)
def test_an_audit_that_looked_nothing_up_fails(lock: str, text: str, problems: list[str]) -> None:
    assert find_audit_problems(lock, text) == problems


def test_the_release_is_audited() -> None:
    (step,) = [one for one in load(WORKFLOW)["jobs"]["build"]["steps"] if "audit" in one.get("run", "")]
    assert step["run"].endswith("python -m tools.release.audit requirements/run.txt")
