"""What two versions of a stack come to, service by service: actions, reasons, lines."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from bot.domain.names import CommitSha, NodeName, ServiceName, StackName
from bot.fleetfile import Node, Platform
from bot.plan.causes import ReasonCode
from bot.plan.changes import Decided, PlanScope, decide_node, decide_stack
from bot.plan.model import Reason, SourceLine, StackPlan
from bot.plan.rendering import CHECKOUT, NodeChange, Place, Rendered, Side, StackChange, Unreadable, Variable
from bot.protocol.action import Action

FOLDER = "server/stacks/s"
HERE = f"{CHECKOUT}/{FOLDER}"
LINUX = Node(name=NodeName("N"))
WINDOWS = Node(name=NodeName("W"), platform=Platform.WINDOWS, root="C:\\aios")
Services = dict[str, dict[str, Any]]


def side(
    services: Services,
    *,
    places: dict[str, str] | None = None,
    sources: dict[str, int] | None = None,
    variables: tuple[Variable, ...] = (),
    survives: bool = True,
    **top: Any,
) -> Side:
    """A stack at one pin: kinds by path inside its folder (`places`), lines of its compose.yaml (`sources`)."""
    lines = {place: SourceLine(path=f"{FOLDER}/compose.yaml", line=line) for place, line in (sources or {}).items()}
    every = {f"services.{name}": SourceLine(path=f"{FOLDER}/compose.yaml", line=1) for name in services}
    model = {"name": "s", "services": {n: {"image": "app:1.0"} | spec for n, spec in services.items()}} | top
    kinds = {f"{FOLDER}/{path}": kind for path, kind in (places or {}).items()}
    return Side(
        rendering=Rendered(
            model=model, reads=(f"{FOLDER}/compose.yaml",), sources=every | lines, variables=variables
        ),
        files=("compose.yaml",),
        places={path: Place(path=path, kind=kind, survives=survives) for path, kind in kinds.items()},
    )


def decide(
    old: Side | None, new: Side | None, *, changed: tuple[str, ...] = (), node: Node = LINUX, **more: Any
) -> Decided:
    """The decision; `changed` are paths inside the stack's folder."""
    change = StackChange(stack=StackName("s"), folder=FOLDER, old=old, new=new, **more)
    return decide_stack(change, PlanScope(node, frozenset(f"{FOLDER}/{path}" for path in changed)))


def actions(decided: Decided) -> dict[str, Action]:
    return {s.service: s.action for stack in decided.stacks for s in stack.services}


def codes(decided: Decided, service: str = "web") -> list[str]:
    return [r.code for stack in decided.stacks for s in stack.services if s.service == service for r in s.reasons]


