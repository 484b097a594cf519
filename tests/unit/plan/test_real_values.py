"""What happens is decided on the real model; what is said about it, on the one that people may see."""

from __future__ import annotations

from typing import Any

import pytest

from bot.domain.names import NodeName, ServiceName, StackName
from bot.fleetfile import Node
from bot.plan.causes import ReasonCode
from bot.plan.changes import PlanScope, decide_stack
from bot.plan.model import NodePlan, ServicePlan, StackPlan
from bot.plan.rendering import NodeChange, Place, Rendered, Side, StackChange
from bot.protocol.action import Action
from bot.risks.assess import add_risks

pytestmark = pytest.mark.portable
NODE = Node(name=NodeName("HP"))
MARK = "‹secret 0123abcd›"


def side(spec: dict[str, Any], shown: dict[str, Any] | None = None, **more: Any) -> Side:
    model = {"name": "web", "services": {"app": spec}, **more.pop("model", {})}
    seen = {"name": "web", "services": {"app": shown if shown is not None else spec}}
    remarks = more.pop("remarks", ())
    return Side(rendering=Rendered(model=model, shown=seen, remarks=remarks), **more)


def decide(old: Side | None, new: Side, changed: frozenset[str] = frozenset()) -> tuple[StackPlan, ServicePlan]:
    change = StackChange(stack=StackName("web"), folder="server/stacks/web", old=old, new=new)
    (stack,) = decide_stack(change, PlanScope(NODE, changed)).stacks
    (service,) = (one for one in stack.services if one.service == ServiceName("app"))
    return stack, service


def test_a_secret_that_changes_recreates_and_is_not_shown() -> None:
    hidden = {"environment": {"A": MARK}}
    _, service = decide(side({"environment": {"A": "one"}}, hidden), side({"environment": {"A": "two"}}, hidden))
    assert service.action is Action.RECREATE
    assert [reason.text for reason in service.reasons] == ["environment A changed"]
    assert service.diff == ""


def test_a_list_is_compared_as_it_is_and_told_as_it_is_shown() -> None:
    real = [{"target": "/a", "source": "x", "n": number} for number in range(2)]
    shown = [{"target": "/a", "source": MARK}]
    old = side({"volumes": real[:1]}, {"volumes": shown})
    _, service = decide(old, side({"volumes": real[1:]}, {"volumes": shown}))
    assert (service.action, service.reasons[0].text) == (Action.RECREATE, "volumes changed")
    _, service = decide(old, side({}, {}))
    assert service.reasons[0].text == f"volumes: - {MARK}:/a"
    _, service = decide(side({}, {}), old)
    assert service.reasons[0].text == f"volumes: + {MARK}:/a"


def test_entries_with_one_target_are_told_as_one_change_each_once() -> None:
    def ports(*numbers: str) -> dict[str, Any]:
        return {"ports": [{"target": 80, "published": number, "protocol": "tcp"} for number in numbers]}

    _, service = decide(side(ports("1", "2", "3")), side(ports("4", "2", "5")))
    assert [reason.text for reason in service.reasons] == [
        "ports 1:80/tcp -> 4:80/tcp",
        "ports 3:80/tcp -> 5:80/tcp",
    ]
    _, service = decide(side(ports("1", "2")), side(ports("2", "1")))
    assert [reason.text for reason in service.reasons] == ["ports: order changed"]


def test_a_mounted_file_that_leaves_is_named() -> None:
    spec = {"volumes": [{"type": "bind", "source": "/fleet/server/stacks/web/conf", "target": "/conf"}]}
    path = "server/stacks/web/conf"
    old = side(spec, places={path: Place(path=path, kind="file")})
    _, service = decide(old, side(spec, places={path: Place(path=path)}), frozenset((path,)))
    assert service.action is Action.RECREATE
    assert service.reasons[0].code == ReasonCode.BIND_CONTENT
    assert service.reasons[0].text == (
        f"{path} is gone from the repository and still mounted: the engine makes an empty folder of it"
    )


