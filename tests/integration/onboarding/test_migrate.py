"""Migrate awkward folders with real git: nothing is lost, and a second run does nothing."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot.cli.main import aios_bot
from bot.domain.errors import ExitCode
from bot.git.gitmodules import parse_gitmodules
from bot.onboarding.migrate.apply import carry_out, migrate
from bot.onboarding.migrate.decide import decide_migration
from bot.onboarding.migrate.facts import AnyStep, Migration, MigrationRequest, RegisterSubmodule
from bot.onboarding.migrate.folder import MigrationState, WorkingFolder
from bot.onboarding.migrate.read.folder import read_folder
from tests.gitworld import commit, git, new_repository

DOCS = ("AIOS-KNOWLEDGE-BASE.md", "NEXT-STEPS.md")
COMPOSE = "services:\n  web:\n    image: traefik:v3.1\n"
BINARY = bytes(range(256)) * 7


@dataclass
class Place:
    """A person's machine: `root` is C:\\aios-supercell, `elsewhere` where a linked server lies."""

    folder: Path
    root: Path
    elsewhere: Path
    server_url: str
    remote: str
    versions: tuple[str, str, str]  # commits of server, oldest first; the last two are pushed

    def request(self, **changes: object) -> MigrationRequest:
        given = {"root": str(self.root), "url": self.server_url, "remote": self.remote}
        return MigrationRequest(**(given | changes))  # type: ignore[arg-type]  # a test names what it changes

    def migration(self, **changes: object) -> Migration:
        request = self.request(**changes)
        return decide_migration(read_folder(request), request)

    def migrate(self, **changes: object) -> Migration:
        request = self.request(**changes)
        facts = read_folder(request)
        migration = decide_migration(facts, request)
        assert not migration.refusals, migration.refusals
        migrate(request, migration, MigrationState(whole=facts.whole, old=facts.old), lambda _: None)
        return migration

    @property
    def pin(self) -> str:
        """What main pins on the remote."""
        meta = git(Path(self.remote), "ls-tree", "main", "server")
        assert meta.startswith("160000 commit "), meta
        return meta.split()[2]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A plain folder without `server`, the server repository with three commits, and an empty repository to fill."""
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text("[user]\n\tname = Ada\n\temail = ada@example.com\n")
    monkeypatch.setenv("HOME", str(home))
    source = new_repository(tmp_path / "source")
    first = commit(source, {"stacks/ingress/docker-compose.yml": COMPOSE, "README.md": "one\n"}, "one")
    second = commit(source, {"stacks/ingress/docker-compose.yml": COMPOSE.replace("3.1", "3.2")}, "two")
    third = commit(source, {"stacks/secrets/docker-compose.yml": COMPOSE}, "three")
    git(tmp_path, "clone", "--quiet", "--bare", str(source), str(tmp_path / "server.git"))
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", str(tmp_path / "aios-win.git"))
    root = tmp_path / "aios supercell Ω"
    write(root, {name: f"# {name}\r\n" for name in DOCS})
    write(
        root, {"README.md": "# The cell\n", "scripts/windows-bootstrap/00-master-bootstrap.ps1": "Write-Host ä\r\n"}
    )
    write(root, {"docs/guide.md": "guide\n", "certs/ca.key": "secret\n", ".env": "TOKEN=x\n"})
    return Place(
        tmp_path,
        root,
        tmp_path / "users/jesus/server",
        str(tmp_path / "server.git"),
        str(tmp_path / "aios-win.git"),
        (first, second, third),
    )


def write(root: Path, files: dict[str, str | bytes]) -> None:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def nested(place: Place) -> None:
    git(place.root, "clone", "--quiet", place.server_url, "server")
    with_work(place.root / "server", place)


def linked(place: Place) -> None:
    place.elsewhere.parent.mkdir(parents=True)
    git(place.folder, "clone", "--quiet", place.server_url, str(place.elsewhere))
    with_work(place.elsewhere, place)
    (place.root / "server").symlink_to(os.path.relpath(place.elsewhere, place.root))


def with_work(clone: Path, place: Place) -> None:
    """What a person has in a clone: behind the tip, edits staged and not, a stash, a branch, ignored data."""
    git(clone, "checkout", "--quiet", "-B", "main", place.versions[1])
    git(clone, "branch", "--quiet", "--set-upstream-to=origin/main")
    write(clone, {"README.md": "stashed\n"})
    git(clone, "stash", "--quiet")
    git(clone, "branch", "mine", place.versions[0])
    write(clone, {"README.md": "staged\n"})
    git(clone, "add", "README.md")
    write(clone, {"README.md": "edited\r\n", "stacks/ingress/data/acme ü.json": BINARY, "new\nline.txt": "x"})
    (clone / ".git/info/exclude").write_text("*.json\n")
    (clone / "stacks/ingress/link").symlink_to("docker-compose.yml")
    (clone / "stacks/ingress/docker-compose.yml").chmod(0o755)


def copied(place: Place) -> None:
    """Files without git: the second commit, one line changed, one file more."""
    git(place.folder, "clone", "--quiet", place.server_url, str(place.folder / "copy"))
    git(place.folder / "copy", "checkout", "--quiet", place.versions[1])
    shutil.rmtree(place.folder / "copy/.git")
    shutil.move(place.folder / "copy", place.root / "server")
    write(place.root / "server", {"README.md": "one\r\n", "stacks/ingress/data/db": BINARY})


def linked_copy(place: Place) -> None:
    copied(place)
    place.elsewhere.parent.mkdir(parents=True)
    shutil.move(place.root / "server", place.elsewhere)
    (place.root / "server").symlink_to(place.elsewhere)


def absent(place: Place) -> None:
    """Nothing there."""


def committed(prepare: Callable[[Place], None]) -> Callable[[Place], None]:
    """The folder is a repository already, with history, a remote, and uncommitted work."""

    def prepared(place: Place) -> None:
        git(place.root, "init", "--quiet", "--initial-branch=main")
        (place.root / ".gitignore").write_bytes(b"server\r\n*.log\r\n.env\r\n*.key")
        git(place.root, "add", "--all")
        git(place.root, "commit", "--quiet", "--message", "Before")
        git(place.root, "remote", "add", "origin", place.remote)
        git(place.root, "push", "--quiet", "--set-upstream", "origin", "main")
        write(place.root, {DOCS[0]: "edited, not committed\n", "scripts/new.ps1": "untracked\n"})
        prepare(place)

    return prepared


def tracked(place: Place) -> None:
    """The stacks are files of the repository itself, one edited."""
    copied(place)
    git(place.root, "init", "--quiet", "--initial-branch=main")
    git(place.root, "add", "--all", ":!.env", ":!certs")
    git(place.root, "commit", "--quiet", "--message", "Everything in one")
    write(place.root, {"server/README.md": "edited later\n"})


SHAPES: dict[str, Callable[[Place], None]] = {
    "absent": absent,
    "nested": nested,
    "linked": linked,
    "copied": copied,
    "linked copy": linked_copy,
    "a repository, nested": committed(nested),
    "a repository, linked": committed(linked),
    "a repository, copied": committed(copied),
    "tracked": tracked,
}


@pytest.fixture(params=SHAPES)
def shaped(request: pytest.FixtureRequest, place: Place) -> Place:
    SHAPES[request.param](place)
    return place


def contents(folder: Path) -> dict[str, str]:
    """Digest, mode and time of every file and link below `folder` that no git directory holds."""
    found = {}
    for here, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name != ".git"]
        links = [name for name in folders if (Path(here) / name).is_symlink()]
        for name in (*files, *links):
            path = Path(here) / name
            if name == ".git":
                continue
            status = path.lstat()
            content = (
                os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes() if path.is_file() else b""
            )
            key = str(path.relative_to(folder))
            found[key] = f"{hashlib.sha256(content).hexdigest()} {status.st_mode:o} {status.st_mtime_ns}"
    return found


def clone_state(clone: Path) -> tuple[str, ...]:
    """All that git knows of a person's work in a clone."""
    return (
        git(clone, "for-each-ref"),
        git(clone, "rev-parse", "HEAD"),
        git(clone, "symbolic-ref", "HEAD"),
        git(clone, "ls-files", "--stage"),
        git(clone, "status", "--porcelain", "--untracked-files=all", "--ignored=traditional"),
        git(clone, "stash", "list"),
        git(clone, "reflog"),
    )