def only(decided: Decided) -> StackPlan:
    (stack,) = decided.stacks
    return stack


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        ({}, {"image": "app:2.0"}, ReasonCode.IMAGE),
        ({}, {"command": ["a"]}, ReasonCode.COMMAND),
        ({"entrypoint": ["a"]}, {"entrypoint": ["b"]}, ReasonCode.COMMAND),
        ({"environment": {"A": "1"}}, {"environment": {"A": "2"}}, ReasonCode.ENV_FILE),  # no compose file wrote it
        ({"ports": []}, {"ports": [{"target": 80, "published": "80"}]}, ReasonCode.PORTS),
        ({}, {"volumes": [{"type": "volume", "source": "d", "target": "/d"}]}, ReasonCode.VOLUMES),
        ({"networks": {"a": None}}, {"networks": {"b": None}}, ReasonCode.NETWORKS),
        ({"labels": {"a": "1"}}, {}, ReasonCode.LABELS),
        ({}, {"healthcheck": {"test": ["NONE"]}}, ReasonCode.HEALTHCHECK),
        ({"deploy": {"resources": {}}}, {"deploy": {"resources": {"limits": {"memory": "1"}}}}, ReasonCode.RESOURCES),
        ({}, {"deploy": {"replicas": 1}}, ReasonCode.RESOURCES),  # an empty `deploy` is hashed, too
        ({}, {"hostname": "h"}, ReasonCode.SETTING),
        ({"tmpfs": ["/a", "/b"]}, {"tmpfs": ["/b", "/a"]}, ReasonCode.VOLUMES),
        ({"volumes_from": ["idle"]}, {"volumes_from": ["container:idle"]}, ReasonCode.SETTING),
        ({"volumes_from": ["container:x"]}, {"volumes_from": ["container:x:ro"]}, ReasonCode.SETTING),
    ],
)
def test_what_compose_hashes_recreates(before: dict[str, Any], after: dict[str, Any], code: ReasonCode) -> None:
    decided = decide(side({"web": before, "idle": {}}), side({"web": after, "idle": {}}))
    assert actions(decided) == {"web": Action.RECREATE, "idle": Action.NONE}
    assert set(codes(decided)) == {code}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {"pull_policy": "always"}),
        ({}, {"depends_on": {"idle": {"condition": "service_started"}}}),
        ({"profiles": ["a"]}, {"profiles": ["a", "b"]}),
        ({"build": {"context": HERE}}, {}),
        ({"scale": 1}, {}),
        ({"volumes_from": ["other"]}, {"volumes_from": ["other:ro"]}),
    ],
)
def test_what_compose_does_not_hash_does_nothing(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert actions(decide(side({"web": before}), side({"web": after}))) == {"web": Action.NONE}


BIND = {"volumes": [{"type": "bind", "source": f"{HERE}/conf", "target": "/conf"}]}
SIGNAL = {"labels": {"aios.reload": "hup"}}
CONFIG = {"configs": [{"source": "c", "target": "/c"}]}
SECRET = {"secrets": [{"source": "k"}]}
PROFILE = {"security_opt": ["no-new-privileges:true", f"seccomp={HERE}/conf"]}
DEVICE = {"volumes": [{"type": "volume", "source": "v", "target": "/v"}]}
BOUND = {"v": {"name": "s_v", "driver_opts": {"type": "none", "o": "bind", "device": f"{HERE}/conf"}}}


@pytest.mark.parametrize(
    ("spec", "top", "kind", "changed", "expected"),
    [
        (BIND, {}, "folder", ["conf/a"], Action.RESTART),
        (BIND, {}, "folder", ["conf/deep/er"], Action.RESTART),
        (BIND, {}, "folder", ["conf2/a", "compose.yaml"], Action.NONE),
        (BIND, {}, "file", ["conf"], Action.RESTART),
        (BIND | SIGNAL, {}, "folder", ["conf/a"], Action.RELOAD),
        (BIND | SIGNAL, {}, "file", ["conf"], Action.RESTART),  # the container keeps the old file
        (BIND | {"labels": {"aios.reload": "TERM"}}, {}, "folder", ["conf/a"], Action.RESTART),
        (BIND | SIGNAL | {"deploy": {"replicas": 0}}, {}, "folder", ["conf/a"], Action.NONE),
        (CONFIG, {"configs": {"c": {"file": f"{HERE}/conf"}}}, "file", ["conf"], Action.RESTART),
        (CONFIG | SIGNAL, {"configs": {"c": {"file": f"{HERE}/conf"}}}, "file", ["conf"], Action.RESTART),
        (SECRET, {"secrets": {"k": {"file": f"{HERE}/conf"}}}, "file", ["conf"], Action.RESTART),
        (PROFILE, {}, "file", ["conf"], Action.RECREATE),
        (PROFILE, {}, "file", ["conf2"], Action.NONE),
        (PROFILE | SIGNAL, {}, "file", ["conf"], Action.RECREATE),
        ({"security_opt": [f"label:{HERE}/conf", "seccomp:unconfined"]}, {}, "file", ["conf"], Action.NONE),
        (DEVICE, {"volumes": BOUND}, "folder", ["conf/a"], Action.RESTART),
        (DEVICE, {"volumes": {"v": {"name": "s_v"}}}, "folder", ["conf/a"], Action.NONE),
    ],
)
def test_files_behind_a_mount(
    spec: dict[str, Any], top: dict[str, Any], kind: str, changed: list[str], expected: Action
) -> None:
    both = [side({"web": spec}, places={"conf": kind}, **top) for _ in range(2)]
    decided = decide(*both, changed=tuple(changed))
    assert actions(decided) == {"web": expected}
    used = {path.removeprefix(f"{FOLDER}/") for path in decided.files}
    assert used == (set(changed) if expected is not Action.NONE else set())
    (plan,) = only(decided).services
    assert plan.signal == ("SIGHUP" if expected is Action.RELOAD else "")


def test_what_is_told_of_a_seccomp_profile() -> None:
    both = [side({"web": PROFILE}, places={"conf": kind}) for kind in ("file", "file", "")]
    (changed,) = only(decide(*both[:2], changed=("conf",))).services[0].reasons
    assert (changed.code, changed.text) == ("security_profile", f"{FOLDER}/conf changed, the profile of seccomp")
    (gone,) = only(decide(*both[1:], changed=("conf",))).services[0].reasons
    words = "gone from the repository and still named as a profile: nothing starts without it"
    assert gone.text == f"{FOLDER}/conf is {words}"


def test_a_folder_that_git_makes_anew_cannot_be_reloaded() -> None:
    old, new = (side({"web": BIND | SIGNAL}, places={"conf": "folder"}, survives=False) for _ in range(2))
    assert actions(decide(old, new, changed=("conf/a",))) == {"web": Action.RESTART}


@pytest.mark.parametrize(
    ("then", "now", "expected"),
    [
        ("file", "folder", Action.RECREATE),
        ("folder", "file", Action.RECREATE),
        ("file", "", Action.RECREATE),  # the engine makes a folder of it
        ("", "file", Action.RECREATE),
        ("", "folder", Action.RESTART),
        ("folder", "", Action.RESTART),
    ],
)
def test_a_container_made_for_a_file_cannot_mount_a_folder(then: str, now: str, expected: Action) -> None:
    old, new = side({"web": BIND}, places={"conf": then}), side({"web": BIND}, places={"conf": now})
    changed = ("conf",) if "file" in (then, now) else ("conf/a",)
    assert actions(decide(old, new, changed=changed)) == {"web": expected}


def test_a_link_that_turns_changes_what_is_mounted() -> None:
    def linked(to: str) -> Side:
        one = side({"web": BIND})
        return Side(rendering=one.rendering, places={f"{FOLDER}/conf": Place(path=f"{FOLDER}/{to}", kind="folder")})

    assert actions(decide(linked("one"), linked("two"))) == {"web": Action.RESTART}
    assert actions(decide(linked("one"), linked("one"), changed=("one/a",))) == {"web": Action.RESTART}
    assert actions(decide(linked("one"), linked("one"), changed=("two/a",))) == {"web": Action.NONE}


@pytest.mark.parametrize(
    ("then", "now", "words"),
    [
        ({"content": "a"}, {"content": "b"}, "has different content"),
        ({"file": f"{HERE}/a"}, {"file": f"{HERE}/b"}, f"is now {FOLDER}/b"),
        ({"file": f"{HERE}/a"}, {"content": "b"}, "has different content"),
        ({"environment": "A"}, {"environment": "B"}, "is now the variable B"),
        ({"content": "a"}, {"environment": "B"}, "is now the variable B"),
    ],
)
def test_a_config_that_is_another_one_needs_a_new_container(
    then: dict[str, str], now: dict[str, str], words: str
) -> None:
    services: Services = {"web": CONFIG, "idle": {}}
    old, new = side(services, configs={"c": then | {"name": "s_c"}}), side(services, configs={"c": now})
    decided = decide(old, new)
    assert actions(decided) == {"web": Action.RECREATE, "idle": Action.NONE}
    assert only(decided).services[0].reasons[0].text == f"config c {words}, mounted at /c"


@pytest.mark.parametrize(
    ("then", "now", "expected"),
    [
        ({"configs.c": "1"}, {"configs.c": "2"}, Action.RECREATE),
        ({"configs.c": "1"}, {}, Action.RECREATE),
        ({}, {"configs.c": "1"}, Action.RECREATE),
        ({"configs.c": "1", "secrets.c": "1"}, {"configs.c": "1", "secrets.c": "2"}, Action.NONE),
        ({"configs.c": "1"}, {"configs.c": "1"}, Action.NONE),
    ],
)
def test_a_config_whose_variable_has_another_value_needs_a_new_container(
    then: dict[str, str], now: dict[str, str], expected: Action
) -> None:
    model = {"name": "s", "services": {"web": CONFIG, "idle": {}}, "configs": {"c": {"environment": "TOKEN"}}}

    def given(contents: dict[str, str]) -> Side:
        return Side(rendering=Rendered(model=model, contents=contents, reads=("s/.env",)))

    decided = decide(given(then), given(now), changed=("s/.env",))
    assert actions(decided) == {"web": expected, "idle": Action.NONE}
    if expected is Action.RECREATE:
        (reason,) = only(decided).services[0].reasons
        assert reason.text == "config c has different content, mounted at /c"


@pytest.mark.parametrize(
    ("was", "becomes", "more", "expected"),
    [
        (1, 3, {}, (Action.CREATE, 0)),
        (3, 2, {}, (Action.REMOVE, 2)),
        (2, 0, {}, (Action.REMOVE, 0)),
        (0, 2, {}, (Action.CREATE, 0)),
        (0, 2, {"image": "app:2.0"}, (Action.CREATE, 0)),
        (0, 0, {"image": "app:2.0"}, (Action.NONE, 0)),
        (1, 2, {"image": "app:2.0"}, (Action.RECREATE, 0)),
        (3, 2, {"image": "app:2.0"}, (Action.RECREATE, 0)),
    ],
)
@pytest.mark.parametrize("spelled", ["deploy", "scale"])
def test_replicas(was: int, becomes: int, more: dict[str, Any], expected: tuple[Action, int], spelled: str) -> None:
    def scaled(count: int) -> dict[str, Any]:
        return {"deploy": {"replicas": count}} if spelled == "deploy" else {"scale": count}

    decided = decide(side({"web": scaled(was)}), side({"web": scaled(becomes) | more}))
    (plan,) = only(decided).services
    assert (plan.action, plan.remaining) == expected


RESTARTS = {"condition": "service_started", "restart": True}


@pytest.mark.parametrize(
    ("cause", "expected"),
    [
        (
            {"image": "app:2.0"},
            {"net": "recreate", "after": "restart", "last": "none", "loose": "none", "data": "recreate"},
        ),
        ("conf/a", {"net": "restart", "after": "restart", "last": "restart", "loose": "none", "data": "restart"}),
    ],
)
def test_cascades(cause: dict[str, Any] | str, expected: dict[str, str]) -> None:
    def services(**more: Any) -> Services:
        return {
            "web": BIND | more,
            "net": {"network_mode": "service:web", "depends_on": {"web": RESTARTS}},
            "after": {"depends_on": {"web": RESTARTS}},
            "last": {"depends_on": {"after": RESTARTS}},
            "loose": {"depends_on": {"web": {"condition": "service_started"}}},
            "data": {"volumes_from": ["web:ro"]},
        }

    places = {"conf": "folder"}
    if isinstance(cause, dict):
        decided = decide(side(services(), places=places), side(services(**cause), places=places))
    else:
        decided = decide(side(services(), places=places), side(services(), places=places), changed=(cause,))
    found = actions(decided)
    del found["web"]
    assert found == expected


def test_who_shares_with_a_restarted_one_restarts_although_compose_would_not_see_it() -> None:
    def services(image: str) -> Services:
        return {
            "db": {"image": image},
            "api": {"depends_on": {"db": RESTARTS}},
            "side": {"pid": "service:api"},
        }

    decided = decide(side(services("db:1.0")), side(services("db:2.0")))
    assert actions(decided) == {"db": Action.RECREATE, "api": Action.RESTART, "side": Action.RESTART}


@pytest.mark.parametrize(
    ("then", "now", "expected"),
    [
        ({"name": "s_n"}, {"name": "s_n", "labels": {"a": "1"}}, Action.RECREATE),
        ({"name": "s_n"}, {"name": "other"}, Action.RECREATE),
        ({"name": "n", "external": True}, {"name": "m", "external": True}, Action.RECREATE),
        ({"name": "n", "external": True}, {"name": "n"}, Action.NONE),
        ({"name": "s_n"}, {"name": "s_n", "x-note": 1}, Action.NONE),
    ],
)
def test_networks(then: dict[str, Any], now: dict[str, Any], expected: Action) -> None:
    services: Services = {"web": {"networks": {"n": None}}, "idle": {}}
    decided = decide(side(services, networks={"n": then}), side(services, networks={"n": now}))
    assert actions(decided) == {"web": expected, "idle": Action.NONE}


@pytest.mark.parametrize("spelled", [{"m": None}, {"m": {"endpoint_var": "URL"}}])
def test_an_ai_model_that_changed_needs_new_containers(spelled: dict[str, Any]) -> None:
    services = {"web": {"models": spelled}, "other": {"models": {"k": None}}, "idle": {}}
    model = {"name": "s", "services": services}

    def given(**contents: str) -> Side:
        return Side(rendering=Rendered(model=model, contents={f"models.{n}": text for n, text in contents.items()}))

    decided = decide(given(m="1", k="1"), given(m="2", k="1"))
    assert actions(decided) == {"web": Action.RECREATE, "other": Action.NONE, "idle": Action.NONE}
    assert [(one.code, one.text) for one in only(decided).services[0].reasons] == [
        ("model_changed", "model m is another one, or configured differently")
    ]
    assert set(actions(decide(given(m="1", k="1"), given(m="1", k="1"))).values()) == {Action.NONE}


def test_an_ai_model_that_a_service_takes_on_is_a_change_of_the_service_alone() -> None:
    old = Side(rendering=Rendered(model={"name": "s", "services": {"web": {}}}))
    model = {"name": "s", "services": {"web": {"models": {"m": None}}}}
    decided = decide(old, Side(rendering=Rendered(model=model, contents={"models.m": "1"})))
    assert [one.code for one in only(decided).services[0].reasons] == ["setting"]


def rebuilt_chain(**bases: tuple[str, ...]) -> dict[str, Action]:
    """What happens to a stack of four images, of which the first is built again."""
    services: Services = {
        "base": {"build": {"context": "b"}, "image": "own/base:1"},
        "app": {"build": {"context": "a"}},
        "tool": {"build": {"context": "t"}},
        "mounts": {"image": "x", "volumes": [{"type": "image", "source": "own/base:1", "target": "/i"}]},
        "other": {"image": "x", "volumes": [{"type": "volume", "source": "own/base:1", "target": "/i"}]},
    }
    both = side(services)
    more = {ServiceName(name): tuple(map(ServiceName, of)) for name, of in bases.items()}
    decided = decide(both, both, build_inputs={ServiceName("base"): ("b/file",)}, build_bases=more)
    return actions(decided)


def test_who_is_built_on_a_rebuilt_image_is_built_too_however_far() -> None:
    found = {"base": Action.REBUILD, "mounts": Action.RECREATE, "other": Action.NONE}
    assert rebuilt_chain() == found | {"app": Action.NONE, "tool": Action.NONE}
    assert rebuilt_chain(app=("base",)) == found | {"app": Action.REBUILD, "tool": Action.NONE}
    chain = rebuilt_chain(app=("base",), tool=("app",))
    assert chain == found | {"app": Action.REBUILD, "tool": Action.REBUILD}
    assert rebuilt_chain(app=("base", "tool"), tool=("app",)) == chain, "a circle ends"


def test_what_is_built_is_built_again_where_the_old_version_cannot_be_read() -> None:
    new = side({"made": {"build": {"context": "."}}, "plain": {"image": "x"}})
    made, plain = only(decide(Side(rendering=Unreadable(message="no")), new)).services
    assert (made.action, made.if_same, [one.text for one in made.reasons]) == (
        Action.REBUILD,
        Action.RECREATE,
        ["recreated because the old version cannot be read", "builds again because the old version cannot be read"],
    )
    assert (plain.action, plain.if_same, len(plain.reasons)) == (Action.RECREATE, None, 1)


@pytest.mark.parametrize(
    ("then", "now", "reconnects", "text"),
    [
        ({"name": "a"}, {"name": "b"}, False, "network n is b instead of a"),
        (
            {"name": "a"},
            {"name": "b"},
            True,
            "network n is b instead of a, where compose alone would leave it without its names",
        ),
        ({"name": "a"}, {"name": "b", "external": True}, True, "network n is b instead of a"),
        ({"name": "a", "external": True}, {"name": "b"}, True, "network n is b instead of a"),
        ({"name": "a"}, {"name": "a", "labels": {"l": "1"}}, True, "network n is recreated"),
    ],
)
def test_a_renamed_network_recreates_also_where_compose_only_reconnects(
    then: dict[str, Any], now: dict[str, Any], reconnects: bool, text: str
) -> None:
    sides = [side({"web": {"networks": {"n": None}}}, networks={"n": one}) for one in (then, now)]
    change = StackChange(stack=StackName("s"), folder=FOLDER, old=sides[0], new=sides[1])
    (decided,) = decide_node(NodeChange(node=LINUX, stacks=(change,)), reconnects=reconnects)
    (plan,) = only(decided).services
    assert (plan.action, [reason.text for reason in plan.reasons]) == (Action.RECREATE, [text])


@pytest.mark.parametrize(
    ("then", "now", "remade"),
    [
        ({"n": {"name": "a"}}, {"n": {"name": "a", "labels": {"l": "1"}}}, ("a",)),
        ({"n": {"name": "a"}}, {"n": {"name": "b"}}, ()),
        ({"n": {"name": "a"}}, {"m": {"name": "a"}}, ("a",)),
        ({"n": {"name": "a"}}, {"m": {"name": "b"}}, ()),
        ({"n": {"name": "a", "external": True}}, {"m": {"name": "a"}}, ()),
        ({"n": {"name": "a"}}, {"m": {"name": "a", "external": True}}, ()),
        ({"n": {"name": "a"}}, {"n": {"name": "a"}, "m": {"name": "a"}}, ("a",)),
        ({"n": {"name": "a"}, "m": {"name": "b"}}, {"n": {"name": "b"}, "m": {"name": "a"}}, ("b", "a")),
    ],
)
def test_networks_that_go_before_containers_are_made_anew(
    then: dict[str, Any], now: dict[str, Any], remade: tuple[str, ...]
) -> None:
    def on(networks: dict[str, Any]) -> Side:
        return side({"web": {"networks": dict.fromkeys(networks)}}, networks=networks)

    assert only(decide(on(then), on(now))).remade_networks == remade


@pytest.mark.parametrize(
    ("then", "now", "external", "remade"),
    [
        ({"web": "n", "api": "m"}, {"web": "n", "api": "n"}, False, ("a",)),
        ({"web": "n", "api": "m"}, {"web": "n", "api": "m"}, False, ()),
        ({"web": "n"}, {"web": "n", "api": "n"}, False, ()),  # a new service has no container to cut off
        ({"web": "n", "api": "m"}, {"web": "n", "api": "n"}, True, ()),
    ],
)
def test_a_renamed_network_that_a_service_joins_goes_first(
    then: dict[str, str], now: dict[str, str], external: bool, remade: tuple[str, ...]
) -> None:
    def on(services: dict[str, str], name: str) -> Side:
        networks = {"n": {"name": name} | ({"external": True} if external else {}), "m": {"name": "m"}}
        return side({name: {"networks": {key: None}} for name, key in services.items()}, networks=networks)

    assert only(decide(on(then, "a"), on(now, "b"))).remade_networks == remade


def test_a_network_that_is_made_anew_takes_along_who_uses_it_in_other_stacks() -> None:
    def owner(**more: Any) -> Side:
        return side({"web": {"networks": {"n": None}}}, networks={"n": {"name": "shared"} | more})

    outside = {"n": {"name": "shared", "external": True}}
    user = side({"uses": {"networks": {"n": None}}, "idle": {}, "after": {"pid": "service:uses"}}, networks=outside)
    stacks = (
        StackChange(stack=StackName("owner"), folder="o", old=owner(), new=owner(labels={"a": "1"})),
        StackChange(stack=StackName("user"), folder="u", old=user, new=user),
    )
    first, second = decide_node(NodeChange(node=LINUX, stacks=stacks))
    assert only(first).remade_networks == ("shared",)
    assert actions(second) == {"uses": Action.RECREATE, "idle": Action.NONE, "after": Action.RECREATE}
    assert only(second).remade_networks == ()


def test_a_stack_that_was_deployed_alone_is_compared_with_what_it_runs_and_says_so() -> None:
    pin = CommitSha("1234567" + "0" * 33)
    mounts = {"web": {"volumes": [{"type": "bind", "source": f"/fleet/{FOLDER}/a.conf", "target": "/a"}]}}
    at = side(mounts, places={"a.conf": "file"})
    own = StackChange(stack=StackName("s"), folder=FOLDER, old=at, new=at, old_pin=pin, changed=frozenset())
    whole = StackChange(stack=StackName("t"), folder=FOLDER, old=at, new=at)
    changed = frozenset({f"{FOLDER}/a.conf"})
    first, second = decide_node(NodeChange(node=LINUX, stacks=(own, whole), changed=changed))
    assert (actions(first)["web"], actions(second)["web"]) == (Action.NONE, Action.RESTART)
    assert (only(first).old, only(second).old) == (pin, None)
    remark = "compared with 1234567, which it was deployed at without the node's other stacks"
    assert (only(first).remarks, only(second).remarks) == ((remark,), ())


def test_a_volume_of_another_name_recreates_and_one_that_is_configured_anew_stays() -> None:
    services: Services = {"web": DEVICE, "idle": {}}
    old = side(services, volumes={"v": {"name": "s_v"}})
    assert actions(decide(old, side(services, volumes={"v": {"name": "other"}})))["web"] is Action.RECREATE
    labelled = side(services, volumes={"v": {"name": "s_v", "labels": {"a": "1"}}})
    assert actions(decide(old, labelled)) == {"web": Action.NONE, "idle": Action.NONE}


def test_builds() -> None:
    def services(**build: Any) -> Services:
        return {
            "web": {"image": "made", "build": {"context": HERE} | build},
            "user": {"image": "made"},
            "on": {"image": "on", "build": {"context": HERE, "additional_contexts": {"base": "service:web"}}},
            "idle": {},
        }

    expected = {"web": Action.REBUILD, "user": Action.RECREATE, "on": Action.REBUILD, "idle": Action.NONE}
    assert actions(decide(side(services()), side(services(target="x")))) == expected
    inputs = {ServiceName("web"): (f"{FOLDER}/main.c",)}
    decided = decide(side(services()), side(services()), changed=("main.c",), build_inputs=inputs)
    assert actions(decided) == expected
    assert codes(decided) == [ReasonCode.BUILD_CONTENT]
    assert decided.files == {f"{FOLDER}/main.c"}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"dockerfile": "D"}, {"dockerfile": "./D"}, Action.NONE),
        ({"dockerfile": "a/../D"}, {"dockerfile": "D"}, Action.NONE),
        ({"dockerfile": "D"}, {"dockerfile": "d"}, Action.REBUILD),
        ({}, {"cache_from": ["x"], "x-mine": 1}, Action.NONE),
        ({"args": {"A": "1"}}, {"args": {"A": "2"}}, Action.REBUILD),
        ({"args": {"UNREAD": "1"}}, {"args": {"UNREAD": "2"}}, Action.NONE),
        ({}, {"args": {"UNREAD": "2"}}, Action.NONE),
        ({"args": {"UNREAD": "1"}}, {"args": {"UNREAD": "2", "A": "1"}}, Action.REBUILD),
        ({"target": "a"}, {"target": "b"}, Action.NONE),
        ({"no_cache": True}, {}, Action.NONE),
        ({}, {"no_cache": True}, Action.REBUILD),
        ({"pull": True}, {}, Action.NONE),
    ],
)
def test_settings_of_a_build(before: dict[str, Any], after: dict[str, Any], expected: Action) -> None:
    sides = [side({"web": {"build": {"context": HERE} | build}}) for build in (before, after)]
    unread = {ServiceName("web"): frozenset(("args.UNREAD", "target"))}
    assert actions(decide(*sides, unread_builds=unread))["web"] is expected