@pytest.mark.parametrize(("name", "told"), [("a.conf", True), ("data", False), (".env", False), ("x.d", True)])
def test_a_file_that_is_nowhere_is_told_where_something_happens(name: str, told: bool) -> None:
    path = f"server/stacks/web/{name}"
    spec = {"volumes": [{"type": "bind", "source": f"/fleet/{path}", "target": "/conf"}]}
    place = {path: Place(path=path)}
    old = side(spec | {"image": "a:1"}, places=place)
    stack, _ = decide(old, side(spec | {"image": "a:2"}, places=place))
    text = f"{path} is mounted and not in the repository: without it the engine makes a folder"
    assert stack.remarks == ((text,) if told else ())
    assert decide(old, old)[0].remarks == ()


@pytest.mark.parametrize("name", ["profile", "profile.json"])
def test_a_profile_that_is_nowhere_is_told_as_one(name: str) -> None:
    path = f"server/stacks/web/{name}"
    spec = {"security_opt": [f"seccomp:/fleet/{path}"]}
    place = {path: Place(path=path)}
    stack, _ = decide(side(spec | {"image": "a:1"}, places=place), side(spec | {"image": "a:2"}, places=place))
    assert stack.remarks == (
        f"{path} is a profile of seccomp and not in the repository: without it compose makes no container",
    )


def built(secret: dict[str, Any], content: str = "", name: str = "s") -> Side:
    spec = {"build": {"context": "/fleet", "secrets": [{"source": name}]}}
    model = {"name": "web", "services": {"app": spec}, "secrets": {name: secret}}
    return Side(rendering=Rendered(model=model, shown=model, contents={f"secrets.{name}": content}))


def test_a_secret_of_a_build_that_changed_is_told_and_builds_nothing() -> None:
    variable = {"environment": "TOKEN"}
    told = ("the secret s is another one: for that alone no other image of app is made",)
    stack, service = decide(built(variable, "1"), built(variable, "2"))
    assert (stack.remarks, service.action) == (told, Action.NONE)
    assert decide(built(variable), built({"file": "/fleet/s"}))[0].remarks == told
    assert decide(built(variable, "1"), built(variable, "1"))[0].remarks == ()
    assert decide(built(variable, "1", "r"), built(variable, "2"))[0].remarks == (), "a build with another secret"
    assert decide(side({}), built(variable))[0].remarks == ()
    assert decide(None, built(variable))[0].remarks == ()


@pytest.mark.parametrize(
    ("section", "defined", "read_only", "is_told"),
    [
        ("secrets", {"environment": "TOKEN"}, True, True),
        ("configs", {"content": "a"}, True, True),
        ("secrets", {"file": "/fleet/s"}, True, False),
        ("configs", {"content": "a"}, False, False),
    ],
)
def test_what_compose_cannot_write_into_a_read_only_service_is_told(
    section: str, defined: dict[str, Any], read_only: bool, is_told: bool
) -> None:
    spec = {"read_only": read_only, section: [{"source": "s"}]}
    old, new = (side(spec | {"image": image}, model={section: {"s": defined}}) for image in ("a:1", "a:2"))
    what = f"the {section.removesuffix('s')} s"
    text = f"app cannot start: compose puts {what} into a read-only service only from a file"
    assert decide(old, new)[0].remarks == ((text,) if is_told else ())
    assert decide(new, new)[0].remarks == (), "nothing is made"


def test_pointers_are_named_the_first_five() -> None:
    paths = tuple(f"p{number}" for number in range(7))
    one = decide(None, side({}, pointers=paths[:1]))[0].remarks
    assert one == ("p0 is kept in Git LFS: the node has to fetch the content itself",)
    many = decide(None, side({}, pointers=paths))[0].remarks
    assert many == ("p0, p1, p2, p3, p4 and 2 more are kept in Git LFS: the node has to fetch the content itself",)


def test_an_external_volume_is_told_unless_the_stack_had_it() -> None:
    model = {"volumes": {"d": {"name": "keep", "external": True}}}
    text = "the volume keep has to be on the node already: it is external, and compose makes none"
    assert decide(side({}), side({}, model=model))[0].remarks == (text,)
    assert decide(side({}, model={"volumes": {"d": {"name": "keep"}}}), side({}, model=model))[0].remarks == ()
    assert decide(side({}), side({}, model={"volumes": {"d": {"name": "keep"}}}))[0].remarks == ()