def expected_after(place: Place) -> dict[str, str]:
    """Where every file of before has to be, whatever the shape: computed by a rule of the test's own."""
    before = {}
    for name, mark in contents(place.root).items():
        before[f"docs/{name}" if name in DOCS else name] = mark
    if (place.root / "server").is_symlink():
        del before["server"]
        before |= {f"server/{name}": mark for name, mark in contents(place.elsewhere).items()}
    before.pop(".gitignore", None)
    return before


def test_every_shape_becomes_a_fleet_without_losing_a_file(shaped: Place) -> None:
    server = shaped.root / "server"
    own_git = (server / ".git").exists()
    state = clone_state(server) if own_git else None
    elsewhere = contents(shaped.elsewhere) if shaped.elsewhere.exists() else None
    expected = expected_after(shaped)
    shaped.migrate()

    after = contents(shaped.root)
    assert {name: after.get(name) for name in expected} == expected
    if elsewhere is not None:
        assert contents(shaped.elsewhere) == elsewhere
    assert (server / ".git").is_file()
    if state is not None:
        assert clone_state(server) == state
    head = git(server, "rev-parse", "HEAD")
    assert shaped.pin == head
    assert head == shaped.versions[2 if not own_git and "server/README.md" not in expected else 1]
    stanza = parse_gitmodules(git(shaped.root, "show", "HEAD:.gitmodules")).stanzas[0]
    assert (stanza.path, stanza.url, stanza.branch) == ("server", shaped.server_url, "main")
    assert git(shaped.root, "rev-parse", "HEAD") == git(Path(shaped.remote), "rev-parse", "main")
    listed = git(shaped.root, "ls-tree", "-r", "--name-only", "HEAD").splitlines()
    assert {f"docs/{name}" for name in DOCS} <= set(listed)
    assert not {"certs/ca.key", ".env", *DOCS} & set(listed)

    allowed = ("-c", "protocol.file.allow=always")
    git(shaped.folder, *allowed, "clone", "--quiet", "--recursive", shaped.remote, "node")
    assert (shaped.folder / "node/server/stacks/ingress/docker-compose.yml").read_text().startswith("services:")

    once = (contents(shaped.root), git(shaped.root, "rev-parse", "HEAD"))
    assert shaped.migration() == Migration()
    assert (contents(shaped.root), git(shaped.root, "rev-parse", "HEAD")) == once