def test_stacks_and_services_come_and_go() -> None:
    two = side({"web": {}, "gone": {}, "reset": {}, "parked": {}})
    lines = {"services.reset": 8, "services.parked": 9, "services.parked.profiles": 10}
    decided = decide(two, side({"web": {}, "new": {}}, sources=lines))
    assert actions(decided) == {
        "web": Action.NONE,
        "new": Action.CREATE,
        "gone": Action.REMOVE,
        "reset": Action.REMOVE,
        "parked": Action.REMOVE,
    }
    assert {name: codes(decided, name)[0] for name in ("new", "gone", "reset", "parked")} == {
        "new": "new_service",
        "gone": "gone_service",
        "reset": "gone_service",  # by a `!reset null` in a later file, where its name stands
        "parked": "profile",
    }
    assert actions(decide(None, two)) == dict.fromkeys(("web", "gone", "reset", "parked"), Action.CREATE)
    assert actions(decide(two, None)) == dict.fromkeys(("web", "gone", "reset", "parked"), Action.REMOVE)


def test_a_project_of_another_name_is_another_stack() -> None:
    decided = decide(side({"web": {}}), side({"web": {}}, name="t"))
    assert [(stack.project, stack.services[0].action) for stack in decided.stacks] == [
        ("s", Action.REMOVE),
        ("t", Action.CREATE),
    ]