def test_an_external_network_that_the_stack_is_to_make_itself() -> None:
    theirs, own = {"n": {"name": "lan", "external": True}}, {"m": {"name": "lan"}}

    def remarks(before: dict[str, Any] | None, after: dict[str, Any]) -> tuple[str, ...]:
        old = side({}, model={"networks": before}) if before is not None else None
        return decide(old, side({}, model={"networks": after}))[0].remarks

    assert remarks(theirs, own) == (
        (
            "the network lan was external, and is to be made by the stack: the node refuses to change the stack "
            "while a network is there that compose did not make under the same key. "
            "Keep `external: true`, or remove the network first"
        ),
    )
    for before, after in ((theirs, theirs), (own, own), (own, theirs), (None, own), (theirs, {"x": None})):
        assert remarks(before, after) == ()


def test_what_the_rendering_does_not_know_is_told_first() -> None:
    stack, _ = decide(None, side({}, remarks=("first",), pointers=("p",)))
    assert stack.remarks[0] == "first"
    assert len(stack.remarks) == 2


def test_a_rendering_shows_no_value_of_its_own() -> None:
    rendering = Rendered(model={"name": "web", "services": {"a": {"environment": {"A": "hunter2"}}}})
    assert repr(rendering) == "Rendered('web', 1 services)"
    assert rendering.for_people == rendering.model


def test_risks_are_judged_on_the_real_model_but_for_environments() -> None:
    spec = {"image": "a", "security_opt": ["x"], "environment": {"A": "hunter2"}}
    shown = {"services": {"a": {"image": "a", "security_opt": [MARK], "environment": {"A": MARK}}, "b": {}}}
    rendering = Rendered(model={"name": "web", "services": {"a": spec}}, shown=shown)
    assert rendering.for_risks["services"] == {"a": spec | {"environment": {"A": MARK}}}
    assert spec["environment"] == {"A": "hunter2"}, "the model itself stays"


def test_a_variable_that_keeps_its_value_is_no_changed_secret() -> None:
    """It moves from an env file, whose values are hidden, to `environment:`, or back."""
    hidden = side({"environment": {"A": "4", "B": "1", "C": "3"}}, {"environment": dict.fromkeys("ABC", MARK)})
    plain = side({"environment": {"A": "4", "B": "2"}})
    for old, new in ((hidden, plain), (plain, hidden)):
        change = StackChange(stack=StackName("web"), folder="server/stacks/web", old=old, new=new)
        plan = NodePlan(
            node=NODE.name, platform="linux", stacks=decide_stack(change, PlanScope(NODE, frozenset())).stacks
        )
        (stack,) = add_risks(plan, NodeChange(NODE, (change,), frozenset()), {}).stacks
        assert [risk.text for risk in stack.services[0].risks] == ["secret B changed"]


def test_an_empty_value_is_seen() -> None:
    _, service = decide(side({"environment": {"A": "x"}}), side({"environment": {"A": "", "B": ""}}))
    assert [reason.text for reason in service.reasons] == ['environment A x -> ""', 'environment B: + ""']


@pytest.mark.parametrize(
    ("was", "now", "is_told"),
    [
        (("compose.yaml",), ("deploy/compose.yaml", "compose.yaml"), True),
        (None, ("deploy/compose.yaml",), True),
        ((), ("deploy/compose.yaml",), True),
        (("other/compose.yaml",), ("deploy/compose.yaml",), True),
        (("deploy/compose.yaml",), ("deploy/compose.yaml", "more.yaml"), False),
        (("compose.yaml",), ("compose.yaml", "deploy/compose.yaml"), False),
        (("deploy/compose.yaml",), ("compose.yaml",), False),
    ],
)
def test_a_first_file_in_another_folder_is_told_when_it_comes(
    was: tuple[str, ...] | None, now: tuple[str, ...], is_told: bool
) -> None:
    model = {"name": "s", "services": {"web": {"image": "app:1"}}}
    text = (
        "the first compose file is in deploy: by hand, compose takes that folder for the project's name and paths; "
        "the node takes the stack's"
    )
    old = None if was is None else side(model, files=was)
    assert decide(old, side(model, files=now))[0].remarks == ((text,) if is_told else ())
