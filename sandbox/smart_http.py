"""Serve git over smart HTTP by `git http-backend`, with GitHub's permissions and the consequences of a push."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

from flask import Flask, Response, request

from bot.settings.environment import child_environment
from sandbox import access
from sandbox.api import Api
from sandbox.app_records import Token
from sandbox.replicas import lagging_copy
from sandbox.state import ApiError, Moved


def register(flask: Flask, api: Api) -> None:
    """Serve /OWNER/NAME.git/."""

    @flask.route("/<owner>/<name>.git/<path:service>", methods=["GET", "POST"])
    def git(owner: str, name: str, service: str) -> Response:
        start = time.monotonic()
        if api.latency:
            time.sleep(api.latency)
        fault = api.faults.take(request.method, request.path)
        broken = fault is not None and fault.status > 0
        answer = Response(status=fault.status) if broken and fault else _answer(api, f"{owner}/{name}", service)
        api.log("git", route=service, status=answer.status_code, start=start)
        return answer


def _answer(api: Api, full_name: str, service: str) -> Response:
    pushing = service == "git-receive-pack" or request.args.get("service") == "git-receive-pack"
    try:
        with api.state.lock:
            repo = api.state.repo(full_name)
            credential = access.read_credential(request.headers.get("Authorization", ""))
            token = access.find_token(api.state, credential) if credential else None
            api.check_access(token, repo, "contents", "write" if pushing else "read")
    except Moved as moved:
        query = f"?{request.query_string.decode()}" if request.query_string else ""
        return Response("", 301, {"Location": f"/{moved.now}.git/{service}{query}"})
    except ApiError as problem:
        asks = problem.status == 401 or not request.headers.get("Authorization")
        status = 401 if asks else problem.status
        return Response(problem.message, status, {"WWW-Authenticate": 'Basic realm="GitHub"'} if asks else {})
    behaviours = api.state.behaviours
    if service != "git-receive-pack":
        lags = behaviours.git_lag and not pushing
        with api.state.lock:
            git = lagging_copy(repo, at=behaviours.clock() - behaviours.git_lag) if lags else repo.git
        return _backend(git.git_dir, service, token)
    with api.state.lock:
        before = repo.heads()
        answer = _backend(repo.git.git_dir, service, token)
        if token is not None:
            api.effects.apply_branch_moves(repo, before, token.user)
        return answer


def _backend(folder: Path, service: str, token: Token | None) -> Response:
    body = request.get_data()
    environment = child_environment() | {
        "GIT_PROJECT_ROOT": str(folder),
        "GIT_HTTP_EXPORT_ALL": "1",
        "PATH_INFO": f"/{service}",
        "QUERY_STRING": request.query_string.decode(),
        "REQUEST_METHOD": request.method,
        "CONTENT_TYPE": request.content_type or "",
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_CONTENT_ENCODING": request.headers.get("Content-Encoding", ""),
        "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
        "REMOTE_USER": token.user.login if token else "",
        "REMOTE_ADDR": "127.0.0.1",
        "GIT_CONFIG_NOSYSTEM": "1",
    }
    done = subprocess.run(["git", "http-backend"], env=environment, input=body, capture_output=True, check=False)
    head, _, content = done.stdout.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode("latin-1").split("\r\n") if ": " in line)
    status = int(headers.pop("Status", "200 OK").split()[0])
    return Response(content, status, headers)