def test_what_cannot_be_read() -> None:
    broken = Side(rendering=Unreadable(message="no", variables=(Variable(name="A", required=True),)))
    stack = only(decide(side({"web": {}}), broken))
    assert (stack.error, stack.services, stack.missing_variables) == ("no", (), ("A",))
    mended = decide(broken, side({"web": {}}))
    assert (actions(mended), codes(mended)) == ({"web": Action.RECREATE}, ["unknown_before"])
    assert only(decide(broken, None)).error == "no"


def test_variables() -> None:
    node = Node(name=NodeName("N"), variables={"GIVEN": "1"})
    old = side({}, variables=(Variable(name="OLD"),))
    names = (Variable(name="DEFAULT", default=""), Variable(name="GIVEN"), Variable(name="NEW"), Variable(name="OLD"))
    stack = only(decide(old, side({}, variables=names), node=node))
    assert stack.variables == ("DEFAULT", "GIVEN", "NEW", "OLD")
    assert stack.new_variables == ("DEFAULT", "GIVEN", "NEW")
    assert stack.missing_variables == ("NEW", "OLD")


def test_reasons_say_what_and_where() -> None:
    ports = [{"mode": "ingress", "target": 80, "published": "80", "protocol": "tcp"}]
    old = side(
        {"web": {"environment": {"LEVEL": "info", "KEY": "‹secret 0a1b2c3d›"}, "ports": ports} | BIND},
        places={"conf": "folder"},
        sources={"services.web.environment.LEVEL": 3},
    )
    new = side(
        {
            "web": {
                "environment": {"LEVEL": "debug", "KEY": "‹secret 99999999›"},
                "ports": [ports[0] | {"published": "81", "host_ip": "127.0.0.1"}],
            }
            | BIND
        },
        places={"conf": "folder"},
        sources={
            "services.web.environment.LEVEL": 4,
            "services.web.env_file": 6,
            "services.web.ports.0": 8,
            "services.web.volumes": 9,
        },
    )
    (plan,) = only(decide(old, new, changed=("conf/a", "conf/b", "conf/c", "conf/d"))).services
    found = {reason.code: (reason.text, reason.where.line if reason.where else None) for reason in plan.reasons}
    assert found == {
        "environment": ("environment LEVEL info -> debug", 4),
        "env_file": ("environment KEY changed", 6),
        "ports": ("ports 80:80/tcp -> 127.0.0.1:81:80/tcp", 8),
        "bind_content": (
            f"{FOLDER}/conf/a, {FOLDER}/conf/b, {FOLDER}/conf/c and 1 more changed, mounted at /conf",
            1,  # of the first file
        ),
    }
    assert '-      "published": "80",' in plan.diff


