"""Pages of what is in a repository: folders, a file with its lines, commits, a comparison of two."""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import urlsplit

from flask import Flask, redirect, render_template

from bot.domain.names import CommitSha
from bot.git.git import GITLINK, TreeEntry
from sandbox.api import Api
from sandbox.commits import resolve
from sandbox.pages import Pages, add_pages
from sandbox.records import Repo
from sandbox.rest_contents import submodule_url
from sandbox.state import ApiError

_MOST_COMMITS = 100
_MOST_LINES = 3_000  # of a difference or a file
_README = "README.md"


class Line(NamedTuple):
    """A line of a difference. `kind` is a class of the style sheet."""

    kind: str
    text: str


class Entry(NamedTuple):
    """An entry of a folder. `target` is where its name leads; a submodule has the short commit that it pins."""

    name: str
    kind: str
    target: str
    pin: str = ""


def _show_repository(api: Api, owner: str, name: str) -> Any:
    repo = api.state.repo(f"{owner}/{name}")
    if repo.default_branch not in repo.heads():
        return render_template("empty.html", repo=repo, url=api.shapes.url, tab="code")
    return _render_folder(api, repo, repo.default_branch, "")


def _show_tree(api: Api, owner: str, name: str, rest: str) -> Any:
    repo = api.state.repo(f"{owner}/{name}")
    ref, path = _split(repo, rest)
    return _render_folder(api, repo, ref, path)


def _show_blob(api: Api, owner: str, name: str, rest: str) -> Any:
    repo = api.state.repo(f"{owner}/{name}")
    ref, path = _split(repo, rest)
    commit = resolve(repo, ref)
    entry = repo.git.entry(commit, path) if path else None
    if entry is None:
        raise ApiError(404, f"There is no {path or 'file'} at {ref}")
    if entry.kind != "blob":
        return redirect(_entry(api, repo, ref, commit, entry).target or f"/{repo.full_name}/tree/{rest}", 302)
    data = repo.git.read_file(commit, path) or b""
    text = None if b"\0" in data else data.decode("utf-8", "replace")
    lines = [] if text is None else text.splitlines()
    return render_template(
        "file.html",
        repo=repo,
        ref=ref,
        commit=commit,
        parts=_parts(path),
        lines=lines[:_MOST_LINES],
        more=max(0, len(lines) - _MOST_LINES),
        size=len(data),
        is_text=text is not None,
        tab="code",
    )


def _split(repo: Repo, rest: str) -> tuple[str, str]:
    """The branch or commit, and the path, of `REF/PATH`: a branch's name may hold slashes itself."""
    heads = sorted(repo.heads(), key=len, reverse=True)
    ref = next((head for head in heads if rest == head or rest.startswith(f"{head}/")), rest.partition("/")[0])
    return ref, rest[len(ref) :].strip("/")


def _parts(path: str) -> list[tuple[str, str]]:
    """Each part of a path, with the path up to it."""
    names = path.split("/") if path else []
    return [(name, "/".join(names[: number + 1])) for number, name in enumerate(names)]


def _render_folder(api: Api, repo: Repo, ref: str, path: str) -> Any:
    commit = resolve(repo, ref)
    if path:
        found = repo.git.entry(commit, path)
        if found is None:
            raise ApiError(404, f"There is no {path} at {ref}")
        if found.kind != "tree":
            target = _entry(api, repo, ref, commit, found).target
            return redirect(target, 302)
    listed = repo.git.list_tree(commit, f"{path}/" if path else "")
    entries = [_entry(api, repo, ref, commit, one) for one in listed]
    entries.sort(key=lambda one: (one.kind == "blob", one.name))
    readme = repo.git.read_file(commit, f"{path}/{_README}".lstrip("/"))
    return render_template(
        "tree.html",
        repo=repo,
        ref=ref,
        commit=commit,
        last=repo.git.commits_between(None, commit, most=1)[0],
        parts=_parts(path),
        entries=entries,
        heads=sorted(repo.heads()),
        readme=readme.decode("utf-8", "replace") if readme else "",
        clone=f"{api.shapes.url}/{repo.full_name}.git",
        tab="code",
    )


def _entry(api: Api, repo: Repo, ref: str, commit: str, entry: TreeEntry) -> Entry:
    name, base = entry.path.split("/")[-1], f"/{repo.full_name}"
    if entry.mode == GITLINK:
        pinned = find_submodule(api, repo, commit, entry.path)
        target = f"/{pinned.full_name}/tree/{entry.oid}" if pinned else ""
        return Entry(name, "submodule", target, entry.oid[:7])
    return Entry(name, entry.kind, f"{base}/{'tree' if entry.kind == 'tree' else 'blob'}/{ref}/{entry.path}")


