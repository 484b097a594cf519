"""Paths between the rendering, the checkout and a node's own system."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from bot.domain.names import NodeName
from bot.fleetfile import Node, Platform
from bot.plan.node_paths import as_node_sees, find_inside, find_outside
from bot.plan.rendering import CHECKOUT, OUTSIDE

LINUX = Node(name=NodeName("A"), platform=Platform.LINUX, root="/srv/aios/")
WINDOWS = Node(name=NodeName("B"), platform=Platform.WINDOWS, root="C:/fleet/aios\\")
ROOTLESS = Node(name=NodeName("C"), platform=Platform.LINUX)


@pytest.mark.parametrize(
    ("node", "value", "seen"),
    [
        (LINUX, CHECKOUT, "/srv/aios"),
        (LINUX, f"{CHECKOUT}/server/a b", "/srv/aios/server/a b"),
        (LINUX, f"{CHECKOUT}x/a", f"{CHECKOUT}x/a"),
        (LINUX, f"/x{CHECKOUT}/a", f"/x{CHECKOUT}/a"),
        (WINDOWS, CHECKOUT, "C:\\fleet\\aios"),
        (WINDOWS, f"{CHECKOUT}/server/x", "C:\\fleet\\aios\\server\\x"),
        (ROOTLESS, f"{CHECKOUT}/server", f"{CHECKOUT}/server"),
        (
            LINUX,
            {"volumes": [{"source": f"{CHECKOUT}/x", "n": 1}], CHECKOUT: None},
            {"volumes": [{"source": "/srv/aios/x", "n": 1}], CHECKOUT: None},
        ),
    ],
)
def test_a_model_names_paths_as_the_node_has_them(node: Node, value: object, seen: object) -> None:
    assert as_node_sees(value, node) == seen


@pytest.mark.parametrize(
    ("node", "source", "inside"),
    [
        (LINUX, "/srv/aios", ""),
        (LINUX, "/srv/aios/server/../x", "x"),
        (LINUX, "/srv/AIOS/x", None),
        (LINUX, "/srv/aiosx", None),
        (LINUX, f"{CHECKOUT}/x/", "x"),
        (LINUX, "C:/fleet/aios/x", None),
        (WINDOWS, "C:\\Fleet\\AIOS", ""),
        (WINDOWS, "c:/fleet/aios/Server/x", "Server/x"),
        (WINDOWS, "/c/fleet/aios/x", "x"),
        (WINDOWS, "/mnt/c/fleet/aios/x", "x"),
        (WINDOWS, "/run/desktop/mnt/host/c/fleet/aios/x", "x"),
        (WINDOWS, "//c/fleet/aios/x", "x"),
        (WINDOWS, "D:/fleet/aios/x", None),
        (WINDOWS, f"{CHECKOUT}/x", "x"),
        (ROOTLESS, "/srv/aios", None),
        (replace(LINUX, root="/home/ada/aios"), "~/aios/x", "x"),
        (replace(LINUX, root="/root/aios"), "~/aios", ""),
        (replace(LINUX, root="/home/ada/aios"), "~/other/x", None),
        (replace(LINUX, root="~/aios"), "~/aios/x", "x"),
        (LINUX, "~/aios/x", None),
    ],
)
def test_a_path_is_inside_however_it_is_spelled(node: Node, source: str, inside: str | None) -> None:
    assert find_inside(source, node) == inside


@pytest.mark.parametrize(
    ("node", "path", "places"),
    [
        (LINUX, "/etc/x", ("/etc/x",)),
        (LINUX, "~/x", ("~/x",)),
        (LINUX, "~", ("~/.",)),
        (LINUX, "~/../bob/x", ("/bob/x", "/home/bob/x")),
        (LINUX, "..", ("..",)),
        (LINUX, "../x", ("/srv/x",)),
        (LINUX, "../../../../etc/x", ("/etc/x",)),
        (LINUX, "..x", ("..x",)),
        (LINUX, "~/X/x", ("~/X/x",)),
        (WINDOWS, "..\\..\\Users\\x", ("C:/Users/x",)),
        (WINDOWS, "D:\\x", ("D:\\x",)),
        (ROOTLESS, "../../.ssh/x", ("~/.ssh/x", "/.ssh/x")),
        (ROOTLESS, "../..", ("~/", "/")),
        (replace(LINUX, root="~/fleet"), "../.ssh/x", ("~/.ssh/x",)),
        (replace(LINUX, root="~/fleet"), "../../../etc/x", ("/etc/x", "/home/etc/x")),
    ],
)
def test_a_path_out_of_the_checkout_is_found_on_the_node(node: Node, path: str, places: tuple[str, ...]) -> None:
    assert OUTSIDE == ".."
    assert find_outside(path, node) == places