@pytest.mark.parametrize(
    ("source", "node"),
    [
        ("C:\\aios\\server\\stacks\\s\\conf", WINDOWS),
        ("c:/AIOS/server/stacks/s/conf", WINDOWS),
        ("C:\\aios/server/stacks/s/./conf", WINDOWS),
        ("/mnt/c/aios/server/stacks/s/conf", WINDOWS),
        ("//c/aios/server/stacks/s/conf", WINDOWS),
        ("/run/desktop/mnt/host/c/aios/server/stacks/s/conf", WINDOWS),
        ("/srv/aios/server/stacks/s/conf", Node(name=NodeName("L"), root="/srv/aios/")),
        ("~/aios/server/stacks/../stacks/s/conf", Node(name=NodeName("L"), root="~/aios")),
    ],
)
def test_a_mount_that_names_the_node_s_own_checkout_is_followed(source: str, node: Node) -> None:
    spec = {"volumes": [{"type": "bind", "source": source, "target": "/conf"}]}
    both = [side({"web": spec}, places={"conf": "folder"}) for _ in range(2)]
    assert actions(decide(*both, changed=("conf/a",), node=node)) == {"web": Action.RESTART}
    assert actions(decide(*both, changed=("conf2/a",), node=node)) == {"web": Action.NONE}