@pytest.mark.parametrize("shape", ["linked", "a repository, nested", "copied"])
def test_a_dry_run_prints_every_step_and_changes_nothing(place: Place, shape: str) -> None:
    SHAPES[shape](place)
    before = (contents(place.folder), git_files(place.folder))
    arguments = ["migrate", str(place.root), "--server-url", place.server_url, "--remote", place.remote]
    done = CliRunner().invoke(aios_bot, ["fleet", *arguments])
    assert done.exit_code == 0, done.output
    migration = place.migration()
    assert migration.steps
    for step in migration.steps:
        assert step.title in done.output
        for line in step.details:
            assert line in done.output
    assert (contents(place.folder), git_files(place.folder)) == before
    applied = CliRunner().invoke(aios_bot, ["fleet", *arguments, "--apply"])
    assert applied.exit_code == 0, applied.output
    again = CliRunner().invoke(aios_bot, ["fleet", *arguments, "--apply"])
    assert "nothing to do" in again.output


def git_files(folder: Path) -> dict[str, str]:
    """Everything below every git directory but what reading refreshes."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if ".git" in path.parts and path.is_file() and not path.is_symlink() and path.name != "index"
    }


class Killed(BaseException):
    """The process ends here."""


def runs_that_die(place: Place, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Dies before the first, second, ... git command, each time in the state that the last run left."""
    original = WorkingFolder.git
    left = [0]

    def dying(self: WorkingFolder, *arguments: str, folder: Path | None = None) -> str:
        left[0] -= 1
        if left[0] < 0:
            raise Killed
        return original(self, *arguments, folder=folder)

    for survived in range(60):
        request = place.request()
        facts = read_folder(request)
        migration = decide_migration(facts, request)
        assert not migration.refusals, (survived, migration.refusals)
        if not migration.steps:
            return
        left[0] = survived
        monkeypatch.setattr(WorkingFolder, "git", dying)
        try:
            for step in migration.steps:
                carry_out(WorkingFolder(place.root), request, step, MigrationState(whole=facts.whole, old=facts.old))
        except Killed:
            yield survived
        finally:
            monkeypatch.setattr(WorkingFolder, "git", original)


