"""Register self-hosted runners: tokens, the program to download, and the list of registered ones.

The program is a stand-in with the command line of the real one. It registers itself and goes online; `sandbox.runner`
runs the jobs.
"""

from __future__ import annotations

import hashlib
import io
import secrets
import tarfile
import time
from typing import Any

from flask import Flask, Response, request

from sandbox import pages
from sandbox.api import Api, ApiResponse, Context, Route, paged
from sandbox.records import Registration, Repo
from sandbox.state import ApiError

TOKEN_LIFETIME = 3600  # seconds
_ARCHIVE = "/_runner/actions-runner-{os}-{architecture}-2.400.0.tar.gz"
_KINDS = (("linux", "x64"), ("linux", "arm64"), ("win", "x64"))

_CONFIG = """\
#!/usr/bin/env python3
import json, os, pathlib, sys, urllib.parse, urllib.request
if os.geteuid() == 0 and not os.environ.get("RUNNER_ALLOW_RUNASROOT"):
    sys.exit("Must not run with sudo")
here = pathlib.Path(__file__).resolve().parent
arguments, given = sys.argv[1:], {}
verb = arguments.pop(0) if arguments[:1] == ["remove"] else "register"
while arguments:
    name = arguments.pop(0).removeprefix("--")
    given[name] = "" if name in ("unattended", "replace") else arguments.pop(0)
token = given.get("token") or os.environ["ACTIONS_RUNNER_INPUT_TOKEN"]  # as the runner's CommandSettings.cs
held = here / ".runner"
known = json.loads(held.read_text()) if held.exists() else given
if verb == "register" and held.exists():
    sys.exit("Cannot configure the runner because it is already configured.")
api, _, repo = known["url"].rpartition("/")[0].rpartition("/")[0], None, "/".join(known["url"].split("/")[-2:])
body = urllib.parse.urlencode({"verb": verb, "repo": repo, "name": known["name"], "token": token,
                               "labels": known["labels"]}).encode()
urllib.request.urlopen(api + "/_runner/register", body, timeout=30).read()
if verb == "register":
    held.write_text(json.dumps({k: given[k] for k in ("url", "name", "labels")}))
    (here / ".path").write_text(os.environ["PATH"] + "\\n")  # written again each time, as by the real one
    with (here / ".env").open("a") as settings:
        settings.write("LANG=" + os.environ.get("LANG", "C.UTF-8") + "\\n")
else:
    held.unlink()
"""
_RUN = """\
#!/usr/bin/env python3
import json, os, pathlib, signal, sys, urllib.parse, urllib.request
if os.geteuid() == 0 and not os.environ.get("RUNNER_ALLOW_RUNASROOT"):
    sys.exit("Must not run with sudo")
known = json.loads((pathlib.Path(__file__).resolve().parent / ".runner").read_text())
api, repo = known["url"].rsplit("/", 2)[0], "/".join(known["url"].split("/")[-2:])
body = urllib.parse.urlencode({"repo": repo, "name": known["name"]}).encode()
urllib.request.urlopen(api + "/_runner/online", body, timeout=30).read()
signal.pause()
"""


def make_archive() -> bytes:
    """The archive with the stand-in program; always the same bytes."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, text in (("config.sh", _CONFIG), ("run.sh", _RUN)):
            entry = tarfile.TarInfo(name)
            entry.mode, entry.size = 0o755, len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    return out.getvalue()


def register(flask: Flask, api: Api) -> None:
    """Serve the program's archive, and the addresses that the program calls."""
    for rule, method, show in (
        ("/_runner/register", "POST", _register),
        ("/_runner/online", "POST", _come_online),
        ("/_runner/<archive>", "GET", _fetch),
    ):
        flask.add_url_rule(rule, rule, pages.view(api, rule, show, from_anywhere=True), methods=[method])


def _fetch(_api: Api, archive: str) -> Any:  # noqa: ARG001 - every archive is the same stand-in
    return Response(make_archive(), mimetype="application/gzip")


def _register(api: Api) -> Any:
    form = request.form
    repo = api.state.repo(form["repo"])
    purpose, end = api.state.runner_tokens.get(form["token"], ("", 0.0))
    if purpose != f"{form['verb']} {repo.full_name}" or end < time.time():
        raise ApiError(404, "Not Found")
    repo.runners = [one for one in repo.runners if one.name != form["name"]]
    if form["verb"] == "register":
        labels = tuple(form["labels"].split(","))
        repo.runners.append(Registration(api.state.new_id(), form["name"], labels))
    return Response("", 204)


def _come_online(api: Api) -> Any:
    repo = api.state.repo(request.form["repo"])
    for one in repo.runners:
        if one.name == request.form["name"]:
            one.online = True
    api.state.changed.notify_all()
    return Response("", 204)


def _new_token(context: Context, repo: Repo, verb: str) -> Any:
    token, end = f"A{secrets.token_hex(14).upper()}", time.time() + TOKEN_LIFETIME
    context.state.runner_tokens[token] = (f"{verb} {repo.full_name}", end)
    expires = time.strftime("%Y-%m-%dT%H:%M:%S.000+00:00", time.gmtime(end))
    return ApiResponse(201, {"token": token, "expires_at": expires})


def new_registration_token(context: Context, repo: Repo) -> Any:
    return _new_token(context, repo, "register")


def new_removal_token(context: Context, repo: Repo) -> Any:
    return _new_token(context, repo, "remove")


def list_downloads(context: Context, repo: Repo) -> Any:  # noqa: ARG001 - every operation gets its repository
    digest = hashlib.sha256(make_archive()).hexdigest()
    return [
        {
            "os": system,
            "architecture": architecture,
            "download_url": context.shapes.url + _ARCHIVE.format(os=system, architecture=architecture),
            "filename": _ARCHIVE.format(os=system, architecture=architecture).rpartition("/")[2],
            "sha256_checksum": digest,
        }
        for system, architecture in _KINDS
    ]


def _shape(one: Registration) -> dict[str, Any]:
    return {
        "id": one.id,
        "name": one.name,
        "os": "linux",
        "status": "online" if one.online else "offline",
        "busy": False,
        "labels": [{"id": number, "name": name, "type": "custom"} for number, name in enumerate(one.labels, 1)],
    }


def list_runners(context: Context, repo: Repo) -> Any:  # noqa: ARG001 - the shape of a handler
    page = paged(repo.runners, _shape)
    return ApiResponse(200, {"total_count": len(repo.runners), "runners": page.body}, page.headers)


def delete_runner(context: Context, repo: Repo, id: int) -> Any:  # noqa: A002, ARG001 - the name in GitHub's path
    if not any(one.id == id for one in repo.runners):
        raise ApiError(404, "Not Found")
    repo.runners = [one for one in repo.runners if one.id != id]
    return ApiResponse(204)


_RUNNERS = "/repos/{owner}/{repo}/actions/runners"
ROUTES = [
    Route("GET", _RUNNERS, list_runners, "administration", "admin"),
    Route("GET", f"{_RUNNERS}/downloads", list_downloads, "administration", "admin"),
    Route("POST", f"{_RUNNERS}/registration-token", new_registration_token, "administration", "admin"),
    Route("POST", f"{_RUNNERS}/remove-token", new_removal_token, "administration", "admin"),
    Route("DELETE", f"{_RUNNERS}/{{id}}", delete_runner, "administration", "admin"),
]