def find_submodule(api: Api, repo: Repo, commit: str, path: str) -> Repo | None:
    """The repository here that the submodule at `path` is of, or None."""
    address = urlsplit(submodule_url(api.shapes.url, repo, commit, path))
    wanted = address.path.strip("/").removesuffix(".git").lower()
    return next((one for name, one in api.state.repos.items() if name.lower() == wanted), None)


def _show_commits(api: Api, owner: str, name: str, ref: str = "") -> Any:
    repo = api.state.repo(f"{owner}/{name}")
    ref = ref or repo.default_branch
    commits = repo.git.commits_between(None, resolve(repo, ref), most=_MOST_COMMITS)
    return render_template("commits.html", repo=repo, commits=commits, title="Commits", ref=ref, tab="commits")


def _show_commit(api: Api, owner: str, name: str, sha: str) -> Any:
    repo = api.state.repo(f"{owner}/{name}")
    commit = resolve(repo, sha)
    form = "%an%x00%cI%x00%P%x00%B"
    author, at, parents, message = (
        repo.git.run("log", "-1", f"--format={form}", commit).decode("utf-8", "replace").split("\0")
    )
    first = parents.split()[0] if parents else None
    return render_template(
        "commit.html",
        repo=repo,
        commit=commit,
        author=author,
        at=at,
        parents=parents.split(),
        title=message.partition("\n")[0],
        body=message.partition("\n")[2].strip(),
        is_verified=(repo.git.git_dir / "verified" / commit).exists(),
        checks=[run for run in repo.checks if run.head_sha == commit],
        tab="commits",
        **_difference(api, repo, first, commit),
    )


def _show_compare(api: Api, owner: str, name: str, spec: str) -> Any:
    repo = api.state.repo(f"{owner}/{name}")
    dots = "..." if "..." in spec else ".."
    base, found, head = spec.partition(dots)
    if not found:
        base, head = repo.default_branch, spec
    old, new = resolve(repo, base), resolve(repo, head)
    if dots == "...":
        old = repo.git.merge_base(old, new) or old
    return render_comparison(api, repo, old, new, title=f"{base[:40]} … {head[:40]}")


def render_comparison(api: Api, repo: Repo, old: str, new: str, *, title: str) -> Any:
    """The page of the commits and files between two commits."""
    commits = repo.git.commits_between(CommitSha(old), CommitSha(new), most=_MOST_COMMITS)
    return render_template(
        "compare.html", repo=repo, title=title, commits=commits, tab="code", **_difference(api, repo, old, new)
    )


def _difference(api: Api, repo: Repo, old: str | None, new: str) -> dict[str, Any]:
    """The changed lines between two commits, and a link for each submodule whose pin moved."""
    flags = ("--no-color", "--no-ext-diff", "--find-renames")
    command = ("show", "--format=", *flags, new) if old is None else ("diff", *flags, old, new)
    out = repo.git.run(*command)
    lines = out.decode("utf-8", "replace").splitlines()
    pins = []
    for path in repo.git.changed_files(CommitSha(old) if old else None, CommitSha(new)):
        before, after = repo.git.pin_at(old, path) if old else None, repo.git.pin_at(new, path)
        other = find_submodule(api, repo, new, path) if before and after else None
        if other is not None:
            address = f"/{other.full_name}/compare/{before}...{after}"
            pins.append((path, address, f"{before}"[:7], f"{after}"[:7]))
    return {
        "lines": [_judge(line) for line in lines[:_MOST_LINES]],
        "more": max(0, len(lines) - _MOST_LINES),
        "pins": pins,
    }


def _judge(line: str) -> Line:
    if line.startswith("diff --git "):
        return Line("file", line.removeprefix("diff --git "))
    if line.startswith(("+++", "---", "index ", "@@", "new file", "deleted file", "similarity", "rename ")):
        return Line("place", line)
    return Line({"+": "added", "-": "removed"}.get(line[:1], ""), line)


_REPO = "/<owner>/<name>"
_PAGES: Pages = {
    ("GET", _REPO): _show_repository,
    ("GET", f"{_REPO}/tree/<path:rest>"): _show_tree,
    ("GET", f"{_REPO}/blob/<path:rest>"): _show_blob,
    ("GET", f"{_REPO}/commits"): _show_commits,
    ("GET", f"{_REPO}/commits/<path:ref>"): _show_commits,
    ("GET", f"{_REPO}/commit/<sha>"): _show_commit,
    ("GET", f"{_REPO}/compare/<path:spec>"): _show_compare,
}


def register(flask: Flask, api: Api) -> None:
    """Serve the pages."""
    add_pages(flask, api, _PAGES)