@pytest.mark.parametrize("shape", ["nested", "copied", "a repository, linked"])
def test_it_continues_after_a_kill(place: Place, monkeypatch: pytest.MonkeyPatch, shape: str) -> None:
    SHAPES[shape](place)
    expected = expected_after(place)
    deaths = list(runs_that_die(place, monkeypatch))
    assert len(deaths) > 5
    place.migrate()
    after = contents(place.root)
    assert {name: after.get(name) for name in expected} == expected
    assert place.pin == git(place.root / "server", "rev-parse", "HEAD")
    assert place.migration() == Migration()
    left = set(git(place.root, "status", "--porcelain", "--ignore-submodules=dirty").splitlines())
    assert left <= {"?? scripts/new.ps1", f" M docs/{DOCS[0]}"}


@pytest.mark.parametrize("shape", ["absent", "linked", "linked copy", "a repository, copied", "tracked"])
def test_it_continues_after_an_interruption_between_any_two_steps(place: Place, shape: str) -> None:
    SHAPES[shape](place)
    expected = expected_after(place)
    seen: list[AnyStep] = []
    while True:
        request = place.request()
        facts = read_folder(request)
        migration = decide_migration(facts, request)
        assert not migration.refusals, (seen, migration.refusals)
        if not migration.steps:
            break
        carry_out(
            WorkingFolder(place.root), request, migration.steps[0], MigrationState(whole=facts.whole, old=facts.old)
        )
        assert migration.steps[0] not in seen
        seen.append(migration.steps[0])
    after = contents(place.root)
    assert {name: after.get(name) for name in expected} == expected
    assert any(isinstance(step, RegisterSubmodule) for step in seen)


def test_a_finished_fleet_keeps_what_its_readme_links_to(place: Place) -> None:
    place.migrate()
    write(place.root, {"INSTALL.md": "# How\n", "README.md": "See [how](INSTALL.md).\n"})
    git(place.root, "add", "INSTALL.md", "README.md")
    git(place.root, "commit", "--quiet", "--message", "How to install")
    git(place.root, "push", "--quiet")
    assert place.migration().steps == ()


def test_an_origin_on_this_machine_is_named_with_the_cure(place: Place) -> None:
    git(place.root, "clone", "--quiet", f"file://{place.server_url}", "server")
    (refusal,) = place.migration(url=None).refusals
    assert f"its origin file://{place.server_url} is a folder of this machine; name it with --server-url" in refusal
    assert place.migration().refusals == ()


def test_names_that_clash_in_docs_are_both_kept(place: Place) -> None:
    write(place.root, {"docs/next-steps.md": "older\n", f"docs/{DOCS[1].replace('.md', '-2.md')}": "old\n"})
    place.migrate()
    docs = place.root / "docs"
    assert (docs / "next-steps.md").read_text() == "older\n"
    assert (docs / "NEXT-STEPS-2.md").read_text() == "old\n"
    assert (docs / "NEXT-STEPS-3.md").read_bytes() == b"# NEXT-STEPS.md\r\n"


