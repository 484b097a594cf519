"""What a machine's user had set when it joined reaches the jobs of its runner, by the runner's file `.env`."""

from __future__ import annotations

from pathlib import Path

from bot.onboarding.join.runner import write_job_environment

STATE = Path("/state")
OWN = f"AIOS_BOT_NODE_STATE={STATE}"


def read(folder: Path) -> list[str]:
    return (folder / ".env").read_text().splitlines()


def test_what_jobs_need_is_written_for_the_runners_user_alone(tmp_path: Path) -> None:
    """A proxy's address may hold a password."""
    given = {"HTTPS_PROXY": "http://me:secret@proxy:3128", "DOCKER_HOST": "", "EDITOR": "vi", "NO_PROXY": "a\nb"}
    assert write_job_environment(tmp_path, STATE, given)
    assert read(tmp_path) == ["HTTPS_PROXY=http://me:secret@proxy:3128", OWN]
    assert (tmp_path / ".env").stat().st_mode & 0o777 == 0o600
    assert not write_job_environment(tmp_path, STATE, given)


def test_a_command_that_is_pasted_again_takes_back_what_is_not_set_any_more(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("LANG=C.UTF-8\nHTTPS_PROXY=http://old:3128\nDOCKER_HOST=unix:///old\n")
    (tmp_path / ".env").chmod(0o644)
    assert write_job_environment(tmp_path, STATE, {"DOCKER_HOST": "unix:///new"})
    assert read(tmp_path) == ["LANG=C.UTF-8", "DOCKER_HOST=unix:///new", OWN]
    assert (tmp_path / ".env").stat().st_mode & 0o777 == 0o600


def test_a_proxy_reaches_jobs_however_it_is_spelt(tmp_path: Path) -> None:
    given = dict.fromkeys(("http_proxy", "https_proxy", "all_proxy", "ALL_PROXY", "no_proxy"), "http://proxy:3128")
    write_job_environment(tmp_path, STATE, given)
    assert sorted(read(tmp_path)) == sorted([*(f"{name}=http://proxy:3128" for name in given), OWN])