@pytest.mark.parametrize("source", ["/etc/conf", "C:\\aios2\\x", "/", "/srv", "D:\\aios\\server", "C:\\"])
def test_what_lies_outside_the_checkout_is_not_looked_at(source: str) -> None:
    spec = {"volumes": [{"type": "bind", "source": source, "target": "/conf"}]}
    both = [side({"web": spec}) for _ in range(2)]
    assert actions(decide(*both, changed=("conf/a",), node=WINDOWS)) == {"web": Action.NONE}


def test_a_windows_node_reads_its_own_paths() -> None:
    old, new = side({"web": BIND}), side({"web": {"volumes": [BIND["volumes"][0] | {"source": f"{HERE}/other"}]}})
    (plan,) = only(decide(old, new, node=WINDOWS)).services
    assert plan.reasons[0].text == (
        "volumes C:\\aios\\server\\stacks\\s\\conf:/conf -> C:\\aios\\server\\stacks\\s\\other:/conf"
    )
    assert CHECKOUT not in plan.diff


def test_what_the_new_version_no_longer_has_stands_in_the_old_one() -> None:
    sources = {"services.web.environment.A": 3, "services.web.ports.0": 5}
    spec = {"environment": {"A": "1"}, "ports": [{"target": 80, "protocol": "tcp"}]}
    old, new = side({"web": spec, "old": {}}, sources=sources), side({"web": {}})
    found = {str(plan.service): [one.where for one in plan.reasons] for plan in only(decide(old, new)).services}
    assert found["web"] == [SourceLine(f"{FOLDER}/compose.yaml", at, gone=True) for at in (3, 5)]
    assert found["old"] == [SourceLine(f"{FOLDER}/compose.yaml", 1, gone=True)]
    kept = side({"web": {"environment": {"A": "2"}}}, sources=sources)
    (plan,) = only(decide(side({"web": {"environment": {"A": "1"}}}, sources=sources), kept)).services
    assert [reason.where for reason in plan.reasons] == [SourceLine(f"{FOLDER}/compose.yaml", 3)]


def test_a_stack_s_first_deploy_is_told_as_such() -> None:
    (first,) = only(decide(None, side({"web": {}}))).services
    assert (first.action, first.reasons[0].text) == (Action.CREATE, "first deploy of the stack")
    found = {
        str(plan.service): plan.reasons
        for plan in only(decide(side({"web": {}}), side({"web": {}, "b": {}}))).services
    }
    assert [reason.text for reason in found["b"]] == ["new service"]
    (none,) = only(decide(None, side({"web": {"scale": 0}}))).services
    assert (none.action, none.reasons[0].text) == (Action.NONE, "first deploy of the stack, with no replicas")


def test_a_reason_that_only_a_newer_version_knows_is_read_as_it_is() -> None:
    """A plan that it stored is shown by the version before, which knows no such code."""
    newer = b'{"code":"invented","text":"invents app:2"}'
    assert msgspec.json.decode(newer, type=Reason) == Reason(code="invented", text="invents app:2")