def test_secrets_and_large_files_are_left_out_with_a_note(place: Place) -> None:
    key = "-----BEGIN RSA PRIVATE KEY-----\nx\n"
    write(place.root, {"tools/deploy [1].txt": key, "vault/keys.pem": "x", "!odd #name .txt ": f"{key}"})
    with (place.root / "dump.bin").open("wb") as file:
        file.truncate(101 * 2**20)
    git(place.root, "init", "--quiet", str(place.root / "other project"))
    commit(place.root / "other project", {"a": "b"})
    migration = place.migrate()
    listed = set(git(place.root, "ls-tree", "-r", "-z", "--name-only", "HEAD").split("\0"))
    for name in ("tools/deploy [1].txt", "vault/keys.pem", "!odd #name .txt ", "dump.bin", "other project"):
        assert name not in listed
        assert (place.root / name).exists()
        assert any(name in note for note in migration.notes), migration.notes
    assert "README.md" in listed
    assert git(place.root, "status", "--porcelain") == ""
    assert place.migration() == Migration()


def test_staged_secrets_of_a_repository_without_commits_are_left_out(place: Place) -> None:
    git(place.root, "init", "--quiet", "--initial-branch=main")
    git(place.root, "add", "--force", "--all")
    place.migrate()
    listed = git(place.root, "ls-tree", "-r", "--name-only", "HEAD").splitlines()
    assert "certs/ca.key" not in listed
    assert "README.md" in listed


def test_the_workspace_file_points_to_the_submodule(place: Place) -> None:
    linked(place)
    text = '{\r\n  // my folders\r\n  "folders": [\r\n    { "path": "%s" },\r\n    { "path": "." }\r\n  ]\r\n}\r\n'
    write(place.root, {"cell.code-workspace": text % place.elsewhere})
    place.migrate()
    assert (place.root / "cell.code-workspace").read_bytes().decode() == text % "./server"
    assert not (place.root / "aios-win.code-workspace").exists()


def test_a_workspace_file_that_is_not_json_is_left_unchanged_with_a_note(place: Place) -> None:
    write(place.root, {"cell.code-workspace": "{ folders: [] }"})
    migration = place.migrate()
    assert (place.root / "cell.code-workspace").read_text() == "{ folders: [] }"
    assert any("line 1" in note for note in migration.notes)


def test_credentials_in_a_remote_are_not_written_down(place: Place) -> None:
    from bot.onboarding.migrate.folder import is_remote, without_credentials

    assert without_credentials("https://me:ghp_x@github.com/o/server.git") == "https://github.com/o/server.git"
    assert without_credentials("git@github.com:o/server.git") == "git@github.com:o/server.git"
    assert is_remote("git@github.com:o/server.git")
    assert is_remote("ssh://git@github.com/o/server.git")
    assert not is_remote(r"C:\Users\jesus\server")
    assert not is_remote("../server")


def busy(name: str) -> Callable[[Place], None]:
    def prepare(place: Place) -> None:
        nested(place)
        (place.root / "server/.git" / name).write_text("")

    return prepare


def unpushed(place: Place) -> None:
    git(place.root, "clone", "--quiet", place.server_url, "server")
    commit(place.root / "server", {"mine": "x"}, "not pushed")


def dead_link(place: Place) -> None:
    (place.root / "server").symlink_to(place.folder / "nowhere")


def link_to_itself(place: Place) -> None:
    (place.root / "server").symlink_to(place.root)


def a_file(place: Place) -> None:
    (place.root / "server").write_text("x")


def staged(place: Place) -> None:
    committed(absent)(place)
    git(place.root, "add", "scripts/new.ps1")


def ignore_edited(place: Place) -> None:
    committed(absent)(place)
    (place.root / ".gitignore").write_text("mine\n")


def staged_twice(place: Place) -> None:
    git(place.root, "init", "--quiet", "--initial-branch=main")
    git(place.root, "add", "README.md")
    write(place.root, {"README.md": "another\n"})


def detached(place: Place) -> None:
    committed(absent)(place)
    git(place.root, "checkout", "--quiet", "--detach")


def docs_is_a_file(place: Place) -> None:
    shutil.rmtree(place.root / "docs")
    write(place.root, {"docs": "x"})


