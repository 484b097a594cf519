"""What compose makes of a stack: the model, its lines, its variables; the same with and without bubblewrap."""

from __future__ import annotations

import pytest

from bot.plan.model import SourceLine
from bot.plan.rendering import Variable
from bot.planner.render_request import RenderRequest
from bot.redaction.redact import Redactor
from tests.gitworld import git
from tests.integration.planner.render_world import SECRET_KEY, RenderWorld, refused, rendered


@pytest.fixture(scope="module", params=["bubblewrap", "limits"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> RenderWorld:
    world = RenderWorld(tmp_path_factory.mktemp("render"), bubblewrap=request.param == "bubblewrap")
    assert world.renderer.confinement.description.startswith(
        "bubblewrap: no network" if request.param == "bubblewrap" else "process limits only"
    )
    return world


def test_paths_dollars_and_homes_come_out_the_same_everywhere(world: RenderWorld) -> None:
    snapshot = world.push(
        {
            "stacks/web/docker-compose.yml": r"""
services:
  web:
    image: nginx:1.27
    environment: {PRICE: "$$5", HERE: "${PWD}"}
    env_file: ["${PWD}/web.env"]
    volumes:
      - ${PWD}/here:/here
      - {type: bind, source: "${PWD:-.}/there", target: /there}
      - ./conf:/conf
      - ../shared:/shared
      - 'C:\data:/data'
      - c:/logs:/logs
      - ~/home:/home
      - ${HOME}/more:/more
      - /etc/localtime:/etc/localtime:ro
""",
            "stacks/web/web.env": "OF_FILE=1\n",
        }
    )
    (rendering,) = world.renderer.render(snapshot, [RenderRequest(folder="server/stacks/web")])
    model = rendered(rendering).model
    web = model["services"]["web"]
    assert model["name"] == "web"
    assert web["environment"] == {"HERE": "/fleet/server/stacks/web", "OF_FILE": "1", "PRICE": "$5"}
    assert [volume["source"] for volume in web["volumes"]] == [
        "/fleet/server/stacks/web/here",
        "/fleet/server/stacks/web/there",
        "/fleet/server/stacks/web/conf",
        "/fleet/server/stacks/shared",
        "C:\\data",
        "c:/logs",
        "~/home",
        "~/more",
        "/etc/localtime",
    ]
    assert list(model) == sorted(model)
    assert rendered(rendering).reads == ("server/stacks/web/docker-compose.yml", "server/stacks/web/web.env")


def test_a_node_has_its_own_files_profiles_project_and_variables(world: RenderWorld) -> None:
    snapshot = world.push(
        {
            "stacks/node/docker-compose.yml": "services: {web: {image: 'nginx:${TAG:?say}', ports: ['80:80']}}\n",
            "stacks/node/gpu.yml": """
services:
  gpu: {image: 'gpu:1', profiles: [gpu]}
  web: {ports: !override ['81:80']}
""",
        },
        overlay={"overlays/node.yml": "services: {web: {labels: {node: HP_LAB}}}\n"},
    )
    (rendering,) = world.renderer.render(
        snapshot,
        [
            RenderRequest(
                folder="server/stacks/node",
                files=("docker-compose.yml", "gpu.yml", "../../../overlays/node.yml"),
                profiles=("gpu",),
                project="lab",
                variables={"TAG": "1.27"},
            )
        ],
    )
    found = rendered(rendering)
    assert found.model["name"] == "lab"
    assert sorted(found.model["services"]) == ["gpu", "web"]
    web = found.model["services"]["web"]
    assert (web["image"], web["labels"], [p["published"] for p in web["ports"]]) == (
        "nginx:1.27",
        {"node": "HP_LAB"},
        ["81"],
    )
    assert found.reads == ("overlays/node.yml", "server/stacks/node/docker-compose.yml", "server/stacks/node/gpu.yml")
    assert found.variables == (Variable(name="TAG", required=True),)
    assert found.sources["services.web.labels.node"] == SourceLine(path="overlays/node.yml", line=1)


def test_lines_are_known_through_anchors_merges_extends_and_include(world: RenderWorld) -> None:
    rendering = world.render(
        {
            "docker-compose.yml": """\
include: [part/compose.yml]
x-common: &common
  restart: always
  environment: &env
    TZ: UTC
services:
  web:
    <<: *common
    extends: {file: base.yml, service: base}
    ports:
      - "8080:80"
      - target: 443
        published: "8443"
    environment:
      <<: *env
      LEVEL: info
    volumes:
      - data:/data
      - ./conf:/conf:ro
volumes:
  data:
""",
            "base.yml": """\
services:
  base:
    image: nginx:1.27
    labels:
      - traefik.enable=true
""",
            "part/compose.yml": """\
services:
  db:
    image: postgres:17
    env_file: db.env
""",
            "part/db.env": "POSTGRES_DB=app\n",
        }
    )
    found = rendered(rendering)
    folder = found.reads[0].rpartition("/")[0]
    lines = {place: (line.path.removeprefix(f"{folder}/"), line.line) for place, line in found.sources.items()}
    main = "docker-compose.yml"
    assert {
        "services.web": (main, 7),
        "services.web.restart": (main, 3),
        "services.web.image": ("base.yml", 3),
        "services.web.labels.traefik.enable": ("base.yml", 5),
        "services.web.environment.TZ": (main, 5),
        "services.web.environment.LEVEL": (main, 16),
        "services.web.ports.0": (main, 11),
        "services.web.ports.1": (main, 12),
        "services.web.volumes.0": (main, 18),
        "services.web.volumes.1": (main, 19),
        "services.db.image": ("part/compose.yml", 3),
        "volumes.data": (main, 21),
    }.items() <= lines.items()
    assert [path.removeprefix(f"{folder}/") for path in found.reads] == [
        "base.yml",
        main,
        "part/compose.yml",
        "part/db.env",
    ]


def test_variables_say_what_is_needed(world: RenderWorld) -> None:
    found = rendered(
        world.render(
            {
                "compose.yaml": """
services:
  a:
    image: "a:${A_TAG:-1}"
    container_name: "${FROM_DOTENV}"
    environment:
      - MISSING=${MISSING}
      - OR=${OUTER:-${INNER}}
      - IF=${SET:+yes}
      - HOME_IS=${HOME}
      - DOLLAR=$${NO}
      - DB_PASSWORD=${DB_PASSWORD:-hunter2}
""",
                ".env": "FROM_DOTENV=ingress\n",
            }
        )
    )
    assert found.variables == (
        Variable(name="A_TAG", default="1"),
        Variable(name="DB_PASSWORD", default=Redactor(SECRET_KEY).mark("hunter2")),
        Variable(name="FROM_DOTENV", default="ingress"),  # a name, as container_name shows
        Variable(name="INNER", default=""),
        Variable(name="MISSING"),
        Variable(name="OUTER", default="${INNER}"),
        Variable(name="SET", default=""),
    )
    assert found.model["services"]["a"]["container_name"] == "ingress"


def test_secrets_of_files_are_hidden_and_public_values_are_not(world: RenderWorld) -> None:
    found = rendered(
        world.render(
            {
                "docker-compose.yml": """
services:
  app:
    image: app:${APP_VERSION}
    env_file: [app.env, {path: absent.env, required: false}]
    environment:
      URL: "postgres://app:${DB_PASSWORD}@db/app"
      LOG_LEVEL: debug
      PASSED:
    command: ["--secret-word", "${OTHER}", "--port", "8080"]
    ports: ["${PORT}:80"]
""",
                ".env": "DB_PASSWORD=correct horse\nAPP_VERSION=2.1\nOTHER=plaintext word\nPORT=8088\n",
                "app.env": 'LOG_FORMAT=json\nMULTI="line one\nline two"\nPASSED=from file\n',
            }
        )
    )
    assert found.model["services"]["app"]["environment"]["LOG_FORMAT"] == "json", "decided from what is there"
    app = found.shown["services"]["app"]
    text = str((found, found.shown, found.variables))
    for secret in ("correct", "horse", "plaintext", "json", "line one", "from file"):
        assert secret not in text, secret
    assert app["image"] == "app:2.1"
    assert app["environment"]["LOG_LEVEL"] == "debug"
    assert app["environment"]["URL"].startswith("postgres://app:‹secret ")
    assert app["environment"]["URL"].endswith("›@db/app")
    assert app["command"][2:] == ["--port", "8080"]
    assert app["ports"][0]["published"] == "8088"


def test_dotenv_cannot_steer_compose_but_is_interpolated(world: RenderWorld) -> None:
    found = rendered(
        world.render(
            {
                "docker-compose.yml": """
services:
  a: {image: 'a:${COMPOSE_FILE}${DOCKER_HOST}'}
  b: {image: b, profiles: [p]}
""",
                "other.yml": "services: {c: {image: c}}\n",
                ".env": "COMPOSE_FILE=other.yml\nDOCKER_HOST=tcp://x\nCOMPOSE_DISABLE_ENV_FILE=1\nCOMPOSE_PROFILES=p\n"
                "COMPOSE_PROJECT_NAME=named\nexport COMPOSE_EXPERIMENTAL_GIT_REMOTE=true\n"
                "COMPOSE_CONVERT_WINDOWS_PATHS=1\n",
            }
        )
    )
    assert found.model["name"] == "named"  # as on the node
    images = {name: body["image"] for name, body in found.model["services"].items()}
    assert images == {"a": "a:other.ymltcp://x"}, "files and profiles are the request's"


def test_default_files_and_override(world: RenderWorld) -> None:
    found = rendered(
        world.render(
            {
                "docker-compose.yml": "services: {a: {image: 'a:1'}}\n",
                "docker-compose.override.yml": "services: {a: {image: 'a:2'}}\n",
            }
        )
    )
    assert found.model["services"]["a"]["image"] == "a:2"
    assert "there is no compose.yaml" in refused(world.render({"readme": "no stack"})).message


def test_compose_s_own_errors_are_shown_with_their_line(world: RenderWorld) -> None:
    error = refused(world.render({"docker-compose.yml": "services:\n  a:\n    image: x\n    ports: 80\n"}))
    assert "services.a.ports must be a array" in error.message or "services.a.ports must be an array" in error.message
    assert error.where is not None
    assert error.where.line == 4
    both = refused(world.render({"docker-compose.yml": "services: {a: {ports: '${NUMBER}', image: '${TAG:?}'}}\n"}))
    assert both.variables == (Variable(name="NUMBER"), Variable(name="TAG", required=True))
    text = "services: {a: {image: x, extends: {file: no.yml, service: b}}}\n"
    missing = refused(world.render({"docker-compose.yml": text}))
    assert "no.yml" in missing.message
    assert str(world.folder) not in missing.message


def test_env_files_that_only_the_node_has_are_empty_with_a_remark(world: RenderWorld) -> None:
    text = """
services:
  a:
    image: x
    env_file: [no.env, /etc/app.env, ../../../../out.env, '~/home.env', {path: other.env, required: false}, here.env]
    secrets: [tok]
secrets: {tok: {file: /etc/tok}}
"""
    found = rendered(world.render({"compose.yaml": text, "here.env": "A=1\n"}))
    assert found.model["services"]["a"]["environment"] == {"A": "1"}
    assert found.model["secrets"]["tok"]["file"] == "/etc/tok"
    named = [remark.split(" is not in the repository")[0] for remark in found.remarks]
    assert named[0].startswith("env_file server/stacks/")
    assert named[0].endswith("/no.env")
    assert named == [
        found.remarks[0].split(" is not")[0],
        "env_file /etc/app.env",
        "env_file ../../../../out.env",
        "env_file ~/home.env",
        "a file of secrets, /etc/tok,",
    ]


def test_label_files_are_named_as_compose_hashes_them(world: RenderWorld) -> None:
    text = """
include: [more/compose.yaml]
services:
  a: {image: "x:1", extends: {file: base.yaml, service: b}, label_file: ["own.env", /etc/node.env]}
  b: {image: "x:1", label_file: "${L}.env"}
  c: {image: "x:1"}
  d: {image: "x:1", extends: b, label_file: !override own.env}
"""
    files = {
        "compose.yaml": text,
        "base.yaml": "services: {b: {image: 'x:1', label_file: base.env}}\n",
        "more/compose.yaml": "services: {m: {image: 'x:1', label_file: m.env}}\n",
        **dict.fromkeys(("own.env", "base.env", "one.env", "more/m.env"), "a=1\n"),
        ".env": "L=one\n",
    }
    found = rendered(world.render(files)).model["services"]
    folder = found["d"]["label_file"][0].rpartition("/")[0]
    assert {name: service.get("label_file") for name, service in found.items()} == {
        "a": [f"{folder}/base.env", f"{folder}/own.env", "/etc/node.env"],
        "b": [f"{folder}/one.env"],
        "c": None,
        "d": [f"{folder}/own.env"],
        "m": [f"{folder}/more/m.env"],
    }
    assert folder.startswith("/fleet/server/stacks/")


def test_a_reset_takes_away_what_earlier_files_say_and_not_what_is_merged_in(world: RenderWorld) -> None:
    text = """
services:
  base: &base {image: "x:1", ports: ["80:80"], labels: {a: b}, user: root}
  a: {<<: *base, ports: !reset [], user: !reset null, labels: !override {c: d}}
"""
    more = """
x-more: &more {labels: {e: f}}
services: {a: {<<: *more, labels: !reset {}, ports: !reset []}}
"""
    (one, two) = (
        rendered(world.render(files)).model["services"]["a"]
        for files in ({"compose.yaml": text}, {"compose.yaml": text, "compose.override.yaml": more})
    )
    assert (one["labels"], one["user"], one["ports"][0]["published"]) == ({"c": "d"}, "root", "80")
    assert (two["labels"], two.get("ports")) == ({"e": "f"}, None)


def test_what_compose_s_parser_takes_is_taken(world: RenderWorld) -> None:
    found = rendered(world.render({"compose.yaml": "services:\t# tabs\n  a:\n    image:\tx:1\t# one\n"}))
    assert found.model["services"]["a"]["image"] == "x:1"
    folder = world.upstream / "stacks/wide"
    folder.mkdir()
    (folder / "compose.yaml").write_bytes("services: {a: {image: 'é:1'}}\n".encode("utf-16"))
    git(world.upstream, "add", "--all")
    (wide,) = world.renderer.render(world.push({}), [RenderRequest(folder="server/stacks/wide")])
    assert rendered(wide).model["services"]["a"]["image"] == "é:1"


def test_a_user_s_own_variables_are_interpolated_whatever_they_are_called(world: RenderWorld) -> None:
    text = "services: {a: {image: 'x:${DOCKER_TAG}', environment: {H: '${DOCKER_HOST}', C: '$${DOCKER_HOST}'}}}\n"
    dotenv = "COMPOSE_TAG=1\nDOCKER_TAG=${COMPOSE_TAG}2\nexport DOCKER_HOST=tcp://x\n"
    a = rendered(world.render({"compose.yaml": text, ".env": dotenv})).model["services"]["a"]
    assert (a["image"], a["environment"]) == ("x:12", {"H": "tcp://x", "C": "${DOCKER_HOST}"})


def test_what_only_the_node_can_give_does_not_keep_a_stack_from_being_planned(world: RenderWorld) -> None:
    text = """
services:
  a:
    image: 'x:${TAG:?set the tag}'
    environment: {DB_PASSWORD: '${DB_PASSWORD:?}', GIVEN: '${GIVEN:?}', OWN: '${OWN:?}'}
    volumes: ['${DATA:?}/db:/data']
"""
    found = rendered(world.render({"compose.yaml": text, ".env": "OWN=mine\n"}, variables={"GIVEN": "yes"}))
    service = found.model["services"]["a"]
    assert service["image"] == "x:<TAG>"
    assert service["volumes"][0]["source"] == "/<DATA>/db"
    assert service["environment"]["GIVEN"] == "yes"
    assert [(v.name, v.required) for v in found.variables if v.default is None] == [
        ("DATA", True),
        ("DB_PASSWORD", True),
        ("GIVEN", True),
        ("TAG", True),
    ]


def test_broken_yaml_names_file_and_line(world: RenderWorld) -> None:
    error = refused(world.render({"docker-compose.yml": "services:\n  a:\n    image: [x\n"}))
    assert error.where is not None
    assert error.where.path.endswith("/docker-compose.yml")
    assert "not valid YAML" in error.message


def test_what_compose_runs_with_itself_is_not_the_stacks(world: RenderWorld) -> None:
    body = 'image: "app:${GOGC:-none}"\n    environment: [GOMEMLIMIT, GOGC]'
    env_file = "image: app:1\n    env_file: [app.env]"
    snapshot = world.push(
        {
            "stacks/go/docker-compose.yml": f"services:\n  go:\n    {body}\n",
            "stacks/env/docker-compose.yml": f"services:\n  go:\n    {env_file}\n",
            "stacks/env/app.env": "LIMIT=${GOMEMLIMIT:-none}\nGOGC\n",
        }
    )
    requests = [RenderRequest(folder=f"server/stacks/{name}") for name in ("go", "env")]
    go, env = (rendered(one).model["services"]["go"] for one in world.renderer.render(snapshot, requests))
    assert (go["image"], go["environment"]) == ("app:none", {"GOMEMLIMIT": None, "GOGC": None})
    assert env["environment"].get("LIMIT") == "none"
    assert env["environment"].get("GOGC") is None


def test_contents_that_the_model_does_not_show_are_told_apart(world: RenderWorld) -> None:
    def render(model: str, token: str, profile: str) -> tuple[dict[str, str], list[str]]:
        body = f"image: app:1\n    models: [llm]\n    secrets: [s]\n    security_opt: ['seccomp:{profile}']"
        more = f"models:\n  llm: {{model: '{model}'}}\nsecrets:\n  s: {{environment: TOKEN}}\n"
        files: dict[str, str | None] = {
            "stacks/unseen/docker-compose.yml": f"services:\n  web:\n    {body}\n{more}",
            "stacks/unseen/.env": f"TOKEN={token}\n",
        }
        (found,) = world.renderer.render(world.push(files), [RenderRequest(folder="server/stacks/unseen")])
        return rendered(found).contents, rendered(found).model["services"]["web"]["security_opt"]

    first, profiles = render("ai/a:1", "hunter2-long-enough", "./p.json")
    assert set(first) == {"models.llm", "secrets.s"}
    assert "hunter2" not in str(first)
    assert profiles == ["seccomp:/fleet/server/stacks/unseen/p.json"]
    other, _ = render("ai/a:2", "hunter2-long-enough", "./p.json")
    assert (other["models.llm"] != first["models.llm"], other["secrets.s"] == first["secrets.s"]) == (True, True)
    other, _ = render("ai/a:1", "hunter3-long-enough", "./p.json")
    assert (other["models.llm"] == first["models.llm"], other["secrets.s"] != first["secrets.s"]) == (True, True)