def remote_has_commits(place: Place) -> None:
    git(place.folder / "source", "push", "--quiet", place.remote, "main")


def another_remote(place: Place) -> None:
    committed(absent)(place)
    git(place.root, "remote", "set-url", "origin", place.server_url)


def broken_modules(place: Place) -> None:
    committed(absent)(place)
    write(place.root, {".gitmodules": '[submodule "x"]\n\tpath = "x\n'})


def without_commits(place: Place) -> None:
    git(place.root, "init", "--quiet", str(place.root / "server"))


def with_worktrees(place: Place) -> None:
    nested(place)
    git(place.root / "server", "worktree", "add", "--quiet", str(place.folder / "tree"), "mine")


def a_worktree(place: Place) -> None:
    git(place.folder, "clone", "--quiet", place.server_url, "main-clone")
    git(place.folder / "main-clone", "worktree", "add", "--quiet", "--detach", str(place.root / "server"))


def link_to_a_worktree(place: Place) -> None:
    git(place.folder, "clone", "--quiet", place.server_url, "main-clone")
    git(place.folder / "main-clone", "worktree", "add", "--quiet", "--detach", str(place.folder / "tree"))
    (place.root / "server").symlink_to(place.folder / "tree")


def with_a_pipe(place: Place) -> None:
    linked(place)
    os.mkfifo(place.elsewhere / "pipe")


def borrowed(place: Place) -> None:
    git(place.root, "clone", "--quiet", "--shared", place.server_url, "server")


def leftover(place: Place) -> None:
    committed(absent)(place)
    git(place.root, "clone", "--quiet", "--bare", place.server_url, ".git/modules/server")


def nobody(place: Place) -> None:
    (place.folder / "home/.gitconfig").write_text("[user]\n\tuseConfigOnly = true\n")


REFUSED: list[tuple[Callable[[Place], None], str]] = [
    (busy("MERGE_HEAD"), "finish or abort"),
    (busy("index.lock"), "index.lock"),
    (unpushed, "push it first"),
    (dead_link, "remove the link"),
    (link_to_itself, "remove the link"),
    (a_file, "move it away"),
    (staged, "git restore --staged"),
    (ignore_edited, "commit it"),
    (staged_twice, "git restore --staged"),
    (detached, "check out a branch"),
    (docs_is_a_file, "rename it"),
    (remote_has_commits, "name an empty repository"),
    (another_remote, "git remote set-url"),
    (broken_modules, "line 2: fix it|line 1: fix it"),
    (without_commits, "no commit checked out"),
    (with_worktrees, "worktree remove"),
    (a_worktree, "put an ordinary clone there"),
    (link_to_a_worktree, "ordinary clone"),
    (with_a_pipe, "stop what uses it"),
    (borrowed, "repack -a -d"),
    (leftover, "move it away"),
    (nobody, "git config --global user.name"),
]


@pytest.mark.parametrize(("prepare", "cure"), REFUSED)
def test_it_refuses_whenever_work_could_be_lost(place: Place, prepare: Callable[[Place], None], cure: str) -> None:
    prepare(place)
    before = contents(place.folder)
    arguments = ["migrate", str(place.root), "--server-url", place.server_url, "--remote", place.remote, "--apply"]
    done = CliRunner().invoke(aios_bot, ["fleet", *arguments])
    assert done.exit_code == ExitCode.REFUSED, done.output
    assert any(part in done.output for part in cure.split("|")), done.output
    assert contents(place.folder) == before


@pytest.mark.parametrize(
    ("changes", "cure"),
    [
        ({"url": None}, "--server-url"),
        ({"url": "https://127.0.0.1:9/x.git"}, "check the address"),
        ({"tracked": "no-such"}, "--server-branch"),
        ({"remote": "https://127.0.0.1:9/x.git"}, "create the (empty) repository"),
    ],
)
def test_it_refuses_what_it_cannot_reach(place: Place, changes: dict[str, object], cure: str) -> None:
    copied(place)
    refusals = place.migration(**changes).refusals
    assert any(cure in refusal for refusal in refusals), refusals
